"""From a vehicle file to a vehicle under test that runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from gateway.hil.errors import HilError
from gateway.hil.garbage import collect_seldom
from gateway.hil.host import Host
from gateway.hil.vehicle import VehicleUnderTest
from gateway.links import LinkAddress, parse_address
from gateway.sim import SLICE_NS, Clock, Kernel, WallPace
from gateway.sim import run as run_in
from gateway.vehicle import VehicleFile, read_vehicle
from gateway.vehicle.assembly.build import Builder
from gateway.vehicle.assembly.links import BusMaker, addresses, linked
from gateway.vehicle.assembly.selection import Selection, keep

T = TypeVar("T")
Links = Mapping[str, str | LinkAddress]
_MOST: Final = 64
_files: dict[tuple[str, int, int], VehicleFile] = {}


@dataclass(frozen=True, slots=True)
class Setup:
    """What to load, and how. `links`: real buses by name; `real`: ECUs that are there outside, and left out here."""

    path: Path
    seed: int = 0
    links: Mapping[str, LinkAddress] = field(default_factory=dict)
    real: frozenset[str] = frozenset()
    clock: Clock | None = None

    @property
    def needed_clock(self) -> Clock:
        """Wall time as soon as something outside takes part. HilError when virtual time was asked for all the same."""
        outside = [f"bus {bus} is linked to {address}" for bus, address in self.addresses.items()]
        outside += [f"{name} is real" for name in sorted(self.real)]
        if self.clock is Clock.VIRTUAL and outside:
            raise HilError(f"{outside[0]}, and what is real does not wait: it cannot be in virtual time")
        if self.real and not self.addresses:
            raise HilError(
                f"{', '.join(sorted(self.real))} cannot be real in virtual time: link a bus to it as well"
                " (--vehicle-link BUS=CHANNEL)"
            )
        return self.clock or (Clock.WALL if outside else Clock.VIRTUAL)

    @property
    def addresses(self) -> Mapping[str, LinkAddress]:
        return addresses(self.file, self.links)

    @property
    def file(self) -> VehicleFile:
        return read_shared(self.path)


def read_shared(path: str | Path) -> VehicleFile:
    """As `read_vehicle`; a file that has not changed is read once."""
    path = Path(path)
    path = path / "vehicle.yaml" if path.is_dir() else path
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return read_vehicle(path)
    key = (os.fspath(path.resolve()), stat.st_mtime_ns, stat.st_size)
    if key not in _files:
        if len(_files) >= _MOST:
            _files.clear()
        _files[key] = read_vehicle(path)
    return _files[key]


class Bench:
    """A vehicle from `async with` on, switched on at its time 0, to the end of the block."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._collect_as_before: Callable[[], None] = lambda: None
        self.vehicle: VehicleUnderTest | None = None

    async def __aenter__(self) -> VehicleUnderTest:
        setup = self._setup
        clock = setup.needed_clock
        host = Host(clock)
        if host.loop.clock is not clock:
            raise HilError(
                f"the loop that runs here is one in {host.loop.clock.value} time, and {clock.value} time is needed"
            )
        if isinstance(host.loop.pace, WallPace):
            # A test counts on the vehicle's clock: on a busy machine that may be late, but its frames may not be.
            host.loop.pace.longest_slice_ns = SLICE_NS
        self._collect_as_before = collect_seldom()
        try:
            self.vehicle = self._build(host)
            await host.run(self._start)
        except BaseException:
            self._collect_as_before()
            await host.close()
            raise
        return self.vehicle

    def _build(self, host: Host) -> VehicleUnderTest:
        setup = self._setup
        built = Builder(setup.file, host.loop.kernel, setup.seed, BusMaker(setup.addresses)).build()
        keep(built, Selection(without=setup.real))
        return VehicleUnderTest(setup.file, built, host, setup.real)

    async def _start(self) -> None:
        assert self.vehicle is not None
        self.vehicle.history.start()
        for bus in linked(self.vehicle.simulated):
            bus.open()
        self.vehicle.simulated.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        vehicle = self.vehicle
        assert vehicle is not None
        try:
            if kind is None:
                vehicle.finish()
            else:
                vehicle.clean()
        finally:
            self._collect_as_before()
            await vehicle.host.run(self._stop)
            await vehicle.host.close()

    async def _stop(self) -> None:
        assert self.vehicle is not None
        self.vehicle.simulated.stop()
        for bus in linked(self.vehicle.simulated):
            bus.close()
        if self.vehicle.simulated.fleet is not None:
            await self.vehicle.simulated.fleet.close()


def load(
    path: str | Path,
    *,
    seed: int = 0,
    links: Links | None = None,
    real: frozenset[str] | set[str] | tuple[str, ...] = (),
    clock: Clock | None = None,
) -> Bench:
    """A vehicle for a script or a notebook: `async with gateway.load("vehicle.yaml") as vehicle:`.

    `links`: real buses, `{"body": "vcan0"}`; `real`: ECUs that are on them and are left out here. VehicleFileError,
    with all its faults, for a file that cannot be; HilError for what cannot be together.
    """
    given = {
        bus: parse_address(address) if isinstance(address, str) else address for bus, address in (links or {}).items()
    }
    return Bench(Setup(Path(path), seed, given, frozenset(real), clock))


def run(main: Coroutine[Any, Any, T], *, clock: Clock = Clock.VIRTUAL) -> T:
    """As `asyncio.run`, in a vehicle's time: `asyncio.sleep` counts on the vehicle's clock as well."""
    return run_in(main, Kernel(), clock)
