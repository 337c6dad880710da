"""What the commands that talk to a controller share: on which bus it is, and running a coroutine to its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from gateway.orchestrator.dbus import Client

T = TypeVar("T")
Bus = Annotated[
    str | None,
    typer.Option(
        "--dbus",
        metavar="BUS",
        help="system, session or an address. Default: DBUS_SYSTEM_BUS_ADDRESS where it is set, else system.",
    ),
]


def with_client(bus: str | None, action: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    """Do something with a controller's API. GatewayError says why it cannot be."""
    from gateway.orchestrator.dbus import Client

    address = bus or os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "system"

    async def run() -> T:
        async with Client.connected(address) as client:
            return await action(client)

    return asyncio.run(run())


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns between bars, as bluechictl's."""
    widths = [max(len(str(row[index])) for row in [columns, *rows]) for index in range(len(columns))]
    lines = ["|".join(f"{text:<{width}}" for text, width in zip(columns, widths, strict=True))]
    lines.append("=" * len(lines[0]))
    lines += ["|".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"
