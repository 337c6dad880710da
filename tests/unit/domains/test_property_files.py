"""Properties, constants and the reference implementation's property files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.domains import ServeError
from gateway.domains.aaos.build import base_properties
from gateway.domains.aaos.property import (
    Access,
    AreaType,
    ChangeMode,
    ValueType,
    area,
    constant,
    find_property,
    is_property_id,
    system_properties,
)
from gateway.domains.aaos.property_files import load_properties, parse_properties
from gateway.domains.aaos.values import RawValue

DATA = Path(__file__).parents[4] / "shared" / "data" / "aaos"


def parsed(spec: dict[str, Any]) -> Any:
    return parse_properties(json.dumps({"properties": [spec]}, indent=1), "own.json")


def test_every_id_says_its_group_area_and_type() -> None:
    for known in system_properties().values():
        assert is_property_id(known.id), known
    assert len({known.id for known in system_properties().values()}) == len(system_properties())


@pytest.mark.parametrize(
    ("name", "number", "kind", "where", "mode", "access"),
    [
        ("INFO_VIN", 286261504, ValueType.STRING, AreaType.GLOBAL, ChangeMode.STATIC, Access.READ),
        ("PERF_VEHICLE_SPEED", 291504647, ValueType.FLOAT, AreaType.GLOBAL, ChangeMode.CONTINUOUS, Access.READ),
        ("TIRE_PRESSURE", 392168201, ValueType.FLOAT, AreaType.WHEEL, ChangeMode.CONTINUOUS, Access.READ),
        ("DOOR_LOCK", 371198722, ValueType.BOOLEAN, AreaType.DOOR, ChangeMode.ON_CHANGE, Access.READ_WRITE),
        ("HVAC_TEMPERATURE_SET", 358614275, ValueType.FLOAT, AreaType.SEAT, ChangeMode.ON_CHANGE, Access.READ_WRITE),
        ("WINDOW_POS", 322964416, ValueType.INT32, AreaType.WINDOW, ChangeMode.ON_CHANGE, Access.READ_WRITE),
        ("WHEEL_TICK", 290521862, ValueType.INT64_VEC, AreaType.GLOBAL, ChangeMode.CONTINUOUS, Access.READ),
        ("OBD2_LIVE_FRAME", 299896064, ValueType.MIXED, AreaType.GLOBAL, ChangeMode.ON_CHANGE, Access.READ),
        ("BLIND_SPOT_WARNING_STATE", 339742725, ValueType.INT32, AreaType.MIRROR, ChangeMode.ON_CHANGE, Access.READ),
        ("EV_CURRENT_BATTERY_CAPACITY", 291504909, ValueType.FLOAT, AreaType.GLOBAL, ChangeMode.ON_CHANGE, Access.READ),
        ("HW_CUSTOM_INPUT", 289475120, ValueType.INT32_VEC, AreaType.GLOBAL, ChangeMode.ON_CHANGE, Access.READ),
    ],
)
def test_properties_are_those_of_android(
    name: str, number: int, kind: ValueType, where: AreaType, mode: ChangeMode, access: Access
) -> None:
    known = find_property(name)
    assert (known.id, known.value_type, known.area_type, known.change_mode, known.access) == (
        number,
        kind,
        where,
        mode,
        access,
    )


def test_areas_are_bits() -> None:
    assert area(find_property("HVAC_TEMPERATURE_SET"), "ROW_1_LEFT | ROW_1_RIGHT") == 5
    assert area(find_property("DOOR_POS"), "REAR") == 0x20000000
    with pytest.raises(ServeError, match="there is no door area 'ROW_1_LEF' .did you mean 'ROW_1_LEFT'"):
        area(find_property("DOOR_POS"), "ROW_1_LEF")


def test_constants_have_names() -> None:
    assert constant("VehicleGear::GEAR_PARK") == 4
    assert constant("Constants::HVAC_ALL") == 0x75
    with pytest.raises(ServeError, match="did you mean 'GEAR_PARK'"):
        constant("VehicleGear::GEAR_PARC")


def test_the_references_own_file_is_read_whole() -> None:
    path = DATA / "DefaultProperties.json"
    if not path.is_file():
        pytest.skip("needs the reference's DefaultProperties.json")
    written = json.loads(path.read_text())["properties"]
    configs = load_properties([path])
    assert len(configs) == len({spec["property"] for spec in written})
    speed = configs[find_property("PERF_VEHICLE_SPEED").id]
    assert (speed.min_rate, speed.max_rate, speed.default) == (1.0, 10.0, RawValue(floats=(0.0,)))
    units = configs[find_property("VEHICLE_SPEED_DISPLAY_UNITS").id]
    assert units.config_array == (0x01, 0x90, 0x91)
    memory = configs[find_property("SEAT_MEMORY_SELECT").id]
    assert set(memory.areas) == {1, 4, 16, 64}
    assert (memory.areas[1].minimum, memory.areas[1].maximum) == (0, 3)


def test_the_base_is_in_that_format() -> None:
    assert base_properties()[find_property("INFO_FUEL_TYPE").id].default == RawValue(int32=(10,))


def test_a_vendors_property_has_an_id() -> None:
    configs = parsed({"property": 0x21400101, "access": "READ", "changeMode": "ON_CHANGE"})
    assert configs[0x21400101].access is Access.READ
    assert configs[0x21400101].prop.is_vendors


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            {"property": "VehicleProperty::PERF_VEHICLE_SPED"},
            "own.json:4: there is no vehicle property 'PERF_VEHICLE_SPED'",
        ),
        ({"property": 17}, "0x00000011 is no property id"),
        ({"property": "VehicleProperty::INFO_VIN", "defaultValue": {"int32Values": [1]}}, "INFO_VIN is STRING"),
        ({"property": "VehicleProperty::NIGHT_MODE", "defaultValue": {"int32Values": [2]}}, "NIGHT_MODE is BOOLEAN"),
        ({"property": "VehicleProperty::NIGHT_MODE", "areas": [{"areaId": 1}]}, "NIGHT_MODE is global"),
        (
            {"property": "VehicleProperty::NIGHT_MODE", "acess": "READ"},
            "'acess', which is not known .did you mean 'access'",
        ),
        ({"property": "VehicleProperty::NIGHT_MODE", "access": "LOOK"}, "'LOOK' is none of NONE, READ, WRITE"),
        ({"defaultValue": {}}, "a property without `property`"),
    ],
)
def test_a_fault_has_a_sentence(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ServeError, match=sentence):
        parsed(spec)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"properties": 1}', '{"properties": [1]}', "\x00", "[" * 100_000])
def test_what_is_no_property_file_is_told(text: str) -> None:
    with pytest.raises(ServeError, match="^own.json"):
        parse_properties(text, "own.json")
