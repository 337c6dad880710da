"""A live capture into a named pipe, for whoever reads pcapng from one: `wireshark -k -i PIPE`, `tshark -i PIPE`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Final

from gateway.links.stream_client import Clients
from gateway.links.streaming import Streaming
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.trace import TraceError
from gateway.vehicle.recording.live_capture import LiveCapture
from gateway.vehicle.vehicle import Vehicle

LOOK_S: Final = 0.1
"""How often it is looked whether somebody has opened the pipe: nothing tells that."""


def make_pipe(path: Path) -> None:
    """A named pipe at a path; one that is there already will do. TraceError when it cannot be."""
    try:
        if path.exists() and stat.S_ISFIFO(path.stat().st_mode):
            return
        os.mkfifo(path, 0o600)
    except OSError as error:
        raise TraceError(
            f"no named pipe can be made: {(error.strerror or str(error)).lower()}", file=str(path)
        ) from None


@contextlib.asynccontextmanager
async def capture_into(vehicle: Vehicle, path: Path, gone: Callable[[], object]) -> AsyncIterator[None]:
    """Write the capture as soon as somebody reads the pipe; call `gone` when they read no more."""
    loop = wall_time_loop("a live capture")
    task = asyncio.create_task(_capture(vehicle, path, epoch_ns_of(loop), gone), name="live capture")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _capture(vehicle: Vehicle, path: Path, epoch_ns: int, gone: Callable[[], object]) -> None:
    stream = await _opened(path)
    capture = LiveCapture(vehicle, epoch_ns)
    clients = Clients()
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, stream)
        ending = asyncio.Event()
        side = Streaming(clients, loop, capture, transport, ending.set)
        side.begin()
        try:
            await ending.wait()
            gone()
        finally:
            side.stop("the vehicle has stopped")
    finally:
        capture.close()


async def _opened(path: Path) -> BinaryIO:
    """The pipe, once it has a reader."""
    while True:
        try:
            return os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise TraceError(f"cannot be written: {(error.strerror or '').lower()}", file=str(path)) from None
        await asyncio.sleep(LOOK_S)
