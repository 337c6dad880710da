"""What `gateway run` opens to the outside beside the vehicle: sockets for CAN tools, socketcand, cannelloni."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from gateway.cli.free_address import free_address
from gateway.cli.page_desk import PageDesk
from gateway.errors import nearest
from gateway.links import LinkError, place_for, serve
from gateway.links.addresses import Address, address
from gateway.links.cannelloni_link import link_cannelloni
from gateway.links.cannelloni_tcp import serve_cannelloni
from gateway.links.socketcand_server import serve_socketcand
from gateway.links.streaming import StreamSource, StreamSources
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.vehicle import Service, Vehicle


@dataclass(frozen=True, slots=True)
class CannelloniOption:
    """`BUS=[HOST:]PORT[,PEER:PORT]` for UDP, `BUS=tcp:[HOST:]PORT` for TCP."""

    bus: str
    address: Address
    peer: Address | None = None
    tcp: bool = False


def cannelloni_option(text: str) -> CannelloniOption:
    """The option's value. Raises `LinkError`."""
    bus, equals, rest = text.partition("=")
    here, comma, peer = rest.partition(",")
    if not bus or not equals:
        raise LinkError(
            f"--cannelloni {text!r}: write BUS=[HOST:]PORT[,PEER:PORT] for UDP, like body=20000,127.0.0.1:20001,"
            " or BUS=tcp:[HOST:]PORT"
        )
    if rest.startswith("tcp:"):
        return CannelloniOption(bus, address(rest.removeprefix("tcp:")), tcp=True)
    return CannelloniOption(bus, address(here), address(peer) if comma else None)


def can_tools(desk: PageDesk | None = None) -> Service:
    """The socket for CAN tools, where they look for it. `desk`: what pages that attach can do; else they only look."""
    pages = desk or PageDesk()

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        with _explaining(vehicle) as explain:
            place = place_for(vehicle.name)  # as late as can be: another run may begin in this moment
            streams = {**_streams(vehicle), "explain": explain, "page": _paging(vehicle, pages)}
            async with serve(vehicle.name, vehicle.buses, place, streams=streams):
                tell(f"CAN tools find {vehicle.name} at {place}")
                yield

    return service


@contextlib.contextmanager
def _explaining(vehicle: Vehicle) -> Iterator[Callable[[], StreamSource]]:
    """Answers to `gateway explain`: the vehicle's latest frames are noted as long as the context lasts."""
    from gateway.explain import Answers, Journal, Told, asked, names_of, recording_of

    journal = Journal(vehicle)
    journal.start()

    def ask(question: str) -> Told:
        recording = recording_of(vehicle, journal.frames(), vehicle.streams.seed)
        return asked(recording, names_of(recording.about, vehicle), question)

    try:
        yield lambda: Answers(ask)
    finally:
        journal.close()


def _paging(vehicle: Vehicle, desk: PageDesk) -> Callable[[], StreamSource]:
    """What `gateway web` and `gateway monitor` show; each notes the frames for itself, and all have the same faults."""

    def page() -> StreamSource:
        source = desk.source(vehicle)
        source.attach()
        return source

    return page


def _streams(vehicle: Vehicle) -> StreamSources:
    """What those who attach can ask for beside the buses."""

    def capture() -> StreamSource:
        from gateway.vehicle.recording.live_capture import LiveCapture

        return LiveCapture(vehicle, epoch_ns_of(wall_time_loop("a capture")))

    return {"capture": capture}


def socketcand(text: str) -> Service:
    """A socketcand server. Raises `LinkError` when the address is none, or taken."""
    where = free_address(text, "socketcand cannot listen at", "--socketcand")

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        async with serve_socketcand(vehicle.buses, where) as server:
            tell(f"socketcand listens at {server.address}")
            yield

    return service


def cannelloni(text: str) -> Service:
    """A bus over UDP or TCP. Raises `LinkError` when the option is none."""
    option = cannelloni_option(text)

    @contextlib.asynccontextmanager
    async def service(vehicle: Vehicle) -> AsyncIterator[None]:
        bus = vehicle.buses.get(option.bus)
        if bus is None:
            near = nearest(option.bus, list(vehicle.buses))
            raise LinkError(f"--cannelloni: there is no bus {option.bus!r} in {vehicle.name}{near}")
        if option.tcp:
            async with serve_cannelloni(bus, option.address) as server:
                tell(f"cannelloni for {option.bus} listens at {server.address} (TCP)")
                yield
            return

        def on_wrong(sentence: str) -> None:
            tell(f"cannelloni for {option.bus}: a wrong datagram: {sentence} (more are counted, and told at the end)")

        async with link_cannelloni(bus, option.address, option.peer, on_wrong=on_wrong) as link:
            tell(f"cannelloni for {option.bus} listens at {link.address} (UDP)")
            try:
                yield
            finally:
                if link.wrong:
                    count = f"{link.wrong} wrong datagram{'' if link.wrong == 1 else 's'}"
                    tell(f"cannelloni for {option.bus}: {count}, the last: {link.last_wrong}")

    return service


def tell(line: str) -> None:
    """On standard error: standard output is the run's."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
