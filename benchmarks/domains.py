"""The SDV domain: from a CAN frame on the virtual bus to a kuksa-client in another process, and back.

The server is a process of its own: a vehicle in wall time whose one bus carries a probe, a hundred signals, or a
command. It notes when each frame ended on the bus (by the monotonic clock, which both processes share); the client
notes when the value came, or when it asked. The feeding side is measured alone, in processor time: our mapping against
a loop of cantools' decode with the same rules by hand.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, in_turn
from gateway.can import KEY_MASK, Bus, Frame
from gateway.errors import GatewayError
from gateway.sim import Clock, Kernel, SimulationLoop, run
from gateway.vehicle import Vehicle, build, load, read_vehicle

PROBES = 4000
PROBE_GAP_NS = 1_000_000
ACTUATIONS = 400
SUBSCRIBERS = 50
SIGNALS = 100
CYCLE_MS = 80
FANOUT_S = 5.0
ROUNDS = 5
DRIVE_S = 3.0
_PROBE, _COMMAND, _FIRST = 0x10, 0x20, 0x100
_PATIENCE_S = 60.0


def measure() -> list[Figure]:
    """All figures of the domain."""
    return [*measure_latency(), *measure_fanout(), *measure_feeding(), *measure_actuation()]


# The vehicle


def _dbc() -> str:
    text = 'VERSION ""\nNS_ :\nBS_:\nBU_: Sender GW\n'
    text += f'BO_ {_PROBE} Probe: 8 Sender\n SG_ Count : 0|32@1+ (1,0) [0|0] "" GW\n'
    text += f'BO_ {_COMMAND} Command: 8 GW\n SG_ Wish : 0|32@1+ (1,0) [0|0] "" Sender\n'
    for number in range(SIGNALS // 4):
        text += f"BO_ {_FIRST + number} M{number}: 8 Sender\n"
        text += "".join(f' SG_ S{number}_{part} : {part * 16}|16@1+ (1,0) [0|0] "" GW\n' for part in range(4))
    return text


def _tree() -> dict[str, Any]:
    def leaf(kind: str, datatype: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "datatype": datatype, "description": datatype, **more}

    children = {
        "Count": leaf("sensor", "uint32", dbc2vss={"signal": "Probe.Count", "interval_ms": 0}),
        "Wish": leaf("actuator", "uint32", vss2dbc={"signal": "Command.Wish"}),
    }
    for number in range(SIGNALS):
        name = f"M{number // 4}.S{number // 4}_{number % 4}"
        children[f"Signal{number}"] = leaf("sensor", "uint16", dbc2vss={"signal": name, "interval_ms": 0})
    return {"Vehicle": {"type": "branch", "description": "Bench", "children": children}}


def _write_vehicle(folder: Path) -> Path:
    (folder / "bench.dbc").write_text(_dbc())
    (folder / "signals.json").write_text(json.dumps(_tree()))
    file = folder / "vehicle.yaml"
    file.write_text(
        "vehicle: bench\nbuses:\n  a: {kind: can, bitrate: 1M, database: bench.dbc, restbus: false}\n"
        "gateway: {signals: signals.json}\n"
    )
    return file


# The server's process


class _Notes:
    """When frames ended on the bus, by the number that they carry; how late the bus was with each frame."""

    def __init__(self, loop: SimulationLoop, bus: Bus) -> None:
        self.times: dict[int, int] = {}
        self.late_ns: list[int] = []
        self._loop = loop
        bus.attach("tap").receive_all(self._note)

    def _note(self, frame: Frame) -> None:
        late = self._loop.pace.time_ns() - self._loop.kernel.now
        self.late_ns.append(late)
        if frame.header & KEY_MASK in (_PROBE, _COMMAND):
            self.times[int.from_bytes(frame.data[:4], "little")] = time.monotonic_ns() - late


def _serve(work: str, folder: Path) -> None:
    vehicle = build(read_vehicle(folder / "vehicle.yaml"), Kernel())

    async def main() -> None:
        from gateway.domains.sdv.server import SdvOptions, serve_kuksa
        from gateway.links.addresses import Address
        from gateway.vehicle.served.sdv import broker_of

        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        notes = _Notes(loop, vehicle.buses["a"])
        vehicle.start()
        async with serve_kuksa(broker_of(vehicle), SdvOptions(Address("127.0.0.1", 0))) as where:
            _put(folder / "port", str(where.port))
            await _until((folder / "go").exists)
            await {"probe": _send_probes, "fanout": _send_signals, "actuate": _wait_for_stop}[work](vehicle, folder)
            _put(folder / "notes", json.dumps({"times": notes.times, "late_ns": notes.late_ns}))
            await asyncio.sleep(0.5)

    run(main(), vehicle.kernel, Clock.WALL)


async def _send_probes(vehicle: Vehicle, _folder: Path) -> None:
    sender = vehicle.buses["a"].attach("Sender")
    kernel = vehicle.kernel
    begin = kernel.now + 100_000_000
    for count in range(1, PROBES + 1):
        frame = Frame(_PROBE, count.to_bytes(8, "little"))
        kernel.at(begin + count * PROBE_GAP_NS, lambda frame=frame: sender.send(frame))  # type: ignore[misc]
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    await loop.sleep_until(begin + (PROBES + 200) * PROBE_GAP_NS)


async def _send_signals(vehicle: Vehicle, _folder: Path) -> None:
    sender = vehicle.buses["a"].attach("Sender")
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    begin = vehicle.kernel.now
    for cycle in range(round(FANOUT_S * 1000 / CYCLE_MS)):
        await loop.sleep_until(begin + cycle * CYCLE_MS * 1_000_000)
        for number in range(SIGNALS // 4):
            sender.send(Frame(_FIRST + number, cycle.to_bytes(2, "little") * 4))


async def _wait_for_stop(_vehicle: Vehicle, folder: Path) -> None:
    await _until((folder / "stop").exists)


# The client's process


@contextmanager
def _server(work: str) -> Iterator[tuple[int, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_vehicle(folder)
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        process = subprocess.Popen([sys.executable, __file__, work, name], env=environment)
        try:
            yield int(_wait(folder / "port")), folder
        finally:
            process.terminate()
            process.wait()


def measure_latency() -> list[Figure]:
    """A thousand updates a second of one signal to one kuksa-client."""
    from kuksa_client.grpc import VSSClient

    came: dict[int, int] = {}
    with _server("probe") as (port, folder), VSSClient("127.0.0.1", port) as client:
        updates = client.subscribe_current_values(["Vehicle.Count"])
        next(updates)
        _put(folder / "go", "")
        for update in updates:
            now = time.monotonic_ns()
            point = update["Vehicle.Count"]
            if point is not None and point.value is not None:
                came[point.value] = now
                if point.value >= PROBES:
                    break
        times = json.loads(_wait(folder / "notes"))["times"]
    latencies = sorted((now - times[str(count)]) / 1e6 for count, now in came.items())
    against = f"{len(came)} of {PROBES} updates at 1,000/s came one by one, the others in a newer one"
    return [
        Figure("domains.frame_to_kuksa_p50", _quantile(latencies, 0.5), "ms", against),
        Figure("domains.frame_to_kuksa_p99", _quantile(latencies, 0.99), "ms", against),
    ]


def measure_fanout() -> list[Figure]:
    """Fifty subscribers of a hundred signals each."""
    values = 0

    async def main(port: int, folder: Path) -> float:
        nonlocal values
        import grpc.aio
        from kuksa.val.v2 import val_pb2, val_pb2_grpc

        paths = [f"Vehicle.Signal{number}" for number in range(SIGNALS)]
        ready = 0

        async def follow(stub: Any) -> None:
            nonlocal values, ready
            async for response in stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=paths, buffer_size=100)):
                if ready < SUBSCRIBERS:
                    ready += 1
                values += len(response.entries)

        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = val_pb2_grpc.VALStub(channel)
            tasks = [asyncio.create_task(follow(stub)) for _ in range(SUBSCRIBERS)]
            await _until(lambda: ready == SUBSCRIBERS)
            values = 0
            began = time.monotonic()
            _put(folder / "go", "")
            await _until((folder / "notes").exists)
            taken = time.monotonic() - began
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return taken

    with _server("fanout") as (_, folder):
        _put(folder / "go", "")
        alone = _late_ms(folder)
    with _server("fanout") as (port, folder):
        taken = asyncio.run(main(port, folder))
        late = _late_ms(folder)
    offered = SUBSCRIBERS * SIGNALS * 1000 / CYCLE_MS
    return [
        Figure("domains.fanout", values / taken, "values/s", f"{offered:.0f}/s offered to {SUBSCRIBERS} subscribers"),
        Figure("domains.fanout_bus_late", late, "ms", f"p99 of the bus's events; without subscribers {alone:.2f} ms"),
    ]


def measure_actuation() -> list[Figure]:
    """Actuate of kuksa.val.v2, from the call to the end of its frame on the bus."""
    import grpc
    from kuksa.val.v2 import types_pb2, val_pb2, val_pb2_grpc

    asked: dict[int, int] = {}
    with _server("actuate") as (port, folder), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = val_pb2_grpc.VALStub(channel)
        stub.GetServerInfo(val_pb2.GetServerInfoRequest())
        _put(folder / "go", "")
        signal = types_pb2.SignalID(path="Vehicle.Wish")
        for wish in range(1, ACTUATIONS + 1):
            time.sleep(0.005)
            asked[wish] = time.monotonic_ns()
            stub.Actuate(val_pb2.ActuateRequest(signal_id=signal, value=types_pb2.Value(uint32=wish)))
        time.sleep(0.1)
        _put(folder / "stop", "")
        times = json.loads(_wait(folder / "notes"))["times"]
    latencies = sorted((times[str(wish)] - begun) / 1e6 for wish, begun in asked.items())
    against = f"{len(latencies)} calls, one at a time; p99 {_quantile(latencies, 0.99):.2f} ms"
    return [Figure("domains.actuate_p50", _quantile(latencies, 0.5), "ms", against)]


# The feeding side


def measure_feeding() -> list[Figure]:
    """The demo vehicle's frames through its mapping, ours against by hand."""
    recorded = _recorded_frames()
    ours, by_hand = _ours(), _by_hand()
    fast, slow = in_turn(ROUNDS, lambda: ours(recorded), lambda: by_hand(recorded))
    rate = len(recorded) / fast
    return [
        Figure(
            "domains.feeding",
            slow / fast,
            "x",
            f"cantools' decode and the same rules by hand; ours {rate:,.0f} frames/s",
        )
    ]


_Recorded = list[tuple[int, str, int, Frame]]


def _recorded_frames() -> _Recorded:
    """Time, bus, key and frame of what the mapping listens to, a few seconds of the demo vehicle's drive."""
    kernel = Kernel()
    vehicle = load(_demo(), kernel)
    assert vehicle.can_to_vss is not None
    wanted = set(vehicle.can_to_vss.messages)
    recorded: _Recorded = []

    def listen(bus: str) -> Callable[[Frame], None]:
        def note(frame: Frame) -> None:
            key = frame.header & KEY_MASK
            if (bus, key) in wanted:
                recorded.append((kernel.now, bus, key, frame))

        return note

    for bus in {bus for bus, _ in wanted}:
        vehicle.buses[bus].attach("tap").receive_all(listen(bus))
    vehicle.start()
    kernel.run(round(DRIVE_S * 1e9))
    return recorded


def _ours() -> Callable[[_Recorded], None]:
    vehicle = load(_demo(), Kernel())
    assert vehicle.can_to_vss is not None
    feeds = {key: one.on_frame for key, one in vehicle.can_to_vss.messages.items()}
    kernel = vehicle.kernel

    def again(recorded: _Recorded) -> None:
        kernel.now = 0
        for one in vehicle.can_to_vss.feeds:  # type: ignore[union-attr]
            one._due_ns = 0
        for message in vehicle.can_to_vss.messages.values():  # type: ignore[union-attr]
            message.look_again()
        for now, bus, key, frame in recorded:
            kernel.now = now
            feeds[bus, key](frame)

    return again


def _by_hand() -> Callable[[_Recorded], None]:
    """What a user would write: cantools decodes the frame; each rule's interval, transform and change by hand."""
    import cantools

    vehicle = load(_demo(), Kernel())
    assert vehicle.mapping is not None
    files = {bus: database.file for bus, database in vehicle.databases.items()}
    databases = {bus: cantools.database.load_file(file) for bus, file in files.items() if file.endswith(".dbc")}
    rules: dict[tuple[str, int], list[Any]] = {}
    for rule in vehicle.mapping.upward:
        for place in rule.places:
            table = None if rule.table is None else {str(pair.source): pair.target for pair in rule.table}
            math = None if rule.math is None else rule.math.function
            entry = (rule.leaf.path, place.signal.name, rule.interval_ns, rule.on_change, table, math)
            rules.setdefault((place.bus, place.key), []).append(entry)

    def decode(recorded: _Recorded) -> None:
        values: dict[str, Any] = {}
        last: dict[str, int] = {}
        for now, bus, key, frame in recorded:
            signals = databases[bus].decode_message(key, frame.data)
            for path, name, interval, on_change, table, math in rules[bus, key]:
                if now - last.get(path, -interval) < interval:
                    continue
                value = signals[name]
                if table is not None:
                    value = table.get(str(value))
                elif math is not None and not isinstance(value, str):
                    value = math(float(value))
                if on_change and values.get(path) == value:
                    continue
                last[path] = now
                values[path] = value

    return decode


def _demo() -> Path:
    from gateway.cli.options import demo_vehicle

    return demo_vehicle()


# Small things


def _late_ms(folder: Path) -> float:
    """How late the bus was, at the 99th percentile."""
    late = sorted(json.loads(_wait(folder / "notes"))["late_ns"])
    return _quantile([one / 1e6 for one in late], 0.99)


def _quantile(values: list[float], part: float) -> float:
    if not values:
        raise GatewayError("no measurement came: is the machine overloaded?")
    return statistics.median(values) if part == 0.5 else values[min(len(values) - 1, int(len(values) * part))]


def _put(path: Path, text: str) -> None:
    own = path.with_suffix(".new")
    own.write_text(text)
    own.rename(path)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a file of another process has no event
        await asyncio.sleep(0.01)


def _wait(path: Path) -> str:
    limit = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > limit:
            raise GatewayError(f"the server's process did not write {path.name} within {_PATIENCE_S:g} s")
        time.sleep(0.01)
    return path.read_text()


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
