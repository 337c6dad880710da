"""Agents that join by D-Bus peer to peer, over TCP and a unix socket, and others that knock at the port."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast._private.unmarshaller import Unmarshaller

from gateway.orchestrator.control import Agent, Controller, ControllerConfig
from gateway.orchestrator.control.config import parse_agent_config
from gateway.orchestrator.dbus import PeerServer, serve_peers
from gateway.orchestrator.errors import ConfigError
from gateway.orchestrator.joining import Crowd, joined
from gateway.sim import Clock, Kernel, run

MS = 1_000_000
SLOW = "[Service]\nType=notify\nExecStart=/bin/slow\n[X-Simulation]\nReadyAfter=300ms\n"
CONFIG = ControllerConfig(allowed=("node-1", "node-2"), threshold_ns=800 * MS)
Story = Callable[[Kernel, Controller, PeerServer], Awaitable[None]]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def listening(story: Story, *, unix: Path | None = None, config: ControllerConfig = CONFIG) -> None:
    """Run a story with a controller that listens on a free TCP port, and on a unix socket if told."""
    kernel = Kernel()

    async def main() -> None:
        controller = Controller(kernel, config)
        controller.start()
        async with serve_peers(controller, tcp=("127.0.0.1", 0), unix=unix) as server:
            await story(kernel, controller, server)

    run(main(), kernel, Clock.WALL)


@contextlib.asynccontextmanager
async def crowd(kernel: Kernel, address: str, count: int = 1, prefix: str = "node-") -> AsyncIterator[list[Agent]]:
    async with joined(kernel, Crowd(address, count, prefix, 2, heartbeat_ns=200 * MS)) as agents:
        yield agents


def port_of(server: PeerServer) -> int:
    return int(server.addresses[0].rpartition("=")[2])


def test_agents_connect_by_address_by_name_and_by_unix_socket_side_by_side(tmp_path: Path) -> None:
    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        by_name = f"tcp:host=localhost,port={port_of(server)}"
        async with crowd(kernel, by_name) as (first,):
            await until(lambda: first.online)
            assert controller.nodes["node-1"].peer_ip == "127.0.0.1"
            async with joined(kernel, Crowd(server.addresses[1], 2, units=1)) as agents:
                await until(lambda: agents[1].online)
                assert controller.nodes["node-2"].peer_ip == ""
                assert not agents[0].online  # node-1 is there already

    listening(story, unix=tmp_path / "bluechi.sock")


def test_unix_socket_only(tmp_path: Path) -> None:
    kernel = Kernel()

    async def main() -> None:
        controller = Controller(kernel, CONFIG)
        async with (
            serve_peers(controller, unix=tmp_path / "s") as server,
            crowd(kernel, server.addresses[0]) as (agent,),
        ):
            await until(lambda: agent.online)

    run(main(), kernel, Clock.WALL)


def test_a_name_that_is_not_allowed_or_taken_is_refused() -> None:
    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        async with crowd(kernel, server.addresses[0], prefix="nude-") as (agent,):
            await until(lambda: bool(agent.refused))
            assert agent.refused == "Unexpected node name 'nude-1' (did you mean 'node-1'?)"
        async with crowd(kernel, server.addresses[0]) as (one,):
            await until(lambda: one.online)
            async with crowd(kernel, server.addresses[0]) as (other,):
                await until(lambda: bool(other.refused))
                assert other.refused == "The node node-1 is already connected"
                assert one.online
        await until(lambda: controller.status == "down")

    listening(story)


def test_an_anonymous_node_is_refused_what_nodes_may() -> None:
    """Without Register its signals count for nothing."""

    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        wire = await Wire.to(port_of(server))
        wire.send(
            Message(
                message_type=MessageType.SIGNAL,
                path="/org/eclipse/bluechi/internal/agent",
                interface="org.eclipse.bluechi.internal.Agent",
                member="Heartbeat",
                serial=2,
            )
        )
        answer = await wire.call("org.eclipse.bluechi", "Ping", "org.freedesktop.DBus.Peer", 3)
        assert answer.message_type is MessageType.METHOD_RETURN
        assert not any(node.online for node in controller.nodes.values())
        wire.close()

    listening(story)


class Wire:
    """An agent of a few lines on dbus-fast's messages: the handshake as sd-bus does it, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int, auth: bytes = b"AUTH EXTERNAL 30\r\n") -> Wire:
        wire = cls(*await asyncio.open_connection("127.0.0.1", port))
        wire.writer.write(b"\0" + auth + b"NEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
        wire.first = await wire.reader.readline()
        assert (await wire.reader.readline()).startswith(b"ERROR")
        return wire

    first = b""

    def send(self, message: Message) -> None:
        self.writer.write(message._marshall(False))

    async def read(self) -> Message:
        import io
        import struct

        head = await self.reader.readexactly(16)
        body, _, fields = struct.unpack_from("<III", head, 4)
        rest = await self.reader.readexactly((fields + 7) // 8 * 8 + body)
        found = Unmarshaller(io.BytesIO(head + rest)).unmarshall()
        assert found is not None
        return found

    async def call(self, to: str, member: str, interface: str, serial: int, *words: str) -> Message:
        path = "/org/eclipse/bluechi/internal"
        self.send(Message(to, path, interface, member, signature="s" * len(words), body=list(words), serial=serial))
        while True:
            answer = await self.read()
            if answer.reply_serial == serial:
                return answer

    def close(self) -> None:
        self.writer.close()


@pytest.mark.parametrize(
    ("auth", "first"),
    [(b"AUTH EXTERNAL 30\r\n", b"OK "), (b"AUTH ANONYMOUS\r\n", b"DATA")],
    ids=["external", "anonymous"],
)
def test_an_agent_of_a_few_lines_joins_and_gets_a_job(auth: bytes, first: bytes) -> None:
    """What BlueChi's real agent was seen to send; the answers are what the real controller was seen to want."""

    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        wire = await Wire.to(port_of(server), auth)
        assert wire.first.startswith(first)
        hello = await wire.call("org.freedesktop.DBus", "Hello", "org.freedesktop.DBus", 1)
        assert hello.body == [":1.0"]
        answer = await wire.call(
            "org.eclipse.bluechi", "Register", "org.eclipse.bluechi.internal.Controller", 2, "node-1"
        )
        assert (answer.message_type, answer.body) == (MessageType.METHOD_RETURN, [])
        assert controller.nodes["node-1"].online
        jobs: list[object] = []
        node = controller.nodes["node-1"]
        controller.begin(node, "StartUnit", "ss", ("a.service", "replace"), jobs.append)
        asked = await wire.read()
        assert (asked.member, asked.signature, asked.body) == ("StartUnit", "ssu", ["a.service", "replace", 1])
        assert (asked.path, asked.destination) == ("/org/eclipse/bluechi/internal/agent", "org.eclipse.bluechi.Agent")
        reply = Message(message_type=MessageType.METHOD_RETURN, reply_serial=asked.serial, serial=3)
        done = Message(
            message_type=MessageType.SIGNAL,
            path="/org/eclipse/bluechi/internal/agent",
            interface="org.eclipse.bluechi.internal.Agent",
            member="JobDone",
            signature="us",
            body=[1, "done"],
            serial=4,
        )
        wire.send(reply)
        wire.send(done)
        await until(lambda: bool(jobs) and not controller.jobs)
        wire.close()
        await until(lambda: not node.online)

    listening(story)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0" + b"A" * 40_000,
        b"\0\xff\xfe\r\n",
        b"\0BEGIN\r\n",
        b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n" + bytes(range(64)),
        b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n" + b"l\1\0\1\xff\xff\xff\x7f\1\0\0\0\0\0\0\0",
        b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n" + b"l\1\0\1\0\0\0\0\1\0\0\0\x08\0\0\0\1\1s\0\xff\xff\xff\xff",
        b"\0" + b"NONSENSE\r\n" * 60,
    ],
    ids=["http", "long line", "not ascii", "no auth", "no head", "too long", "broken fields", "no end"],
)
def test_garbage_on_the_port_is_hung_up_on(garbage: bytes) -> None:
    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        async with crowd(kernel, server.addresses[0]) as (agent,):
            await until(lambda: agent.online)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            writer.write(garbage)
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(60):
                    while await reader.read(4096):
                        pass
            writer.close()
            assert len(server.wrong) == 1
            assert server.wrong[0].startswith("127.0.0.1: ")
            assert agent.online

    listening(story)


def test_agent_switches_controller() -> None:
    kernel = Kernel()

    async def main() -> None:
        here, there = Controller(kernel, CONFIG), Controller(kernel, CONFIG)
        async with (
            serve_peers(here, tcp=("127.0.0.1", 0)) as first,
            serve_peers(there, tcp=("127.0.0.1", 0)) as second,
            crowd(kernel, first.addresses[0]) as (agent,),
        ):
            await until(lambda: here.nodes["node-1"].online)
            agent.switch_controller(second.addresses[0])
            await until(lambda: there.nodes["node-1"].online and not here.nodes["node-1"].online)

    run(main(), kernel, Clock.WALL)


def test_an_invalid_port_is_refused() -> None:
    with pytest.raises(ConfigError, match="66666' is not a port") as caught:
        parse_agent_config("[bluechi-agent]\nNodeName=foo\nControllerPort=66666\n", "agent.conf")
    assert str(caught.value).startswith("agent.conf:3: ControllerPort")


def test_controller_killed_while_jobs_run() -> None:
    """Agents keep their units, and the state is right after it is back."""
    kernel = Kernel()

    async def main() -> None:
        first = Controller(kernel, CONFIG)
        async with serve_peers(first, tcp=("127.0.0.1", 0)) as server:
            port = port_of(server)
            files = {"slow.service": SLOW}
            async with joined(kernel, Crowd(server.addresses[0], files=files, heartbeat_ns=100 * MS)) as (agent,):
                await until(lambda: agent.online)
                first.begin(first.nodes["node-1"], "StartUnit", "ss", ("slow.service", "replace"), lambda _: None)
                await until(lambda: agent.engine.units["slow.service"].active == "activating")
                first.stop()
                await server.close()
                await until(lambda: not agent.online)
                second = Controller(kernel, CONFIG)
                async with serve_peers(second, tcp=("127.0.0.1", port)):
                    await until(lambda: second.nodes["node-1"].online)
                    await until(lambda: agent.engine.units["slow.service"].active == "active")
                    monitor = second.new_monitor("me")
                    monitor.subscribe("node-1", ("slow.service",))
                    await until(lambda: "slow.service" in second.nodes["node-1"].known)
                    assert second.nodes["node-1"].known["slow.service"].active == "active"

    run(main(), kernel, Clock.WALL)


def test_gateway_agents_joins_with_many_nodes() -> None:
    names = tuple(f"car-{number}" for number in range(1, 13))

    async def story(kernel: Kernel, controller: Controller, server: PeerServer) -> None:
        words = ["-m", "gateway", "agents", "--controller", f"127.0.0.1:{port_of(server)}", "--count", "13"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, "--prefix", "car-", "--units", "3", stderr=asyncio.subprocess.PIPE
        )
        await until(lambda: controller.status == "up")
        assert process.stderr is not None
        text = b""
        async with asyncio.timeout(60):
            while b"refused" not in text:
                text = await process.stderr.readline()
        assert text.startswith(b"car-13 is refused: Unexpected node name 'car-13'")
        process.terminate()
        await process.wait()
        await until(lambda: controller.status == "down")

    listening(story, config=ControllerConfig(allowed=names))
