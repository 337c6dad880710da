"""Addresses as they are written on a command line."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from gateway.links.errors import LinkError

LOOPBACK = "127.0.0.1"
_LAST_PORT: Final = 65535
_DIGITS: Final = 100
"""Python makes no number of very many digits."""


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str, host: str = LOOPBACK) -> Address:
    """`PORT`, `HOST:PORT` or `[HOST]:PORT`; without a host, `host`. Raises `LinkError`."""
    name, colon, port = text.rpartition(":")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    elif ":" in name:
        raise LinkError(f"{text!r}: write an IPv6 address in brackets, like [::1]:29536")
    if (colon and not name) or not port.isdecimal() or not port.isascii():
        raise LinkError(f"{text!r} is not an address: write PORT or HOST:PORT, like 29536 or 127.0.0.1:29536")
    if len(port) > _DIGITS or int(port) > _LAST_PORT:
        of = "" if text == port else f" (in {text!r})"
        raise LinkError(f"{port} is no port{of}: a port is 1 to {_LAST_PORT}")
    return Address(name or host, int(port))


def reason(error: OSError) -> str:
    """Why an address cannot be had, in the system's words; asyncio puts its own around them."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
