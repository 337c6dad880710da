"""From an application down to an ECU and back, in virtual time: the demo vehicle under both domains at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.can import KEY_MASK, Frame
from gateway.domains import Code, DomainError, ServeError
from gateway.domains.aaos import Place, RawValue, Status, StatusCode, VehicleHal, system_properties
from gateway.domains.sdv import EVERYTHING, Broker
from gateway.domains.sdv.broker import values_of
from gateway.links.addresses import Address
from gateway.sim import NS_PER_S, Kernel
from gateway.vehicle import Vehicle, build, read_vehicle
from gateway.vehicle.served.aaos import AaosOptions, hal_of
from gateway.vehicle.served.sdv import broker_of

ROOT = Path(__file__).parents[3]
MS = 1_000_000
ALL = system_properties()
TEMPERATURE = "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature"
LOCKED = "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"
HVAC = Place(ALL["HVAC_TEMPERATURE_SET"].id, 5)


@dataclass
class Served:
    """The demo vehicle, standing, with its two domains."""

    kernel: Kernel
    vehicle: Vehicle
    broker: Broker
    hal: VehicleHal

    def run(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * NS_PER_S))

    def listen(self, bus: str, key: int) -> list[bytes]:
        seen: list[bytes] = []

        def note(frame: Frame) -> None:
            if frame.header & KEY_MASK == key:
                seen.append(frame.data)

        self.vehicle.buses[bus].attach("tap").receive_all(note)
        return seen


@pytest.fixture
def served() -> Served:
    file = read_vehicle(ROOT / "vehicle.yaml")
    file = file._replace(spec=file.spec.model_copy(update={"drive": None}))
    kernel = Kernel()
    vehicle = build(file, kernel)
    vehicle.ecu("BCM").input("ignition").value = "On"
    served = Served(kernel, vehicle, broker_of(vehicle), hal_of(vehicle, AaosOptions(Address("", 0))))
    vehicle.start()
    served.run(2)
    return served


def test_the_climate_screen_moves_the_climate_control(served: Served) -> None:
    """HAL set, CAN frame, climate ECU, CAN frame, VSS value at a kuksa subscriber, property event."""
    command = served.vehicle.databases["body"].message("ClimateCommand")
    frames = served.listen("body", command.arbitration_id)
    subscription = served.broker.subscribe(values_of([served.broker.entry(TEMPERATURE)]), EVERYTHING)
    stream = served.hal.open_stream()
    subscription.take()
    assert served.hal.set(HVAC, RawValue(floats=(25.0,))) is StatusCode.OK
    served.run(0.1)
    assert [data[0] for data in frames] == [50]  # 25 degrees in steps of a half
    served.run(1)
    message = subscription.take()
    assert message is not None and [datapoint.value for datapoint in message.values()] == [25]
    assert [value.raw.floats for value in stream.take() if value.place == HVAC] == [(25.0,)]
    assert served.vehicle.ecu("Climate").tx("body.ClimateStatus.SetTemperature").value == 25.0


def test_actuating_a_lock_locks_the_door(served: Served) -> None:
    entry = served.broker.entry(LOCKED)
    assert entry.current() is False
    served.broker.actuate([(entry, True)], EVERYTHING)
    assert entry.current() is False
    served.run(0.2)
    assert entry.current() is True
    assert served.hal.get(Place(ALL["DOOR_LOCK"].id, 1)).value.raw.int32 == (1,)  # type: ignore[union-attr]


def test_a_silent_ecu_is_told_in_both_domains(served: Served) -> None:
    """The ESP stops: the speed is absent for kuksa and UNAVAILABLE for Android, within three cycles of its message."""
    speed = Place(ALL["PERF_VEHICLE_SPEED"].id, 0)
    assert served.broker.entry("Vehicle.Speed").current() == 0.0
    cycle_ns = served.vehicle.databases["chassis"].message("VehicleMotion").cycle_ns
    assert cycle_ns
    served.vehicle.ecu("ESP").switch_off()
    served.kernel.run(served.kernel.now + 3 * cycle_ns + 1)
    assert served.broker.entry("Vehicle.Speed").current() is None
    assert served.hal.get(speed).value.status is Status.UNAVAILABLE  # type: ignore[union-attr]
    served.vehicle.ecu("ESP").switch_on()
    served.run(1)
    assert served.broker.entry("Vehicle.Speed").current() == 0.0


def test_a_dead_can_side_is_unavailable_to_both(served: Served) -> None:
    served.vehicle.gateway.controllers["body"].switch_off()
    with pytest.raises(DomainError, match="RemoteLocks could not be sent") as caught:
        served.broker.actuate([(served.broker.entry(LOCKED), True)], EVERYTHING)
    assert caught.value.code is Code.UNAVAILABLE
    lock = Place(ALL["DOOR_LOCK"].id, 1)
    assert served.hal.set(lock, RawValue(int32=(1,))) is StatusCode.NOT_AVAILABLE


def test_an_ecu_that_is_dead_is_told_once_its_value_is_gone(served: Served) -> None:
    """Who sends does not notice it: kuksa's OK says that the frame went out; Android is refused what it sees gone."""
    served.vehicle.ecu("Climate").switch_off()
    assert served.hal.set(HVAC, RawValue(floats=(25.0,))) is StatusCode.OK
    cycle_ns = served.vehicle.databases["body"].message("ClimateStatus").cycle_ns
    assert cycle_ns
    served.kernel.run(served.kernel.now + 3 * cycle_ns + 1)
    assert served.hal.get(HVAC).value.status is Status.UNAVAILABLE  # type: ignore[union-attr]
    assert served.hal.set(HVAC, RawValue(floats=(25.0,))) is StatusCode.NOT_AVAILABLE
    served.broker.actuate([(served.broker.entry(TEMPERATURE), 25)], EVERYTHING)
    assert served.broker.entry(TEMPERATURE).current() is None


def test_what_android_asks_for_at_start_is_there(served: Served) -> None:
    wanted = (
        "INFO_VIN INFO_MAKE INFO_MODEL INFO_MODEL_YEAR INFO_FUEL_TYPE INFO_DRIVER_SEAT PERF_VEHICLE_SPEED"
        " PERF_VEHICLE_SPEED_DISPLAY PERF_ODOMETER GEAR_SELECTION CURRENT_GEAR IGNITION_STATE NIGHT_MODE"
        " ENV_OUTSIDE_TEMPERATURE EV_BATTERY_LEVEL RANGE_REMAINING EV_CHARGE_PORT_CONNECTED TIRE_PRESSURE DOOR_LOCK"
        " DOOR_POS HVAC_TEMPERATURE_SET HVAC_FAN_SPEED HVAC_AC_ON HVAC_POWER_ON TURN_SIGNAL_STATE HEADLIGHTS_STATE"
        " HAZARD_LIGHTS_STATE AP_POWER_STATE_REQ AP_POWER_STATE_REPORT AP_POWER_BOOTUP_REASON DISPLAY_BRIGHTNESS"
    )
    assert [name for name in wanted.split() if ALL[name].id not in served.hal.configs] == []
    unavailable = {value.place for value in served.hal.values() if value.status is not Status.AVAILABLE}
    assert unavailable == set()


def test_an_overlay_changes_the_tree(tmp_path: Path) -> None:
    overlay = tmp_path / "own.vspec"
    overlay.write_text(
        "Vehicle.Speed:\n  type: sensor\n  datatype: float\n  unit: km/h\n  description: Ours\n  max: 99\n"
    )
    file = read_vehicle(ROOT / "vehicle.yaml")
    gateway = file.spec.gateway.model_copy(update={"overlays": [str(overlay)]})
    file = file._replace(spec=file.spec.model_copy(update={"gateway": gateway}))
    broker = broker_of(build(file, Kernel()))
    assert broker.entry("Vehicle.Speed").leaf.maximum == 99
    assert broker.entry("Vehicle.Speed").leaf.dbc2vss is not None


def test_a_vehicle_without_signals_cannot_be_served(tmp_path: Path) -> None:
    file = read_vehicle(ROOT / "vehicle.yaml")
    gateway = file.spec.gateway.model_copy(update={"signals": None})
    vehicle = build(file._replace(spec=file.spec.model_copy(update={"gateway": gateway})), Kernel())
    with pytest.raises(ServeError, match="no signals to serve"):
        broker_of(vehicle)
    with pytest.raises(ServeError, match="no signals to serve"):
        hal_of(vehicle, AaosOptions(Address("", 0)))
