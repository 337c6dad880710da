"""What BlueChi's own integration tests cover of monitors. A monitor's signals go to who made it: a dbus-fast client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.orchestrator.control import ControllerConfig, NodeConfig
from gateway.orchestrator.dbus import Client
from gateway.orchestrator.dbus.client import CallError

OnBus = Callable[..., None]
SIMPLE = "[Unit]\nDescription=Just being {0}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"
NODES = {
    name: {unit: SIMPLE.format(unit[:-8]) for unit in ("simple.service", "other.service")}
    for name in ("node-foo", "node-bar")
}
MS = 1_000_000
QUICK = ControllerConfig(threshold_ns=600 * MS, nodes={name: NodeConfig() for name in NODES})
Event = tuple[str, ...]


class Ears:
    """What a client hears of a monitor, properties left out."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, signal: Any) -> None:
        if "/monitor/" in signal.path and signal.member != "UnitPropertiesChanged":
            self.events.append((signal.member, *signal.body))

    def of(self, member: str) -> list[Event]:
        return [event[1:] for event in self.events if event[0] == member]


async def monitor(bench: Any, ears: Ears, node: str, *units: str) -> tuple[str, int]:
    """A new monitor with one subscription: its path and the subscription's number."""
    await bench.client.listen(ears)
    path = (await bench.client.controller("CreateMonitor"))[0]
    if len(units) == 1:
        number = (await bench.client.monitor(path, "Subscribe", node, units[0]))[0]
    else:
        number = (await bench.client.monitor(path, "SubscribeList", node, list(units)))[0]
    return path, number


async def start(bench: Any, node: str, unit: str) -> None:
    assert await bench.client.do(node, "StartUnit", unit, "replace") == "done"


def test_a_given_node_and_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        ears = Ears()
        await monitor(bench, ears, "node-foo", "simple.service")
        await bench.until(lambda: len(ears.events) == 2)
        assert ears.events == [
            ("UnitNew", "node-foo", "simple.service", "virtual"),
            ("UnitStateChanged", "node-foo", "simple.service", "inactive", "dead", "virtual"),
        ]
        await start(bench, "node-foo", "other.service")
        await start(bench, "node-bar", "simple.service")
        await start(bench, "node-foo", "simple.service")
        await bench.until(lambda: len(ears.events) == 3)
        assert ears.events[2] == ("UnitStateChanged", "node-foo", "simple.service", "active", "running", "real")

    on_bus(story, NODES)


def test_several_nodes_and_units(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        ears = Ears()
        path, _ = await monitor(bench, ears, "node-foo", "simple.service", "other.service")
        await bench.client.monitor(path, "Subscribe", "node-bar", "simple.service")
        for node in NODES:
            for unit in ("simple.service", "other.service"):
                await start(bench, node, unit)
        await bench.until(lambda: len([event for event in ears.events if event[-1] == "real"]) >= 3)
        real = [event[:2] for event in ears.of("UnitStateChanged") if event[-1] == "real"]
        assert real == [("node-foo", "simple.service"), ("node-foo", "other.service"), ("node-bar", "simple.service")]

    on_bus(story, NODES)


@pytest.mark.parametrize(
    ("node", "unit", "heard"),
    [("*", "simple.service", 2), ("node-foo", "*", 2), ("*", "*", 4)],
    ids=["any node", "any unit", "anything"],
)
def test_wildcards(on_bus: OnBus, node: str, unit: str, heard: int) -> None:
    async def story(bench: Any) -> None:
        ears = Ears()
        await monitor(bench, ears, node, unit)
        for name in NODES:
            for service in ("simple.service", "other.service"):
                await start(bench, name, service)
        expected = [
            (name, service)
            for name in NODES
            for service in ("simple.service", "other.service")
            if node in {"*", name} and unit in {"*", service}
        ]
        assert len(expected) == heard
        await bench.until(lambda: sum(event[-1] == "real" for event in ears.events) >= heard)
        real = [event[:2] for event in ears.of("UnitStateChanged") if event[-1] == "real"]
        assert real == expected

    on_bus(story, NODES)


def test_open_and_close(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        ears = Ears()
        path, _ = await monitor(bench, ears, "*", "*")
        await bench.client.monitor(path, "Close")
        assert path not in await bench.busctl("tree", "--list", "org.eclipse.bluechi")
        ears.events.clear()
        await start(bench, "node-foo", "simple.service")
        assert ears.events == []
        with pytest.raises(CallError, match="Unknown object"):
            await bench.client.monitor(path, "Close")

    on_bus(story, NODES)


def test_a_monitor_goes_with_its_client(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await bench.controller("CreateMonitor")
        await bench.until(lambda: not bench.fleet.controller.monitors)

    on_bus(story, NODES)


def test_unsubscribe(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        ears = Ears()
        path, number = await monitor(bench, ears, "node-foo", "simple.service")
        await bench.client.monitor(path, "Unsubscribe", number)
        ears.events.clear()
        await start(bench, "node-foo", "simple.service")
        assert ears.events == []
        with pytest.raises(CallError) as caught:
            await bench.client.monitor(path, "Unsubscribe", number)
        assert caught.value.name == "org.eclipse.bluechi.NoSuchSubscription"

    on_bus(story, NODES)


def test_node_disconnects_and_reconnects(on_bus: OnBus) -> None:
    """Its units are told as offline, virtually; when it is back, as they are then."""

    async def story(bench: Any) -> None:
        from dataclasses import replace

        for node in bench.fleet.nodes.values():
            node.agent.config = replace(node.agent.config, heartbeat_ns=100 * MS)
            node.agent.start()
        ears = Ears()
        await start(bench, "node-foo", "simple.service")
        await monitor(bench, ears, "node-foo", "simple.service")
        await bench.until(lambda: len(ears.events) == 2)
        ears.events.clear()
        bench.fleet.cut("node-foo")
        await bench.until(lambda: len(ears.events) == 2)
        assert ears.events == [
            ("UnitStateChanged", "node-foo", "simple.service", "inactive", "agent-offline", "virtual"),
            ("UnitRemoved", "node-foo", "simple.service", "virtual"),
        ]
        ears.events.clear()
        bench.fleet.mend("node-foo")
        await bench.until(lambda: len(ears.events) == 2)
        assert ears.events == [
            ("UnitNew", "node-foo", "simple.service", "virtual"),
            ("UnitStateChanged", "node-foo", "simple.service", "active", "running", "virtual"),
        ]

    on_bus(story, NODES, QUICK)


def test_listener_added_as_peer_added_twice_not_added_and_removed(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        ears, peer_ears, stranger_ears = Ears(), Ears(), Ears()
        path, _ = await monitor(bench, ears, "node-foo", "simple.service")
        async with Client.connected(bench.address) as peer, Client.connected(bench.address) as stranger:
            await peer.listen(peer_ears)
            await stranger.listen(stranger_ears)
            name = peer._bus.unique_name
            number = (await bench.client.monitor(path, "AddPeer", name))[0]
            with pytest.raises(CallError, match="already added"):
                await bench.client.monitor(path, "AddPeer", name)
            await start(bench, "node-foo", "simple.service")
            await bench.until(lambda: bool(peer_ears.of("UnitStateChanged")))
            assert stranger_ears.events == []
            await bench.client.monitor(path, "RemovePeer", number, "not wanted any more")
            await bench.until(lambda: peer_ears.of("PeerRemoved") == [("not wanted any more",)])
            heard = len(peer_ears.events)
            await bench.client.do("node-foo", "StopUnit", "simple.service", "replace")
            await bench.until(lambda: ears.of("UnitStateChanged")[-1][2] == "inactive")
            assert len(peer_ears.events) == heard
            with pytest.raises(CallError):
                await bench.client.monitor(path, "RemovePeer", number, "again")

    on_bus(story, NODES)


def test_properties_of_a_monitored_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        heard: list[Any] = []
        await bench.client.listen(lambda signal: heard.append(signal) if "Properties" in signal.member else None)
        await monitor(bench, Ears(), "node-foo", "simple.service")
        await start(bench, "node-foo", "simple.service")
        await bench.until(lambda: any(signal.member == "UnitPropertiesChanged" for signal in heard))
        signal = next(signal for signal in heard if signal.member == "UnitPropertiesChanged")
        assert signal.signature == "sssa{sv}"
        assert signal.body[3]["ActiveState"].value == "active"

    on_bus(story, NODES)


def test_system_status(on_bus: OnBus) -> None:
    """Changes of the controller's status are told."""

    async def story(bench: Any) -> None:
        from dataclasses import replace

        for node in bench.fleet.nodes.values():
            node.agent.config = replace(node.agent.config, heartbeat_ns=100 * MS)
            node.agent.start()
        told: list[str] = []
        await bench.client.listen(
            lambda signal: (
                told.append(signal.body[1]["Status"].value)
                if signal.path == "/org/eclipse/bluechi" and signal.member == "PropertiesChanged"
                else None
            )
        )
        bench.fleet.cut("node-foo")
        await bench.until(lambda: told == ["degraded"])
        bench.fleet.mend("node-foo")
        await bench.until(lambda: told == ["degraded", "up"])

    on_bus(story, NODES, QUICK)


def test_the_command_line_monitors(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        import asyncio
        import sys

        words = ("-m", "gateway", "units", "monitor", "node-foo", "simple.service", "--json", "--dbus", bench.address)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        first = await process.stdout.readline()
        assert first == b'["UnitNew", "node-foo", "simple.service", "virtual"]\n'
        process.terminate()
        await process.wait()

    on_bus(story, NODES)
