"""The vehicle HAL in virtual time: values, rates, events, permissions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domains import ServeError
from gateway.domains.aaos import (
    Access,
    Client,
    Clients,
    Place,
    RawValue,
    Status,
    StatusCode,
    SubscribeOptions,
    VehicleHal,
    build_hal,
    system_properties,
)
from gateway.domains.aaos.config_arrays import with_config_array
from gateway.domains.aaos.dump import dump
from gateway.domains.aaos.events import ROOM
from gateway.domains.aaos.property_map import parse_map
from gateway.domains.aaos.values import AreaConfig, PropertyConfig
from gateway.routing import NotSentError, SignalStore, VssTree
from gateway.sim import NS_PER_S, Kernel

MS = 1_000_000
ALL = system_properties()
SPEED = Place(ALL["PERF_VEHICLE_SPEED"].id, 0)
LOCK = Place(ALL["DOOR_LOCK"].id, 1)
HVAC = Place(ALL["HVAC_TEMPERATURE_SET"].id, 5)
FAN = Place(ALL["HVAC_FAN_SPEED"].id, 5)
GEAR = Place(ALL["GEAR_SELECTION"].id, 0)
UNITS = Place(ALL["DISTANCE_DISPLAY_UNITS"].id, 0)

MAP = """
- {property: PERF_VEHICLE_SPEED, signal: Vehicle.Speed}
- {property: DOOR_LOCK, area: ROW_1_LEFT, signal: Vehicle.Cabin.IsLocked}
- {property: HVAC_TEMPERATURE_SET, area: ROW_1_LEFT|ROW_1_RIGHT, signal: Vehicle.Cabin.Temperature}
- {property: HVAC_FAN_SPEED, area: ROW_1_LEFT|ROW_1_RIGHT, signal: Vehicle.Cabin.Fan, scale: 0.07}
- property: GEAR_SELECTION
  signal: Vehicle.Cabin.Mode
  map: {"OFF": GEAR_NEUTRAL, AUTO: GEAR_DRIVE}
  while: [{signal: Vehicle.Cabin.IsLocked, is: true, then: GEAR_PARK}]
  write: false
"""


@pytest.fixture
def hal(kernel: Kernel, store: SignalStore, tree: VssTree, tmp_path: Path) -> VehicleHal:
    path = tmp_path / "map.yaml"
    path.write_text(MAP)
    return build_hal(kernel, store, tree, map_file=path)


def floats(hal: VehicleHal, place: Place) -> tuple[float, ...]:
    value = hal.get(place).value
    assert value is not None
    return value.raw.floats


# Values


def test_units_convert(store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Speed"].publish(36.0)
    assert floats(hal, SPEED) == pytest.approx((10.0,))


def test_what_never_came_is_unavailable(hal: VehicleHal) -> None:
    reading = hal.get(SPEED)
    assert reading.code is StatusCode.OK and reading.value is not None
    assert (reading.value.status, reading.value.raw) == (Status.UNAVAILABLE, RawValue())


def test_what_stops_coming_is_unavailable_within_its_timeout(
    kernel: Kernel, store: SignalStore, hal: VehicleHal
) -> None:
    store.declare("Vehicle.Cabin.IsLocked", timeout_ns=30 * MS)
    stream = hal.open_stream()
    store["Vehicle.Cabin.IsLocked"].publish(True)
    kernel.run(29 * MS)
    assert [(value.raw.int32, value.status) for value in stream.take() if value.place == LOCK] == [
        ((1,), Status.AVAILABLE)
    ]
    kernel.run(31 * MS)
    assert [(value.raw.int32, value.status) for value in stream.take() if value.place == LOCK] == [
        ((), Status.UNAVAILABLE)
    ]


def test_a_table_and_what_stands_above_it(store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Cabin.Mode"].publish("AUTO")
    store["Vehicle.Cabin.IsLocked"].publish(False)
    assert hal.get(GEAR).value.raw.int32 == (8,)  # type: ignore[union-attr]
    store["Vehicle.Cabin.IsLocked"].publish(True)
    assert hal.get(GEAR).value.raw.int32 == (4,)  # type: ignore[union-attr]


def test_what_is_set_goes_to_the_actuator(store: SignalStore, hal: VehicleHal) -> None:
    wished: list[object] = []
    for path in ("Vehicle.Cabin.IsLocked", "Vehicle.Cabin.Temperature", "Vehicle.Cabin.Fan"):
        store[path].listen_target(lambda signal: wished.append(signal.target.value))
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.OK
    assert hal.set(HVAC, RawValue(floats=(22.6,))) is StatusCode.OK
    assert hal.set(FAN, RawValue(int32=(3,))) is StatusCode.OK
    assert wished == [True, 23, 43]  # 3 / 0.07
    assert hal.get(LOCK).value.status is Status.UNAVAILABLE  # type: ignore[union-attr]  # the car has not done it yet


@pytest.mark.parametrize(
    ("place", "raw", "code"),
    [
        (SPEED, RawValue(floats=(1.0,)), StatusCode.ACCESS_DENIED),
        (GEAR, RawValue(int32=(4,)), StatusCode.ACCESS_DENIED),
        (Place(17, 0), RawValue(int32=(1,)), StatusCode.INVALID_ARG),
        (Place(LOCK.prop, 2), RawValue(int32=(1,)), StatusCode.INVALID_ARG),
        (LOCK, RawValue(floats=(1.0,)), StatusCode.INVALID_ARG),
        (LOCK, RawValue(), StatusCode.INVALID_ARG),
        (LOCK, RawValue(int32=(2,)), StatusCode.INVALID_ARG),
        (HVAC, RawValue(floats=(14.9,)), StatusCode.INVALID_ARG),
        (HVAC, RawValue(floats=(float("nan"),)), StatusCode.INVALID_ARG),
        (HVAC, RawValue(floats=(20.0, 21.0)), StatusCode.INVALID_ARG),
        (FAN, RawValue(int32=(8,)), StatusCode.INVALID_ARG),
        (LOCK, RawValue(int32=(1,)), StatusCode.NOT_AVAILABLE),
    ],
)
def test_a_set_that_cannot_be_has_its_code(hal: VehicleHal, place: Place, raw: RawValue, code: StatusCode) -> None:
    assert hal.set(place, raw) is code


def test_a_dead_bus_is_not_available(store: SignalStore, hal: VehicleHal) -> None:
    def dead(_signal: object) -> None:
        raise NotSentError("bus off")

    store["Vehicle.Cabin.IsLocked"].listen_target(dead)
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.NOT_AVAILABLE


def test_what_is_unavailable_cannot_be_set_until_it_is_back(
    kernel: Kernel, store: SignalStore, hal: VehicleHal
) -> None:
    """A cut bus, or an ECU that does not answer, is not noticed by who sends: but by what has stopped coming."""
    lock = store.declare("Vehicle.Cabin.IsLocked", timeout_ns=100 * MS)
    lock.listen_target(lambda signal: None)
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.OK  # it never came: it may come when it is asked for
    lock.publish(False)
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.OK
    kernel.run(200 * MS)
    assert hal.get(LOCK).value.status is Status.UNAVAILABLE  # type: ignore[union-attr]
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.NOT_AVAILABLE
    lock.publish(False)
    assert hal.set(LOCK, RawValue(int32=(1,))) is StatusCode.OK


def test_what_no_signal_has_is_kept(hal: VehicleHal) -> None:
    stream = hal.open_stream()
    assert hal.set(UNITS, RawValue(int32=(36,))) is StatusCode.OK
    assert hal.set(UNITS, RawValue(int32=(36,))) is StatusCode.OK
    assert hal.get(UNITS).value.raw.int32 == (36,)  # type: ignore[union-attr]
    assert [value.raw.int32 for value in stream.take()] == [(36,)]


def test_android_is_told_to_go_on(hal: VehicleHal) -> None:
    request = Place(ALL["AP_POWER_STATE_REQ"].id, 0)
    stream = hal.open_stream()
    assert hal.set(Place(ALL["AP_POWER_STATE_REPORT"].id, 0), RawValue(int32=(3, 0))) is StatusCode.OK
    assert [value.raw.int32 for value in stream.take() if value.place == request] == [(0, 0)]


# Events


def test_a_continuous_property_is_sampled_at_its_rate(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Speed"].publish(36.0)
    stream = hal.open_stream()
    assert hal.subscribe(SubscribeOptions(SPEED.prop, (), 10.0)) is StatusCode.OK
    kernel.run(NS_PER_S)
    events = stream.take()
    assert [value.time_ns for value in events] == [step * 100 * MS for step in range(1, 11)]
    assert all(value.raw.floats == pytest.approx((10.0,)) for value in events)
    assert hal.unsubscribe(SPEED.prop, 0) is StatusCode.OK
    kernel.run(2 * NS_PER_S)
    assert stream.take() == []


@pytest.mark.parametrize(("wished", "sent"), [(1000.0, 50), (0.01, 1), (25.0, 25)])
def test_a_rate_is_clamped_to_the_propertys_range(
    kernel: Kernel, store: SignalStore, hal: VehicleHal, wished: float, sent: int
) -> None:
    store["Vehicle.Speed"].publish(1.0)
    stream = hal.open_stream()
    hal.subscribe(SubscribeOptions(SPEED.prop, (0,), wished))
    kernel.run(NS_PER_S)
    assert len(stream.take()) == sent


def test_a_variable_rate_sends_changes_only(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Speed"].publish(36.0)
    stream = hal.open_stream()
    hal.subscribe(SubscribeOptions(SPEED.prop, (0,), 10.0, resolution=1.0, variable_rate=True))
    kernel.at(450 * MS, lambda: store["Vehicle.Speed"].publish(37.0))  # 10.3 m/s, with this resolution 10
    kernel.at(650 * MS, lambda: store["Vehicle.Speed"].publish(72.0))
    kernel.run(NS_PER_S)
    assert [(value.time_ns // MS, value.raw.floats) for value in stream.take()] == [(100, (10.0,)), (700, (20.0,))]


def test_older_guests_update_the_sample_rate(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Speed"].publish(1.0)
    stream = hal.open_stream()
    assert hal.update_sample_rate(SPEED.prop, 0, 5.0) is StatusCode.OK
    kernel.run(NS_PER_S)
    assert len(stream.take()) == 5
    assert hal.update_sample_rate(SPEED.prop, 0, 0.0) is StatusCode.OK
    kernel.run(2 * NS_PER_S)
    assert stream.take() == []
    assert hal.update_sample_rate(LOCK.prop, 1, 5.0) is StatusCode.INVALID_ARG


def test_an_on_change_property_is_sent_once_a_change(store: SignalStore, hal: VehicleHal) -> None:
    stream = hal.open_stream()
    for value in (True, True, False, False, True):
        store["Vehicle.Cabin.IsLocked"].publish(value)
    assert [value.raw.int32 for value in stream.take() if value.place == LOCK] == [(1,), (0,), (1,)]


def test_a_subscription_begins_with_the_value(store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Cabin.IsLocked"].publish(True)
    stream = hal.open_stream()
    assert hal.subscribe(SubscribeOptions(LOCK.prop, (1,))) is StatusCode.OK
    store["Vehicle.Cabin.IsLocked"].publish(True)
    assert [value.raw.int32 for value in stream.take() if value.place == LOCK] == [(1,)]


def test_an_ended_subscription_is_silent(store: SignalStore, hal: VehicleHal) -> None:
    stream = hal.open_stream()
    assert hal.unsubscribe(LOCK.prop, 1) is StatusCode.OK
    store["Vehicle.Cabin.IsLocked"].publish(True)
    assert [value for value in stream.take() if value.place == LOCK] == []


def test_timestamps_never_go_back(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    stream = hal.open_stream()
    store["Vehicle.Cabin.IsLocked"].publish(True)
    kernel.run(5 * MS)
    hal.subscribe(SubscribeOptions(LOCK.prop, (1,)))
    store["Vehicle.Cabin.IsLocked"].publish(False)
    hal.subscribe(SubscribeOptions(LOCK.prop, (1,)))
    times = [value.time_ns for value in stream.take() if value.place == LOCK]
    assert times == sorted(times) and len(times) == 4


def test_a_reader_that_stops_gets_the_newest(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    slow, quick = hal.open_stream(), hal.open_stream()
    for step in range(3 * ROOM):
        store["Vehicle.Cabin.IsLocked"].publish(step % 2 == 0)
        if step % 100 == 0:
            quick.take()
    waiting = slow.take()
    assert len(waiting) <= ROOM
    assert [value.raw.int32 for value in waiting if value.place == LOCK][-1] == (0,)
    assert slow.overwritten > 0 and quick.overwritten == 0


@pytest.mark.parametrize(
    "options",
    [
        SubscribeOptions(17),
        SubscribeOptions(LOCK.prop, (3,)),
        SubscribeOptions(SPEED.prop, (), float("nan")),
        SubscribeOptions(SPEED.prop, (), 1.0, -1.0),
    ],
)
def test_a_wrong_subscription_is_invalid(hal: VehicleHal, options: SubscribeOptions) -> None:
    assert hal.subscribe(options) is StatusCode.INVALID_ARG


# Who


def test_permissions_count_by_client(store: SignalStore, hal: VehicleHal) -> None:
    clients = Clients({"dash": ["android.car.permission.CAR_SPEED"], "climate": ["CONTROL_CAR_CLIMATE"]})
    dash, climate, stranger = clients.client("dash"), clients.client("climate"), clients.client("nobody")
    store["Vehicle.Speed"].publish(36.0)
    store["Vehicle.Cabin.Temperature"].listen_target(lambda signal: None)
    assert hal.get(SPEED, dash).code is StatusCode.OK
    assert hal.get(SPEED, climate).code is StatusCode.ACCESS_DENIED
    assert hal.get(SPEED, stranger).code is StatusCode.ACCESS_DENIED
    assert hal.set(HVAC, RawValue(floats=(20.0,)), climate) is StatusCode.OK
    assert hal.set(HVAC, RawValue(floats=(20.0,)), dash) is StatusCode.ACCESS_DENIED
    assert hal.subscribe(SubscribeOptions(SPEED.prop, (), 1.0), climate) is StatusCode.ACCESS_DENIED
    stream = hal.open_stream(climate)
    hal.subscribe(SubscribeOptions(SPEED.prop, (), 10.0), dash)
    store["Vehicle.Cabin.Temperature"].publish(20)
    assert {value.place for value in stream.take()} == {HVAC}


def test_without_clients_everybody_may(hal: VehicleHal) -> None:
    assert Clients().client("anybody") == Client()
    assert Clients().client(None).permissions is None


# Configuration


def test_limits_come_from_the_tree(hal: VehicleHal) -> None:
    code, area = hal.min_max(HVAC)
    assert code is StatusCode.OK and area is not None
    assert (area.minimum, area.maximum, area.access) == (15.0, 29.0, Access.READ_WRITE)
    _, fan = hal.min_max(FAN)
    assert fan is not None and (fan.minimum, fan.maximum) == (0, 7)
    _, gear = hal.min_max(GEAR)
    assert gear is not None and gear.enum_values == (1, 4, 8) and gear.access is Access.READ
    assert hal.min_max(Place(17, 0)) == (StatusCode.INVALID_ARG, None)


def test_android_reads_gears_and_the_steps_of_the_climate_control(hal: VehicleHal) -> None:
    assert hal.configs[GEAR.prop].config_array == (1, 4, 8)
    celsius, fahrenheit = (150, 290, 10), (590, 842, 18)
    assert hal.configs[HVAC.prop].config_array == (*celsius, *fahrenheit)


@pytest.mark.parametrize(
    ("low", "high", "step", "array"),
    [
        (16.0, 28.0, 0.5, (160, 280, 5, 608, 824, 9)),
        (16.0, 28.0, 0.1, ()),  # tenths of a degree Fahrenheit cannot tell them
        (16.0, 28.0, 5.0, ()),  # the steps end before the highest
        (16.0, None, 0.5, ()),
        (16.0, 28.0, None, ()),
    ],
)
def test_steps_of_a_temperature(low: float, high: float | None, step: float | None, array: tuple[int, ...]) -> None:
    area = AreaConfig(area=5, minimum=low, maximum=high)
    known = ALL["HVAC_TEMPERATURE_SET"]
    config = PropertyConfig(prop=known, access=known.access, areas={5: area})
    assert with_config_array(config, step).config_array == array
    given = replace(config, config_array=(160, 280, 10, 600, 840, 20))
    assert with_config_array(given, step) == given


def test_the_references_areas_are_kept(kernel: Kernel, store: SignalStore, tree: VssTree, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "own.json").write_text(
        '{"properties": [{"property": "VehicleProperty::HVAC_TEMPERATURE_SET", "areas": [{"areaId": '
        '"Constants::SEAT_1_LEFT", "minFloatValue": 16.0, "maxFloatValue": 28.0}, {"areaId": "Constants::SEAT_2_LEFT"}],'
        ' "defaultValue": {"floatValues": [18.0]}}]}'
    )
    hal = build_hal(kernel, store, tree, map_file=tmp_path / "map.yaml", property_files=[tmp_path / "own.json"])
    store["Vehicle.Cabin.Temperature"].publish(21)
    assert floats(hal, Place(HVAC.prop, 1)) == (21.0,)
    assert floats(hal, Place(HVAC.prop, 16)) == (18.0,)  # no signal there: its default
    assert hal.get(HVAC).code is StatusCode.INVALID_ARG
    assert hal.set(Place(HVAC.prop, 1), RawValue(floats=(15.5,))) is StatusCode.INVALID_ARG


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("{property: PERF_VEHICLE_SPEED, signal: Vehicle.Sped}", "did you mean 'Vehicle.Speed'"),
        ("{property: PERF_VEHICLE_SPED, signal: Vehicle.Speed}", "did you mean 'PERF_VEHICLE_SPEED'"),
        ("{property: ENV_OUTSIDE_TEMPERATURE, signal: Vehicle.Speed}", "km/h, which does not convert to the CELSIUS"),
        ("{property: DOOR_LOCK, signal: Vehicle.Cabin.IsLocked}", "one for each door: it needs an area"),
        ("{property: DOOR_LOCK, area: ROW_9_LEFT, signal: Vehicle.Cabin.IsLocked}", "no door area 'ROW_9_LEFT'"),
        ("{property: NIGHT_MODE, area: ROW_1_LEFT, signal: Vehicle.Cabin.IsLocked}", "NIGHT_MODE is global"),
        ("{property: NIGHT_MODE, signal: Vehicle.Speed}", "Vehicle.Speed .float. cannot be NIGHT_MODE .BOOLEAN."),
        ("{property: INFO_VIN, signal: Vehicle.Speed}", "cannot be INFO_VIN .STRING."),
        ("{property: PERF_VEHICLE_SPEED, signal: Vehicle.Numbers}", "cannot be PERF_VEHICLE_SPEED .FLOAT."),
        ("{property: GEAR_SELECTION, signal: Vehicle.Cabin.Mode, map: {AUTO: GEAR_FAST}}", "cannot be 'GEAR_FAST'"),
        ("{property: GEAR_SELECTION, signal: Vehicle.Cabin.Mode, map: {FAST: GEAR_1}}", "cannot be 'FAST'"),
        ("{property: PERF_VEHICLE_SPEED, signal: Vehicle.Speed, scale: 0}", "scale 0 is no number that can be used"),
        ("{property: PERF_VEHICLE_SPEED}", "needs either a signal or bits"),
        ("{property: PERF_VEHICLE_SPEED, signal: Vehicle.Speed, sacle: 2}", "did you mean 'scale'"),
        ("17", "17 is no rule"),
    ],
)
def test_a_rule_that_cannot_work_is_told_with_its_line(tree: VssTree, rule: str, sentence: str) -> None:
    with pytest.raises(ServeError, match=rf"^map.yaml:2: .*{sentence}"):
        parse_map(f"# rules\n- {rule}\n", "map.yaml", tree)


@pytest.mark.parametrize("text", ["", "a: b", "[", "- &a [*a]", "\x00"])
def test_what_is_no_map_is_told(tree: VssTree, text: str) -> None:
    with pytest.raises(ServeError, match="^map.yaml"):
        parse_map(text, "map.yaml", tree)


def test_optional_rules_wait_for_their_signal(tree: VssTree) -> None:
    assert parse_map("- {property: PERF_ODOMETER, signal: Vehicle.Odo, optional: true}", "map.yaml", tree) == []


def test_dump_shows_the_state(store: SignalStore, hal: VehicleHal) -> None:
    store["Vehicle.Speed"].publish(36.0)
    hal.subscribe(SubscribeOptions(SPEED.prop, (), 10.0))
    text = dump(hal, [])
    assert "0x11600207 PERF_VEHICLE_SPEED area 0x0: [10]" in text
    assert "0x16200B02 DOOR_LOCK area 0x1: UNAVAILABLE" in text
    assert "sampled: PERF_VEHICLE_SPEED area 0x0 at 10/s" in text
    assert dump(hal, ["--get", "perf_vehicle_speed"]).count("\n") == 1
    assert "0x15600503 HVAC_TEMPERATURE_SET READ_WRITE ON_CHANGE areas 0x5" in dump(hal, ["--list"])
    assert "--help" in dump(hal, ["--what"])


def test_a_closed_hal_is_silent(kernel: Kernel, store: SignalStore, hal: VehicleHal) -> None:
    stream = hal.open_stream()
    hal.subscribe(SubscribeOptions(SPEED.prop, (), 10.0))
    stream.take()
    hal.close()
    store["Vehicle.Cabin.IsLocked"].publish(True)
    kernel.run(NS_PER_S)
    assert stream.closed and stream.take() == []
