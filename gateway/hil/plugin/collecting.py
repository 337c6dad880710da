"""Collection: which tests run in the vehicle's loop, and with which seeds."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from gateway.hil.plugin.choosing import setup_of
from gateway.hil.plugin.fixtures import FIXTURE, is_ours, uses_vehicle

_Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def _virtual_loop() -> asyncio.AbstractEventLoop:
    from gateway.sim import Clock, Kernel, SimulationLoop

    return SimulationLoop(Kernel(), Clock.VIRTUAL)


def _wall_loop() -> asyncio.AbstractEventLoop:
    from gateway.sim import Clock, Kernel, SimulationLoop

    return SimulationLoop(Kernel(), Clock.WALL)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> _Loops | None:
    """The vehicle's loop for tests that use the fixture, directly or through another."""
    if not uses_vehicle(item):
        return None
    from gateway.errors import GatewayError
    from gateway.sim import Clock

    try:
        clock = setup_of(config, item, 0).needed_clock
    except GatewayError:
        clock = Clock.VIRTUAL  # the fixture will tell it
    return {"vehicle": _virtual_loop if clock is Clock.VIRTUAL else _wall_loop}


@pytest.hookimpl(specname="pytest_asyncio_loop_factories", optionalhook=True, trylast=True)
def pytest_other_loops(config: pytest.Config, item: pytest.Item) -> _Loops:  # noqa: ARG001
    """All other tests keep the loop that they would have."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Generator[None, Any, Any]:
    """A coroutine that takes a vehicle is an asyncio test, whatever mode pytest-asyncio is in."""
    function = getattr(obj, "__func__", obj)
    if inspect.iscoroutinefunction(function) and FIXTURE in inspect.signature(function).parameters:
        definitions = collector.session._fixturemanager.getfixturedefs(FIXTURE, collector)
        if collector.funcnamefilter(name) and is_ours(definitions) and not _asyncio_marked(function):
            pytest.mark.asyncio(loop_scope=collector.config.getoption("vehicle_scope"))(function)
    return (yield)


def _asyncio_marked(function: Any) -> bool:
    return any(mark.name == "asyncio" for mark in getattr(function, "pytestmark", ()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    """One test for each seed, where seeds are swept; and a loop that lives as long as the vehicle."""
    if uses_vehicle(metafunc.definition):
        scope = metafunc.config.getoption("vehicle_scope")
        if scope != "function" and metafunc.definition.get_closest_marker("asyncio") is None:
            metafunc.definition.add_marker(pytest.mark.asyncio(loop_scope=scope))
        seeds = _seeds(metafunc)
        if seeds:
            ids = [f"seed{seed}" for seed in seeds]
            metafunc.parametrize("vehicle_seed", seeds, indirect=True, ids=ids, scope=scope)
    return (yield)


def _seeds(metafunc: pytest.Metafunc) -> list[int]:
    text = metafunc.config.getoption("vehicle_seed_range")
    if text:
        from gateway.hil.errors import HilError
        from gateway.hil.sweep import seeds_of

        try:
            return seeds_of(text)
        except HilError as error:
            raise pytest.UsageError(f"--vehicle-seed-range: {error}") from None
    if metafunc.config.getoption("vehicle_seed") is not None:
        return []
    marks = metafunc.definition.iter_markers("vehicle")
    return next((list(mark.kwargs["seeds"]) for mark in marks if mark.kwargs.get("seeds")), [])


def pytest_itemcollected(item: pytest.Item) -> None:
    scope = item.config.getoption("vehicle_scope")
    if scope != "function" and uses_vehicle(item):
        item.add_marker(pytest.mark.asyncio(loop_scope=scope), append=False)
