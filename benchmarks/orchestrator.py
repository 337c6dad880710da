"""How quickly nodes and units start, jobs go over D-Bus, states reach monitors, and a lost node is noticed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from benchmarks.measure import Figure, in_turn
from gateway.orchestrator.control import AgentConfig, Controller, ControllerConfig, NodeConfig
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.units import UnitFiles
from gateway.sim import NS_PER_S, Clock, Kernel, Streams, run

_MS = 1_000_000
NODES, UNITS = 10, 30
AGENTS, AGENT_UNITS, MONITORS, SECONDS = 100, 20, 5, 12
_TURNING = """[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
Restart=always
RestartSec=2500ms
ExecStart=/bin/turning
[X-Simulation]
ReadyAfter=50ms..300ms
ExitAfter=3s
"""
_CROWD = """
import asyncio, sys
from gateway.orchestrator.engine import JobType
from gateway.orchestrator.joining import Crowd, joined
from gateway.sim import Clock, Kernel, run
kernel = Kernel()
told = 0
stopped = asyncio.Event()
class Orders(asyncio.Protocol):
    # the first line: begin, spread over 6 s; end of input: stop dead
    def data_received(self, data):
        units = [(agent.engine, name) for agent in agents for name in agent.engine.files.names()]
        for number, (engine, name) in enumerate(units):
            later = number * 6_000_000_000 // len(units)
            kernel.after(later, lambda engine=engine, name=name: engine.submit(JobType.START, name))
    def eof_received(self):
        stopped.set()
def counting(tell):
    def count(member, *rest):
        global told
        told += member == "UnitStateChanged" and rest[-1] == "real" and not stopped.is_set()
        if not stopped.is_set() or member == "Heartbeat":
            tell(member, *rest)
    return count
async def main():
    global agents
    texts = {f"u{n}.service": sys.argv[4] for n in range(int(sys.argv[3]))}
    crowd = Crowd(sys.argv[1], int(sys.argv[2]), "n", files=texts, heartbeat_ns=int(sys.argv[5]))
    async with joined(kernel, crowd) as agents:
        for agent in agents:
            agent.tell = counting(agent.tell)
        print("joined", flush=True)
        await asyncio.get_running_loop().connect_read_pipe(Orders, sys.stdin)
        await stopped.wait()
        print(told, flush=True)
        await asyncio.sleep(30)
run(main(), kernel, Clock.WALL)
"""


def _chain() -> Fleet:
    """300 units on 10 nodes, each after the one before, also from node to node."""
    names = [f"n{node}" for node in range(NODES)]
    free = NodeConfig(allow_dependencies_on=frozenset(["*"]))
    fleet = Fleet(Kernel(), ControllerConfig(nodes=dict.fromkeys(names, free)), Streams(1))
    for node, name in enumerate(names):
        texts = {"default.target": f"[Unit]\nWants={' '.join(f'u{unit}.service' for unit in range(UNITS))}\n"}
        for unit in range(UNITS):
            need = f"u{unit - 1}.service" if unit else f"bluechi-proxy@n{node - 1}_u{UNITS - 1}.service" if node else ""
            texts[f"u{unit}.service"] = (
                f"[Unit]\nRequires={need}\nAfter={need}\n[Service]\nType=notify\nExecStart=/bin/u\n"
                "[X-Simulation]\nReadyAfter=5ms..30ms\n"
            )
        fleet.add(name, UnitFiles(name, texts))
    return fleet


def _start_all() -> None:
    fleet = _chain()
    fleet.start()
    fleet.kernel.run(15 * NS_PER_S)
    states = fleet.unit_states()
    assert all(states[name][f"u{unit}.service"][0] == "active" for name in states for unit in range(UNITS))


def measure_start() -> list[Figure]:
    """From unit files to all of them active, cross-node dependencies included."""
    (taken,) = in_turn(5, _start_all)
    return [Figure("orchestrator.start_300", taken, "s", "300 units on 10 nodes, virtual time")]


@contextlib.contextmanager
def _bus() -> Iterator[str]:
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        raise FileNotFoundError("dbus-daemon: apt-get install dbus")
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:path={folder}/bus"
        process = subprocess.Popen(
            [daemon, "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield address
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


async def _until(condition: object) -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def measure_job() -> list[Figure]:
    """StartUnit to JobRemoved of a process, by a client on a bus; controller and agent talk over a unix socket."""
    with _bus() as address, tempfile.TemporaryDirectory() as folder:
        kernel = Kernel()
        times = run(_jobs(kernel, address, Path(folder) / "agents"), kernel, Clock.WALL)
    return [Figure("orchestrator.job_p50", statistics.median(times) * 1e3, "ms", "StartUnit to JobRemoved, a process")]


async def _jobs(kernel: Kernel, address: str, socket: Path) -> list[float]:
    from gateway.orchestrator.control import Agent
    from gateway.orchestrator.dbus import AgentDialler, Client, serve_peers, serve_public
    from gateway.orchestrator.engine import Engine
    from gateway.orchestrator.processes import ProcessRunner

    controller = Controller(kernel, ControllerConfig(allowed=("node",)))
    runner = ProcessRunner(kernel)
    files = UnitFiles(
        "node",
        {"sleeper.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=exec\nExecStart=/bin/sleep 1000\n"},
    )
    agent = Agent(
        kernel, Engine(kernel, "node", files, runner), AgentConfig(name="node", address=f"unix:path={socket}")
    )
    async with (
        serve_public(controller, address),
        serve_peers(controller, unix=socket),
        Client.connected(address) as client,
    ):
        dialler = AgentDialler(agent)
        agent.start()
        await _until(lambda: agent.online)
        times = []
        for _ in range(60):
            began = time.perf_counter()
            assert await client.do("node", "StartUnit", "sleeper.service", "replace") == "done"
            times.append(time.perf_counter() - began)
            assert await client.do("node", "StopUnit", "sleeper.service", "replace") == "done"
        await dialler.close()
        await runner.close()
    return times[10:]


@contextlib.asynccontextmanager
async def _crowd(address: str, count: int, units: int, heartbeat_ns: int) -> AsyncIterator[asyncio.subprocess.Process]:
    words = ["-c", _CROWD, address, str(count), str(units), _TURNING, str(heartbeat_ns)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def measure_states() -> list[Figure]:
    """100 agents in another process, their changes of state to five monitors on a bus."""
    with _bus() as address, tempfile.TemporaryDirectory() as folder:
        kernel = Kernel()
        rate, lost, load = run(_states(kernel, address, Path(folder) / "agents"), kernel, Clock.WALL)
    against = f"100 agents, 20 units each, {rate:.0f} changes/s, 5 monitors"
    return [
        Figure("orchestrator.lost_changes", lost, "changes", against),
        Figure("orchestrator.controller_load", load, "cores", against),
    ]


async def _states(kernel: Kernel, address: str, socket: Path) -> tuple[float, int, float]:
    from gateway.orchestrator.dbus import serve_peers, serve_public

    controller = Controller(kernel, ControllerConfig(allowed=tuple(f"n{number + 1}" for number in range(AGENTS))))
    counter = [sys.executable, "-c", _LISTENER, address]
    async with serve_public(controller, address), serve_peers(controller, unix=socket) as server:  # noqa: SIM117
        async with _crowd(server.addresses[0], AGENTS, AGENT_UNITS, 2 * NS_PER_S) as crowd:
            await _until(lambda: controller.status == "up")
            ears = []
            for _ in range(MONITORS):
                ear = await asyncio.create_subprocess_exec(
                    *counter, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
                )
                assert ear.stdout is not None
                await ear.stdout.readline()
                ears.append(ear)
            assert crowd.stdin is not None and crowd.stdout is not None
            crowd.stdin.write(b"go\n")
            await asyncio.sleep(2)
            began, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(SECONDS)
            load = (time.process_time() - used) / (time.perf_counter() - began)
            crowd.stdin.close()
            told = int(await crowd.stdout.readline())
            rate = told / (time.perf_counter() - began + 2)
            lost = 0
            for ear in ears:
                assert ear.stdin is not None and ear.stdout is not None
                ear.stdin.close()
            for ear in ears:
                assert ear.stdout is not None
                lost += told - int(await ear.stdout.readline())
                await ear.wait()
    return rate, lost, load


_LISTENER = """
import asyncio, sys
from gateway.orchestrator.dbus import Client
async def main():
    heard = 0
    def count(signal):
        nonlocal heard
        heard += signal.member == "UnitStateChanged" and signal.body[-1] == "real"
    async with Client.connected(sys.argv[1]) as client:
        await client.listen(count)
        path = (await client.controller("CreateMonitor"))[0]
        await client.monitor(path, "Subscribe", "*", "*")
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        before = -1
        while heard != before:
            before = heard
            await asyncio.sleep(3)
        print(heard, flush=True)
asyncio.run(main())
"""


def measure_lost_node() -> list[Figure]:
    """A node is stopped dead (SIGSTOP): how long until it is offline, as a part of the threshold."""
    kernel = Kernel()
    with tempfile.TemporaryDirectory() as folder:
        ratio = run(_lost(kernel, Path(folder) / "agents"), kernel, Clock.WALL)
    return [Figure("orchestrator.offline", ratio, "x", "the threshold of 2 s, since the last heartbeat")]


async def _lost(kernel: Kernel, socket: Path) -> float:
    from gateway.orchestrator.dbus import serve_peers

    threshold = 2 * NS_PER_S
    controller = Controller(kernel, ControllerConfig(allowed=("n1",), threshold_ns=threshold))
    node = controller.nodes["n1"]
    async with serve_peers(controller, unix=socket) as server, _crowd(server.addresses[0], 1, 1, 200 * _MS) as crowd:
        await _until(lambda: node.online)
        await asyncio.sleep(1)
        crowd.send_signal(signal.SIGSTOP)
        await _until(lambda: not node.online)
        lost = next(event for event in reversed(controller.events) if event.what == "offline")
        return (lost.time_ns - node.last_seen_ns) / threshold
