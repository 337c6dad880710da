"""Introspection of every public object, by busctl, against the signatures of BlueChi's own documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OnBus = Callable[..., None]
NAME = "org.eclipse.bluechi"
ROOT = "/org/eclipse/bluechi"
UNIT = "(ssssssouso)"
CONTROLLER = {
    ".CreateMonitor method - o",
    ".DisableMetrics method - -",
    ".EnableMetrics method - -",
    ".GetNode method s o",
    ".ListNodes method - a(soss)",
    ".ListUnitFiles method - a{sa(ss)}",
    f".ListUnits method - a{{sa{UNIT}}}",
    ".SetLogLevel method s -",
    ".JobNew signal uo -",
    ".JobRemoved signal uosss -",
    ".LogLevel property s",
    ".LogTarget property s const",
    ".Status property s emits-change",
}
NODE = {
    ".StartUnit method ss o",
    ".StopUnit method ss o",
    ".ReloadUnit method ss o",
    ".RestartUnit method ss o",
    ".StartTransientUnit method ssa(sv)a(sa(sv)) o",
    ".FreezeUnit method s -",
    ".ThawUnit method s -",
    ".KillUnit method ssi -",
    ".GetUnitProperties method ss a{sv}",
    ".GetUnitProperty method sss v",
    ".SetUnitProperties method sba(sv) -",
    ".EnableUnitFiles method asbb ba(sss)",
    ".DisableUnitFiles method asb a(sss)",
    f".ListUnits method - a{UNIT}",
    ".ListUnitFiles method - a(ss)",
    ".GetUnitFileState method s s",
    ".Reload method - -",
    ".SetLogLevel method s -",
    ".ResetFailed method - -",
    ".ResetFailedUnit method s -",
    ".GetDefaultTarget method - s",
    ".SetDefaultTarget method sb a(sss)",
    ".LastSeenTimestamp property t",
    ".LastSeenTimestampMonotonic property t",
    ".Name property s const",
    ".PeerIp property s",
    ".Status property s emits-change",
}
MONITOR = {
    ".AddPeer method s u",
    ".Close method - -",
    ".RemovePeer method us -",
    ".Subscribe method ss u",
    ".SubscribeList method sas u",
    ".Unsubscribe method u -",
    ".PeerRemoved signal s -",
    ".UnitNew signal sss -",
    ".UnitPropertiesChanged signal sssa{sv} -",
    ".UnitRemoved signal sss -",
    ".UnitStateChanged signal sssss -",
}
JOB = {
    ".Cancel method - -",
    ".Id property u const",
    ".JobType property s const",
    ".Node property s const",
    ".State property s emits-change",
    ".Unit property s const",
}
METRICS = {".AgentJobMetrics signal ssst -", ".StartUnitJobMetrics signal ssstt -"}
AGENT = {
    ".CreateProxy method sss -",
    ".RemoveProxy method sss -",
    ".SwitchController method s -",
    ".ControllerAddress property s emits-change",
    ".DisconnectTimestamp property t",
    ".DisconnectTimestampMonotonic property t",
    ".LastSeenTimestamp property t",
    ".LastSeenTimestampMonotonic property t",
    ".LogLevel property s",
    ".LogTarget property s const",
    ".Status property s emits-change",
}
SLOW = "[Service]\nType=notify\nExecStart=/bin/slow\n[X-Simulation]\nReadyAfter=1h\n"


async def members(bench: Any, path: str, interface: str, name: str = NAME) -> set[str]:
    """Name, kind, signature and result of each member, as busctl prints them; of properties not the value."""
    text = await bench.busctl("introspect", name, path, f"{NAME}.{interface}")
    found = set()
    for line in text.splitlines()[1:]:
        words = line.split()
        if words[1] == "property":
            flags = [word for word in words[3:] if word in {"const", "emits-change"}]
            words = [*words[:3], *flags]
        else:
            words = words[:4]
        found.add(" ".join(words))
    return found


def test_introspection_equals_bluechis_signatures(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await members(bench, ROOT, "Controller") == CONTROLLER
        assert await members(bench, f"{ROOT}/node/node_2dfoo", "Node") == NODE
        monitor = (await bench.client.controller("CreateMonitor"))[0]
        assert await members(bench, monitor, "Monitor") == MONITOR
        (job,) = await bench.node("node_2dfoo", "StartUnit", "ss", "slow.service", "replace")
        assert await members(bench, job, "Job") == JOB
        await bench.controller("EnableMetrics")
        assert await members(bench, f"{ROOT}/metrics", "Metrics") == METRICS

    on_bus(story, {"node-foo": {"slow.service": SLOW}})


def test_introspection_of_an_agent(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        from gateway.orchestrator.dbus import serve_agent_api

        async with serve_agent_api(bench.fleet.node("node-foo").agent, bench.address):
            assert await members(bench, ROOT, "Agent", f"{NAME}.Agent") == AGENT

    on_bus(story, {"node-foo": {}})


def test_gdbus_reads_the_whole_tree(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        text = await bench.run("gdbus", "introspect", "--address", bench.address, "-d", NAME, "-o", "/", "-r")
        assert "node /org/eclipse/bluechi/node/node_2dfoo" in text
        assert "interface org.eclipse.bluechi.Node" in text

    on_bus(story, {"node-foo": {}})


def test_wrong_calls_get_the_usual_errors(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        nowhere = f"{ROOT}/node/nowhere"
        text = await bench.busctl("call", NAME, nowhere, f"{NAME}.Node", "Reload", code=None)
        assert "Unknown object '/org/eclipse/bluechi/node/nowhere'" in text
        assert "Unknown method Relaod" in await bench.node("node_2dfoo", "Relaod", code=None)
        assert "Invalid arguments" in await bench.node("node_2dfoo", "StartUnit", "s", "a.service", code=None)
        path = f"{ROOT}/node/node_2dfoo"
        text = await bench.busctl("set-property", NAME, path, f"{NAME}.Node", "Status", "s", "offline", code=None)
        assert "read-only" in text

    on_bus(story, {"node-foo": {}})
