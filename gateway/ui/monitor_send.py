"""A frame as people type it to be sent: `body 290#01`, as cansend has it, with the bus before it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from gateway.can import BRS, EXTENDED, FD, LENGTHS, REMOTE, Frame
from gateway.errors import nearest
from gateway.ui.errors import UiError

_FORM: Final = re.compile(r"(\S+)\s+([0-9A-Fa-f]{1,8})(##[0-9A-Fa-f]|#)([0-9A-Fa-f. ]*|[Rr]\d?)")
_HELP: Final = "write BUS ID#DATA, like body 290#01, ID##1DATA for CAN FD, ID#R for a remote frame"


class Sending(NamedTuple):
    """Where to, and what."""

    bus: str
    frame: Frame


def sending(text: str, buses: Collection[str]) -> Sending:
    """UiError with what is wrong."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise UiError(f"{text.strip()!r} is no frame: {_HELP}")
    bus, digits, marks, rest = match.groups()
    if bus not in buses:
        raise UiError(f"there is no bus {bus!r}{nearest(bus, list(buses))}; there are {', '.join(buses)}")
    identifier = int(digits, 16)
    header = identifier | (EXTENDED if len(digits) > 3 else 0)
    if identifier >= 1 << (29 if len(digits) > 3 else 11):
        raise UiError(f"{digits} is no identifier: three digits up to 7FF, or eight up to 1FFFFFFF")
    if rest[:1] in {"R", "r"}:
        return Sending(bus, Frame(header | REMOTE, b""))
    payload = rest.replace(".", "").replace(" ", "")
    if len(payload) % 2:
        raise UiError(f"{payload} has half a byte at its end")
    data = bytes.fromhex(payload)
    fd = len(marks) > 1
    if fd:
        header |= FD | (BRS if int(marks[2], 16) & 1 else 0)
    if len(data) not in (LENGTHS if fd else range(9)):
        raise UiError(
            f"a frame of {len(data)} bytes: {'CAN FD has 12, 16, 20, 24, 32, 48 or 64 above 8' if fd else '8 at most'}"
        )
    return Sending(bus, Frame(header, data))


def as_typed(bus: str, frame_key: int, data: bytes, fd: bool) -> str:
    """The same the other way round, to begin with: the selected message with its latest payload."""
    digits = f"{frame_key & ~EXTENDED:08X}" if frame_key & EXTENDED else f"{frame_key:03X}"
    return f"{bus} {digits}#{'#1' if fd else ''}{data.hex().upper()}"
