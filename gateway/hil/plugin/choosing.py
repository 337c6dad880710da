"""Which vehicle a test gets: file, seed, links and clock, from its marker, the command line and the ini file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gateway.hil.opening import Setup


def seed_of(node: Any, param: int | None) -> int:
    """From the range that was asked for, the command line, the marker; otherwise 0."""
    if param is not None:
        return param
    given: int | None = node.config.getoption("vehicle_seed")
    if given is not None:
        return given
    return next((int(m.kwargs["seed"]) for m in node.iter_markers("vehicle") if m.kwargs.get("seed") is not None), 0)


def setup_of(config: pytest.Config, node: Any, seed: int) -> Setup:
    """What the fixture loads for a test. GatewayError for what cannot be."""
    from gateway.hil.errors import HilError
    from gateway.hil.opening import Setup
    from gateway.links import parse_address
    from gateway.sim import Clock

    links = {}
    for text in config.getoption("vehicle_link"):
        bus, equals, address = text.partition("=")
        if not equals:
            raise HilError(f"--vehicle-link {text}: write BUS=CHANNEL, like body=vcan0")
        links[bus] = parse_address(address)
    clock = config.getoption("vehicle_clock")
    return Setup(
        _vehicle_file(config, node),
        seed,
        links,
        frozenset(name for text in config.getoption("vehicle_real") for name in text.split(",")),
        Clock(clock) if clock else None,
    )


def _vehicle_file(config: pytest.Config, node: Any) -> Path:
    """From the marker, the command line, the ini file."""
    marked = next((m.args[0] for m in node.iter_markers("vehicle") if m.args), None)
    if marked is not None:
        beside = Path(node.path.parent, marked)
        return beside if beside.exists() else config.rootpath / marked
    given = config.getoption("vehicle")
    if given:
        return Path(config.invocation_params.dir, given)
    named = str(config.getini("vehicle_file"))
    return config.rootpath / named if named else _nearest_file(config, Path(node.path))


def _nearest_file(config: pytest.Config, place: Path) -> Path:
    """The `vehicle.yaml` in the test's folder or the nearest above it."""
    for folder in (place, *place.parents):
        if (folder / "vehicle.yaml").is_file():
            return folder / "vehicle.yaml"
    return config.rootpath / "vehicle.yaml"
