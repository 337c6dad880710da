"""The capture of a vehicle that runs in another process, copied from its socket into a file or a pipe."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.links.client import Client

STREAM: Final = "capture"
"""As the socket for CAN tools calls it."""
_PIECE: Final = 1 << 16


def ask_capture(place: Path) -> socket.socket:
    """The capture's stream of the simulation that listens at a place. LinkError when there is none."""
    client = Client(place, "capture")
    try:
        return client.stream(STREAM)
    except BaseException:
        client.close()
        raise


def copy_capture(stream: socket.socket, write: Callable[[bytes], object]) -> None:
    """Hand on what comes until the vehicle stops, or until `write` has no reader any more."""
    with stream, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while piece := stream.recv(_PIECE):
            write(piece)
