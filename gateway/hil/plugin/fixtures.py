"""The fixtures `vehicle` and `vehicle_seed`, with the scope that was asked for."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

import pytest

from gateway.hil.plugin.choosing import seed_of, setup_of

FIXTURE: Final = "vehicle"
_OURS: Final = "_gateway_vehicle"
_SELDOM: Final = pytest.StashKey[bool]()
"""Garbage is collected seldom, from the first vehicle to the end of the session."""


def fixtures(config: pytest.Config) -> ModuleType:
    """The fixtures with the scope that was asked for."""
    scope = config.getoption("vehicle_scope")
    module = ModuleType("gateway vehicle fixtures")

    @pytest.fixture(scope=scope)
    def vehicle_seed(request: pytest.FixtureRequest) -> int:
        """The seed of the vehicle."""
        return seed_of(request.node, getattr(request, "param", None))

    if not config.pluginmanager.hasplugin("asyncio"):

        @pytest.fixture(name=FIXTURE)
        def missing() -> None:
            pytest.fail("the fixture `vehicle` needs pytest-asyncio: pip install 'pytest-asyncio>=1.4'", pytrace=False)

        module.vehicle = missing  # type: ignore[attr-defined]
        return module
    import pytest_asyncio

    async def vehicle(request: pytest.FixtureRequest, vehicle_seed: int) -> Any:
        """A vehicle under test, switched on at its time 0."""
        from gateway.errors import GatewayError
        from gateway.hil.garbage import collect_seldom
        from gateway.hil.opening import Bench

        if _SELDOM not in request.config.stash:
            request.config.stash[_SELDOM] = True
            request.config.add_cleanup(collect_seldom())
        problem = None
        try:
            bench = Bench(setup_of(request.config, request.node, vehicle_seed))
            opened = await bench.__aenter__()
        except GatewayError as error:
            problem = str(error)
        if problem is not None:  # out of the handler: otherwise it would be told twice
            pytest.fail(problem, pytrace=False)
        opened.shared = scope != "function"
        yield opened
        try:
            await bench.__aexit__(None, None, None)
        except GatewayError as error:
            problem = str(error)
        if problem is not None:
            pytest.fail(problem, pytrace=False)

    setattr(vehicle, _OURS, True)
    module.vehicle_seed = vehicle_seed  # type: ignore[attr-defined]
    module.vehicle = pytest_asyncio.fixture(vehicle, scope=scope, loop_scope=scope)  # type: ignore[attr-defined]
    return module


def uses_vehicle(item: Any) -> bool:
    info = getattr(item, "_fixtureinfo", None)
    return info is not None and is_ours(info.name2fixturedefs.get(FIXTURE))


def is_ours(definitions: Any) -> bool:
    return any(hasattr(definition.func, _OURS) for definition in definitions or ())
