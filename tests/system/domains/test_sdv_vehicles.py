"""Other vehicles under kuksa.val: all datatypes, a replayed real drive, a kuksa-can-provider mapping, vss-tools."""

from __future__ import annotations

import asyncio
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kuksa_client", reason="needs kuksa-client: pip install vehicle-gateway[sdv]")

import cantools
import grpc
from kuksa.val.v2 import types_pb2, val_pb2, val_pb2_grpc
from kuksa_client.grpc import Datapoint
from kuksa_client.grpc.aio import VSSClient

from gateway.can import Frame
from gateway.domains.sdv.broker import Broker
from gateway.domains.sdv.server import SdvOptions, serve_kuksa
from gateway.links.addresses import Address
from gateway.routing import SignalStore, load_tree
from gateway.sim import Clock, Kernel, SimulationLoop, run
from gateway.vehicle import Vehicle, build, read_vehicle
from gateway.vehicle.served.sdv import broker_of

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
ANYWHERE = SdvOptions(Address("127.0.0.1", 0))
WITHIN_S = 60

VALUES: dict[str, Any] = {
    "boolean": True,
    "string": "ä",
    "int8": -128,
    "int16": -32768,
    "int32": -(1 << 31),
    "int64": -(1 << 63),
    "uint8": 255,
    "uint16": 65535,
    "uint32": (1 << 32) - 1,
    "uint64": (1 << 64) - 1,
    "float": 0.5,
    "double": 0.1,
}
BEYOND: dict[str, Any] = {"int8": -129, "int16": 32768, "uint8": 256, "uint16": 65536}


def leaves() -> dict[str, Any]:
    kinds = [kind for one in VALUES for kind in (one, f"{one}[]")]
    return {kind.replace("[]", "_array"): {"type": "actuator", "datatype": kind, "description": kind} for kind in kinds}


def in_wall_time(main: Callable[[SimulationLoop], Coroutine[Any, Any, None]], kernel: Kernel) -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        await asyncio.wait_for(main(loop), WITHIN_S)

    run(whole(), kernel, Clock.WALL)


def test_every_datatype_and_its_arrays(tmp_path: Path) -> None:
    tree_file = tmp_path / "tree.json"
    tree_file.write_text(json.dumps({"A": {"type": "branch", "description": "", "children": leaves()}}))
    kernel = Kernel()
    broker = Broker(kernel, SignalStore(kernel), load_tree(tree_file))

    async def main(_loop: SimulationLoop) -> None:
        async with serve_kuksa(broker, ANYWHERE) as where, VSSClient(where.host, where.port) as client:
            for datatype, value in VALUES.items():
                array = json.dumps([value, value], ensure_ascii=False)
                await client.set_current_values({f"A.{datatype}": Datapoint(value)})
                await client.set_current_values({f"A.{datatype}_array": Datapoint(array)})
                await client.set_target_values({f"A.{datatype}": Datapoint(value)})
            found = await client.get_current_values([f"A.{name}" for name in leaves()])
            targets = await client.get_target_values([f"A.{name}" for name in VALUES])
            for datatype, value in VALUES.items():
                assert found[f"A.{datatype}"].value == value
                assert list(found[f"A.{datatype}_array"].value.values) == [value, value]
                assert targets[f"A.{datatype}"].value == value
            updates = await anext(client.subscribe_current_values([f"A.{name}" for name in leaves()]))
            assert updates.keys() == found.keys()
            await refuses(client, where)

    async def refuses(client: VSSClient, where: Address) -> None:
        async with grpc.aio.insecure_channel(str(where)) as channel:
            stub = val_pb2_grpc.VALStub(channel)
            for datatype, value in BEYOND.items():
                field = "int32" if datatype.startswith("int") else "uint32"
                point = types_pb2.Datapoint(value=types_pb2.Value(**{field: value}))
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await stub.PublishValue(
                        val_pb2.PublishValueRequest(
                            signal_id=types_pb2.SignalID(path=f"A.{datatype}"), data_point=point
                        )
                    )
                assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (await client.get_current_values(["A.int8"]))["A.int8"].value == -128

    in_wall_time(main, kernel)


def test_a_replayed_drive_is_the_series_of_its_log() -> None:
    """Vehicle.Speed at a kuksa subscriber equals EMS1.VS as cantools decodes it from the log, value for value."""
    import opendbc

    from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
    from gateway.vehicle.logs.log import read_log
    from gateway.vehicle.logs.log_databases import DatabaseChoice, load_databases, preloaded
    from gateway.vehicle.logs.replay import Player

    path = DATA / "real-drives" / "genesis-0-64kph.log"
    if not path.is_file():
        pytest.skip("needs the recorded drive genesis-0-64kph.log")
    dbc = next(Path(opendbc.__file__).parent.rglob("hyundai_i30_2014.dbc"))
    log = read_log([path])
    choices = [DatabaseChoice.of(str(dbc))]
    databases = load_databases(choices, log.buses, preloaded(choices))
    vehicle = vehicle_of_log(log, databases, ROOT / "tests" / "data" / "hyundai_i30_signals.json", 500_000)
    message = cantools.database.load_file(dbc, strict=False).get_message_by_name("EMS1")
    expected = [
        float32(float(message.decode(frame.data, decode_choices=False)["VS"]))
        for _, _, frame in log.frames()
        if frame.header & 0x1FFFFFFF == message.frame_id
    ]
    received: list[float] = []

    async def main(loop: SimulationLoop) -> None:
        async with serve_kuksa(broker_of(vehicle), ANYWHERE) as where, grpc.aio.insecure_channel(str(where)) as channel:
            stub = val_pb2_grpc.VALStub(channel)
            call = stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=["Vehicle.Speed"], buffer_size=1000))
            assert not (await call.read()).entries["Vehicle.Speed"].HasField("value")
            vehicle.gateway.start()
            Player(vehicle, log).start()
            while len(received) < len(expected):
                point = (await call.read()).entries["Vehicle.Speed"]
                if point.HasField("value"):
                    received.append(point.value.float)
            call.cancel()

    kernel = vehicle.kernel
    in_wall_time_at(main, kernel, speed=8.0)
    assert len(expected) > 1000
    assert received == expected


def in_wall_time_at(main: Callable[[SimulationLoop], Coroutine[Any, Any, None]], kernel: Kernel, speed: float) -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        await main(loop)

    run(whole(), kernel, Clock.WALL, speed)


def float32(value: float) -> float:
    """As the wire's binary32 has it."""
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


@pytest.fixture
def model3(tmp_path: Path) -> Vehicle:
    """A car with the DBC and the mapping that eclipse-kuksa's CAN provider ships, unchanged."""
    folder = DATA / "model3-vss"
    if not folder.is_dir():
        pytest.skip("needs the mapping of eclipse-kuksa's CAN provider")
    for file in folder.iterdir():
        shutil.copy(file, tmp_path / file.name)
    (tmp_path / "vehicle.yaml").write_text(
        "vehicle: model3\n"
        "buses:\n  can0: {kind: can, bitrate: 500k, database: Model3CAN.dbc, restbus: false}\n"
        "gateway: {signals: vss_dbc.json, defaults: dbc_default_values.json}\n"
    )
    return build(read_vehicle(tmp_path / "vehicle.yaml"), Kernel())


PAN, TRUNK = "Vehicle.Body.Mirrors.DriverSide.Pan", "Vehicle.Body.Trunk.Rear.IsOpen"


def test_a_can_providers_mapping_works_in_both_directions(model3: Vehicle) -> None:
    car = model3.buses["can0"].attach("car")
    dbc = cantools.database.load_file(DATA / "model3-vss" / "Model3CAN.dbc", strict=False)
    speed, left = dbc.get_message_by_name("ID257DIspeed"), dbc.get_message_by_name("ID102VCLEFT_doorStatus")
    right = dbc.get_message_by_name("ID103VCRIGHT_doorStatus")
    sent: dict[int, list[bytes]] = {left.frame_id: [], right.frame_id: []}
    for key, frames in sent.items():
        car.receive(key, lambda frame, frames=frames: frames.append(frame.data))  # type: ignore[misc]

    async def main(loop: SimulationLoop) -> None:
        async with serve_kuksa(broker_of(model3), ANYWHERE) as where, VSSClient(where.host, where.port) as client:
            updates = client.subscribe_current_values(["Vehicle.Speed"])
            await anext(updates)
            values = {signal.name: signal.minimum or 0 for signal in speed.signals} | {"DI_uiSpeed": 72}
            car.send(Frame(speed.frame_id, speed.encode(values, strict=False)))
            assert (await anext(updates))["Vehicle.Speed"].value == 72.0
            await client.set_target_values({PAN: Datapoint(0)})
            await client.set_target_values({TRUNK: Datapoint(True)})
            while not all(sent.values()):
                await loop.sleep_until(loop.kernel.now + 1_000_000)

    in_wall_time(main, model3.kernel)
    assert left.decode(sent[left.frame_id][-1])["VCLEFT_mirrorTiltXPosition"] == 2.5  # (0 + 100) / 40
    assert str(right.decode(sent[right.frame_id][-1])["VCRIGHT_trunkLatchStatus"]) == "LATCH_OPENED"


def test_vss_tools_exports_the_demo_tree_without_warnings(tmp_path: Path) -> None:
    """Strictly, with what the mapping adds to the leaves allowed; what comes out is what was there."""
    vspec = Path(sys.executable).with_name("vspec")
    if not vspec.is_file():
        pytest.skip("needs vss-tools: pip install vss-tools")
    tree = json.loads((ROOT / "dbc" / "signals.json").read_text(encoding="utf-8"))
    text, out = tmp_path / "demo.vspec", tmp_path / "out.json"
    text.write_text("".join(vspec_lines(tree)), encoding="utf-8")
    units = sorted({leaf.unit for leaf in load_tree(ROOT / "dbc" / "signals.json").values() if leaf.unit})
    (tmp_path / "quantities.yaml").write_text("any:\n  definition: any\n")
    (tmp_path / "units.yaml").write_text(
        "".join(
            f"{unit}:\n  definition: {unit}\n  unit: {unit}\n  quantity: any\n  allowed-datatypes: [numeric]\n"
            for unit in units
        )
    )
    words = ["export", "json", "--strict", "-s", text, "-o", out, "-u", tmp_path / "units.yaml"]
    words += ["-q", tmp_path / "quantities.yaml", "-e", "dbc2vss", "-e", "vss2dbc"]
    done = subprocess.run([vspec, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert load_tree(out).leaves == load_tree(ROOT / "dbc" / "signals.json").leaves


def vspec_lines(tree: dict[str, Any], above: str = "") -> list[str]:
    lines: list[str] = []
    for name, node in tree.items():
        path = f"{above}{name}"
        lines.append(f"{path}:\n")
        lines += [f"  {key}: {json.dumps(value)}\n" for key, value in node.items() if key != "children"]
        lines += vspec_lines(node.get("children", {}), f"{path}.")
    return lines
