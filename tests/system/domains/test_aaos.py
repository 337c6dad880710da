"""The vehicle HAL over gRPC: a client generated from the proto file, every call, and both domains in one loop."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grpc_tools", reason="needs grpcio-tools: pip install grpcio-tools")
pytest.importorskip("kuksa_client", reason="needs kuksa-client: pip install vehicle-gateway[sdv]")

import grpc
from google.protobuf.empty_pb2 import Empty
from kuksa_client.grpc import VSSClient

from gateway.domains.aaos.property import system_properties

from .conftest import documented
from .keys import Keys

PROTO = Path(__file__).parents[3] / "gateway" / "domains" / "aaos" / "vehicle_server.proto"
ALL = {name: known.id for name, known in system_properties().items()}
TEMPERATURE = "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature"
OK, INVALID_ARG, NOT_AVAILABLE, ACCESS_DENIED = 0, 2, 3, 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The stub, as protoc makes it from the proto file: a client that shares no line with the server."""
    folder = tmp_path_factory.mktemp("client")
    words = ["-I", PROTO.parent, f"--grpc_python_out={folder}", PROTO.name]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *map(str, words)], check=True, cwd=PROTO.parent)
    source = (folder / "vehicle_server_pb2_grpc.py").read_text()
    own = source.replace("import vehicle_server_pb2", "from gateway.domains.aaos import vehicle_server_pb2")
    (folder / "vehicle_server_client.py").write_text(own)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("vehicle_server_client")
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def vehicle(start: Callable[..., Any], standing: Path) -> Any:
    text = standing.read_text(encoding="utf-8")
    own = standing.with_name("powered.yaml")
    (standing.parent / "on.csv").write_text("time_s,BCM.ignition\n0,On\n")
    own.write_text(f"{text}\ndrive: on.csv\n", encoding="utf-8")
    return start("run", own, "--sdv", "127.0.0.1:0", "--aaos", "127.0.0.1:0", "--no-serve")


@pytest.fixture
def hal(made: Any, vehicle: Any) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{vehicle.port('the vehicle HAL')}") as channel:
        yield made.VehicleServerStub(channel)


@pytest.fixture(scope="module")
def proto() -> Any:
    return importlib.import_module("gateway.domains.aaos.vehicle_server_pb2")


@pytest.fixture
def get(hal: Any, proto: Any) -> Callable[..., Any]:
    def one(name: str, area: int = 0) -> Any:
        value = proto.VehiclePropValue(prop=ALL[name], area_id=area)
        request = proto.VehiclePropValueRequests(requests=[proto.VehiclePropValueRequest(request_id=7, value=value)])
        (result,) = hal.GetValues(request).results
        assert result.request_id == 7
        return result

    return one


@pytest.fixture
def put(hal: Any, proto: Any) -> Callable[..., int]:
    def one(name: str, area: int = 0, **values: Any) -> int:
        value = proto.VehiclePropValue(prop=ALL.get(name, 17), area_id=area, **values)
        request = proto.VehiclePropValueRequests(requests=[proto.VehiclePropValueRequest(request_id=9, value=value)])
        (result,) = hal.SetValues(request).results
        assert result.request_id == 9
        return int(result.status)

    return one


@pytest.fixture
def events(hal: Any) -> Iterator[Callable[[str], Iterator[Any]]]:
    """`events("NAME")` opens a stream and yields the events of a property."""
    calls: list[Any] = []

    def of(name: str) -> Iterator[Any]:
        call = hal.StartPropertyValuesStream(Empty(), timeout=60)
        calls.append(call)
        call.initial_metadata()  # the stream is open
        return (value for values in call for value in values.values if value.prop == ALL[name])

    yield of
    for call in calls:
        call.cancel()


def wait(get: Callable[..., Any], name: str, area: int = 0) -> Any:
    """A property's value, when the car has told it."""
    while (result := get(name, area)).value.status != 0:
        pass
    return result.value


def test_the_client_of_the_documentation(vehicle: Any, tmp_path: Path) -> None:
    """As it stands in docs/aaos.md, beside what protoc makes, at the port that is served here."""
    words = ["-I", PROTO.parent, "--python_out=.", "--grpc_python_out=.", PROTO.name]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *map(str, words)], check=True, cwd=tmp_path)
    own = documented("aaos.md", "vehicle_server_pb2_grpc")
    own = own.replace("127.0.0.1:40004", f"127.0.0.1:{vehicle.port('the vehicle HAL')}")
    (tmp_path / "client.py").write_text(own)
    done = subprocess.run(
        [sys.executable, "client.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[1:2] == ["set 0"] and "0x11600207 0 [0.0] 0" in lines, done.stdout + done.stderr


def test_all_configs(hal: Any) -> None:
    configs = {config.prop: config for config in hal.GetAllPropertyConfig(Empty())}
    speed = configs[ALL["PERF_VEHICLE_SPEED"]]
    assert (speed.access, speed.change_mode, speed.min_sample_rate, speed.max_sample_rate) == (1, 2, 1.0, 50.0)
    locks = configs[ALL["DOOR_LOCK"]]
    assert [(area.area_id, area.access) for area in locks.area_configs] == [(1, 3), (4, 3), (16, 3), (64, 3)]
    hvac = configs[ALL["HVAC_TEMPERATURE_SET"]]
    assert [(area.area_id, area.min_float_value, area.max_float_value) for area in hvac.area_configs] == [(5, 15, 29)]
    assert list(hvac.config_array) == [150, 290, 10, 590, 842, 18]
    assert list(configs[ALL["GEAR_SELECTION"]].config_array) == [1, 2, 4, 8]
    assert list(configs[ALL["DISTANCE_DISPLAY_UNITS"]].config_array) == [0x23, 0x24]


def test_values_of_every_type(get: Callable[..., Any]) -> None:
    assert get("INFO_VIN").value.string_value == "0VEHICLEGATEWAY00"
    assert list(get("INFO_EV_CONNECTOR_TYPE").value.int32_values) == [2, 6]
    assert list(get("WATCHDOG_ALIVE").value.int64_values) == []  # only written
    assert get("WATCHDOG_ALIVE").status == ACCESS_DENIED
    assert list(wait(get, "PERF_VEHICLE_SPEED").float_values) == [0.0]
    assert list(wait(get, "GEAR_SELECTION").int32_values) == [4]
    assert list(wait(get, "DOOR_LOCK", 4).int32_values) == [0]
    assert list(wait(get, "TIRE_PRESSURE", 8).float_values) == [230.0]
    assert get("AP_POWER_STATE_REQ").status == NOT_AVAILABLE
    assert get("DOOR_LOCK", 2).status == INVALID_ARG
    assert get("WHEEL_TICK").status == INVALID_ARG


def test_sets_and_their_codes(put: Callable[..., int], get: Callable[..., Any]) -> None:
    wait(get, "HVAC_TEMPERATURE_SET", 5)
    assert put("DISTANCE_DISPLAY_UNITS", int32_values=[0x24]) == OK
    assert list(get("DISTANCE_DISPLAY_UNITS").value.int32_values) == [0x24]
    assert put("WATCHDOG_ALIVE", int64_values=[1 << 40]) == OK
    assert put("PERF_VEHICLE_SPEED", float_values=[1.0]) == ACCESS_DENIED
    assert put("HVAC_TEMPERATURE_SET", 5, float_values=[99.0]) == INVALID_ARG
    assert put("HVAC_TEMPERATURE_SET", 5, int32_values=[20]) == INVALID_ARG
    assert put("HVAC_TEMPERATURE_SET", 64, float_values=[20.0]) == INVALID_ARG
    assert put("NO_SUCH_PROPERTY", int32_values=[1]) == INVALID_ARG


def test_a_continuous_property_comes_at_its_rate(hal: Any, proto: Any, events: Any, get: Callable[..., Any]) -> None:
    wait(get, "PERF_VEHICLE_SPEED")
    stream = events("PERF_VEHICLE_SPEED")
    options = proto.SubscribeOptions(prop_id=ALL["PERF_VEHICLE_SPEED"], area_ids=[0], sample_rate=20.0)
    assert hal.Subscribe(proto.SubscribeRequest(options=options)).status_code == OK
    times = [next(stream).timestamp for _ in range(21)]
    assert times == sorted(times)
    assert (times[-1] - times[0]) / 20 == pytest.approx(50e6, rel=0.5)
    stop = proto.UnsubscribeRequest(prop_id=ALL["PERF_VEHICLE_SPEED"])
    assert hal.Unsubscribe(stop).status_code == OK


def test_older_guests_ask_for_a_rate(hal: Any, proto: Any, events: Any) -> None:
    stream = events("ENV_OUTSIDE_TEMPERATURE")
    rate = proto.UpdateSampleRateRequest(prop=ALL["ENV_OUTSIDE_TEMPERATURE"], sample_rate=2.0)
    assert hal.UpdateSampleRate(rate).status_code == OK
    next(stream)
    rate.sample_rate = 0.0
    assert hal.UpdateSampleRate(rate).status_code == OK
    rate.prop = ALL["DOOR_LOCK"]
    assert hal.UpdateSampleRate(rate).status_code == INVALID_ARG


def test_a_lock_is_told_once(put: Callable[..., int], get: Callable[..., Any], events: Any) -> None:
    wait(get, "DOOR_LOCK", 16)
    stream = (value for value in events("DOOR_LOCK") if value.area_id == 16)
    told = []
    for wanted in (1, 0, 1):
        assert put("DOOR_LOCK", 16, int32_values=[wanted]) == OK
        told += list(next(stream).int32_values)
    assert told == [1, 0, 1]


def test_limits_and_supported_values(hal: Any, proto: Any) -> None:
    places = [
        proto.PropIdAreaId(prop_id=ALL["HVAC_TEMPERATURE_SET"], area_id=5),
        proto.PropIdAreaId(prop_id=ALL["GEAR_SELECTION"]),
        proto.PropIdAreaId(prop_id=17),
    ]
    limits = hal.GetMinMaxSupportedValues(proto.GetMinMaxSupportedValuesRequest(prop_id_area_id=places)).result
    assert list(limits[0].min_supported_value.float_values) == [15.0]
    assert list(limits[0].max_supported_value.float_values) == [29.0]
    assert limits[2].status == INVALID_ARG
    lists = hal.GetSupportedValuesLists(proto.GetSupportedValuesListsRequest(prop_id_area_id=places)).result
    assert [list(one.int32_values) for one in lists[1].supported_values_list] == [[1], [2], [4], [8]]


def test_supported_values_do_not_change(hal: Any) -> None:
    call = hal.StartSupportedValuesChangeStream(Empty(), timeout=0.2)
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_health_and_dump(hal: Any, proto: Any) -> None:
    assert hal.CheckHealth(Empty()).status_code == OK
    whole = hal.Dump(proto.DumpOptions())
    assert whole.caller_should_dump_state and "PERF_VEHICLE_SPEED" in whole.buffer
    one = hal.Dump(proto.DumpOptions(options=["--get", "INFO_MAKE"]))
    assert not one.caller_should_dump_state and "'vehicle-gateway'" in one.buffer


def test_a_client_that_goes_is_not_noticed(hal: Any, get: Callable[..., Any], events: Any) -> None:
    for _ in range(20):
        call = hal.StartPropertyValuesStream(Empty())
        call.initial_metadata()
        call.cancel()
    assert get("INFO_MAKE").status == OK


def test_the_loop_is_closed(vehicle: Any, put: Callable[..., int], get: Callable[..., Any], events: Any) -> None:
    """HAL set, CAN frame, climate ECU, CAN frame, VSS value at kuksa-client, property event at the HAL's client."""
    before = wait(get, "HVAC_TEMPERATURE_SET", 5).float_values[0]
    wanted = 25.0 if before != 25.0 else 23.0
    stream = events("HVAC_TEMPERATURE_SET")
    with VSSClient("127.0.0.1", vehicle.port("kuksa.val")) as kuksa:
        updates = kuksa.subscribe_current_values([TEMPERATURE], timeout=60)
        next(updates)
        assert put("HVAC_TEMPERATURE_SET", 5, float_values=[wanted]) == OK
        seen = next(update[TEMPERATURE].value for update in updates if update[TEMPERATURE].value == wanted)
        assert seen == wanted
        assert kuksa.get_target_values([TEMPERATURE])[TEMPERATURE].value == wanted
    assert next(list(value.float_values) for value in stream if list(value.float_values) == [wanted]) == [wanted]


def test_only_clients_with_a_certificate_when_the_file_says_so(
    made: Any, start: Callable[..., Any], standing: Path, keys: Keys
) -> None:
    own = standing.with_name("secured_hal.yaml")
    files = f"certificate: {keys.certificate_file}, private_key: {keys.certificate_key_file}"
    section = f"domains:\n  aaos: {{{files}, client_ca: {keys.certificate_file}}}\n"
    own.write_text(f"{standing.read_text(encoding='utf-8')}\n{section}", encoding="utf-8")
    port = start("run", own, "--aaos", "127.0.0.1:0", "--no-serve").port("the vehicle HAL")
    authority = keys.certificate_file.read_bytes()
    known = grpc.ssl_channel_credentials(authority, keys.certificate_key_file.read_bytes(), authority)
    with grpc.secure_channel(f"localhost:{port}", known) as channel:
        assert made.VehicleServerStub(channel).CheckHealth(Empty(), timeout=60).status_code == OK
    with grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(authority)) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            made.VehicleServerStub(channel).CheckHealth(Empty(), timeout=60)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
