"""Names and states of network interfaces, and vcan interfaces on the machine's own kernel."""

from __future__ import annotations

import contextlib
import fcntl
import re
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence

from gateway.vcan.errors import VcanError

CANFD_MTU = 72
"""sizeof(struct canfd_frame): an interface of this MTU takes classic and FD frames (linux/can.h)."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_SIOCGIFFLAGS = 0x8913
_IFF_UP = 1


def check_names(names: Sequence[str]) -> None:
    """VcanError for a name that Linux would refuse (15 characters at most, IFNAMSIZ) or that is there twice."""
    if not names:
        raise VcanError("no bus: ask for one at least")
    for name in names:
        if not _NAME.fullmatch(name) or name == "lo":
            raise VcanError(f"{name!r} cannot be an interface's name: a letter, then up to 14 of A-Z a-z 0-9 _ . -")
        if names.count(name) > 1:
            raise VcanError(f"two buses are called {name!r}")


def is_up(name: str) -> bool:
    """Whether there is an interface of this name and it is up."""
    request = struct.pack("16sH14x", name.encode(), 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        try:
            answer = fcntl.ioctl(query, _SIOCGIFFLAGS, request)
        except OSError:
            return False
    flags: int = struct.unpack_from("16sH", answer)[1]
    return bool(flags & _IFF_UP)


def creation(names: Sequence[str]) -> list[str]:
    """The `ip` commands, without the word ip, that make vcan interfaces which take CAN FD frames."""
    lines = []
    for name in names:
        lines += [f"link add dev {name} type vcan", f"link set dev {name} mtu {CANFD_MTU} up"]
    return lines


@contextlib.contextmanager
def present(names: Sequence[str], ip: str) -> Iterator[None]:
    """Has vcan interfaces of these names on this machine's kernel; those it created are deleted at the end."""
    created = [name for name in names if not is_up(name)]
    try:
        for line in creation(created):
            done = subprocess.run([ip, *line.split()], check=False, capture_output=True, text=True)
            if done.returncode != 0:
                raise VcanError(f"`ip {line}` failed: {done.stderr.strip()}")
        yield
    finally:
        for name in created:
            subprocess.run([ip, "link", "delete", "dev", name], check=False, capture_output=True)
