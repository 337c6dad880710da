"""The vehicle HAL's messages byte for byte, computed by hand from the interface's field numbers.

A field is a key (number << 3 | wire type: 0 varint, 1 64 bit, 2 with a length, 5 32 bit) and its value; repeated
numbers of proto3 are packed. Negative int32 take ten bytes.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("grpc", reason="needs grpcio: pip install vehicle-gateway[aaos]")

from gateway.domains.aaos import vehicle_server_pb2 as proto
from gateway.domains.aaos.property import Access, find_property
from gateway.domains.aaos.values import AreaConfig, Place, PropertyConfig, PropertyValue, RawValue, Status
from gateway.domains.aaos.wire import config_message, value_message

SPEED = find_property("PERF_VEHICLE_SPEED").id  # 0x11600207: varint 87 84 80 8B 01
LOCK = find_property("DOOR_LOCK").id  # 0x16200B02: varint 82 96 80 B1 01
HVAC = find_property("HVAC_TEMPERATURE_SET").id  # 0x15600503: varint 83 8A 80 AB 01
VIN = find_property("INFO_VIN").id  # 0x11100100: varint 80 82 C0 88 01

CASES: list[tuple[str, Any, str]] = [
    (
        "a float: 10.0 m/s at 300 ns",
        value_message(PropertyValue(Place(SPEED, 0), RawValue(floats=(10.0,)), 300)),
        "08 AC 02  18 87 84 80 8B 01  32 04 00 00 20 41",
    ),
    (
        "a boolean in an area: door locked",
        value_message(PropertyValue(Place(LOCK, 1), RawValue(int32=(1,)), 1)),
        "08 01  10 01  18 82 96 80 B1 01  2A 01 01",
    ),
    (
        "unavailable: status 1, no value",
        value_message(PropertyValue(Place(SPEED, 0), RawValue(), 1, Status.UNAVAILABLE)),
        "08 01  18 87 84 80 8B 01  20 01",
    ),
    (
        "a negative int32 and a large one",
        proto.VehiclePropValue(int32_values=[-1, 300]),
        "2A 0C FF FF FF FF FF FF FF FF FF 01 AC 02",
    ),
    ("int64", proto.VehiclePropValue(int64_values=[1 << 40]), "3A 06 80 80 80 80 80 20"),
    ("bytes", proto.VehiclePropValue(byte_values=b"\x00\xff"), "42 02 00 FF"),
    ("a string", proto.VehiclePropValue(prop=VIN, string_value="AB"), "18 80 82 C0 88 01  4A 02 41 42"),
    (
        "a list of values",
        proto.VehiclePropValues(values=[proto.VehiclePropValue(area_id=4)]),
        "0A 02  10 04",
    ),
    (
        "a set request",
        proto.VehiclePropValueRequests(
            requests=[
                proto.VehiclePropValueRequest(
                    request_id=7, value=proto.VehiclePropValue(area_id=5, prop=HVAC, float_values=[22.5])
                )
            ]
        ),
        "0A 12  08 07  12 0E  10 05  18 83 8A 80 AB 01  32 04 00 00 B4 41",
    ),
    (
        "a result of a set: request 7, ACCESS_DENIED (4)",
        proto.SetValueResults(results=[proto.SetValueResult(request_id=7, status=proto.ACCESS_DENIED)]),
        "0A 04  08 07  10 04",
    ),
    (
        "a result of a get: request 1, OK, with a value",
        proto.GetValueResults(
            results=[proto.GetValueResult(request_id=1, value=proto.VehiclePropValue(int32_values=[4]))]
        ),
        "0A 07  08 01  1A 03  2A 01 04",
    ),
    (
        "a subscription: 10/s, resolution 0.5, variable rate",
        proto.SubscribeRequest(
            options=proto.SubscribeOptions(
                prop_id=SPEED, area_ids=[0], sample_rate=10.0, resolution=0.5, enable_variable_update_rate=True
            )
        ),
        "0A 15  08 87 84 80 8B 01  12 01 00  1D 00 00 20 41  25 00 00 00 3F  28 01",
    ),
    ("the end of a subscription", proto.UnsubscribeRequest(prop_id=LOCK, area_id=64), "08 82 96 80 B1 01  10 40"),
    (
        "a sample rate",
        proto.UpdateSampleRateRequest(prop=SPEED, area_id=0, sample_rate=1.0),
        "08 87 84 80 8B 01  1D 00 00 80 3F",
    ),
    ("a status: INVALID_ARG (2)", proto.VehicleHalCallStatus(status_code=proto.INVALID_ARG), "08 02"),
    ("a dump's options", proto.DumpOptions(options=["-a"]), "0A 02 2D 61"),
    (
        "a dump",
        proto.DumpResult(caller_should_dump_state=True, buffer="x", refresh_property_configs=True),
        "08 01  12 01 78  18 01",
    ),
    (
        "a config: continuous (2), READ (1), 1 to 10 Hz",
        config_message(
            PropertyConfig(prop=find_property("PERF_VEHICLE_SPEED"), access=Access.READ, min_rate=1.0, max_rate=10.0)
        ),
        "08 87 84 80 8B 01  10 01  18 02  3D 00 00 80 3F  45 00 00 20 41",
    ),
    (
        "a config with an area: on change (1), READ_WRITE (3), 15 to 29 degrees",
        config_message(
            PropertyConfig(
                prop=find_property("HVAC_TEMPERATURE_SET"),
                access=Access.READ_WRITE,
                areas={5: AreaConfig(area=5, minimum=15.0, maximum=29.0)},
                config_array=(1,),
            )
        ),
        "08 83 8A 80 AB 01  10 03  18 01  22 14  08 05  35 00 00 70 41  3D 00 00 E8 41  48 03  5A 04 08 01 10 01  2A 01 01",
    ),
]


@pytest.mark.parametrize(("message", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_message_has_these_bytes(message: Any, expected: str) -> None:
    data = bytes.fromhex(expected.replace(" ", ""))
    assert message.SerializeToString() == data
    assert type(message).FromString(data) == message
