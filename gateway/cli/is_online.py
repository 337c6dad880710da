"""gateway is-online: whether an agent, a node or the whole system is online, with bluechi-is-online's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.bus_client import Bus, with_client
from gateway.cli.online import online_nodes, stays_online
from gateway.cli.options import duration_option
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.orchestrator.dbus import Client


class What(Enum):
    """Whose state is asked for."""

    AGENT = "agent"
    NODE = "node"
    SYSTEM = "system"


def is_online_command(
    what: Annotated[What, typer.Argument(help="The agent of this machine, a node, or all of a controller's nodes.")],
    name: Annotated[str | None, typer.Argument(metavar="[NODE]", help="Which node.")] = None,
    bus: Bus = None,
    wait: Annotated[str | None, typer.Option(metavar="TIME", help="Wait so long for it.")] = None,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Go on while it is online; exit code 1 when it is not any more.")
    ] = False,
) -> None:
    """Exit code 0 when it is online, 1 when it is not."""
    if (what is What.NODE) is (name is None):
        raise GatewayError(
            "say which node: gateway is-online node NAME" if name is None else f"{what.value} has no name"
        )
    limit_s = (duration_option(wait) or 0) / 1e9
    online = with_client(bus, lambda client: _follow(client, what, name, limit_s, monitor=monitor))
    raise typer.Exit(0 if online else 1)


async def _follow(client: Client, what: What, name: str | None, limit_s: float, *, monitor: bool) -> bool:
    changed = asyncio.Event()
    if what is What.AGENT:
        await client.listen_to_agent(lambda _signal: changed.set())
        ask: Callable[[], Awaitable[bool]] = client.agent_online
    else:
        await client.listen(lambda _signal: changed.set())
        if name is not None:
            await client.controller("GetNode", name)

        async def ask() -> bool:
            return await online_nodes(client, name)

    return await stays_online(ask, changed, limit_s, name or what.value, monitor=monitor)
