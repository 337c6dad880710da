"""What BlueChi's own integration tests cover of a node's units, asked by busctl and gdbus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

OnBus = Callable[..., None]
SIMPLE = "[Unit]\nDescription=Just being {0}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"
RELOADABLE = SIMPLE + "ExecReload=/bin/{0} reload\n"
INSTALLED = SIMPLE + "[Install]\nWantedBy=multi-user.target\n"
SLOW = SIMPLE.replace("simple", "notify") + "[X-Simulation]\nReadyAfter=1h\n"
FAILING = SIMPLE.replace("simple", "notify") + "[X-Simulation]\nFailStarts=99\nReadyAfter=1ms\n"
NODES = {
    "node-foo": {
        "simple.service": SIMPLE.format("simple"),
        "slow.service": SLOW.format("slow"),
        "queued.service": SIMPLE.format("queued").replace("[Service]", "After=slow.service\n[Service]"),
        "failing.service": FAILING.format("failing"),
        "reloadable.service": RELOADABLE.format("reloadable"),
        "installed.service": INSTALLED.format("installed"),
        "multi-user.target": "[Unit]\nDescription=Many users\n",
        "graphical.target": "[Unit]\nDescription=Pictures\n",
    },
    "node-bar": {"simple.service": SIMPLE.format("simple"), "failing.service": FAILING.format("failing")},
}
UNIT = "org.freedesktop.systemd1.Unit"
FOO = "node_2dfoo"


async def result_of(bench: Any, method: str, unit: str, node: str = "node-foo") -> str:
    async with asyncio.timeout(60):
        return str(await bench.client.do(node, method, unit, "replace"))


def test_start_and_stop_of_a_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (job,) = await bench.node(FOO, "StartUnit", "ss", "simple.service", "replace")
        assert job == "/org/eclipse/bluechi/job/1"
        await bench.until(lambda: bench.state("node-foo", "simple.service") == "active")
        assert "/org/eclipse/bluechi/job/2" in await bench.gdbus(
            "Node.StopUnit", "simple.service", "replace", path=f"/org/eclipse/bluechi/node/{FOO}"
        )
        await bench.until(lambda: bench.state("node-foo", "simple.service") == "inactive")

    on_bus(story, NODES)


def test_start_of_an_unknown_unit_is_an_error(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        text = await bench.node(FOO, "StartUnit", "ss", "nowhere.service", "replace", code=None)
        assert "Unit nowhere.service not found" in text
        text = await bench.node(FOO, "StartUnit", "ss", "no unit", "replace", code=None)
        assert "is not valid" in text
        text = await bench.node(FOO, "StartUnit", "ss", "simple.service", "at-once", code=None)
        assert "Job mode at-once is not valid" in text

    on_bus(story, NODES)


def test_job_results(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "simple.service") == "done"
        assert await result_of(bench, "StartUnit", "failing.service") == "failed"
        assert await result_of(bench, "RestartUnit", "simple.service") == "done"

    on_bus(story, NODES)


def test_restart_gives_a_new_process(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await result_of(bench, "StartUnit", "simple.service")
        pid = "org.freedesktop.systemd1.Service"
        (before,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", pid, "MainPID")
        await result_of(bench, "RestartUnit", "simple.service")
        (after,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", pid, "MainPID")
        assert before["data"] != after["data"] != 0

    on_bus(story, NODES)


def test_reload_of_a_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await result_of(bench, "StartUnit", "reloadable.service")
        assert await result_of(bench, "ReloadUnit", "reloadable.service") == "done"
        text = await bench.node(FOO, "ReloadUnit", "ss", "simple.service", "replace", code=None)
        assert "not applicable" in text

    on_bus(story, NODES)


def test_job_cancel(on_bus: OnBus) -> None:
    """A job that waits for another one is cancelled; so is one that runs."""

    async def story(bench: Any) -> None:
        removed: dict[str, str] = {}
        await bench.client.listen(
            lambda signal: removed.update({signal.body[3]: signal.body[4]}) if signal.member == "JobRemoved" else None
        )
        (running,) = await bench.node(FOO, "StartUnit", "ss", "slow.service", "replace")
        (waiting,) = await bench.node(FOO, "StartUnit", "ss", "queued.service", "replace")
        state = await bench.busctl("get-property", "org.eclipse.bluechi", waiting, "org.eclipse.bluechi.Job", "State")
        assert state == 's "waiting"\n'
        state = await bench.busctl("get-property", "org.eclipse.bluechi", running, "org.eclipse.bluechi.Job", "State")
        assert state == 's "running"\n'
        for job in (waiting, running):
            await bench.busctl("call", "org.eclipse.bluechi", job, "org.eclipse.bluechi.Job", "Cancel")
        await bench.until(lambda: len(removed) == 2)
        assert removed == {"queued.service": "canceled", "slow.service": "canceled"}
        text = await bench.busctl(
            "call", "org.eclipse.bluechi", running, "org.eclipse.bluechi.Job", "Cancel", code=None
        )
        assert "Unknown object" in text

    on_bus(story, NODES)


def test_request_cancel(on_bus: OnBus) -> None:
    """A later stop takes the place of a start that has not ended."""

    async def story(bench: Any) -> None:
        start = asyncio.get_running_loop().create_task(result_of(bench, "StartUnit", "slow.service"))
        await bench.until(lambda: bench.state("node-foo", "slow.service") == "activating")
        assert await result_of(bench, "StopUnit", "slow.service") == "done"
        assert await start == "canceled"

    on_bus(story, NODES)


def test_kill_a_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await result_of(bench, "StartUnit", "simple.service")
        await bench.node(FOO, "KillUnit", "ssi", "simple.service", "all", "9")
        await bench.until(lambda: bench.state("node-foo", "simple.service") == "failed")
        (result,) = await bench.node(
            FOO, "GetUnitProperty", "sss", "simple.service", "org.freedesktop.systemd1.Service", "Result"
        )
        assert result["data"] == "signal"
        await result_of(bench, "StartUnit", "simple.service")
        await bench.node(FOO, "KillUnit", "ssi", "simple.service", "main", "15")
        await bench.until(lambda: bench.state("node-foo", "simple.service") == "inactive")
        text = await bench.node(FOO, "KillUnit", "ssi", "simple.service", "somebody", "15", code=None)
        assert "none of main, control and all" in text

    on_bus(story, NODES)


def test_freeze_and_thaw(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        text = await bench.node(FOO, "FreezeUnit", "s", "simple.service", code=None)
        assert "is not running" in text
        await result_of(bench, "StartUnit", "simple.service")
        await bench.node(FOO, "FreezeUnit", "s", "simple.service")
        (state,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", UNIT, "FreezerState")
        assert state["data"] == "frozen"
        await bench.node(FOO, "ThawUnit", "s", "simple.service")
        (state,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", UNIT, "FreezerState")
        assert state["data"] == "running"

    on_bus(story, NODES)


def test_enable_and_disable(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await bench.node(FOO, "GetUnitFileState", "s", "installed.service") == ["disabled"]
        carries, changes = await bench.node(FOO, "EnableUnitFiles", "asbb", "1", "installed.service", "false", "false")
        assert carries is True
        link = "/etc/systemd/system/multi-user.target.wants/installed.service"
        assert changes == [["symlink", link, "/etc/systemd/system/installed.service"]]
        await bench.node(FOO, "Reload")
        assert await bench.node(FOO, "GetUnitFileState", "s", "installed.service") == ["enabled"]
        assert await result_of(bench, "StartUnit", "multi-user.target") == "done"
        assert bench.state("node-foo", "installed.service") == "active"
        (changes,) = await bench.node(FOO, "DisableUnitFiles", "asb", "1", "installed.service", "false")
        assert changes == [["unlink", link, ""]]
        assert await bench.node(FOO, "GetUnitFileState", "s", "installed.service") == ["disabled"]
        carries, changes = await bench.node(FOO, "EnableUnitFiles", "asbb", "1", "simple.service", "false", "false")
        assert (carries, changes) == (False, [])

    on_bus(story, NODES)


def test_daemon_reload(on_bus: OnBus) -> None:
    """A unit file that has changed counts after Reload; what runs goes on."""

    async def story(bench: Any) -> None:
        await result_of(bench, "StartUnit", "simple.service")
        files = bench.fleet.node("node-foo").engine.files
        files.put("simple.service", SIMPLE.format("simple").replace("Just being", "Still being"))
        files.put("fresh.service", SIMPLE.format("fresh"))
        text = await bench.node(FOO, "GetUnitProperty", "sss", "fresh.service", UNIT, "Description", code=None)
        assert "not found" in text
        await bench.node(FOO, "Reload")
        (text,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", UNIT, "Description")
        assert text["data"] == "Still being simple"
        assert await result_of(bench, "StartUnit", "fresh.service") == "done"
        assert bench.state("node-foo", "simple.service") == "active"

    on_bus(story, NODES)


def test_list_units_of_one_and_of_all_nodes(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        await result_of(bench, "StartUnit", "simple.service")
        (units,) = await bench.node(FOO, "ListUnits")
        simple = next(unit for unit in units if unit[0] == "simple.service")
        assert simple == [
            *("simple.service", "Just being simple", "loaded", "active", "running", ""),
            *("/org/freedesktop/systemd1/unit/simple_2eservice", 0, "", "/"),
        ]
        (everything,) = await bench.controller("ListUnits")
        assert set(everything) == {"node-foo", "node-bar"}
        assert {unit[0] for unit in everything["node-bar"]} == {"simple.service", "failing.service"}

    on_bus(story, NODES)


def test_list_unit_files_of_one_and_of_all_nodes(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (files,) = await bench.node(FOO, "ListUnitFiles")
        assert ["/etc/systemd/system/installed.service", "disabled"] in files
        assert ["/etc/systemd/system/simple.service", "static"] in files
        (everything,) = await bench.controller("ListUnitFiles")
        assert set(everything) == {"node-foo", "node-bar"}

    on_bus(story, NODES)


def test_reset_failed_of_a_unit_a_node_and_all(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        for node in ("node-foo", "node-bar"):
            assert await result_of(bench, "StartUnit", "failing.service", node) == "failed"
        await bench.node(FOO, "ResetFailedUnit", "s", "failing.service")
        assert bench.state("node-foo", "failing.service") == "inactive"
        assert bench.state("node-bar", "failing.service") == "failed"
        await bench.node("node_2dbar", "ResetFailed")
        assert bench.state("node-bar", "failing.service") == "inactive"
        for node in ("node-foo", "node-bar"):
            assert await result_of(bench, "StartUnit", "failing.service", node) == "failed"
        await bench.gateway("units", "reset-failed")
        assert bench.state("node-foo", "failing.service") == bench.state("node-bar", "failing.service") == "inactive"

    on_bus(story, NODES)


def test_default_target_set_and_get(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await bench.node(FOO, "GetDefaultTarget") == ["default.target"]
        (changes,) = await bench.node(FOO, "SetDefaultTarget", "sb", "graphical.target", "true")
        assert changes[-1][0] == "symlink"
        assert await bench.node(FOO, "GetDefaultTarget") == ["graphical.target"]
        text = await bench.node(FOO, "SetDefaultTarget", "sb", "no.target", "true", code=None)
        assert "does not exist" in text

    on_bus(story, NODES)


def test_properties_get(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (values,) = await bench.node(FOO, "GetUnitProperties", "ss", "simple.service", UNIT)
        assert values["Id"]["data"] == "simple.service"
        assert values["ActiveState"] == {"type": "s", "data": "inactive"}
        text = await bench.node(FOO, "GetUnitProperties", "ss", "simple.service", "org.example.None", code=None)
        assert "has no interface" in text

    on_bus(story, NODES)


def test_properties_get_one(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (value,) = await bench.node(FOO, "GetUnitProperty", "sss", "queued.service", UNIT, "After")
        assert value == {"type": "as", "data": ["slow.service"]}
        text = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", UNIT, "Colour", code=None)
        assert "has no property 'Colour'" in text

    on_bus(story, NODES)


def test_properties_set(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        weight = ("simple.service", "false", "1", "CPUWeight", "t", "18")
        await bench.node(FOO, "SetUnitProperties", "sba(sv)", *weight)
        service = "org.freedesktop.systemd1.Service"
        (value,) = await bench.node(FOO, "GetUnitProperty", "sss", "simple.service", service, "CPUWeight")
        assert value == {"type": "t", "data": 18}
        wrong = ("simple.service", "false", "1", "Type", "s", "oneshot")
        assert "Cannot set property Type" in await bench.node(FOO, "SetUnitProperties", "sba(sv)", *wrong, code=None)

    on_bus(story, NODES)


def test_transient_unit(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        command = ("ExecStart", "a(sasb)", "1", "/bin/sleep", "2", "/bin/sleep", "60", "false")
        words = ("passing.service", "replace", "2", "Description", "s", "Passing by", *command, "0")
        await bench.node(FOO, "StartTransientUnit", "ssa(sv)a(sa(sv))", *words)
        await bench.until(lambda: bench.state("node-foo", "passing.service") == "active")
        (value,) = await bench.node(FOO, "GetUnitProperty", "sss", "passing.service", UNIT, "Description")
        assert value["data"] == "Passing by"
        assert await bench.node(FOO, "GetUnitFileState", "s", "passing.service") == ["transient"]

    on_bus(story, NODES)


def test_long_multi_line_settings(on_bus: OnBus) -> None:
    """A unit file with continued lines, comments within them, and thousands of characters."""
    names = [f"NAME{number}=value{number}" for number in range(800)]
    text = SIMPLE.format("long") + "Environment=" + " \\\n  # in between\n ".join(names) + "\n"

    async def story(bench: Any) -> None:
        (value,) = await bench.node(
            FOO, "GetUnitProperty", "sss", "long.service", "org.freedesktop.systemd1.Service", "Environment"
        )
        assert value["data"] == names

    on_bus(story, {"node-foo": {"long.service": text}})
