"""The agent's own API on its node's bus: proxies by hand, another controller, its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.orchestrator.dbus import serve_agent_api

OnBus = Callable[..., None]
NAME = "org.eclipse.bluechi.Agent"
ROOT = "/org/eclipse/bluechi"
SIMPLE = "[Service]\nType=simple\nExecStart=/bin/simple\n"
NODES = {"foo": {}, "bar": {"simple.service": SIMPLE}}


def test_an_agents_state_and_is_online(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        async with serve_agent_api(bench.fleet.node("foo").agent, bench.address):
            assert await bench.busctl("get-property", NAME, ROOT, NAME, "Status") == 's "online"\n'
            seen = await bench.busctl("get-property", NAME, ROOT, NAME, "LastSeenTimestamp")
            assert int(seen.split()[1]) > 1_600_000_000_000_000
            assert await bench.busctl("get-property", NAME, ROOT, NAME, "LogLevel") == 's "INFO"\n'
            assert await bench.busctl("get-property", NAME, ROOT, NAME, "LogTarget") == 's "journald"\n'

    on_bus(story, NODES)


def test_create_and_remove_a_proxy_by_hand(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        words = ("my.service", "bar", "simple.service")
        async with serve_agent_api(bench.fleet.node("foo").agent, bench.address):
            await bench.busctl("call", NAME, ROOT, NAME, "CreateProxy", "sss", *words)
            assert bench.state("bar", "simple.service") == "active"
            text = await bench.busctl("call", NAME, ROOT, NAME, "CreateProxy", "sss", *words, code=None)
            assert "there is a proxy my.service already" in text
            await bench.busctl("call", NAME, ROOT, NAME, "RemoveProxy", "sss", *words)
            await bench.until(lambda: bench.state("bar", "bluechi-dep@simple.service") == "inactive")
            wrong = ("other.service", "baz", "simple.service")
            text = await bench.busctl("call", NAME, ROOT, NAME, "CreateProxy", "sss", *wrong, code=None)
            assert "could not be activated" in text

    on_bus(story, NODES)


def test_switch_controller_needs_an_address(on_bus: OnBus) -> None:
    async def story(bench: Any) -> None:
        async with serve_agent_api(bench.fleet.node("foo").agent, bench.address):
            text = await bench.busctl("call", NAME, ROOT, NAME, "SwitchController", "s", "nowhere", code=None)
            assert "'nowhere' is no D-Bus address" in text
            address = "tcp:host=127.0.0.1,port=842"
            await bench.busctl("call", NAME, ROOT, NAME, "SwitchController", "s", address)
            assert await bench.busctl("get-property", NAME, ROOT, NAME, "ControllerAddress") == f's "{address}"\n'

    on_bus(story, NODES)
