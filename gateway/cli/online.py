"""Whether nodes are online, and how long they stay so: what `gateway nodes` and `gateway is-online` wait for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.orchestrator.dbus import Client


async def online_nodes(client: Client, name: str | None) -> bool:
    """Whether a node, or each of them, is online."""
    nodes = (await client.controller("ListNodes"))[0]
    return all(status == "online" for node, _path, status, _ip in nodes if name in {None, node})


async def stays_online(
    ask: Callable[[], Awaitable[bool]], changed: asyncio.Event, limit_s: float, who: str, *, monitor: bool
) -> bool:
    """Whether it comes online within the limit and, with `monitor`, until it does not any more: then False."""
    if await ask() and not monitor:
        return True

    async def until(wanted: bool) -> None:
        while await ask() is not wanted:
            await changed.wait()
            changed.clear()

    try:
        async with asyncio.timeout(limit_s):
            await until(True)
    except TimeoutError:
        return False
    if monitor:
        sys.stdout.write(f"{who} is online\n")
        sys.stdout.flush()
        await until(False)
        return False
    return True
