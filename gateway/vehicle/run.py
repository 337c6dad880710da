"""Driving a vehicle: for a time or until it is stopped, in virtual or in wall time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.links import LinkAddress, LinkedBus, LinkError
from gateway.sim import Clock, Kernel, SimulationLoop, WallPace, calendar_ns, rare_collection, run, wall_clock_ns
from gateway.vehicle.assembly.build import Builder
from gateway.vehicle.assembly.links import BusMaker, addresses, linked
from gateway.vehicle.assembly.selection import Selection, keep
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.recording.recorder import Recorder
from gateway.vehicle.report import Report, report
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.services.someip.sockets import SocketNetwork

WATCH_NS: Final = 200_000_000
_LAST_READS: Final = 1000
"""Batches that are read from each link at the end: a second's work at most."""
Watcher = Callable[[Vehicle, int], object]
"""Called now and then with the vehicle and the wall time since the start, in nanoseconds."""
Service = Callable[[Vehicle], AbstractAsyncContextManager[object]]
"""Something beside the vehicle while it drives: entered when it is switched on, left before it is switched off."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to drive. `for_ns` None: until stopped."""

    clock: Clock = Clock.VIRTUAL
    for_ns: int | None = None
    seed: int = 0
    trace: Path | None = None
    watcher: Watcher | None = None
    services: tuple[Service, ...] = ()
    links: Mapping[str, LinkAddress] = field(default_factory=dict)
    """Buses that are real ones, besides or instead of the file's links."""
    selection: Selection = field(default_factory=Selection)
    """The part of the vehicle that runs here."""
    cycle_start_ns: int | None = None
    """When the drive cycle begins, in nanoseconds of UTC since 1970: then parts of a vehicle that run in several
    processes are at the same place of it, whenever each was started. None: with this run."""
    speed: float = 1.0
    """Of wall time: 0.5 takes twice as long, for a machine that cannot keep up."""


def drive(file: VehicleFile, options: RunOptions) -> Report:
    """Build the vehicle of a file, drive it, and report. Ctrl-C ends the drive, not the report.

    VehicleFileError for a file with faults or an impossible wish; LinkError for a link that cannot be; TraceError when
    the recording cannot be written.
    """
    links = addresses(file, options.links)
    if options.clock is Clock.VIRTUAL and links:
        bus, address = next(iter(links.items()))
        raise VehicleFileError(
            f"bus {bus} is linked to the real {address}, which does not wait:"
            " a link needs --clock wall (or leave the link out)",
            file=file.source.file,
            line=file.source.line(("links", bus)),
        )
    vehicle = Builder(file, Kernel(), options.seed, BusMaker(links)).build()
    keep(vehicle, options.selection)
    return drive_built(vehicle, options)


def drive_built(vehicle: Vehicle, options: RunOptions) -> Report:
    """Drive a vehicle that has been built, and has not driven yet; its links and its selection are its own."""
    kernel = vehicle.kernel
    recorder = Recorder(vehicle, options.trace, options.seed) if options.trace is not None else None
    started = wall_clock_ns()
    try:
        with rare_collection(kernel):
            done = run(_drive(vehicle, recorder, options, started), kernel, options.clock, options.speed)
    finally:
        if recorder is not None:
            recorder.close()
    return done if recorder is None else replace(done, not_recorded=recorder.left_out)


async def _drive(vehicle: Vehicle, recorder: Recorder | None, options: RunOptions, started: int) -> Report:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    if recorder is not None:
        recorder.start()
    if options.cycle_start_ns is not None:
        since_ns = round((calendar_ns() - options.cycle_start_ns) * options.speed)
        vehicle.shift_drive(since_ns - loop.pace.time_ns())
    _open_links(vehicle)
    sockets = _sockets(vehicle, loop)
    vehicle.start()
    watching = None
    if options.watcher is not None:
        watching = asyncio.create_task(_watch(vehicle, options.watcher, started), name="watcher")
    try:
        async with AsyncExitStack() as services:
            for service in options.services:
                await services.enter_async_context(service(vehicle))
            if options.for_ns is not None:
                await loop.sleep_until(options.for_ns)
            else:
                await loop.create_future()
    except asyncio.CancelledError:
        pass  # Ctrl-C: the report comes all the same
    finally:
        if watching is not None:
            watching.cancel()
        simulated = vehicle.kernel.now
        vehicle.stop()
        _close_links(vehicle)
        if sockets is not None:
            await sockets.close()
        assert vehicle.kernel.now == simulated
        # On the wall time goes on until all is closed: what the gateway sends meanwhile nobody acknowledges any more.
        latest_ns = loop.pace.latest_ns if isinstance(loop.pace, WallPace) else 0
        done = report(vehicle, wall_clock_ns() - started, latest_ns)
        if recorder is not None:
            recorder.close()
        if vehicle.fleet is not None:
            await vehicle.fleet.close()
    return done


def _sockets(vehicle: Vehicle, loop: SimulationLoop) -> SocketNetwork | None:
    """In wall time SOME/IP goes over this machine's network instead of the simulated segment."""
    if vehicle.someip is None or loop.clock is not Clock.WALL:
        return None
    from gateway.services.someip.sockets import SocketNetwork

    vehicle.network = sockets = SocketNetwork(loop, vehicle.someip.options.address, vehicle.ethernet)
    return sockets


def _open_links(vehicle: Vehicle) -> None:
    """LinkError for the first that cannot be opened; then none is open."""
    opened: list[LinkedBus] = []
    try:
        for bus in linked(vehicle):
            bus.open()
            opened.append(bus)
            if not vehicle.has_gateway:
                bus.take_wanted_only()
    except LinkError:
        for bus in opened:
            bus.close()
        raise


def _close_links(vehicle: Vehicle) -> None:
    """What has come already is taken first; what is too much for that is counted as lost."""
    buses = list(linked(vehicle))
    for _ in range(_LAST_READS):
        if not sum([bus.drain() for bus in buses]):
            break
    for bus in buses:
        bus.close()


async def _watch(vehicle: Vehicle, watcher: Watcher, started: int) -> None:
    """Show how it goes, a few times a second of the wall, whatever the vehicle's clock does."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    shown = 0
    while True:
        await loop.sleep_until(vehicle.kernel.now + WATCH_NS)
        now = wall_clock_ns()
        if now - shown >= WATCH_NS:
            shown = now
            watcher(vehicle, now - started)
