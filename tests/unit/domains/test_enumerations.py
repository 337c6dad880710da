"""Values of the vehicle HAL's enumerations that one could get wrong, against the interface's own files.

Checked 2026-11-24 with the AIDL files of android_hardware_interfaces (automotive/vehicle/aidl_property): all
enumerations of `enums.json` but `EvsServiceState`, `VehicleAreaWheel` and `Constants`, which were not to be had. Here
are those with gaps, flags, other orders than one would guess, or values that came later.
"""

from __future__ import annotations

import pytest

from gateway.domains.aaos.property import constant, enums

CHECKED = {
    "VehicleGear": {"GEAR_NEUTRAL": 0x1, "GEAR_REVERSE": 0x2, "GEAR_PARK": 0x4, "GEAR_DRIVE": 0x8, "GEAR_1": 0x10,
                    "GEAR_9": 0x1000},
    "VehicleIgnitionState": {"UNDEFINED": 0, "LOCK": 1, "OFF": 2, "ACC": 3, "ON": 4, "START": 5},
    "VehicleTurnSignal": {"NONE": 0, "RIGHT": 1, "LEFT": 2},
    "VehicleOilLevel": {"CRITICALLY_LOW": 0, "ERROR": 4},
    "VehicleHvacFanDirection": {"FACE": 1, "FLOOR": 2, "FACE_AND_FLOOR": 3, "DEFROST": 4, "DEFROST_AND_FLOOR": 6},
    "VehicleLightSwitch": {"OFF": 0, "ON": 1, "DAYTIME_RUNNING": 2, "AUTOMATIC": 0x100},
    "VehicleUnit": {"PERCENTILE": 0x10, "KILOMETER": 0x23, "MILE": 0x24, "CELSIUS": 0x30, "GALLON": 0x42,
                    "US_GALLON": 0x42, "SECS": 0x53, "YEAR": 0x59, "WATT_HOUR": 0x60, "KILOWATT_HOUR": 0x65,
                    "AMPERE": 0x66, "BAR": 0x72, "DEGREES": 0x80, "KILOMETERS_PER_HOUR": 0x91},
    "EvConnectorType": {"IEC_TYPE_4_DC": 4, "IEC_TYPE_2_CCS_DC": 6, "TESLA_HPWC": 8, "SAE_J3400_AC": 8,
                        "TESLA_SUPERCHARGER": 9, "SAE_J3400_DC": 9, "GBT_DC": 11, "OTHER": 101},
    "FuelType": {"FUEL_TYPE_E85": 6, "FUEL_TYPE_ELECTRIC": 10, "FUEL_TYPE_OTHER": 12},
    "PortLocationType": {"FRONT_LEFT": 1, "FRONT_RIGHT": 2, "REAR_RIGHT": 3, "REAR_LEFT": 4, "FRONT": 5, "REAR": 6},
    "EvChargeState": {"CHARGING": 1, "FULLY_CHARGED": 2, "NOT_CHARGING": 3, "ERROR": 4},
    "EvsServiceType": {"REARVIEW": 0, "SURROUNDVIEW": 1, "FRONTVIEW": 2, "USER_DEFINED": 1000},
    "LocationCharacterization": {"PRIOR_LOCATIONS": 1, "WHEEL_SPEED_FUSION": 0x10, "DEAD_RECKONED": 0x80,
                                 "RAW_GNSS_ONLY": 0x100},
    "VehicleApPowerBootupReason": {"USER_POWER_ON": 0, "SYSTEM_REMOTE_ACCESS": 2, "SYSTEM_ENTER_GARAGE_MODE": 3},
    "VehicleApPowerStateReq": {"ON": 0, "SHUTDOWN_PREPARE": 1, "CANCEL_SHUTDOWN": 2, "FINISHED": 3},
    "VehicleApPowerStateReport": {"WAIT_FOR_VHAL": 1, "DEEP_SLEEP_ENTRY": 2, "ON": 6, "SHUTDOWN_PREPARE": 7,
                                  "SHUTDOWN_CANCELLED": 8, "HIBERNATION_ENTRY": 9, "HIBERNATION_EXIT": 10},
    "ErrorState": {"OTHER_ERROR_STATE": -1, "NOT_AVAILABLE_SPEED_HIGH": -4, "NOT_AVAILABLE_POOR_VISIBILITY": -5,
                   "NOT_AVAILABLE_SAFETY": -6},
    "LaneCenteringAssistState": {"ACTIVATION_REQUESTED": 2, "ACTIVATED": 3, "FORCED_DEACTIVATION_WARNING": 5},
    "LaneCenteringAssistCommand": {"ACTIVATE": 1, "DEACTIVATE": 2},
    "CruiseControlState": {"ENABLED": 1, "ACTIVATED": 2, "USER_OVERRIDE": 3, "SUSPENDED": 4},
    "CruiseControlCommand": {"ACTIVATE": 1, "SUSPEND": 2, "DECREASE_TARGET_TIME_GAP": 6},
    "WindshieldWipersSwitch": {"OFF": 1, "MIST": 2, "INTERMITTENT_LEVEL_1": 3, "CONTINUOUS_LEVEL_1": 8, "AUTO": 13,
                               "SERVICE": 14},
    "ImpactSensorLocation": {"OTHER": 1, "FRONT": 2, "REAR": 0x40},
    "VehicleAirbagLocation": {"OTHER": 1, "FRONT": 2, "KNEE": 4, "CURTAIN": 0x20},
    "VehicleAreaWindow": {"FRONT_WINDSHIELD": 1, "ROW_1_LEFT": 0x10, "ROW_2_RIGHT": 0x400, "ROOF_TOP_2": 0x20000},
    "VehicleAreaSeat": {"ROW_1_LEFT": 1, "ROW_1_RIGHT": 4, "ROW_2_CENTER": 0x20, "ROW_3_RIGHT": 0x400},
    "VehicleAreaDoor": {"ROW_2_LEFT": 0x10, "HOOD": 0x10000000, "REAR": 0x20000000},
    "VehicleAreaMirror": {"DRIVER_LEFT": 1, "DRIVER_RIGHT": 2, "DRIVER_CENTER": 4},
}  # fmt: skip


@pytest.mark.parametrize("enumeration", CHECKED)
def test_values_are_those_of_the_interface(enumeration: str) -> None:
    known = enums()[enumeration]
    assert {name: known[name] for name in CHECKED[enumeration]} == CHECKED[enumeration]


def test_a_constant_is_read_by_its_name() -> None:
    assert constant("VehicleGear::GEAR_PARK") == 4
