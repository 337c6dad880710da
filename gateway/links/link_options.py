"""The options behind a link's address, `KEY=VALUE`, read once and told apart from those that do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.can.frame import EXTENDED, ID_MASK
from gateway.errors import nearest
from gateway.links.addresses import Address, address
from gateway.links.errors import LinkError
from gateway.links.link import LinkAddress
from gateway.sim import DurationError, duration_ns

_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
_IDENTIFIER: Final = re.compile(r"(0x[0-9a-fA-F]{1,8}|[0-9]{1,9})(x?)")


class LinkOptions:
    """The options of one address. LinkError for one that the link does not have, and for a value that cannot be."""

    def __init__(self, link: LinkAddress, known: Iterable[str]) -> None:
        names = list(known)
        for name in link.options:
            if name not in names:
                near = nearest(name, names) or f" (there are {', '.join(names)})"
                raise LinkError(f"link {link}: there is no option {name!r}{near}")
        if link.bitrate is not None or link.data_bitrate is not None:
            raise LinkError(f"link {link}: Ethernet has no CAN bit rate: leave @... out")
        self._link: Final = link

    def text(self, name: str, default: str) -> str:
        return self._link.options.get(name, default)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A number in a range, decimal or 0x..."""
        text = self._link.options.get(name)
        if text is None:
            return default
        try:
            value = int(text, 0)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise self._wrong(name, f"it is a number from {low} to {high}")
        return value

    def duration(self, name: str, default_ns: int) -> int:
        """Nanoseconds."""
        text = self._link.options.get(name)
        try:
            return default_ns if text is None else duration_ns(text)
        except DurationError as error:
            raise self._wrong(name, error.sentence) from None

    def choice(self, name: str, default: str, choices: Iterable[str]) -> str:
        text = self._link.options.get(name, default)
        allowed = list(choices)
        if text not in allowed:
            raise self._wrong(name, f"it is {' or '.join(allowed)}")
        return text

    def address(self, name: str) -> Address | None:
        text = self._link.options.get(name)
        try:
            return None if text is None else address(text)
        except LinkError as error:
            raise self._wrong(name, error.sentence) from None

    def octets(self, name: str, default: bytes) -> bytes:
        """A MAC address, or an identifier of as many bytes as the default, in hexadecimal digits."""
        text = self._link.options.get(name)
        if text is None:
            return default
        digits = text.replace(":", "") if len(default) != 6 or _MAC.fullmatch(text) else ""
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            value = b""
        if len(value) != len(default):
            raise self._wrong(name, f"it is {len(default)} bytes like {default.hex(':')}")
        return value

    def identifiers(self, name: str) -> frozenset[int]:
        """CAN identifiers with spaces between, like `0x100 0x18DAF110x`, as headers of frames."""
        found = set()
        for text in self._link.options.get(name, "").split():
            match = _IDENTIFIER.fullmatch(text)
            limit = ID_MASK if match is not None and match[2] else 0x7FF
            if match is None or int(match[1], 0) > limit:
                raise self._wrong(name, "it is CAN identifiers with spaces between, like 0x100 0x18DAF110x")
            found.add(int(match[1], 0) | (EXTENDED if match[2] else 0))
        return frozenset(found)

    def _wrong(self, name: str, why: str) -> LinkError:
        return LinkError(f"link {self._link}: {name}={self._link.options[name]}: {why}")
