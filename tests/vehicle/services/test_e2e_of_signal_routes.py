"""Signal routes of messages with end-to-end protection: they believe no more than the signals above the gateway do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gateway
from gateway.com import Protection
from gateway.routing import FrameRoute, SignalRoute
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, VehicleFileError, load

TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
S = 1_000_000_000
PLAIN = "{counter: Counter, checksum: Checksum, algorithm: crc8-j1850}"
ROUTE = "scale: 1.03, timeout: 100ms}"


@pytest.fixture
def car(tmp_path: Path) -> Vehicle:
    """The vehicle of `gateway new`, its speed protected end to end, forwarded as a signal and as a frame."""
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "vehicle.yaml"
    text = file.read_text().replace(PLAIN, "{e2e: P01, data_id: 0x123}")
    more = ROUTE.replace("}", ", on_timeout: 0}\n    - {from: powertrain.VehicleSpeed, to: body}")
    file.write_text(text.replace(ROUTE, more))
    return load(folder, Kernel())


def protection_of(vehicle: Vehicle) -> Protection:
    found = vehicle.ecu("Motor").ports["powertrain"].tx["VehicleSpeed"].protection
    assert found is not None
    return found


def test_what_the_sender_protects_is_forwarded(car: Vehicle) -> None:
    car.start()
    car.kernel.run(S)
    route = car.gateway.routes[1]
    assert route.counts.received > 40
    assert not route.counts.dropped


@pytest.mark.parametrize("how", ["wrong", "stuck"])
def test_what_fails_the_check_is_dropped_and_the_source_times_out(car: Vehicle, how: str) -> None:
    car.start()
    car.kernel.run(S)
    route, frames = car.gateway.routes[1], car.gateway.routes[2]
    assert isinstance(route, SignalRoute)
    assert isinstance(frames, FrameRoute)
    forwarded, carried = route.counts.forwarded, frames.counts.forwarded
    setattr(protection_of(car), how, True)
    car.kernel.run(2 * S)
    assert route.counts.forwarded == forwarded
    assert route.counts.dropped["end-to-end check failed"] > 40
    assert route.counts.balanced
    assert route.stale
    assert route.target.message.signal("DisplaySpeed").value == 0  # on_timeout
    assert frames.counts.forwarded > carried + 40  # frames are carried as they come
    setattr(protection_of(car), how, False)
    car.kernel.run(3 * S)
    assert not route.stale
    assert route.counts.forwarded > forwarded + 40


def test_a_header_over_signals_names_them_and_the_line(car: Vehicle, tmp_path: Path) -> None:
    file = tmp_path / "car" / "vehicle.yaml"
    file.write_text(file.read_text().replace("{e2e: P01,", "{e2e: P05,"))
    with pytest.raises(VehicleFileError) as told:
        load(file.parent, Kernel())
    assert "overwrites Checksum, Counter, Speed of powertrain.VehicleSpeed" in str(told.value)
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "e2e" in text)
    assert f"vehicle.yaml:{line}" in str(told.value)


def test_a_header_that_keeps_the_bits_beside_its_counter_says_nothing_of_them(car: Vehicle, tmp_path: Path) -> None:
    database = tmp_path / "car" / "dbc" / "powertrain.dbc"
    counter = ' SG_ Counter : 8|4@1+ (1,0) [0|15] "" GW\n'
    text = database.read_text()
    assert counter in text
    database.write_text(text.replace(counter, counter + ' SG_ Source : 12|4@1+ (1,0) [0|15] "" GW\n'))
    load(tmp_path / "car", Kernel())
    file = tmp_path / "car" / "vehicle.yaml"
    file.write_text(file.read_text().replace("0x123}", "0x123, data_id_mode: nibble, offset: 0}"))
    load(tmp_path / "car", Kernel())  # the nibble of the identifier has its place there, and Source covers it exactly
