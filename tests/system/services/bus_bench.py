"""A small car in wall time, a mosquitto that can be killed, and clients that wait for what they want to see."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from gateway.can import Frame
from gateway.sim import Clock, Kernel, run
from gateway.vehicle import Vehicle, build, read_vehicle
from gateway.vehicle.file.read import VehicleFile

WITHIN_S = 60.0
SPEED, LAMP = 0x100, 0x200
DBC = """VERSION ""
NS_ :
BS_:
BU_: Sender GW
BO_ 256 Motion: 8 Sender
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" GW
 SG_ Mode : 16|8@1+ (1,0) [0|2] "" GW
BO_ 512 LampRequest: 8 GW
 SG_ Level : 0|8@1+ (1,0) [0|100] "%" Sender
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 200;
VAL_ 256 Mode 0 "Off" 1 "Eco" 2 "Sport" ;
"""


def _tree() -> dict[str, Any]:
    def leaf(kind: str, datatype: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "datatype": datatype, "description": datatype, **more}

    table = [{"from": text, "to": text.upper()} for text in ("Off", "Eco", "Sport")]
    children = {
        "Speed": leaf("sensor", "float", dbc2vss={"signal": "Motion.Speed", "interval_ms": 0}),
        "Mode": leaf("sensor", "string", dbc2vss={"signal": "Motion.Mode", "transform": {"mapping": table}}),
        "Lamp": leaf("actuator", "uint8", max=100, vss2dbc={"signal": "LampRequest.Level"}),
        "Seat": leaf("actuator", "uint8"),
        "Length": leaf("attribute", "uint16", default=4200),
    }
    return {"Vehicle": {"type": "branch", "description": "A car", "children": children}}


def write_vehicle(folder: Path, more: str = "") -> Path:
    """The file of the small car; `more` is added to it."""
    (folder / "car.dbc").write_text(DBC)
    (folder / "signals.json").write_text(json.dumps(_tree()))
    file = folder / "car.yaml"
    file.write_text(
        "vehicle: small car\nbuses:\n  a: {kind: can, bitrate: 1M, database: car.dbc, restbus: false}\n"
        f"gateway: {{signals: signals.json}}\n{more}"
    )
    return file


class Car:
    """A vehicle that drives, with a hand on its bus. `lamps`: the levels that came down over CAN."""

    def __init__(self, vehicle: Vehicle, file: VehicleFile) -> None:
        self.vehicle = vehicle
        self.file = file
        self.told: list[str] = []
        self.lamps: asyncio.Queue[int] = asyncio.Queue()
        self._sender = vehicle.buses["a"].attach("Sender")
        self._sender.receive(LAMP, lambda frame: self.lamps.put_nowait(frame.data[0]))

    def drives(self, speed_kmh: float, mode: int = 1) -> None:
        """Send one frame with the speed and the mode."""
        self._sender.send(Frame(SPEED, round(speed_kmh * 100).to_bytes(2, "little") + bytes([mode, 0, 0, 0, 0, 0])))


def in_wall_time(file: Path, story: Callable[[Car], Coroutine[Any, Any, None]]) -> None:
    """Drive the car of a file while a story is told."""
    read = read_vehicle(file)
    kernel = Kernel()
    vehicle = build(read, kernel)

    async def drive() -> None:
        vehicle.start()
        try:
            async with asyncio.timeout(WITHIN_S):
                await story(Car(vehicle, read))
        finally:
            vehicle.stop()

    run(drive(), kernel, Clock.WALL)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what has no event."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


class Mosquitto:
    """A broker on a port, which it keeps when it is started again."""

    def __init__(self, path: str, folder: Path, port: int, lines: tuple[str, ...]) -> None:
        self.port = port
        self.folder = folder
        folder.mkdir()
        config = folder / "mosquitto.conf"
        # A refusal names who tried; to the disc goes what is retained, at every change.
        common = (f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/")
        if os.getuid() == 0:  # otherwise it becomes a user of its own, who may not look into the test's folder
            common += ("user root",)
        config.write_text("\n".join([*common, "autosave_on_changes true", "autosave_interval 1", *lines]) + "\n")
        self._command = [path, "-c", str(config)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        limit = time.monotonic() + WITHIN_S
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)
        raise TimeoutError("mosquitto did not start")

    def kill(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """It hangs: connections stay, and nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


class Watcher:
    """A client of the broker that knows the last message of each topic. `history`: all of them."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.last: dict[str, aiomqtt.Message] = {}
        self.history: list[tuple[str, Any]] = []
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for message in self.client.messages:
            if message.topic.value.endswith("/set"):
                continue  # what was asked for need not be JSON
            self.last[message.topic.value] = message
            self.history.append((message.topic.value, read(message)))
            self._changed.set()

    async def until(self, topic: str, wanted: Callable[[Any], object]) -> Any:
        """The message of a topic that is as wanted."""
        while True:
            message = self.last.get(topic)
            if message is not None and wanted(read(message)):
                return read(message)
            self._changed.clear()
            await self._changed.wait()

    async def set(self, topic: str, payload: str) -> Any:
        """Ask for a value; the answer."""
        self.last.pop(f"{topic}/set/answer", None)
        await self.client.publish(f"{topic}/set", payload, qos=1)
        return await self.until(f"{topic}/set/answer", lambda _: True)


def read(message: aiomqtt.Message) -> Any:
    assert isinstance(message.payload, bytes)
    return json.loads(message.payload)


@asynccontextmanager
async def watching(port: int, topics: str = "vss/#", **settings: Any) -> AsyncIterator[Watcher]:
    """A client that has subscribed."""
    settings.setdefault("protocol", aiomqtt.ProtocolVersion.V5)
    async with aiomqtt.Client("127.0.0.1", port, **settings) as client:
        watcher = Watcher(client)
        await client.subscribe(topics, qos=2)
        task = asyncio.create_task(watcher.listen())
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()
