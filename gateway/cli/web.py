"""The web page of a run or a replay: what `--web` opens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.vehicle import Service, Vehicle

if TYPE_CHECKING:
    from gateway.cli.page_desk import PageDesk
    from gateway.links.addresses import Address
    from gateway.ui.desk import Desk
    from gateway.ui.page_source import PageSource
    from gateway.vehicle.logs.replay import Player, ReplayOptions

Web = Annotated[
    str | None,
    typer.Option("--web", metavar="[[HOST:]PORT]", help="A page to watch the vehicle in a browser; 127.0.0.1:8080."),
]


def web_command(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="A running vehicle's name or socket, vcan0 or INTERFACE:CHANNEL; without: what runs.",
        ),
    ] = None,
    databases: Annotated[
        list[str] | None,
        typer.Option("--database", metavar="[BUS=]FILE", help="What the frames of a real bus mean."),
    ] = None,
    at: Annotated[str, typer.Option("--at", metavar="[HOST:]PORT", help="Where the page is.")] = "127.0.0.1:8080",
) -> None:
    """The page of what runs already, in this process; faults and holding time are asked of the vehicle."""
    from gateway.cli.free_address import free_address
    from gateway.cli.monitor import Kind, choose
    from gateway.cli.monitor_host import hosted
    from gateway.cli.web_process import need_websockets, serve_attached
    from gateway.links.addresses import address
    from gateway.ui.errors import UiError

    address(at)
    need_websockets()
    chosen = choose(target)
    if chosen.kind is Kind.VEHICLE:
        raise UiError(f"no vehicle runs: `gateway run {chosen.text} --web` drives this one with its page")
    if chosen.kind is Kind.LOG:
        raise UiError(f"`gateway replay {chosen.text} --web` has the page of a recording, with a slider")
    if databases and chosen.kind is Kind.SOCKET:
        raise typer.BadParameter("a vehicle has databases of its own: --database is for a real bus")
    where = free_address(at, "the web page cannot be at", "--at")
    with hosted(chosen.kind.value, chosen.text, databases or []) as place:
        serve_attached(place, where)


def page_services(text: str | None, pages: PageDesk) -> tuple[Service, ...]:
    """The page of a vehicle that drives, where it is asked for. LinkError for an address that is none, or taken;
    UiError without the extra."""
    if text is None:
        return ()
    where = _place(text)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with _page(pages.source(vehicle), pages.of(vehicle), where, vehicle.name):
            try:
                yield
            finally:
                pages.close()

    return (service,)


class ReplayPage:
    """The page of a replay."""

    def __init__(self, text: str, title: str) -> None:
        self._where = _place(text)
        self._title = title
        self._players: list[Player] = []

    def added_to(self, options: ReplayOptions) -> ReplayOptions:
        """The replay with this page; it stays at its end, for whoever wants to go back."""
        from gateway.vehicle.logs.replay import AtEnd

        return replace(
            options, services=(*options.services, self._service), end=AtEnd.STAYS, on_player=self._players.append
        )

    @contextlib.asynccontextmanager
    async def _service(self, vehicle: Vehicle) -> AsyncIterator[None]:
        from gateway.ui.desk import Desk
        from gateway.ui.page_source import PageSource
        from gateway.ui.playback import PlayedTime, running_pace

        time = PlayedTime(running_pace(), self._players[0])
        desk = Desk(None, time)
        source = PageSource(vehicle, desk, self._title)
        time.on_jump = source.forget
        async with _page(source, desk, self._where, self._title):
            yield


def _place(text: str) -> Address:
    """Where the page is to be. LinkError for an address that is none, or taken; UiError without the extra."""
    from gateway.cli.free_address import free_address
    from gateway.cli.web_process import need_websockets

    need_websockets()
    return free_address(text, "the web page cannot be at", "--web")


@contextlib.asynccontextmanager
async def _page(source: PageSource, desk: Desk, where: Address, what: str) -> AsyncIterator[None]:
    """Serve a page and tell where it is."""
    from gateway.cli.serving import tell
    from gateway.cli.web_process import page_process

    async with page_process(source, where) as found:
        tell(f"{what} is at http://{found}/")
        try:
            yield
        finally:
            if desk.playback is not None:
                desk.playback.go_on(None)  # closing takes time, which must not stand still
