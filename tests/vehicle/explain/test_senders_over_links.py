"""A vehicle in two processes: what is told, in one, of a message whose sender is in the other."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

import gateway
from gateway.can import Frame
from gateway.explain import Journal, Told, asked, names_of, open_recording, recording_of
from gateway.links import Arbiter, LinkAddress, LinkedBus
from gateway.links.link import LinkUser
from gateway.sim import Kernel
from gateway.vehicle import Recorder, Selection, Vehicle, read_vehicle
from gateway.vehicle.assembly import links
from gateway.vehicle.assembly.build import Builder
from gateway.vehicle.assembly.links import BusMaker
from gateway.vehicle.assembly.selection import keep

TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
MS = 1_000_000
SPEED = Frame(0x100, bytes.fromhex("1027"))


class Wire:
    """A link that swallows what is sent here."""

    name = "vcan1"
    arbiter = Arbiter.KERNEL

    def open(self, user: LinkUser) -> None: ...

    def close(self) -> None: ...

    def drain(self) -> int:
        return 0

    def send(self, frame: Frame) -> bool:
        return True

    def want(self, keys: frozenset[int] | None) -> None: ...


@pytest.fixture
def vehicle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vehicle:
    """The template without its Motor, whose bus is linked."""
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(links, "open_link", lambda address, rates: Wire())
    buses = BusMaker({"powertrain": LinkAddress("socketcan", "vcan1")})
    vehicle = Builder(read_vehicle(folder), Kernel(), 0, buses).build()
    keep(vehicle, Selection(without=frozenset({"Motor"})))
    return vehicle


def drive(vehicle: Vehicle, frames: int, journal: Journal) -> LinkedBus:
    """Two seconds, of which the Motor is there for so many frames."""
    bus = vehicle.buses["powertrain"]
    assert isinstance(bus, LinkedBus)
    journal.start()
    bus.open()
    vehicle.start()
    for number in range(frames):
        time_ns = (number + 1) * 20 * MS
        vehicle.kernel.at(time_ns, partial(bus.received, SPEED, time_ns))
    vehicle.kernel.run(2000 * MS)
    return bus


def ask(vehicle: Vehicle, journal: Journal) -> Told:
    recording = recording_of(vehicle, journal.frames())
    return asked(recording, names_of(recording.about, vehicle), "signal Vehicle.Speed")


def test_what_came_over_the_link_and_no_longer_does(vehicle: Vehicle) -> None:
    journal = Journal(vehicle)
    drive(vehicle, 50, journal)
    told = ask(vehicle, journal)
    assert told.lines[0].endswith(
        ": its last frame came at 1.000 s over the link vcan1;"
        " nothing since (Motor is left out of this process: --without Motor)"
    )
    assert told.document["cause"] == "nothing over the link"
    assert any("50 frames from Motor, over vcan1, every 20 ms" in line for line in told.lines)


def test_what_never_came_is_left_out(vehicle: Vehicle) -> None:
    journal = Journal(vehicle)
    drive(vehicle, 0, journal)
    assert ask(vehicle, journal).lines[0] == (
        "Vehicle.Speed has never come: its sender Motor is left out of this run (--without Motor),"
        " and none of its frames came over the link vcan1"
    )


def test_a_link_that_is_down(vehicle: Vehicle) -> None:
    journal = Journal(vehicle)
    bus = drive(vehicle, 50, journal)
    bus.down("Network is down")
    told = ask(vehicle, journal)
    assert "over the link vcan1, which is down since 2.000 s: Network is down" in told.lines[0]
    assert told.document["cause"] == "link down"


def test_a_recording_knows_its_links(vehicle: Vehicle, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    recorder = Recorder(vehicle, trace, seed=0)
    recorder.start()
    drive(vehicle, 50, Journal(vehicle))
    recorder.close()
    recording = open_recording(trace)
    told = asked(recording, names_of(recording.about, vehicle), "signal Vehicle.Speed")
    assert "its last frame came at 1.000 s over the link vcan1; nothing since" in told.lines[0]
