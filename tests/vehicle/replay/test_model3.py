"""The mapping of a Tesla Model 3 as eclipse-kuksa ships it: frames made by cantools, replayed, each rule done by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cantools
import pytest

from gateway.can import Frame
from gateway.database import load as load_database
from gateway.trace.candump_lines import format_line
from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
from gateway.vehicle.logs.log import Log, read_log
from gateway.vehicle.logs.replay import ReplayOptions, replay

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "model3-vss"
S = 1_000_000_000

FIRST: Mapping[str, Mapping[str, Any]] = {
    "ID3E3VCRIGHT_lightStatus": {
        "VCRIGHT_reverseLightStatus": "LIGHT_ON",
        "VCRIGHT_brakeLightStatus": "LIGHT_ON",
        "VCRIGHT_turnSignalStatus": "LIGHT_ON",
        "VCRIGHT_rearFogLightStatus": "LIGHT_FAULT",
    },
    "ID3E2VCLEFT_lightStatus": {
        "VCLEFT_turnSignalStatus": "LIGHT_OFF",
        "VCLEFT_trailerDetected": "TRAILER_LIGHT_DETECTION_DETECTED",
    },
    "ID102VCLEFT_doorStatus": {
        "VCLEFT_mirrorHeatState": "HEATER_STATE_ON",
        "VCLEFT_mirrorTiltXPosition": 2.5,
        "VCLEFT_mirrorTiltYPosition": 5.0,
    },
    "ID103VCRIGHT_doorStatus": {
        "VCRIGHT_mirrorTiltXPosition": 0.0,
        "VCRIGHT_mirrorTiltYPosition": 1.24,
        "VCRIGHT_trunkLatchStatus": "LATCH_AJAR",
    },
    "ID321VCFRONT_sensors": {
        "VCFRONT_washerFluidLevel": "LOW",
        "VCFRONT_brakeFluidLevel": "NORMAL",
        "VCFRONT_tempAmbientFiltered": 21.5,
    },
    "ID122VCLEFT_doorStatus2": {
        "VCLEFT_frontDoorState": "DOOR_STATE_OPEN_OR_AJAR",
        "VCLEFT_rearDoorState": "DOOR_STATE_CLOSED",
    },
    "ID257DIspeed": {"DI_uiSpeedUnits": "DI_SPEED_KPH", "DI_uiSpeed": 113},
    "ID3A1VCFRONT_vehicleStatus": {"VCFRONT_driverBuckleStatus": "BUCKLED"},
    "ID129SteeringAngle": {"SteeringAngle129": -12.4},
    "ID2B4PCS_dcdcRailStatus": {"PCS_dcdcLvBusVolt": 13.75},
    "ID266RearInverterPower": {"RearPower266": -63.5},
    "ID287PTCcabinHeatSensorStatus": {"PTC_rightTempIGBT": 47},
    "ID108DIR_torque": {"DIR_torqueActual": -246},
    "ID23DCP_chargeStatus": {"CP_hvChargeStatus": "CP_CHARGE_STANDBY"},
    "ID118DriveSystemStatus": {"DI_gear": "DI_GEAR_R"},
}
AFTER_FIRST: Mapping[str, Any] = {
    "Vehicle.Body.Lights.Backup.IsOn": True,
    "Vehicle.Body.Lights.Brake.IsActive": "ACTIVE",
    "Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling": False,
    "Vehicle.Body.Lights.DirectionIndicator.Right.IsSignaling": True,
    "Vehicle.Body.Lights.Fog.Rear.IsOn": False,
    "Vehicle.Body.Mirrors.DriverSide.IsHeatingOn": True,
    "Vehicle.Body.Mirrors.DriverSide.Pan": 0,  # floor(2.5 * 40 - 100)
    "Vehicle.Body.Mirrors.DriverSide.Tilt": 100,  # floor(5 * 40 - 100)
    "Vehicle.Body.Mirrors.PassengerSide.IsHeatingOn": True,
    "Vehicle.Body.Mirrors.PassengerSide.Pan": -100,  # floor(0 * 40 - 100)
    "Vehicle.Body.Mirrors.PassengerSide.Tilt": -51,  # floor(1.24 * 40 - 100) = floor(-50.4)
    "Vehicle.Body.Trunk.Rear.IsOpen": True,
    "Vehicle.Body.Windshield.Front.WasherFluid.IsLevelLow": True,
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen": True,
    "Vehicle.Cabin.Door.Row2.DriverSide.IsOpen": False,
    "Vehicle.Cabin.Infotainment.HMI.SpeedUnit": "KILOMETERS_PER_HOUR",
    "Vehicle.Cabin.Infotainment.Media.Played.Album": "DI_SPEED_KPH",  # the label, where there is no transform
    "Vehicle.Cabin.Infotainment.Media.Volume": 1,  # the number of the label, for a number
    "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted": True,
    "Vehicle.Chassis.Axle.Row1.Wheel.Left.Brake.IsFluidLevelLow": False,
    "Vehicle.Chassis.Axle.Row1.Wheel.Right.Brake.IsFluidLevelLow": False,
    "Vehicle.Chassis.Axle.Row2.Wheel.Left.Brake.IsFluidLevelLow": False,
    "Vehicle.Chassis.Axle.Row2.Wheel.Right.Brake.IsFluidLevelLow": False,
    "Vehicle.Chassis.SteeringWheel.Angle": -12,  # floor(-12.4 + 0.5)
    "Vehicle.OBD.AmbientAirTemperature": 21.5,
    "Vehicle.OBD.ControlModuleVoltage": 13.75,
    "Vehicle.OBD.EngineLoad": 12,  # floor(|-63.5 / 5|)
    "Vehicle.OBD.Speed": 113,
    "Vehicle.Powertrain.ElectricMotor.Temperature": 47,
    "Vehicle.Powertrain.ElectricMotor.Torque": -246,
    "Vehicle.Powertrain.TractionBattery.Charging.IsCharging": False,
    "Vehicle.Powertrain.Transmission.CurrentGear": -1,
    "Vehicle.Powertrain.Transmission.IsParkLockEngaged": False,
    "Vehicle.Speed": 113,
    "Vehicle.Trailer.IsConnected": True,
}
SECOND: Mapping[str, Mapping[str, Any]] = {
    "ID3E3VCRIGHT_lightStatus": {
        "VCRIGHT_reverseLightStatus": "LIGHT_SNA",
        "VCRIGHT_brakeLightStatus": "LIGHT_OFF",
        "VCRIGHT_turnSignalStatus": "LIGHT_OFF",
        "VCRIGHT_rearFogLightStatus": "LIGHT_ON",
    },
    "ID102VCLEFT_doorStatus": {
        "VCLEFT_mirrorHeatState": "HEATER_STATE_FAULT",
        "VCLEFT_mirrorTiltXPosition": 3.02,
        "VCLEFT_mirrorTiltYPosition": 0.5,
    },
    "ID257DIspeed": {"DI_uiSpeedUnits": "DI_SPEED_MPH", "DI_uiSpeed": 70},
    "ID13DCP_chargeStatus": {"CP_hvChargeStatus": "CP_CHARGE_ENABLED"},
    "ID118DriveSystemStatus": {"DI_gear": "DI_GEAR_N"},
}
AFTER_SECOND: Mapping[str, Any] = {
    **AFTER_FIRST,
    "Vehicle.Body.Lights.Backup.IsOn": False,
    "Vehicle.Body.Lights.Brake.IsActive": "INACTIVE",
    "Vehicle.Body.Lights.DirectionIndicator.Right.IsSignaling": False,
    "Vehicle.Body.Lights.Fog.Rear.IsOn": True,
    "Vehicle.Body.Mirrors.DriverSide.Pan": 20,  # floor(3.02 * 40 - 100) = floor(20.8)
    "Vehicle.Body.Mirrors.DriverSide.Tilt": -80,  # floor(0.5 * 40 - 100)
    "Vehicle.Cabin.Infotainment.HMI.SpeedUnit": "MILES_PER_HOUR",
    "Vehicle.Cabin.Infotainment.Media.Played.Album": "DI_SPEED_MPH",
    "Vehicle.Cabin.Infotainment.Media.Volume": 0,
    "Vehicle.OBD.Speed": 70,
    "Vehicle.Speed": 70,
    "Vehicle.Powertrain.TractionBattery.Charging.IsCharging": True,  # from the other message with that signal
    # HEATER_STATE_FAULT and DI_GEAR_N are not in their mappings: those leaves keep what they had.
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    if not FOLDER.is_dir():
        pytest.skip("needs the Model 3 database and mapping, which are not in this checkout")
    path = tmp_path_factory.mktemp("model3") / "drive.log"
    path.write_text("".join([*_lines(0, FIRST), *_lines(4 * S, SECOND), *_lines(9 * S, {})]))
    return read_log([path])


def _lines(time_ns: int, values: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Frames as cantools encodes them; signals that are not given are those of a payload of zeros."""
    database = cantools.database.load_file(FOLDER / "Model3CAN.dbc")
    for name, given in values.items():
        message = database.get_message_by_name(name)
        zeros = message.decode(bytes(message.length), decode_choices=False)
        data = message.encode({**zeros, **given}, strict=False)
        yield format_line(time_ns, "can0", Frame(message.frame_id, data))


@pytest.mark.parametrize(("for_ns", "expected"), [(1 * S, AFTER_FIRST), (None, AFTER_SECOND)])
def test_all_35_signals_are_what_their_rules_make_of_the_frames(
    log: Log, for_ns: int | None, expected: Mapping[str, Any]
) -> None:
    car = vehicle_of_log(log, {"can0": load_database(FOLDER / "Model3CAN.dbc")}, FOLDER / "vss_dbc.json")
    result = replay(car, log, ReplayOptions(for_ns=for_ns))
    assert {path: signal.value for path, signal in result.run.signals.items()} == expected
    assert len(expected) == 35
    assert result.unknown_frames == 0


def test_values_that_are_in_no_mapping_are_told(log: Log) -> None:
    car = vehicle_of_log(log, {"can0": load_database(FOLDER / "Model3CAN.dbc")}, FOLDER / "vss_dbc.json")
    texts = [finding.text for finding in replay(car, log).findings]
    refused = {text.partition(":")[0] for text in texts if "not in the mapping" in text}
    assert refused == {
        "Vehicle.Body.Mirrors.DriverSide.IsHeatingOn",
        "Vehicle.Body.Mirrors.PassengerSide.IsHeatingOn",
        "Vehicle.Powertrain.Transmission.CurrentGear",
        "Vehicle.Powertrain.Transmission.IsParkLockEngaged",
    }
