"""Ports for servers of tests that cannot be told to take any."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from typing import Final

_FIRST: Final = 21_000
_COUNT: Final = 8_000


def _numbers() -> Iterator[int]:
    start = os.getpid() * 97
    return (_FIRST + (start + step) % _COUNT for step in itertools.count())


_next = _numbers()


def free_port() -> int:
    """A TCP and UDP port of 127.0.0.1 that nobody has, each only once in a process.

    Below those that Linux gives to clients (32768 and up): otherwise a client of another test may get it while its
    server is away, or one that waits for the server is connected to itself.
    """
    return next(port for port in itertools.islice(_next, _COUNT) if _is_free(port))


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
