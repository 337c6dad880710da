"""The server of the SDV domain's figures, a process of its own: a vehicle in wall time with one bus.

The bus carries a probe, a hundred signals, or a command. The server notes when each frame ended on the bus (by the
monotonic clock, which its client shares), how late the bus was, and how long its loop was busy before it looked at the
bus again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gateway.can import KEY_MASK, Bus, Frame
from gateway.errors import GatewayError
from gateway.sim import Clock, Kernel, SimulationLoop, run
from gateway.vehicle import Vehicle, build, read_vehicle

PROBES = 4000
PROBE_GAP_NS = 1_000_000
SIGNALS = 100
CYCLE_MS = 80
FANOUT_S = 5.0
_PROBE, _COMMAND, _FIRST = 0x10, 0x20, 0x100
_PATIENCE_S = 60.0


class Noted(NamedTuple):
    """What the server has noted. `late_ms`: of each event of the bus; `turns_ms`: processor time of the loop from one
    look at the bus to the next; both sorted."""

    times: dict[int, int]
    late_ms: list[float]
    turns_ms: list[float]


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


class _Notes:
    """When frames ended on the bus, by the number that they carry; how late the bus was, and what it waited for."""

    def __init__(self, loop: SimulationLoop, bus: Bus) -> None:
        self.times: dict[int, int] = {}
        self.late_ns: list[int] = []
        self.turns_ns: list[int] = []
        self._loop = loop
        bus.attach("tap").receive_all(self._note)
        self._watch_turns()

    def forget(self) -> None:
        """What has been until now was the start."""
        self.late_ns.clear()
        self.turns_ns.clear()

    def _note(self, frame: Frame) -> None:
        late = self._loop.pace.time_ns() - self._loop.kernel.now
        self.late_ns.append(late)
        if frame.header & KEY_MASK in (_PROBE, _COMMAND):
            self.times[int.from_bytes(frame.data[:4], "little")] = time.monotonic_ns() - late

    def _watch_turns(self) -> None:
        pace, turns = self._loop.pace, self.turns_ns
        look = pace.wait
        left_ns = time.thread_time_ns()

        def wait(selector: selectors.BaseSelector, timeout_ns: int | None, ready: Sized) -> Any:
            nonlocal left_ns
            turns.append(time.thread_time_ns() - left_ns)
            events = look(selector, timeout_ns, ready)
            left_ns = time.thread_time_ns()
            return events

        pace.wait = wait  # type: ignore[method-assign]


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
            put(folder / "port", str(where.port))
            await until((folder / "go").exists)
            notes.forget()
            await {"probe": _send_probes, "fanout": _send_signals, "actuate": _wait_for_stop}[work](vehicle, folder)
            noted = Noted(notes.times, _sorted_ms(notes.late_ns), _sorted_ms(notes.turns_ns))
            put(folder / "notes", json.dumps(noted))
            await asyncio.sleep(0.5)

    with contextlib.suppress(KeyboardInterrupt):
        run(main(), vehicle.kernel, Clock.WALL)


def _sorted_ms(times_ns: list[int]) -> list[float]:
    return sorted(time_ns / 1e6 for time_ns in times_ns)


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
    await until((folder / "stop").exists)


@contextmanager
def server(work: str) -> Iterator[tuple[int, Path]]:
    """The server's port and the folder over which it is spoken to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_vehicle(folder)
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        process = subprocess.Popen([sys.executable, __file__, work, name], env=environment)
        try:
            yield int(wait_for(folder / "port")), folder
        finally:
            process.terminate()
            process.wait()


def notes_in(folder: Path) -> Noted:
    """What the server has noted, when it is done."""
    times, late_ms, turns_ms = json.loads(wait_for(folder / "notes"))
    return Noted({int(number): time_ns for number, time_ns in times.items()}, late_ms, turns_ms)


def put(path: Path, text: str) -> None:
    own = path.with_suffix(".new")
    own.write_text(text)
    own.rename(path)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a file of another process has no event
        await asyncio.sleep(0.01)


def wait_for(path: Path) -> str:
    limit = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > limit:
            raise GatewayError(f"the server's process did not write {path.name} within {_PATIENCE_S:g} s")
        time.sleep(0.01)
    return path.read_text()


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
