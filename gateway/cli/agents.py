"""gateway agents: join a controller as many nodes with simulated units."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import duration_option
from gateway.errors import GatewayError
from gateway.sim import Clock, Kernel, run

if TYPE_CHECKING:
    from gateway.orchestrator.control import Agent
    from gateway.orchestrator.joining import Crowd


def agents_command(
    controller: Annotated[str, typer.Option(metavar="HOST:PORT|PATH", help="Where the controller listens.")] = (
        "127.0.0.1:842"
    ),
    count: Annotated[int, typer.Option(help="How many nodes.", min=1, max=5000)] = 1,
    prefix: Annotated[str, typer.Option(help="They are called so, with a number from 1.")] = "node-",
    units: Annotated[int, typer.Option(help="Units of each node.", min=0, max=10_000)] = 5,
    faulty: Annotated[int, typer.Option(help="So many of these end with an error every 10 s.", min=0)] = 0,
    files: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Unit files for each node instead.")] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="TIME", help="Leave after this time.")] = None,
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 0,
) -> None:
    """Join a controller as many nodes with simulated units, until Ctrl-C."""
    from gateway.orchestrator.joining import Crowd

    host, _, port = controller.rpartition(":")
    address = f"tcp:host={host or '127.0.0.1'},port={port}" if port.isdigit() else f"unix:path={controller}"
    texts = {}
    if files is not None:
        if not files.is_dir():
            raise GatewayError("is not a folder with unit files", file=str(files))
        texts = {path.name: path.read_text() for path in sorted(files.glob("*.[st]*")) if path.is_file()}
    crowd = Crowd(address, count, prefix, units, faulty, texts)
    for_ns = duration_option(duration)
    kernel = Kernel()
    try:
        run(_join(kernel, crowd, seed, for_ns), kernel, Clock.WALL)
    except KeyboardInterrupt:
        sys.stderr.write("all nodes have left\n")


async def _join(kernel: Kernel, crowd: Crowd, seed: int, for_ns: int | None) -> None:
    from gateway.orchestrator.joining import joined

    async with joined(kernel, crowd, seed) as agents:
        for agent in agents:
            agent.watchers.append(lambda _online: _tell(agents))
        watching = asyncio.get_running_loop().create_task(_refusals(agents))
        try:
            if for_ns is None:
                await asyncio.get_running_loop().create_future()
            else:
                await asyncio.sleep(for_ns / 1e9)
        finally:
            watching.cancel()


def _tell(agents: list[Agent]) -> None:
    online = sum(agent.online for agent in agents)
    sys.stderr.write(f"{online} of {len(agents)} nodes are online\n")


async def _refusals(agents: list[Agent]) -> None:
    """Say once why a node is not let in."""
    told: set[str] = set()
    while True:
        await asyncio.sleep(1)
        for agent in agents:
            if agent.refused and agent.name not in told:
                told.add(agent.name)
                sys.stderr.write(f"{agent.name} is refused: {agent.refused}\n")
