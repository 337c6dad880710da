"""gateway nodes: the nodes of a controller, and whether they are online (as bluechi-is-online)."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.bus_client import Bus, table, with_client
from gateway.cli.online import online_nodes, stays_online
from gateway.cli.options import Json, duration_option

if TYPE_CHECKING:
    from gateway.orchestrator.dbus import Client


def nodes_command(
    name: Annotated[str | None, typer.Argument(metavar="[NODE]", help="Only this one.")] = None,
    bus: Bus = None,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="TIME", help="Exit code 0 once it is online (all, without NODE), 1 after TIME."),
    ] = None,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Go on while it is online; exit code 1 when it is not any more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List nodes with their state, address and the time they were last seen."""
    if wait is not None or monitor:
        limit_s = (duration_option(wait) or 0) / 1e9
        online = with_client(bus, lambda client: _stays_online(client, name, limit_s, monitor=monitor))
        raise typer.Exit(0 if online else 1)
    found = with_client(bus, lambda client: _nodes(client, name))
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    rows = [(node["Name"], node["Status"], _seen(node), node["PeerIp"] or "-") for node in found]
    sys.stdout.write(table(("NODE", "STATE", "LAST SEEN", "IP"), rows))


async def _nodes(client: Client, wanted: str | None) -> list[dict[str, Any]]:
    from gateway.orchestrator.control.interfaces import NODE

    if wanted is not None:
        path = (await client.controller("GetNode", wanted))[0]
        return [await client.properties(path, NODE.name)]
    return [await client.properties(path, NODE.name) for _name, path, *_ in (await client.controller("ListNodes"))[0]]


async def _stays_online(client: Client, name: str | None, limit_s: float, *, monitor: bool) -> bool:
    changed = asyncio.Event()
    await client.listen(lambda _signal: changed.set())
    if name is not None:
        await client.controller("GetNode", name)

    async def ask() -> bool:
        return await online_nodes(client, name)

    return await stays_online(ask, changed, limit_s, name or "system", monitor=monitor)


def _seen(node: dict[str, Any]) -> str:
    if node["Status"] == "online":
        return "now"
    micros = int(node["LastSeenTimestamp"])
    if micros == 0:
        return "never"
    from datetime import UTC, datetime

    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
