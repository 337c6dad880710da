"""Nodes in virtual time: start in order, cut cables, lost power, a clock of its own for nobody."""

from __future__ import annotations

from fleet_bench import MS, S, chain, make

from gateway.orchestrator.control.agent_api import AgentApi
from gateway.orchestrator.control.dispatch import Request
from gateway.orchestrator.control.messages import Call, Reply, Return

TARGET = "[Service]\nType=simple\nExecStart=/bin/target\n"
NEEDS = "[Unit]\nBindsTo=bluechi-proxy@bar_target.service\nAfter=bluechi-proxy@bar_target.service\n" + TARGET


def test_300_units_on_10_nodes_start_in_order_and_alike_in_each_run() -> None:
    kernel, fleet, story = make(chain(10, 30), seed=3)
    fleet.start()
    kernel.run(30 * S)
    ups = [(node, unit) for _, node, unit, state in story.changes if state == "active" and unit.startswith("u")]
    assert ups == [(f"n{node}", f"u{unit}.service") for node in range(10) for unit in range(30)]
    again_kernel, again, again_story = make(chain(10, 30), seed=3)
    again.start()
    again_kernel.run(30 * S)
    assert again_story.changes == story.changes
    assert fleet.controller.status == "up"


def test_a_node_without_heartbeat_is_offline_after_the_threshold() -> None:
    """BlueChi's defaults: a heartbeat each 2 s, 6 s without one."""
    kernel, fleet, _ = make({"foo": {}, "bar": {}})
    fleet.start()
    kernel.run(9 * S)
    last = fleet.controller.nodes["foo"].last_seen_ns
    fleet.power_off(fleet.node("foo"))
    kernel.run(30 * S)
    lost = next(event for event in fleet.controller.events if event.what == "offline")
    assert lost.node == "foo"
    assert lost.time_ns == last + 6 * S
    assert fleet.controller.status == "degraded"


def test_a_cable_cut_and_restored_fifty_times() -> None:
    """Whatever the length of the cut, the units run on, and dependencies and states are right afterwards."""
    kernel, fleet, _ = make({"foo": {"needs.service": NEEDS, "default.target": "[Unit]\nWants=needs.service\n"},
                             "bar": {"target.service": TARGET}})  # fmt: skip
    fleet.start()
    kernel.run(10 * S)
    node = fleet.controller.nodes["bar"]
    monitor = fleet.controller.new_monitor("test")
    monitor.subscribe("bar", ("target.service",))
    for number in range(50):
        cable = ("foo", "bar")[number % 2]
        fleet.cut(cable)
        kernel.run(kernel.now + (number + 1) * 400 * MS)
        fleet.mend(cable)
        kernel.run(kernel.now + 12 * S)
        assert fleet.controller.status == "up"
        states = fleet.unit_states()
        assert states["foo"]["needs.service"] == ("active", "running"), number
        assert states["bar"]["target.service"] == ("active", "running"), number
        assert states["bar"]["bluechi-dep@target.service"] == ("active", "exited"), number
        assert (node.known["target.service"].active, node.wanted["target.service"]) == ("active", 2)


def test_a_short_cut_is_not_noticed() -> None:
    kernel, fleet, _ = make({"foo": {}})
    fleet.start()
    kernel.run(5 * S)
    fleet.cut("foo")
    kernel.run(kernel.now + 3 * S)
    fleet.mend("foo")
    kernel.run(kernel.now + 10 * S)
    assert [event.what for event in fleet.controller.events] == ["online"]


PAIR = {
    "foo": {"needs.service": NEEDS, "default.target": "[Unit]\nWants=needs.service\n"},
    "bar": {"target.service": TARGET},
}


def test_a_target_that_fails_during_a_cut_that_nobody_noticed_takes_its_dependants_down_afterwards() -> None:
    """What the agent told over the cut cable waits in TCP, and arrives when it is mended."""
    kernel, fleet, story = make(PAIR)
    fleet.start()
    kernel.run(5 * S)
    fleet.cut("bar")
    kernel.run(kernel.now + S)
    fleet.node("bar").engine.units["target.service"].kill("all", 9)
    kernel.run(kernel.now + S)
    assert fleet.unit_states()["bar"]["target.service"][0] == "failed"
    assert fleet.unit_states()["foo"]["needs.service"][0] == "active"  # nobody can know yet
    mended = kernel.now
    fleet.mend("bar")
    kernel.run(kernel.now + 10 * S)
    assert fleet.unit_states()["foo"]["needs.service"][0] == "inactive"
    assert fleet.unit_states()["bar"]["target.service"][0] == "failed"
    down = next(
        time for time, node, unit, state in story.changes if (node, unit, state) == ("foo", "needs.service", "inactive")
    )
    assert mended < down < mended + 10 * MS


def test_a_target_that_fails_during_a_cut_that_was_noticed_takes_them_down_as_well() -> None:
    """Back again, the node tells of the failure; the controller has started the outstanding dep, and drops it then."""
    kernel, fleet, story = make(PAIR)
    fleet.start()
    kernel.run(5 * S)
    fleet.cut("bar")
    kernel.run(kernel.now + 10 * S)
    assert fleet.controller.status == "degraded"
    fleet.node("bar").engine.units["target.service"].kill("all", 9)
    kernel.run(kernel.now + 1 * S)
    assert fleet.unit_states()["foo"]["needs.service"][0] == "active"
    fleet.mend("bar")
    kernel.run(kernel.now + 10 * S)
    assert fleet.controller.status == "up"
    states = fleet.unit_states()
    assert states["foo"]["needs.service"] == ("inactive", "dead")
    assert states["foo"]["bluechi-proxy@bar_target.service"] == ("inactive", "dead")
    assert states["bar"]["bluechi-dep@target.service"] == ("inactive", "dead")
    assert fleet.controller.needs.needs == []
    needs = [state for _, node, unit, state in story.changes if (node, unit) == ("foo", "needs.service")]
    assert (needs.count("active"), needs[-1]) == (1, "inactive")


def test_a_jump_of_one_nodes_calendar_changes_its_dates_and_nothing_else() -> None:
    """Heartbeats and thresholds go by the monotonic clock, dates by the calendar of the node that is asked."""
    kernel, fleet, _ = make({"foo": {}, "bar": {}})
    api = AgentApi(fleet.node("foo").agent)
    api.epoch_ns = 1_800_000_000 * S
    fleet.start()
    kernel.run(9 * S)
    before = dates(api)
    assert before["LastSeenTimestamp"] == 1_800_000_000_000_000 + before["LastSeenTimestampMonotonic"]

    for jump in (-3600 * S, 7200 * S):
        api.epoch_ns += jump
        kernel.run(kernel.now + 20 * S)

    after = dates(api)
    assert after["LastSeenTimestamp"] == 1_800_003_600_000_000 + after["LastSeenTimestampMonotonic"]
    assert [event.what for event in fleet.controller.events] == ["online", "online"]
    assert fleet.controller.status == "up"


def dates(api: AgentApi) -> dict[str, int]:
    """The agent's properties, as a client gets them."""
    answers: list[Reply] = []
    interface = "org.freedesktop.DBus.Properties"
    call = Call(1, "/org/eclipse/bluechi", interface, "GetAll", "s", ("org.eclipse.bluechi.Agent",))
    api.call(Request(call, ":1.1", answers.append))
    (answer,) = answers
    assert isinstance(answer, Return)
    return {name: variant.value for name, variant in answer.body[0].items()}


def test_power_lost_and_back_starts_the_targets_again() -> None:
    kernel, fleet, _ = make({"foo": {"a.service": TARGET, "default.target": "[Unit]\nWants=a.service\n"}})
    fleet.start()
    kernel.run(5 * S)
    node = fleet.node("foo")
    fleet.power_off(node)
    assert fleet.unit_states()["foo"]["a.service"][0] == "inactive"
    kernel.run(20 * S)
    assert fleet.controller.status == "down"
    fleet.power_on(node)
    kernel.run(30 * S)
    assert fleet.controller.status == "up"
    assert fleet.unit_states()["foo"]["a.service"][0] == "active"


def test_jobs_of_a_lost_node_end() -> None:
    slow = "[Service]\nType=notify\nExecStart=/bin/slow\n[X-Simulation]\nReadyAfter=1h\n"
    kernel, fleet, _ = make({"foo": {"slow.service": slow}})
    fleet.start()
    kernel.run(1 * S)
    removed: list[tuple[object, ...]] = []
    fleet.controller.public.emit = lambda signal, to: (
        removed.append(signal.body) if signal.member == "JobRemoved" else None
    )
    jobs: list[object] = []
    fleet.controller.begin(fleet.controller.nodes["foo"], "StartUnit", "ss", ("slow.service", "replace"), jobs.append)
    kernel.run(2 * S)
    fleet.cut("foo")
    kernel.run(20 * S)
    assert [body[-2:] for body in removed] == [("slow.service", "failed")]
    assert fleet.controller.jobs == {}


def test_heartbeat_off_on_both_sides() -> None:
    """Threshold 0: a silent node is never taken for lost while its connection lasts."""
    kernel, fleet, _ = make({"foo": {}}, threshold_ns=0)
    fleet.start()
    kernel.run(1 * S)
    fleet.cut("foo")
    kernel.run(7 * S)
    assert fleet.controller.nodes["foo"].online
    kernel.run(9 * S)  # TCP's keep-alive gives the connection up
    assert not fleet.controller.nodes["foo"].online
