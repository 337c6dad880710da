"""What we send to an MQTT broker, as tshark dissects it: every message, none malformed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from bus_bench import Car, Mosquitto, in_wall_time, watching, write_vehicle
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from gateway.vehicle.served.service_bus import mqtt_options, serve_mqtt_bus

SEGMENT = 1400


class Wire:
    """A TCP proxy that notes what goes over it, as packets."""

    def __init__(self, broker: int, packets: list[Packet]) -> None:
        self.packets = packets
        self._broker = broker
        self._next = {True: 1000, False: 5000}
        self._ended = asyncio.Event()
        self._note(True, b"", "S")
        self._note(False, b"", "SA")

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._broker)
        await asyncio.gather(self._pipe(True, reader, back), self._pipe(False, there, writer))
        self._ended.set()

    async def ended(self) -> None:
        """Both sides have closed."""
        await self._ended.wait()

    async def _pipe(self, up: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(SEGMENT):
            self._note(up, data, "PA")
            writer.write(data)
            await writer.drain()
        writer.close()

    def _note(self, up: bool, data: bytes, flags: str) -> None:
        ends = (("10.0.0.1", 40000), ("10.0.0.2", 1883))
        (source, sport), (target, dport) = ends if up else ends[::-1]
        head = IP(src=source, dst=target) / TCP(
            sport=sport, dport=dport, flags=flags, seq=self._next[up], ack=self._next[not up] if "A" in flags else 0
        )
        self._next[up] += len(data) + ("S" in flags)
        mac = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
        self.packets.append(Ether(**mac) / head / Raw(data) if data else Ether(**mac) / head)


def test_tshark_understands_all_that_we_send(
    mosquitto: Callable[..., Mosquitto], require_tool: Callable[..., str], tmp_path: Path
) -> None:
    tshark = require_tool("tshark", package="tshark")
    broker = mosquitto("allow_anonymous true")
    car = write_vehicle(tmp_path, "domains:\n  mqtt: {rules: [{paths: Vehicle.Mode, qos: 2}, {paths: '**', qos: 1}]}\n")
    packets: list[Packet] = []

    async def story(car: Car) -> None:
        wire = Wire(broker.port, packets)
        server = await asyncio.start_server(wire.join, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        options = mqtt_options(car.file, f"mqtt://127.0.0.1:{port}")
        async with (
            serve_mqtt_bus(car.vehicle, options, car.told.append),
            watching(broker.port) as client,
        ):
            for speed in range(20):
                car.drives(speed, speed % 3)
                await client.until("vss/Vehicle/Speed", lambda point, now=speed: point["value"] == now)
            await client.set("vss/Vehicle/Lamp", "42")
            await client.set("vss/Vehicle/Speed", "42")
        await wire.ended()
        server.close()
        await server.wait_closed()

    in_wall_time(car, story)
    path = tmp_path / "mqtt.pcap"
    wrpcap(str(path), packets)
    names = ("ip.src", "mqtt.msgtype", "mqtt.topic", "_ws.malformed")
    words = [word for name in names for word in ("-e", name)]
    shown = subprocess.run(
        [tshark, "-r", str(path), "-Y", "mqtt", "-T", "fields", "-E", "separator=;", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(";") for line in shown.stdout.splitlines()]
    assert all(line[-1] == "" for line in lines)
    sent = [kind for line in lines if line[0] == "10.0.0.1" for kind in line[1].split(",")]
    # CONNECT, PUBLISH, PUBACK of requests, PUBREL, SUBSCRIBE, DISCONNECT (MQTT 5, 2.1.2)
    assert {"1", "3", "4", "6", "8", "14"} <= set(sent)
    topics = {topic for line in lines for topic in line[2].split(",")}
    assert {"vss/Vehicle/Speed", "vss/Vehicle/Mode", "vss/Vehicle/Lamp/set/answer", "vss/gateways/small-car"} <= topics
