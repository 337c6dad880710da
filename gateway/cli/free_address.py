"""Addresses that a command line asks for: tried before the vehicle drives, so that one that is taken is told at once."""

from __future__ import annotations

import errno
import socket

from gateway.links.addresses import LOOPBACK, Address, address, reason
from gateway.links.errors import LinkError


def free_address(text: str, what: str, option: str) -> Address:
    """The address of an option's value, which can be had now. LinkError for one that is none, or that is taken.

    `what`: who wants it and how, like `VISS cannot listen at`.
    """
    where = address(text)
    try_address(where, what, f"{option} [HOST:]PORT names another")
    return where


def try_address(where: Address, what: str, way_out: str) -> None:
    """Listen there for a moment. LinkError, with the way out, when that cannot be."""
    refused = _refusal(where)
    if refused is None:
        return
    why = reason(refused).lower()
    if refused.errno == errno.EADDRINUSE and where.host in (LOOPBACK, "localhost", "::1"):
        from gateway.doctor.ports import holder

        by = holder(where.port)
        why += f" by {by}" if by else ""
    raise LinkError(f"{what} {where}: {why}; {way_out}")


def _refusal(where: Address) -> OSError | None:
    """Why none of a name's addresses can be had, or that one of them is taken; None when it is free."""
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return error
    last: OSError | None = None
    free = False
    for family, *_, place in dict.fromkeys(found):
        try:
            socket.create_server((place[0], place[1]), family=family).close()
            free = True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return error
            last = error
    return None if free else last
