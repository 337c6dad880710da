"""Sockets that systemd opened for us (sd_listen_fds(3)): LISTEN_PID says who is meant, LISTEN_FDS how many there are."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from gateway.orchestrator.errors import OrchestratorError

FIRST: Final = 3
"""The first descriptor."""


def inherited_sockets(environment: MutableMapping[str, str] | None = None) -> list[socket.socket]:
    """The listening sockets of socket activation; none without it. The variables are taken away, as our children are
    not meant. OrchestratorError for a descriptor that is no listening stream socket."""
    environment = os.environ if environment is None else environment
    meant = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if meant != str(os.getpid()) or not count.isdigit():
        return []
    return [_listening(number) for number in range(FIRST, FIRST + int(count))]


def _listening(number: int) -> socket.socket:
    try:
        found = socket.socket(fileno=number)
        if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) or found.type is not socket.SOCK_STREAM:
            raise OrchestratorError(f"the inherited descriptor {number} is no listening stream socket (ListenStream=)")
    except OSError as error:
        raise OrchestratorError(f"the inherited descriptor {number} is no socket: {error.strerror}") from None
    os.set_inheritable(number, False)
    found.setblocking(False)
    return found
