"""What BlueChi's own integration tests cover of controller and nodes, asked by busctl, gdbus and our command line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from gateway.orchestrator.control import ControllerConfig, NodeConfig

OnBus = Callable[..., None]
NAME = "org.eclipse.bluechi"
ROOT = "/org/eclipse/bluechi"
SIMPLE = "[Unit]\nDescription=Just being {0}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"
NODES = {name: {"simple.service": SIMPLE.format("simple")} for name in ("node-foo", "node-bar")}
MS = 1_000_000
QUICK = ControllerConfig(
    threshold_ns=600 * MS, nodes={name: NodeConfig() for name in ("node-foo", "node-bar")}, heartbeat_ns=100 * MS
)


async def status(bench: Any, node: str) -> str:
    path = f"{ROOT}/node/{node}"
    return str(await bench.busctl("get-property", NAME, path, f"{NAME}.Node", "Status")).strip()


def quick_heartbeats(bench: Any) -> None:
    from dataclasses import replace

    for node in bench.fleet.nodes.values():
        node.agent.config = replace(node.agent.config, heartbeat_ns=100 * MS)
        node.agent.start()


def test_list_nodes_and_get_node(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (nodes,) = await bench.controller("ListNodes")
        assert nodes == [
            ["node-bar", "/org/eclipse/bluechi/node/node_2dbar", "online", "sim:node-bar"],
            ["node-foo", "/org/eclipse/bluechi/node/node_2dfoo", "online", "sim:node-foo"],
        ]
        assert "/org/eclipse/bluechi/node/node_2dfoo" in await bench.gdbus("Controller.GetNode", "node-foo")
        text = await bench.controller("GetNode", "s", "node-fou", code=None)
        assert "Node node-fou not found (did you mean 'node-foo'?)" in text

    on_bus(story, NODES)


def test_node_status_and_nodes_statuses(on_bus: OnBus) -> None:
    """Offline once its heartbeat is missed; the controller is degraded then, and down when all are."""

    async def story(bench: Any) -> None:
        quick_heartbeats(bench)
        assert await status(bench, "node_2dfoo") == 's "online"'
        assert await bench.busctl("get-property", NAME, ROOT, f"{NAME}.Controller", "Status") == 's "up"\n'
        bench.fleet.cut("node-foo")
        await bench.until(lambda: not bench.fleet.controller.nodes["node-foo"].online)
        assert await status(bench, "node_2dfoo") == 's "offline"'
        assert await bench.busctl("get-property", NAME, ROOT, f"{NAME}.Controller", "Status") == 's "degraded"\n'
        bench.fleet.cut("node-bar")
        await bench.until(lambda: not bench.fleet.controller.nodes["node-bar"].online)
        assert await bench.busctl("get-property", NAME, ROOT, f"{NAME}.Controller", "Status") == 's "down"\n'
        text = await bench.node("node_2dfoo", "ListUnits", code=None)
        assert "Node node-foo is offline" in text
        bench.fleet.mend("node-foo")
        bench.fleet.mend("node-bar")
        await bench.until(lambda: bench.fleet.controller.status == "up")

    on_bus(story, NODES, QUICK)


def test_heartbeat_lost_on_the_node(on_bus: OnBus) -> None:
    """`LastSeenTimestamp` stands still, and the status changes with a signal."""

    async def story(bench: Any) -> None:
        quick_heartbeats(bench)
        heard: list[tuple[str, Any]] = []
        await bench.client.listen(lambda signal: heard.append((signal.path, signal.body)))
        bench.fleet.cut("node-foo")
        await bench.until(lambda: not bench.fleet.controller.nodes["node-foo"].online)
        await bench.until(lambda: any(path.endswith("node_2dfoo") for path, _ in heard))
        path = f"{ROOT}/node/node_2dfoo"
        seen = await bench.busctl("get-property", NAME, path, f"{NAME}.Node", "LastSeenTimestamp")
        assert seen == await bench.busctl("get-property", NAME, path, f"{NAME}.Node", "LastSeenTimestamp")
        assert int(seen.split()[1]) > 1_600_000_000_000_000

    on_bus(story, NODES, QUICK)


def test_heartbeat_lost_on_the_agent(on_bus: OnBus) -> None:
    """An agent that hears no heartbeat of the controller gives the connection up."""

    async def story(bench: Any) -> None:
        from dataclasses import replace

        agent = bench.fleet.node("node-foo").agent
        agent.config = replace(agent.config, heartbeat_ns=100 * MS, threshold_ns=400 * MS)
        agent.start()
        await bench.until(lambda: agent.online)
        bench.fleet.cut("node-foo")
        await bench.until(lambda: not agent.online)
        assert agent.disconnected_ns > 0
        bench.fleet.mend("node-foo")
        await bench.until(lambda: agent.online)

    on_bus(story, NODES, QUICK)


def test_peer_ip(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        path = f"{ROOT}/node/node_2dfoo"
        assert await bench.busctl("get-property", NAME, path, f"{NAME}.Node", "PeerIp") == 's "sim:node-foo"\n'

    on_bus(story, NODES)


def test_log_level_set_and_refused(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await bench.controller("SetLogLevel", "s", "DEBUG")
        assert await bench.busctl("get-property", NAME, ROOT, f"{NAME}.Controller", "LogLevel") == 's "DEBUG"\n'
        text = await bench.controller("SetLogLevel", "s", "LOUD", code=None)
        assert "no log level: there are DEBUG, INFO, WARN, ERROR" in text
        await bench.node("node_2dfoo", "SetLogLevel", "s", "ERROR")
        assert bench.fleet.node("node-foo").agent.log_level == "ERROR"

    on_bus(story, NODES)


def test_metrics_on_and_off_and_of_a_start(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        heard: list[Any] = []
        await bench.client.listen(lambda signal: heard.append(signal) if "Metrics" in signal.member else None)
        assert "/metrics" not in await bench.busctl("tree", "--list", NAME)
        await bench.controller("EnableMetrics")
        assert f"{ROOT}/metrics" in await bench.busctl("tree", "--list", NAME)
        await bench.client.do("node-foo", "StartUnit", "simple.service", "replace")
        await bench.until(lambda: {signal.member for signal in heard} == {"StartUnitJobMetrics", "AgentJobMetrics"})
        start = next(signal for signal in heard if signal.member == "StartUnitJobMetrics")
        assert start.body[:3] == ("node-foo", "1", "simple.service")
        assert start.signature == "ssstt"
        await bench.controller("DisableMetrics")
        heard.clear()
        await bench.client.do("node-foo", "StopUnit", "simple.service", "replace")
        assert heard == []

    on_bus(story, NODES)


def test_is_online_for_node_and_system(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        quick_heartbeats(bench)
        await bench.gateway("nodes", "--wait", "1s")
        bench.fleet.cut("node-foo")
        await bench.until(lambda: not bench.fleet.controller.nodes["node-foo"].online)
        await bench.gateway("nodes", "node-bar", "--wait", "1s")
        await bench.gateway("nodes", "node-foo", "--wait", "100ms", code=1)
        waiting = asyncio.get_running_loop().create_task(bench.gateway("nodes", "node-foo", "--wait", "20s"))
        bench.fleet.mend("node-foo")
        await waiting

    on_bus(story, NODES, QUICK)


def test_is_online_with_monitor(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        quick_heartbeats(bench)
        words = ("-m", "gateway", "nodes", "--monitor", "--wait", "9s", "--dbus", bench.address)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"system is online\n"
        bench.fleet.cut("node-foo")
        assert await process.wait() == 1

    on_bus(story, NODES, QUICK)


def test_status_watch(on_bus: OnBus) -> None:
    """The status of a unit is shown again when it changes."""

    async def story(bench: Any) -> None:
        words = ("-m", "gateway", "units", "status", "node-foo", "simple.service", "--watch", "--dbus", bench.address)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await bench.until(lambda: bool(bench.fleet.controller.monitors))
        await bench.client.do("node-foo", "StartUnit", "simple.service", "replace")
        async with asyncio.timeout(60):
            while b"|active" not in await process.stdout.readline():
                pass
        process.terminate()
        await process.wait()

    on_bus(story, NODES)


def test_nodes_and_units_on_the_command_line(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        text = await bench.gateway("nodes")
        assert text.splitlines()[0].split("|")[:2] == ["NODE    ", "STATE "]
        assert "node-foo|online|now      |sim:node-foo" in text
        found = json.loads(await bench.gateway("nodes", "--json"))
        assert [node["Name"] for node in found] == ["node-bar", "node-foo"]
        text = await bench.gateway("units", "start", "node-foo", "simple.service")
        assert text == "Unit simple.service start operation result: done\n"
        units = json.loads(await bench.gateway("units", "list", "--json", "--filter", "simple*"))
        assert [(unit["node"], unit["active"]) for unit in units] == [("node-bar", "inactive"), ("node-foo", "active")]
        text = await bench.gateway("units", "start", "node-foo", "nowhere.service", code=None)
        assert text == "gateway: Unit nowhere.service not found.\n"
        text = await bench.gateway("units", "strat", "node-foo", "simple.service", code=None)
        assert "did you mean 'start'?" in text

    on_bus(story, NODES)


def test_a_second_controller_on_the_bus_is_refused(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        import pytest

        from gateway.orchestrator.dbus import BusAddressError, serve_public

        with pytest.raises(BusAddressError, match=r"org\.eclipse\.bluechi is taken"):
            async with serve_public(bench.fleet.controller, bench.address):
                pass

    on_bus(story, NODES)
