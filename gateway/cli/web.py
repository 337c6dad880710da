"""The web page of a run or a replay: what `--web` opens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.vehicle import Service, Vehicle, VehicleFile

if TYPE_CHECKING:
    from gateway.vehicle.logs.replay import Player, ReplayOptions

Web = Annotated[
    str | None,
    typer.Option("--web", metavar="[[HOST:]PORT]", help="A page to watch the vehicle in a browser; 127.0.0.1:8080."),
]


def page_services(file: VehicleFile, text: str | None, domains: Mapping[str, object]) -> tuple[Service, ...]:
    """The page of a vehicle that drives, where it is asked for. `domains`: what may be served besides, by name; None for
    what is not. LinkError for an address that is none; UiError without the extra."""
    if text is None:
        return ()
    from gateway.links import LinkedBus
    from gateway.links.addresses import address
    from gateway.ui.web_server import serve_page

    where = address(text)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        from gateway.cli.fault_desk import HilFaultDesk
        from gateway.ui.desk import Desk
        from gateway.ui.feed import Feed
        from gateway.ui.playback import HeldTime, running_pace

        linked = any(isinstance(bus, LinkedBus) for bus in vehicle.buses.values())
        faults = HilFaultDesk(file, vehicle)
        desk = Desk(faults, None if linked else HeldTime(running_pace()))
        served = tuple(name for name, option in domains.items() if option is not None)
        with Feed(vehicle, served) as feed:
            async with serve_page(feed, desk, where) as found:
                _tell(vehicle.name, found)
                try:
                    yield
                finally:
                    faults.undo_all()

    return (service,)


class ReplayPage:
    """The page of a replay."""

    def __init__(self, text: str, title: str) -> None:
        from gateway.links.addresses import address
        from gateway.ui.web_server import serve_page

        self._where = address(text)
        self._serve = serve_page
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
        from gateway.ui.feed import Feed
        from gateway.ui.playback import PlayedTime, running_pace

        with Feed(vehicle) as feed:
            desk = Desk(None, PlayedTime(running_pace(), self._players[0], feed))
            async with self._serve(feed, desk, self._where, self._title) as found:
                _tell(self._title, found)
                yield


def _tell(what: str, where: object) -> None:
    from gateway.cli.serving import tell

    tell(f"{what} is at http://{where}/")
