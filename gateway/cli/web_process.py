"""The process of a vehicle's web page: its start, its end, and what runs in it.

The vehicle's process has the port before the page's begins, so that an address that cannot be had is told at once; the
page's process inherits it, with one end of a socket pair. Whichever of both ends, however it ends, the other sees the
pair closed: the page then ends too, and the vehicle says so and drives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.links.addresses import Address
    from gateway.ui.page_source import PageSource

_END_S: Final = 5.0
_BACKLOG: Final = 128


def need_websockets() -> None:
    """UiError without the extra."""
    from gateway.ui.errors import UiError

    if importlib.util.find_spec("websockets") is None:
        raise UiError("the web page (--web) needs websockets: pip install 'vehicle-gateway[web]'")


@contextlib.asynccontextmanager
async def page_process(source: PageSource, where: Address) -> AsyncIterator[Address]:
    """The page of a vehicle as long as the context lasts; yields its address. UiError when that cannot be had."""
    from gateway.links.addresses import Address
    from gateway.ui.page_link import linked_page

    with contextlib.ExitStack() as open_now:
        listening = [open_now.enter_context(each) for each in listening_at(where)]
        address = Address(where.host, listening[0].getsockname()[1])
        here, there = socket.socketpair()
        open_now.enter_context(here)
        with there:
            process = _started(there, listening, where.host)
        open_now.callback(_end, process)
        async with linked_page(source, here) as link:
            mourning = asyncio.create_task(_told_when_gone(link.gone, process), name="web page: its process")
            try:
                yield address
            finally:
                mourning.cancel()
                await asyncio.gather(mourning, return_exceptions=True)


def serve_attached(place: Path, where: Address) -> None:
    """The page of the vehicle that listens at `place`, until that has gone, or Ctrl-C. LinkError when nobody is there."""
    from gateway.cli.serving import tell
    from gateway.links.addresses import Address
    from gateway.links.client import Client
    from gateway.ui.page_wire import STREAM
    from gateway.ui.web_server import serve_page

    client = Client(place, "web")
    with client.stream(STREAM) as vehicle, contextlib.ExitStack() as open_now, contextlib.suppress(KeyboardInterrupt):
        listening = [open_now.enter_context(each) for each in listening_at(where)]
        address = Address(where.host, listening[0].getsockname()[1])
        tell(f"{client.welcome.vehicle} is at http://{address}/")
        asyncio.run(serve_page(vehicle, listening, where.host))
        tell(f"{client.welcome.vehicle} has stopped")


def listening_at(where: Address) -> list[socket.socket]:
    """Listening sockets at all addresses of a name, on one port."""
    from gateway.links.addresses import reason
    from gateway.ui.errors import UiError

    found: list[socket.socket] = []
    port = where.port
    try:
        addresses = socket.getaddrinfo(where.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, *_, address in dict.fromkeys(addresses):
            each = socket.create_server((address[0], port), family=family, backlog=_BACKLOG)
            found.append(each)
            port = each.getsockname()[1]
    except OSError as error:
        for each in found:
            each.close()
        raise UiError(f"the web page cannot be at {where}: {reason(error)}") from None
    return found


def _started(vehicle: socket.socket, listening: Sequence[socket.socket], host: str) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    descriptors = [vehicle.fileno(), *(each.fileno() for each in listening)]
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.cli.web_process", host, *map(str, descriptors)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=descriptors,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,  # Ctrl-C is the vehicle's, which then ends the page
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its end of the pair is closed, so it ends by itself; or it hangs."""
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _told_when_gone(gone: asyncio.Event, process: subprocess.Popen[bytes]) -> None:
    from gateway.cli.serving import tell

    await gone.wait()
    code = await asyncio.to_thread(process.wait)
    how = f"was killed by signal {-code}" if code < 0 else f"has ended with exit code {code}"
    tell(f"the process of the web page {how}; the vehicle drives on without the page")


# In the process


def main(words: Sequence[str]) -> int:
    """`HOST VEHICLE LISTENING...`: the name of the page, and descriptors of its sockets."""
    from gateway.ui.web_server import serve_page

    host, vehicle, *listening = words
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            serve_page(
                socket.socket(fileno=int(vehicle)), [socket.socket(fileno=int(each)) for each in listening], host
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
