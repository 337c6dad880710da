"""What BlueChi's own integration tests cover of dependencies across nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.orchestrator.control import ControllerConfig, NodeConfig

OnBus = Callable[..., None]
TARGET = "[Unit]\nStopWhenUnneeded={1}\n[Service]\nType=simple\nExecStart=/bin/{0}\n"
KEPT = TARGET.format("simple", "no")
UNNEEDED = TARGET.format("simple", "yes")


def requester(*proxies: str, how: str = "Requires") -> str:
    names = " ".join(f"bluechi-proxy@{proxy}.service" for proxy in proxies)
    return f"[Unit]\n{how}={names}\nAfter={names}\n[Service]\nType=simple\nExecStart=/bin/requester\n"


async def result_of(bench: Any, method: str, unit: str, node: str = "foo") -> str:
    return str(await bench.client.do(node, method, unit, "replace"))


def test_start_and_target_is_started(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        (job,) = await bench.node("foo", "StartUnit", "ss", "requester.service", "replace")
        await bench.until(lambda: bench.state("foo", "requester.service") == "active")
        assert bench.state("bar", "simple.service") == "active"
        assert bench.state("foo", "bluechi-proxy@bar_simple.service") == "active"
        # The dep holds the need from beside; nothing waits for it.
        await bench.until(lambda: bench.state("bar", "bluechi-dep@simple.service") == "active")
        assert job.startswith("/org/eclipse/bluechi/job/")

    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": KEPT}})


def test_denied_by_default(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "dependency"
        assert bench.state("foo", "bluechi-proxy@bar_simple.service") == "failed"
        assert bench.state("bar", "simple.service") == "inactive"
        messages = [text for _, _, text in bench.fleet.node("foo").engine.messages]
        assert any("AllowDependenciesOn" in text for text in messages)

    nodes = {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": KEPT}}
    on_bus(story, nodes, ControllerConfig(nodes={"foo": NodeConfig(), "bar": NodeConfig()}))


def test_allowed_on_one_node_only(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert await result_of(bench, "StartUnit", "other.service") == "dependency"

    nodes = {
        "foo": {"requester.service": requester("bar_simple"), "other.service": requester("baz_simple")},
        "bar": {"simple.service": KEPT},
        "baz": {"simple.service": KEPT},
    }
    allowed = NodeConfig(allow_dependencies_on=frozenset({"bar"}))
    on_bus(story, nodes, ControllerConfig(nodes={"foo": allowed, "bar": NodeConfig(), "baz": NodeConfig()}))


def test_fails_on_exec_start_of_the_target(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "dependency"
        assert bench.state("bar", "simple.service") == "failed"

    broken = KEPT.replace("Type=simple", "Type=exec") + "[X-Simulation]\nNotExecutable=yes\n"
    broken = broken.replace("Type=exec", "Type=notify")
    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": broken}})


def test_fails_on_an_unknown_node(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "dependency"
        messages = [text for _, _, text in bench.fleet.node("foo").engine.messages]
        assert any("No such node bra (did you mean 'bar'?)" in text for text in messages)

    on_bus(story, {"foo": {"requester.service": requester("bra_simple")}, "bar": {"simple.service": KEPT}})


def test_fails_on_an_unknown_service(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "dependency"

    on_bus(story, {"foo": {"requester.service": requester("bar_nowhere")}, "bar": {"simple.service": KEPT}})


def test_fails_on_a_typo(on_bus: OnBus) -> None:
    """Without the underscore there is no node in the name."""

    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "dependency"
        assert bench.state("foo", "bluechi-proxy@barsimple.service") == "failed"

    on_bus(story, {"foo": {"requester.service": requester("barsimple")}, "bar": {"simple.service": KEPT}})


def test_what_is_only_wanted_may_fail(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"

    on_bus(story, {"foo": {"requester.service": requester("bar_none", how="Wants")}, "bar": {}})


def test_several_services_on_one_node(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert {bench.state("bar", unit) for unit in ("simple.service", "other.service")} == {"active"}

    nodes = {
        "foo": {"requester.service": requester("bar_simple", "bar_other")},
        "bar": {"simple.service": KEPT, "other.service": KEPT},
    }
    on_bus(story, nodes)


def test_several_services_on_several_nodes(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert {bench.state(node, "simple.service") for node in ("bar", "baz")} == {"active"}

    nodes = {
        "foo": {"requester.service": requester("bar_simple", "baz_simple")},
        "bar": {"simple.service": KEPT},
        "baz": {"simple.service": KEPT},
    }
    on_bus(story, nodes)


def test_targets_failure_is_passed_on(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        await bench.node("bar", "KillUnit", "ssi", "simple.service", "all", "9")
        await bench.until(lambda: bench.state("foo", "bluechi-proxy@bar_simple.service") != "active")
        await bench.until(lambda: bench.state("foo", "requester.service") == "inactive")
        assert bench.state("bar", "simple.service") == "failed"

    nodes = {"foo": {"requester.service": requester("bar_simple", how="BindsTo")}, "bar": {"simple.service": KEPT}}
    on_bus(story, nodes)


def test_stop_of_the_target(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert await result_of(bench, "StopUnit", "simple.service", "bar") == "done"
        await bench.until(lambda: bench.state("foo", "bluechi-proxy@bar_simple.service") == "inactive")
        assert bench.state("bar", "bluechi-dep@simple.service") == "inactive"

    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": KEPT}})


def test_stop_of_the_dep(on_bus: OnBus) -> None:
    """The dep only holds the need: without it the target goes on, unless nothing else needs it."""

    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert await result_of(bench, "StopUnit", "bluechi-dep@simple.service", "bar") == "done"
        assert bench.state("bar", "simple.service") == "active"
        assert bench.state("foo", "requester.service") == "active"

    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": KEPT}})


def test_stop_of_the_requester(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert await result_of(bench, "StopUnit", "requester.service") == "done"
        assert bench.state("foo", "bluechi-proxy@bar_simple.service") == "active"
        assert await result_of(bench, "StopUnit", "bluechi-proxy@bar_simple.service") == "done"
        await bench.until(lambda: bench.state("bar", "bluechi-dep@simple.service") == "inactive")
        assert bench.state("bar", "simple.service") == "active"

    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": KEPT}})


def test_stop_of_the_requester_with_stop_when_unneeded(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        assert await result_of(bench, "StartUnit", "requester.service") == "done"
        assert await result_of(bench, "StopUnit", "bluechi-proxy@bar_simple.service") == "done"
        await bench.until(lambda: bench.state("bar", "simple.service") == "inactive")
        assert bench.state("bar", "bluechi-dep@simple.service") == "inactive"

    on_bus(story, {"foo": {"requester.service": requester("bar_simple")}, "bar": {"simple.service": UNNEEDED}})


def test_a_dep_is_kept_while_another_node_needs_it(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        for node in ("foo", "baz"):
            assert await result_of(bench, "StartUnit", "requester.service", node) == "done"
        proxy = "bluechi-proxy@bar_simple.service"
        assert await result_of(bench, "StopUnit", proxy, "foo") == "done"
        assert bench.state("bar", "simple.service") == "active"
        assert await result_of(bench, "StopUnit", proxy, "baz") == "done"
        await bench.until(lambda: bench.state("bar", "simple.service") == "inactive")

    asking = {"requester.service": requester("bar_simple")}
    on_bus(story, {"foo": asking, "baz": asking, "bar": {"simple.service": UNNEEDED}})
