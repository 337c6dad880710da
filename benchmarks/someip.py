"""SOME/IP: parsing against pysomeip, a CAN frame to an event in another process, one signal to a hundred subscribers.

The latency's server is a process of its own: a vehicle in wall time whose bus carries 2,000 probes a second, each an event
to this process, which notes when it came. The server notes when each frame ended on the bus; both have the monotonic
clock. Where the machine allows it they run at real-time priority, so that other programs do not decide the tail, and so
does what is compared with. The hundred subscribers are sockets of this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Figure, in_turn, seconds
from gateway.can import Frame
from gateway.ethernet import Endpoint
from gateway.sim import Clock, Kernel, SimulationLoop, rare_collection, run
from gateway.someip import EndpointOption, Entry, EntryType, Message, MessageType, SdMessage, parse
from gateway.someip.sd_message import FOREVER_TTL, sd_message
from gateway.vehicle import Vehicle, build, read_vehicle

MESSAGES = 20_000
PROBES = 4000
PROBE_GAP_NS = 500_000
"""2,000 frames a second."""
EVENTS = 200
SUBSCRIBERS = 100
ROUNDS = 5
DRIVES = 3
"""Of the latency, each way in turn: the machine itself stops now and then for some milliseconds."""
_PROBE = 0x10
_PATIENCE_S = 60.0


def measure() -> list[Figure]:
    """All figures of SOME/IP."""
    return [*measure_parsing(), *measure_latency(), *measure_subscribers()]


def measure_parsing() -> list[Figure]:
    """Header and payload of 32 bytes: this project's over pysomeip's."""
    from someip.header import SOMEIPHeader

    data = Message(0x1234, 0x8001, bytes(range(32)), MessageType.NOTIFICATION, 0, 7).build()

    def ours() -> None:
        for _ in range(MESSAGES):
            parse(data)

    def theirs() -> None:
        for _ in range(MESSAGES):
            SOMEIPHeader.parse(data)

    ours_s, theirs_s = in_turn(ROUNDS, ours, theirs)
    against = f"pysomeip: {theirs_s / MESSAGES * 1e6:.2f} us, ours {ours_s / MESSAGES * 1e6:.2f} us"
    return [Figure("someip.parse", theirs_s / ours_s, "x", against)]


# A vehicle with one event


def _write_vehicle(folder: Path, sd_port: int, port: int) -> None:
    (folder / "bench.dbc").write_text(
        'VERSION ""\nNS_ :\nBS_:\nBU_: Sender GW\n'
        f'BO_ {_PROBE} Probe: 8 Sender\n SG_ Count : 0|32@1+ (1,0) [0|0] "" GW\n'
    )
    (folder / "vehicle.yaml").write_text(
        "vehicle: bench\nbuses:\n  a: {kind: can, bitrate: 1M, database: bench.dbc, restbus: false}\n"
        f"services:\n  discovery: {{port: {sd_port}}}\n  offer:\n    Probe:\n      service: 0x1234\n      udp: {port}\n"
        "      events:\n        Count: {id: 0x8001, type: uint32, signal: a.Probe.Count, send: each}\n"
    )


def _subscribe(events: Endpoint, session: int = 1) -> bytes:
    option = EndpointOption(events)
    entry = Entry(EntryType.SUBSCRIBE, 0x1234, 1, 1, FOREVER_TTL, eventgroup=1, options=(option,))
    return sd_message(SdMessage((entry,)).build(), session).build()


def _free_ports() -> tuple[int, int]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


# From the bus to another process


def _serve(folder: Path) -> None:
    vehicle = build(read_vehicle(folder / "vehicle.yaml"), Kernel())
    times: dict[int, int] = {}

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        node = _on_sockets(vehicle, loop)

        def note(frame: Frame) -> None:
            late = loop.pace.time_ns() - loop.kernel.now
            times[int.from_bytes(frame.data[:4], "little")] = time.monotonic_ns() - late

        vehicle.buses["a"].attach("tap").receive_all(note)
        vehicle.start()
        _put(folder / "ready", "")
        while not node.discovery.offers.subscribers(next(iter(node.providers)), 1):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        sender = vehicle.buses["a"].attach("Sender")
        begin = vehicle.kernel.now + 100_000_000
        for count in range(1, PROBES + 1):
            frame = Frame(_PROBE, count.to_bytes(8, "little"))
            vehicle.kernel.at(begin + count * PROBE_GAP_NS, lambda frame=frame: sender.send(frame))  # type: ignore[misc]
        await loop.sleep_until(begin + (PROBES + 200) * PROBE_GAP_NS)
        _put(folder / "notes", json.dumps(times))

    with rare_collection(vehicle.kernel):  # as `gateway run`
        run(main(), vehicle.kernel, Clock.WALL)


def _serve_plainly(folder: Path) -> None:
    """What there is to compare with: asyncio's own loop, which sends a datagram at each probe's time."""
    times: dict[int, int] = {}
    target = (folder / "target").read_text().split()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        _put(folder / "ready", "")
        begin = loop.time() + 0.5

        def send(count: int) -> None:
            due = begin + count * PROBE_GAP_NS / 1e9
            times[count] = round(due * 1e9)
            message = Message(0x1234, 0x8001, count.to_bytes(4, "big"), MessageType.NOTIFICATION)
            sending.sendto(message.build(), (target[0], int(target[1])))
            if count < PROBES:
                loop.call_at(due + PROBE_GAP_NS / 1e9, send, count + 1)

        loop.call_at(begin, send, 1)
        await asyncio.sleep(0.6 + PROBES * PROBE_GAP_NS / 1e9)
        _put(folder / "notes", json.dumps(times))

    asyncio.run(main())


def _on_sockets(vehicle: Vehicle, loop: SimulationLoop):  # type: ignore[no-untyped-def]
    from gateway.services.someip.sockets import SocketNetwork

    assert vehicle.someip is not None
    vehicle.network = SocketNetwork(loop, vehicle.someip.options.address)
    return vehicle.someip


@contextmanager
def _server(work: str, folder: Path) -> Iterator[None]:
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    process = subprocess.Popen([sys.executable, __file__, work, str(folder)], env=environment)
    try:
        _wait(folder / "ready")
        yield
    finally:
        process.terminate()
        process.wait()


def measure_latency() -> list[Figure]:
    """From the end of a frame on the virtual bus to its event in another process, at 2,000 frames a second."""
    latencies: dict[str, list[list[float]]] = {"plain": [], "vehicle": []}
    with _undisturbed() as priority:
        for _ in range(DRIVES):
            for work, found in latencies.items():
                found.append(_latencies(work))
    plain, ours = latencies["plain"], latencies["vehicle"]
    lost = DRIVES * PROBES - sum(map(len, ours))
    floor = f"a bare asyncio loop and datagram: p50 {_at(plain, 0.5):.2f} ms, p99 {_at(plain, 0.99):.2f} ms; {priority}"
    against = f"{lost} of {DRIVES * PROBES} events at 2,000/s were lost; {floor}"
    return [
        Figure("someip.frame_to_event_p50", _at(ours, 0.5), "ms", against),
        Figure("someip.frame_to_event_p99", _at(ours, 0.99), "ms", against),
    ]


@contextmanager
def _undisturbed() -> Iterator[str]:
    """Before all other programs, for this process and those that it starts; yields what it came to."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    except OSError:
        yield f"beside other programs (load {os.getloadavg()[0]:.1f})"
        return
    try:
        yield "real-time priority"
    finally:
        os.sched_setscheduler(0, *before)


def _at(drives: list[list[float]], quantile: float) -> float:
    """Of each drive; the median of them."""
    return statistics.median(latencies[int(len(latencies) * quantile)] for latencies in drives)


def _latencies(work: str) -> list[float]:
    """Of the events that came, in milliseconds, the shortest first."""
    came: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        folder = Path(name)
        receiver.bind(("127.0.0.2", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.settimeout(_PATIENCE_S)
        place = Endpoint(*receiver.getsockname())
        (folder / "target").write_text(f"{place.host} {place.port}")
        sd_port, port = _free_ports()
        _write_vehicle(folder, sd_port, port)
        with _server(work, folder):
            if work == "vehicle":
                receiver.sendto(_subscribe(place), ("127.0.0.1", sd_port))
            _receive(receiver, came)
            times = json.loads(_wait(folder / "notes"))
    return sorted((now - times[str(count)]) / 1e6 for count, now in came.items())


def _receive(receiver: socket.socket, came: dict[int, int]) -> None:
    while len(came) < PROBES:
        try:
            data = receiver.recv(2048)
        except TimeoutError:
            return
        now = time.monotonic_ns()
        message = parse(data)
        if message.method == 0x8001:
            came[int.from_bytes(message.payload, "big")] = now
            receiver.settimeout(2)


# One signal to many


def measure_subscribers() -> list[Figure]:
    """The processor time of an event to a hundred subscribers, over that of an event to one."""
    fans = [_Fan(1), _Fan(SUBSCRIBERS)]
    times: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for fan, taken in zip(fans, times, strict=True):
            second = seconds(fan.send)
            fan.drain()
            if number:  # the first round warms up
                taken.append(second)
    one_s, many_s = (statistics.median(taken) for taken in times)
    for fan in fans:
        fan.close()
    against = f"an event to one {one_s / EVENTS * 1e6:.0f} us, to {SUBSCRIBERS} {many_s / EVENTS * 1e6:.0f} us"
    return [Figure("someip.hundred_subscribers", many_s / one_s, "x", against)]


class _Fan:
    """A vehicle on sockets whose event goes to so many subscribers, all of them sockets of this process."""

    def __init__(self, subscribers: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        sd_port, port = _free_ports()
        _write_vehicle(Path(self._folder.name), sd_port, port)
        self._vehicle = build(read_vehicle(Path(self._folder.name) / "vehicle.yaml"), Kernel())
        self._kernel = self._vehicle.kernel
        self._loop = SimulationLoop(self._kernel, Clock.WALL)
        self._counted = 0
        node = _on_sockets(self._vehicle, self._loop)
        self._vehicle.start()
        self._receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(subscribers)]
        for session, receiver in enumerate(self._receivers, start=1):
            receiver.bind(("127.0.0.2", 0))
            data = _subscribe(Endpoint(*receiver.getsockname()), session)
            list(node.discovery.receive(data, Endpoint("127.0.0.2", sd_port), self._kernel.now))
        assert len(node.discovery.offers.subscribers(next(iter(node.providers)), 1)) == subscribers
        self._sender = self._vehicle.buses["a"].attach("Sender")

    def send(self) -> None:
        """Frames on the bus, each of which is an event; as many as the receivers' buffers hold."""
        kernel = self._kernel
        for _ in range(EVENTS):
            self._counted += 1
            self._sender.send(Frame(_PROBE, self._counted.to_bytes(8, "little")))
            kernel.run(kernel.now + PROBE_GAP_NS)

    def drain(self) -> None:
        for receiver in self._receivers:
            came = _drain(receiver)
            assert came == EVENTS, f"{came} of {EVENTS} events came"

    def close(self) -> None:
        self._vehicle.stop()
        self._loop.close()
        for receiver in self._receivers:
            receiver.close()
        self._folder.cleanup()


def _drain(receiver: socket.socket) -> int:
    came = 0
    receiver.setblocking(False)
    try:
        while receiver.recv(2048):
            came += 1
    except BlockingIOError:
        return came
    return came


def _put(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(text)
    partial.rename(path)


def _wait(path: Path) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {path.name} within {_PATIENCE_S} s")
        time.sleep(0.01)
    return path.read_text()


if __name__ == "__main__":
    {"vehicle": _serve, "plain": _serve_plainly}[sys.argv[1]](Path(sys.argv[2]))
