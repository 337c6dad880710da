"""One drive of ecus/city.csv: what the car does is what such a car does, and the buses are in order."""

from __future__ import annotations

import itertools

import pytest
from demo_bench import VEHICLE_FILE
from demo_cycle import CYCLE_S, SAMPLE_S, Drive

from gateway.can import BusEventKind
from gateway.routing import Quality
from gateway.sim import Kernel
from gateway.vehicle import load


def test_no_behaviour_fails(drive: Drive) -> None:
    assert drive.bench.vehicle.failures == []


@pytest.mark.parametrize(
    ("time_s", "speed_kmh"), [(0, 0), (15, 22), (32, 0), (55, 38), (85, 0), (115, 65), (145, 43), (166, 0), (194, 0)]
)
def test_the_speed_follows_the_documented_trace(drive: Drive, time_s: float, speed_kmh: float) -> None:
    assert drive.speed_at(time_s) == pytest.approx(speed_kmh, abs=1.5)


def test_speed_and_acceleration_stay_those_of_city_traffic(drive: Drive) -> None:
    speeds = drive.speeds_kmh
    accelerations = [(b - a) / 3.6 / SAMPLE_S for a, b in itertools.pairwise(speeds)]
    assert 60 <= max(speeds) <= 70
    assert max(accelerations) < 2.0
    assert min(accelerations) > -3.0


def test_the_distance_is_the_integral_of_the_speed(drive: Drive) -> None:
    speeds = drive.speeds_kmh
    integral_m = sum((a + b) / 2 / 3.6 * SAMPLE_S for a, b in itertools.pairwise(speeds))
    driven_m = drive.bench.ecu("Inverter").behaviour.distance_m
    odometer_m = (drive.bench.ecu("Cluster").behaviour.odometer_km - 12345) * 1000
    assert driven_m == pytest.approx(1195, abs=10)
    assert driven_m == pytest.approx(integral_m, rel=0.002)
    assert odometer_m == pytest.approx(driven_m, rel=0.002)
    assert drive.bench.vss("Vehicle.TraveledDistance").value == pytest.approx(12345 + driven_m / 1000, abs=0.05)


def test_the_charge_falls_by_a_plausible_consumption(drive: Drive) -> None:
    used_kwh = (drive.charges[0] - drive.charges[-1]) / 100 * 58
    driven_km = drive.bench.ecu("Inverter").behaviour.distance_m / 1000
    assert 100 < used_kwh * 1000 / driven_km < 250
    assert drive.bench.vss("Vehicle.Powertrain.TractionBattery.StateOfCharge.Current").value == pytest.approx(
        drive.charges[-1], abs=0.02
    )


def test_braking_gives_energy_back(drive: Drive) -> None:
    before, after = drive.charges[630], drive.charges[700]
    assert after > before


def test_the_display_is_never_below_the_true_speed(drive: Drive) -> None:
    for time_s, true, shown in zip(drive.times_s, drive.speeds_kmh, drive.shown_kmh, strict=True):
        if true > 0.2:
            assert true <= shown <= true * 1.05 + 2, f"at {time_s:.1f} s"


@pytest.mark.parametrize(
    ("bus", "low", "high"), [("powertrain", 0.20, 0.40), ("chassis", 0.08, 0.40), ("body", 0.15, 0.40)]
)
def test_the_load_of_a_bus_is_in_its_range(drive: Drive, bus: str, low: float, high: float) -> None:
    assert low <= drive.bench.vehicle.buses[bus].load <= high


def test_no_bus_has_an_error_or_a_collision(drive: Drive) -> None:
    for bus in drive.bench.vehicle.buses.values():
        assert bus.errors == 0
        assert {kind: count for kind, count in bus.event_counts.items() if kind is not BusEventKind.RECOVERED} == {}


def test_every_route_accounts_for_what_it_received(drive: Drive) -> None:
    for route in drive.bench.vehicle.gateway.routes:
        counts = route.counts
        assert counts.received > 0, route.rule.name
        assert counts.received == counts.forwarded + counts.filtered.total() + counts.dropped.total(), route.rule.name
        assert counts.dropped.total() == 0, route.rule.name


def test_every_signal_is_there_and_fresh(drive: Drive) -> None:
    store = drive.bench.vehicle.gateway.store
    assert len(store) >= 35
    assert [signal.path for signal in store if signal.datapoint.quality is not Quality.GOOD] == []


def test_no_value_was_refused_on_its_way_up(drive: Drive) -> None:
    feeds = drive.bench.vehicle.can_to_vss
    assert feeds is not None
    assert [(str(feed.rule), feed.refused) for feed in feeds.feeds if feed.refused] == []


def test_the_cycle_repeats_from_a_car_that_is_parked(drive: Drive) -> None:
    assert drive.bench.on_bus("powertrain.VcuStatus.Gear") == "P"
    assert drive.speed_at(CYCLE_S - 1) == 0


def test_another_seed_drives_the_same_trace(drive: Drive) -> None:
    """The seed moves the ECUs' boot times within 10 ms; the car must not mind."""
    kernel = Kernel()
    vehicle = load(VEHICLE_FILE, kernel, seed=2)
    vehicle.start()
    kernel.run(16_000_000_000)
    assert abs(vehicle.ecu("Inverter").behaviour.speed_ms) * 3.6 == pytest.approx(drive.speed_at(16), abs=0.3)
