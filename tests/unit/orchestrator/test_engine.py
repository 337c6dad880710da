"""systemd's job rules on one node, in virtual time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.orchestrator.engine import Engine, Job, JobMode, JobResult, JobType, Service, Unit
from gateway.orchestrator.errors import BadUnitError, CycleError, DestructiveError, JobError, NoSuchUnitError
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Kernel, Streams

MS = 1_000_000
S = 1_000_000_000


def service(unit: str = "", more: str = "", kind: str = "notify", model: str = "") -> str:
    return f"[Unit]\n{unit}\n[Service]\nType={kind}\nExecStart=/bin/x\n{more}\n[X-Simulation]\n{model}\n"


class Bench:
    """A node; `order`: units in the order in which they became active; `results` of jobs, by unit."""

    def __init__(self, **units: str) -> None:
        self.kernel = Kernel()
        texts = {(name if "." in name else f"{name}.service"): text for name, text in units.items()}
        runner = SimulatedRunner(self.kernel, Streams(0).stream("n"))
        self.engine = Engine(self.kernel, "n", UnitFiles("n", texts), runner)
        self.engine.observers.append(self)
        self.order: list[str] = []
        self.results: list[tuple[str, str]] = []

    def start(self, name: str, mode: JobMode = JobMode.REPLACE) -> None:
        self.engine.submit(JobType.START, f"{name}.service", mode)

    def stop(self, name: str) -> None:
        self.engine.submit(JobType.STOP, f"{name}.service")

    def run(self, ns: int = 10 * S) -> None:
        self.kernel.run(self.kernel.now + ns)

    def states(self) -> Mapping[str, str]:
        return {unit.name.removesuffix(".service"): str(unit.active) for unit in self.engine.loaded()}

    def unit(self, name: str) -> Service:
        found = self.engine.units[f"{name}.service"]
        assert isinstance(found, Service)
        return found

    def state_changed(self, unit: Unit, before: object) -> None:
        if unit.active == "active" != before:
            self.order.append(unit.name.removesuffix(".service"))

    def job_removed(self, job: Job, result: JobResult) -> None:
        self.results.append((job.unit.name.removesuffix(".service"), str(result)))

    def unit_new(self, unit: object) -> None: ...
    def unit_removed(self, unit: object) -> None: ...
    def properties_changed(self, unit: object, interface: object, values: object) -> None: ...
    def job_running(self, job: object) -> None: ...


def test_requires_with_order_starts_one_after_the_other() -> None:
    bench = Bench(
        a=service("Requires=b.service\nAfter=b.service"), b=service("Wants=c.service\nAfter=c.service"), c=service()
    )
    bench.start("a")
    bench.run()
    assert bench.order == ["c", "b", "a"]
    assert set(bench.states().values()) == {"active"}


def test_a_failed_requirement_fails_with_dependency_and_a_failed_wish_does_not() -> None:
    failing = service(model="FailStarts=1")
    bench = Bench(
        a=service("Requires=b.service\nAfter=b.service"),
        b=failing,
        c=service("Wants=d.service\nAfter=d.service"),
        d=failing,
    )
    bench.start("a")
    bench.start("c")
    bench.run()
    assert dict(bench.results)["a"] == "dependency"
    assert dict(bench.results)["b"] == "failed"
    assert bench.states()["c"] == "active"


def test_a_stop_takes_what_requires_it_along_in_reverse_order() -> None:
    bench = Bench(a=service("Requires=b.service\nAfter=b.service"), b=service())
    bench.start("a")
    bench.run()
    bench.stop("b")
    bench.run()
    assert [name for name, _ in bench.results] == ["b", "a", "a", "b"]
    assert set(bench.states().values()) == {"inactive"}


def test_conflicts_stop_each_other() -> None:
    bench = Bench(a=service("Conflicts=b.service"), b=service())
    bench.start("b")
    bench.run()
    bench.start("a")
    bench.run()
    assert bench.states() == {"a": "active", "b": "inactive"}
    bench.start("b")
    bench.run()
    assert bench.states() == {"a": "inactive", "b": "active"}


def test_contradicting_requirements_are_refused() -> None:
    bench = Bench(a=service("Requires=b.service\nConflicts=b.service"), b=service())
    with pytest.raises(JobError, match=r"conflicting jobs 'start' and 'stop' for b\.service"):
        bench.start("a")
    assert bench.engine.jobs == {}


def test_a_cycle_is_named_with_the_units_on_it() -> None:
    bench = Bench(
        a=service("Requires=b.service\nAfter=b.service"),
        b=service("Requires=c.service\nAfter=c.service"),
        c=service("Requires=a.service\nAfter=a.service"),
    )
    with pytest.raises(CycleError) as caught:
        bench.start("a")
    assert set(caught.value.units) == {"a.service", "b.service", "c.service"}
    assert "Transaction order is cyclic: a.service -> b.service -> c.service -> a.service" in str(caught.value)
    assert bench.engine.jobs == {}


def test_a_cycle_is_broken_where_a_unit_is_only_wanted() -> None:
    bench = Bench(a=service("Wants=b.service\nAfter=b.service"), b=service("After=a.service"))
    bench.start("a")
    bench.run()
    assert bench.states() == {"a": "active", "b": "inactive"}
    assert bench.engine.cycles == [("a.service", "b.service")]
    assert any("ordering cycle a.service -> b.service -> a.service" in text for _, _, text in bench.engine.messages)


def test_requisite_does_not_start_and_fails_where_it_is_not_active() -> None:
    bench = Bench(a=service("Requisite=b.service\nAfter=b.service"), b=service())
    bench.start("a")
    bench.run()
    assert dict(bench.results)["a"] == "dependency"
    bench.start("b")
    bench.run()
    bench.start("a")
    bench.run()
    assert bench.states() == {"a": "active", "b": "active"}


def test_binds_to_follows_a_unit_that_ends_by_itself() -> None:
    bench = Bench(
        a=service("BindsTo=b.service\nAfter=b.service"),
        b=service(model="ExitAfter=2s"),
        c=service("Requires=b.service\nAfter=b.service"),
    )
    bench.start("a")
    bench.start("c")
    bench.run(S)
    assert bench.states() == {"a": "active", "b": "active", "c": "active"}
    bench.run(5 * S)
    assert bench.states() == {"a": "inactive", "b": "inactive", "c": "active"}


def test_part_of_takes_stop_and_restart_over() -> None:
    bench = Bench(a=service("PartOf=b.service"), b=service())
    bench.start("a")
    bench.start("b")
    bench.run()
    before = bench.unit("a").main_pid
    bench.engine.submit(JobType.RESTART, "b.service")
    bench.run()
    assert bench.unit("a").main_pid != before
    bench.stop("b")
    bench.run()
    assert set(bench.states().values()) == {"inactive"}


def test_upholds_starts_again_what_has_failed() -> None:
    bench = Bench(a=service("Upholds=b.service"), b=service(model="ExitAfter=1s\nExitStatus=1"))
    bench.start("a")
    bench.run(8 * S)
    assert bench.order.count("b") > 3


def test_stop_when_unneeded() -> None:
    bench = Bench(a=service("Requires=b.service\nAfter=b.service"), b=service("StopWhenUnneeded=yes"))
    bench.start("a")
    bench.run()
    bench.stop("a")
    bench.run()
    assert set(bench.states().values()) == {"inactive"}


def test_on_failure_starts_the_rescuer() -> None:
    bench = Bench(a=service("OnFailure=rescue.service", model="FailStarts=1"), rescue=service())
    bench.start("a")
    bench.run()
    assert bench.states() == {"a": "failed", "rescue": "active"}


def test_mode_fail_does_not_throw_jobs_out() -> None:
    bench = Bench(a=service(model="ReadyAfter=5s"))
    bench.start("a")
    bench.run(S)
    with pytest.raises(DestructiveError, match=r"a\.service/stop is destructive"):
        bench.engine.submit(JobType.STOP, "a.service", JobMode.FAIL)
    bench.run()
    assert bench.states() == {"a": "active"}


def test_mode_isolate_stops_everything_else() -> None:
    bench = Bench(a=service("Wants=b.service"), b=service(), c=service())
    for name in "bc":
        bench.start(name)
    bench.run()
    bench.start("a", JobMode.ISOLATE)
    bench.run()
    assert bench.states() == {"a": "active", "b": "active", "c": "inactive"}


def test_mode_ignore_dependencies_starts_the_unit_alone() -> None:
    bench = Bench(a=service("Requires=b.service\nAfter=b.service"), b=service())
    bench.start("a", JobMode.IGNORE_DEPENDENCIES)
    bench.run()
    assert bench.states() == {"a": "active", "b": "inactive"}


def test_a_oneshot_with_several_commands_and_remain_after_exit() -> None:
    text = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/x\nExecStart=/bin/y\n[X-Simulation]\nReadyAfter=1s\n"
    bench = Bench(a=text, b=service("After=a.service\nRequires=a.service"))
    bench.start("b")
    bench.run(1500 * MS)
    assert bench.states() == {"a": "activating", "b": "inactive"}
    bench.run(S)
    assert bench.states() == {"a": "active", "b": "active"}
    assert bench.unit("a").sub == "exited"


def test_restart_on_failure_with_limit() -> None:
    bench = Bench(a=service(more="Restart=on-failure\nRestartSec=100ms", model="FailStarts=99\nReadyAfter=1ms"))
    bench.start("a")
    bench.run()
    unit = bench.unit("a")
    assert (unit.active, unit.result, unit.restarts) == ("failed", "start-limit-hit", 5)
    unit.reset_failed()
    assert unit.active == "inactive"


def test_restart_waits_its_time_and_is_up_again() -> None:
    bench = Bench(a=service(more="Restart=on-failure\nRestartSec=2s", model="FailStarts=1\nReadyAfter=1ms"))
    bench.start("a")
    bench.run(S)
    assert (bench.unit("a").active, bench.unit("a").sub) == ("activating", "auto-restart")
    bench.run(2 * S)
    assert bench.states() == {"a": "active"}
    assert bench.unit("a").restarts == 1


def test_start_timeout_and_stop_timeout() -> None:
    bench = Bench(
        a=service(more="TimeoutStartSec=2s", model="ReadyAfter=1h"),
        b=service(more="TimeoutStopSec=3s", model="IgnoreSIGTERM=yes"),
    )
    bench.start("a")
    bench.start("b")
    bench.run(3 * S)
    assert (bench.unit("a").active, bench.unit("a").result) == ("failed", "timeout")
    bench.stop("b")
    bench.run(2 * S)
    assert bench.unit("b").sub == "stop-sigterm"
    bench.run(2 * S)
    assert (bench.unit("b").active, bench.unit("b").result) == ("failed", "timeout")


def test_unknown_units_and_refused_ones() -> None:
    bench = Bench(
        a="[Service]\nType=simple\n", b=service("Requires=nowhere.service"), c=service("Wants=nowhere.service")
    )
    with pytest.raises(BadUnitError, match="service has no ExecStart="):
        bench.start("a")
    with pytest.raises(NoSuchUnitError, match=r"Unit nowhere\.service not found"):
        bench.start("b")
    bench.start("c")
    bench.run()
    assert bench.states()["c"] == "active"


def test_a_target_is_active_after_what_it_wants() -> None:
    bench = Bench(
        **{"all.target": "[Unit]\nWants=a.service b.service\n", "a": service(model="ReadyAfter=1s"), "b": service()}
    )
    bench.engine.submit(JobType.START, "all.target")
    bench.run()
    assert bench.order == ["b", "a", "all.target"]


def test_a_frozen_program_does_not_get_ready_and_a_thawed_one_does() -> None:
    bench = Bench(a=service(kind="simple", model="ExitAfter=2s"))
    bench.start("a")
    bench.run(S)
    bench.unit("a").freeze()
    bench.run(5 * S)
    assert bench.states() == {"a": "active"}
    bench.unit("a").thaw()
    bench.run(S)
    assert bench.states() == {"a": "inactive"}


def test_a_hundred_chained_stops_and_starts_leave_no_job_behind() -> None:
    units = {f"u{i}": service(f"Requires=u{i - 1}.service\nAfter=u{i - 1}.service" if i else "") for i in range(20)}
    bench = Bench(**units)
    for number in range(100):
        if number % 3:
            bench.start(f"u{number % 20}")
        else:
            bench.stop(f"u{number % 20}")
        bench.run(3 * MS)
    bench.run(60 * S)
    assert bench.engine.jobs == {}
    assert set(bench.states().values()) <= {"active", "inactive"}
