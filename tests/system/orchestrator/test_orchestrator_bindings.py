"""BlueChi's own Python bindings (PyPI: bluechi 1.2.1) against our API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OnBus = Callable[..., None]
SIMPLE = "[Unit]\nDescription=Just being {0}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"
SLOW = SIMPLE.replace("simple", "notify") + "[X-Simulation]\nReadyAfter=1h\n"
NODES = {
    "node-foo": {"simple.service": SIMPLE.format("simple"), "slow.service": SLOW.format("slow")},
    "node-bar": {"simple.service": SIMPLE.format("simple")},
}
SCRIPT = """
from bluechi.api import Controller, Job, Monitor, Node
from dasbus.loop import EventLoop

controller = Controller(use_systembus=False)
print("nodes", sorted((name, status) for name, _path, status, _ip in controller.list_nodes()))
print("units", sorted(controller.list_units()))
node = Node("node-foo", use_systembus=False)
print("status", node.status)
print("unit", [unit[:5] for unit in node.list_units() if unit[0] == "simple.service"])

loop = EventLoop()
results, states = {}, []
wanted = {}

def job_removed(number, path, node_name, unit, result):
    results[unit] = result
    print("job", node_name, unit, result, flush=True)
    if unit == "simple.service" and not wanted.get("stopped"):
        wanted["stopped"] = node.stop_unit("simple.service", "replace")
    elif unit == "simple.service":
        wanted["slow"] = node.start_unit("slow.service", "replace")
        Job(wanted["slow"], use_systembus=False).cancel()
    else:
        loop.quit()

controller.on_job_removed(job_removed)
monitor = Monitor(controller.create_monitor(), use_systembus=False)
monitor.on_unit_state_changed(lambda *state: states.append(tuple(str(item) for item in state)))
monitor.subscribe("node-foo", "simple.service")
node.start_unit("simple.service", "replace")
loop.run()
for state in states:
    print("state", *state)
"""


def test_list_start_stop_monitor_and_cancel(on_bus: OnBus, bluechi_python: str) -> None:
    async def story(bench: Any) -> None:
        environment = f"DBUS_SESSION_BUS_ADDRESS={bench.address}"
        text = await bench.run("env", environment, "timeout", "60", bluechi_python, "-c", SCRIPT)
        lines = text.splitlines()
        assert lines[0] == "nodes [('node-bar', 'online'), ('node-foo', 'online')]"
        assert lines[1] == "units ['node-bar', 'node-foo']"
        assert "status online" in lines
        assert "unit [('simple.service', 'Just being simple', 'loaded', 'inactive', 'dead')]" in lines
        assert [line for line in lines if line.startswith("job")] == [
            "job node-foo simple.service done",
            "job node-foo simple.service done",
            "job node-foo slow.service canceled",
        ]
        states = [line.split()[3:] for line in lines if line.startswith("state")]
        assert ["active", "running", "real"] in states
        assert ["inactive", "dead", "real"] in states

    on_bus(story, NODES)
