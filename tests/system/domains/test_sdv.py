"""kuksa.val as applications have it: the real kuksa-client, v1 and v2, sync and asyncio, its command line."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kuksa_client", reason="needs kuksa-client: pip install vehicle-gateway[sdv]")

import grpc
from kuksa.val.v2 import types_pb2, val_pb2, val_pb2_grpc
from kuksa_client.grpc import (
    DataEntry,
    Datapoint,
    DataType,
    EntryType,
    EntryUpdate,
    Field,
    Metadata,
    SubscribeEntry,
    View,
    VSSClient,
    VSSClientError,
)
from kuksa_client.grpc.aio import VSSClient as AsyncClient

from .conftest import documented

SPEED = "Vehicle.Speed"
LOCKED = "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"
TEMPERATURE = "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature"
SWITCH = "Vehicle.Body.Lights.LightSwitch"


@pytest.fixture(scope="module")
def port(start: Callable[..., Any], standing: Path) -> int:
    found: int = start("run", standing, "--sdv", "127.0.0.1:0", "--no-serve").port("kuksa.val")
    return found


@pytest.fixture
def client(port: int) -> Iterator[VSSClient]:
    with VSSClient("127.0.0.1", port) as client:
        yield client


@pytest.fixture
def stub(port: int) -> Iterator[val_pb2_grpc.VALStub]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield val_pb2_grpc.VALStub(channel)


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.details()
    return caught.value.code()


def path(name: str) -> types_pb2.SignalID:
    return types_pb2.SignalID(path=name)


def until(client: VSSClient, name: str, wanted: object) -> None:
    """Follow a signal until it has a value."""
    for update in client.subscribe_current_values([name], timeout=30):
        if update[name] is not None and update[name].value == wanted:
            return


# v1, sync


def test_who_serves(client: VSSClient) -> None:
    assert client.get_server_info().name == "vehicle-gateway"


def test_get(client: VSSClient) -> None:
    until(client, SPEED, 0.0)
    speed = client.get_current_values([SPEED])[SPEED]
    assert speed.value == 0.0 and speed.timestamp is not None


def test_metadata(client: VSSClient) -> None:
    found = client.get_metadata([SPEED, TEMPERATURE, SWITCH])
    assert found[SPEED].unit == "km/h"
    assert (found[SPEED].data_type, found[SPEED].entry_type) == (DataType.FLOAT, EntryType.SENSOR)
    limits = found[TEMPERATURE].value_restriction
    assert (limits.min, limits.max) == (15, 29)
    assert found[SWITCH].value_restriction.allowed_values == [
        "OFF",
        "POSITION",
        "DAYTIME_RUNNING_LIGHTS",
        "AUTO",
        "BEAM",
    ]


def test_a_branch_gives_its_leaves(client: VSSClient) -> None:
    found = client.get_current_values(["Vehicle.Cabin.Door"])
    assert LOCKED in found and all(name.startswith("Vehicle.Cabin.Door.") for name in found)


def test_a_target_locks_the_door(client: VSSClient) -> None:
    client.set_target_values({LOCKED: Datapoint(True)})
    assert client.get_target_values([LOCKED])[LOCKED].value is True
    until(client, LOCKED, True)
    client.set_target_values({LOCKED: Datapoint(False)})
    until(client, LOCKED, False)


def test_v1_keeps_a_target_that_nobody_drives(client: VSSClient) -> None:
    """As eclipse-kuksa's databroker; v2's Actuate is UNAVAILABLE."""
    until(client, SWITCH, "OFF")
    client.set_target_values({SWITCH: Datapoint("AUTO")})
    assert client.get_target_values([SWITCH])[SWITCH].value == "AUTO"
    assert client.get_current_values([SWITCH])[SWITCH].value == "OFF"


def test_setting_what_the_car_drives_is_answered_by_the_car(client: VSSClient) -> None:
    client.set_current_values({LOCKED: Datapoint(True)})
    until(client, LOCKED, True)
    client.set_current_values({LOCKED: Datapoint(False)})
    until(client, LOCKED, False)


def test_v1_subscribe_has_values_targets_and_metadata(client: VSSClient) -> None:
    wanted = [
        SubscribeEntry(TEMPERATURE, View.FIELDS, (Field.VALUE, Field.ACTUATOR_TARGET)),
        SubscribeEntry(TEMPERATURE, View.METADATA, (Field.METADATA,)),
    ]
    updates = client.subscribe(entries=wanted, timeout=30)
    described = next(updates)
    assert described[0].entry.metadata.unit == "celsius"
    next(updates)
    client.set_target_values({TEMPERATURE: Datapoint(24)})
    targets, values = [], []
    for update in updates:
        for one in update:
            targets += [one.entry.actuator_target.value] if one.entry.actuator_target else []
            values += [one.entry.value.value] if one.entry.value else []
        if 24 in values:
            break
    assert targets == [24]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (TEMPERATURE, 99, 400),
        (SWITCH, "MANUAL", 400),
        (SPEED, 1.0, 400),
        ("Vehicle.Sped", 1.0, 404),
    ],
)
def test_v1_set_that_cannot_be_has_a_code(client: VSSClient, name: str, value: object, code: int) -> None:
    update = EntryUpdate(
        DataEntry(name, actuator_target=Datapoint(value), metadata=None, value_type=DataType.FLOAT),
        (Field.ACTUATOR_TARGET,),
    )
    if name != "Vehicle.Sped":
        update.entry.value_type = client.get_value_types([name])[name]
    request = client._prepare_set_request([update], {})
    response = client.client_stub_v1.Set(request)
    assert response.error.code == code and response.errors[0].path == name and response.error.message


def test_metadata_is_that_of_the_vehicles_file(client: VSSClient) -> None:
    with pytest.raises(VSSClientError, match="VSS file"):
        client.set_metadata({SPEED: Metadata(data_type=DataType.FLOAT, unit="mph")})


# v2


def test_v2_get_by_path_and_by_id(stub: val_pb2_grpc.VALStub) -> None:
    metadata = stub.ListMetadata(val_pb2.ListMetadataRequest(root=TEMPERATURE)).metadata
    assert [one.path for one in metadata] == [TEMPERATURE]
    assert (metadata[0].min.int32, metadata[0].max.int32, metadata[0].unit) == (15, 29, "celsius")
    by_id = stub.GetValue(val_pb2.GetValueRequest(signal_id=types_pb2.SignalID(id=metadata[0].id)))
    by_path = stub.GetValue(val_pb2.GetValueRequest(signal_id=path(TEMPERATURE)))
    assert by_id.data_point.value == by_path.data_point.value
    both = stub.GetValues(val_pb2.GetValuesRequest(signal_ids=[path(TEMPERATURE), path(LOCKED)]))
    assert len(both.data_points) == 2


def test_v2_lists_all_metadata(stub: val_pb2_grpc.VALStub) -> None:
    whole = stub.ListMetadata(val_pb2.ListMetadataRequest(root="Vehicle")).metadata
    assert len(whole) > 50 and len({one.id for one in whole}) == len(whole)
    assert len(stub.ListMetadata(val_pb2.ListMetadataRequest(root="Vehicle.Cabin.**")).metadata) < len(whole)


def test_v2_actuate_and_what_the_car_did(stub: val_pb2_grpc.VALStub) -> None:
    for locked in (True, False):
        stub.Actuate(val_pb2.ActuateRequest(signal_id=path(LOCKED), value=types_pb2.Value(bool=locked)))
        for response in stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=[LOCKED]), timeout=30):
            if response.entries[LOCKED].value.bool is locked:
                break


def test_v2_subscribe_by_id(stub: val_pb2_grpc.VALStub) -> None:
    number = stub.ListMetadata(val_pb2.ListMetadataRequest(root=SPEED)).metadata[0].id
    response = next(stub.SubscribeById(val_pb2.SubscribeByIdRequest(signal_ids=[number]), timeout=30))
    assert list(response.entries) == [number]


def test_v2_batch_is_whole_or_not_at_all(stub: val_pb2_grpc.VALStub) -> None:
    right = val_pb2.ActuateRequest(signal_id=path(LOCKED), value=types_pb2.Value(bool=True))
    wrong = val_pb2.ActuateRequest(signal_id=path(TEMPERATURE), value=types_pb2.Value(int32=99))
    batch = val_pb2.BatchActuateRequest(actuate_requests=[right, wrong])
    assert code_of(lambda: stub.BatchActuate(batch)) is grpc.StatusCode.INVALID_ARGUMENT
    stub.BatchActuate(val_pb2.BatchActuateRequest(actuate_requests=[right]))
    right.value.bool = False
    stub.BatchActuate(val_pb2.BatchActuateRequest(actuate_requests=[right]))


CODES: list[tuple[str, Callable[[Any], object], grpc.StatusCode]] = [
    (
        "unknown path",
        lambda stub: stub.GetValue(val_pb2.GetValueRequest(signal_id=path("Vehicle.Sped"))),
        grpc.StatusCode.NOT_FOUND,
    ),
    (
        "a branch",
        lambda stub: stub.GetValue(val_pb2.GetValueRequest(signal_id=path("Vehicle"))),
        grpc.StatusCode.NOT_FOUND,
    ),
    ("no signal at all", lambda stub: stub.GetValue(val_pb2.GetValueRequest()), grpc.StatusCode.INVALID_ARGUMENT),
    (
        "a path too long",
        lambda stub: stub.GetValue(val_pb2.GetValueRequest(signal_id=path("A" * 1001))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    ("no signals", lambda stub: stub.GetValues(val_pb2.GetValuesRequest()), grpc.StatusCode.INVALID_ARGUMENT),
    (
        "an unknown root",
        lambda stub: stub.ListMetadata(val_pb2.ListMetadataRequest(root="Car")),
        grpc.StatusCode.NOT_FOUND,
    ),
    (
        "wrong type",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(LOCKED), value=types_pb2.Value(int32=1))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "out of range",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(TEMPERATURE), value=types_pb2.Value(int32=99))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "not allowed",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(SWITCH), value=types_pb2.Value(string="X"))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "no value",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(LOCKED))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "read-only",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(SPEED), value=types_pb2.Value(float=1))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "no provider",
        lambda stub: stub.Actuate(val_pb2.ActuateRequest(signal_id=path(SWITCH), value=types_pb2.Value(string="OFF"))),
        grpc.StatusCode.UNAVAILABLE,
    ),
    (
        "an unknown path to subscribe",
        lambda stub: next(stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=["Vehicle.Sped"]))),
        grpc.StatusCode.NOT_FOUND,
    ),
    (
        "nothing to subscribe",
        lambda stub: next(stub.Subscribe(val_pb2.SubscribeRequest())),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "a buffer too large",
        lambda stub: next(stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=[SPEED], buffer_size=1001))),
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    (
        "an unknown number",
        lambda stub: next(stub.SubscribeById(val_pb2.SubscribeByIdRequest(signal_ids=[99999]))),
        grpc.StatusCode.NOT_FOUND,
    ),
]


@pytest.mark.parametrize(("call", "code"), [case[1:] for case in CODES], ids=[case[0] for case in CODES])
def test_v2_has_the_code_of_its_interface(
    stub: val_pb2_grpc.VALStub, call: Callable[[Any], object], code: grpc.StatusCode
) -> None:
    assert code_of(lambda: call(stub)) is code


def test_another_provider_claims_an_actuator(stub: val_pb2_grpc.VALStub) -> None:
    claim = val_pb2.OpenProviderStreamRequest(
        provide_actuation_request=val_pb2.ProvideActuationRequest(actuator_identifiers=[path(SWITCH)])
    )
    number = stub.ListMetadata(val_pb2.ListMetadataRequest(root=SWITCH)).metadata[0].id
    requests = _Requests(claim)
    answers = stub.OpenProviderStream(iter(requests), timeout=30)
    assert next(answers).WhichOneof("action") == "provide_actuation_response"
    second = stub.OpenProviderStream(iter(_Requests(claim)), timeout=30)
    assert code_of(lambda: next(second)) is grpc.StatusCode.ALREADY_EXISTS
    stub.Actuate(val_pb2.ActuateRequest(signal_id=path(SWITCH), value=types_pb2.Value(string="AUTO")))
    asked = next(answers).batch_actuate_stream_request.actuate_requests
    assert [(one.signal_id.id, one.value.string) for one in asked] == [(number, "AUTO")]
    updates = stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=[SWITCH]), timeout=30)
    next(updates)
    point = types_pb2.Datapoint(value=types_pb2.Value(string="AUTO"))
    requests.say(publish_values_request=val_pb2.PublishValuesRequest(request_id=1, data_points={number: point}))
    wrong = types_pb2.Datapoint(value=types_pb2.Value(string="MANUAL"))
    requests.say(publish_values_request=val_pb2.PublishValuesRequest(request_id=2, data_points={number: wrong}))
    refused = next(answers).publish_values_response
    assert refused.request_id == 2 and refused.status[number].code == types_pb2.ERROR_CODE_INVALID_ARGUMENT
    # The car tells its own value again within 100 ms: what was published is seen between.
    assert any(update.entries[SWITCH].value.string == "AUTO" for update in updates)
    updates.cancel()
    requests.end()
    assert list(answers) == []
    actuate = val_pb2.ActuateRequest(signal_id=path(SWITCH), value=types_pb2.Value(string="AUTO"))
    assert code_of(lambda: stub.Actuate(actuate)) is grpc.StatusCode.UNAVAILABLE


def test_the_cars_own_actuator_is_not_to_be_claimed(stub: val_pb2_grpc.VALStub) -> None:
    claim = val_pb2.OpenProviderStreamRequest(
        provide_actuation_request=val_pb2.ProvideActuationRequest(actuator_identifiers=[path(LOCKED)])
    )
    answers = stub.OpenProviderStream(iter(_Requests(claim)), timeout=30)
    assert code_of(lambda: next(answers)) is grpc.StatusCode.ALREADY_EXISTS


class _Requests:
    """What a provider says, one after another."""

    def __init__(self, *first: Any) -> None:
        import queue

        self._queue: queue.Queue[Any] = queue.Queue()
        for request in first:
            self._queue.put(request)

    def say(self, **action: Any) -> None:
        self._queue.put(val_pb2.OpenProviderStreamRequest(**action))

    def end(self) -> None:
        self._queue.put(None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._queue.get, None)


# asyncio and the command line


def test_asyncio(port: int) -> None:
    async def main() -> None:
        async with AsyncClient("127.0.0.1", port) as client:
            assert (await client.get_current_values([LOCKED]))[LOCKED].value is False
            assert (await client.get_metadata([SPEED]))[SPEED].unit == "km/h"
            updates = client.subscribe_current_values([LOCKED])
            await anext(updates)
            await client.set_target_values({LOCKED: Datapoint(True)})
            while (await anext(updates))[LOCKED].value is not True:
                pass
            await client.set_target_values({LOCKED: Datapoint(False)})
            while (await anext(updates))[LOCKED].value is not False:
                pass
            listed = [update async for update in _some(client.v2_subscribe([SPEED]), 3)]
            assert all(update[0].entry.path == SPEED for update in listed)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_the_asyncio_program_of_the_documentation(port: int) -> None:
    own = documented("sdv.md", "val_pb2_grpc").replace("127.0.0.1:55555", f"127.0.0.1:{port}")
    done = subprocess.run([sys.executable, "-c", own], capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert f"{LOCKED} bool: true" in lines and f"{SPEED} float: 0" in lines, done.stdout + done.stderr


async def _some(updates: Any, count: int) -> Any:
    async for update in updates:
        yield update
        count -= 1
        if count == 0:
            return


def test_the_clients_command_line(port: int) -> None:
    commands = f"getValue {SPEED}\nsetTargetValue {LOCKED} true\ngetTargetValue {LOCKED}\ngetMetaData {SPEED}\nquit\n"
    done = subprocess.run(
        [sys.executable, "-m", "kuksa_client", f"grpc://127.0.0.1:{port}"],
        input=commands,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert '"path": "Vehicle.Speed"' in text and '"value": 0.0' in text, text + done.stderr
    assert "OK" in text
    assert '"unit": "km/h"' in text
    assert json.dumps(LOCKED) in text


# Those that go away, and many


def test_a_subscriber_that_is_killed_is_not_noticed_by_others(port: int, client: VSSClient) -> None:
    code = (
        "from kuksa_client.grpc import VSSClient\n"
        f"for u in VSSClient('127.0.0.1', {port}).__enter__().subscribe_current_values(['{SPEED}']): print(u, flush=True)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline()
    other.kill()
    other.wait()
    other.stdout.close()
    until(client, SPEED, 0.0)


def test_a_thousand_subscribers(port: int, client: VSSClient) -> None:
    async def main() -> int:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = val_pb2_grpc.VALStub(channel)
            calls = [stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=[LOCKED])) for _ in range(1000)]
            first = await asyncio.gather(*(call.read() for call in calls))
            for call in calls:
                call.cancel()
            return sum(LOCKED in response.entries for response in first)

    assert asyncio.run(asyncio.wait_for(main(), 120)) == 1000
    until(client, SPEED, 0.0)


def test_a_subscriber_that_stops_reading_holds_nobody_up(stub: val_pb2_grpc.VALStub) -> None:
    everything = [one.path for one in stub.ListMetadata(val_pb2.ListMetadataRequest(root="Vehicle")).metadata]
    sleeping = [stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=everything)) for _ in range(20)]
    reading = stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=[SPEED], buffer_size=100), timeout=60)
    seconds = [next(reading).entries[SPEED].timestamp for _ in range(200)]
    assert [(one.seconds, one.nanos) for one in seconds] == sorted((one.seconds, one.nanos) for one in seconds)
    for call in sleeping:
        call.cancel()
