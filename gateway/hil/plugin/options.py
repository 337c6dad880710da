"""The plugin's options, its marker and its line in the header."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.hil.plugin.fixtures import fixtures

_SCOPES: Final = ("function", "module", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("vehicle", "vehicle under test")
    group.addoption("--vehicle", metavar="FILE", help="The vehicle file of the tests.")
    group.addoption("--vehicle-seed", type=int, metavar="N", help="The seed of all vehicles (0 if nothing is said).")
    group.addoption("--vehicle-seed-range", metavar="A..B", help="Run each test with each of these seeds.")
    group.addoption("--vehicle-scope", choices=_SCOPES, default="function", help="How long one vehicle lives.")
    group.addoption(
        "--vehicle-clock", choices=("virtual", "wall"), help="Virtual time, or wall time (as soon as a bus is linked)."
    )
    group.addoption(
        "--vehicle-link",
        action="append",
        default=[],
        metavar="BUS=CHANNEL",
        help="Link a bus: vcan0, pcan:PCAN_USBBUS1@125k; may be given more than once.",
    )
    group.addoption(
        "--vehicle-real", action="append", default=[], metavar="ECU", help="An ECU that is there outside: leave it out."
    )
    group.addoption(
        "--vehicle-artifacts",
        default=".vehicle-artifacts",
        metavar="DIR",
        help="Where failed tests leave traces and plots; empty for none.",
    )
    parser.addini(
        "vehicle_file", "The vehicle file of the tests; otherwise the nearest vehicle.yaml above them.", default=""
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "vehicle(file=None, *, seed=None, seeds=None): which vehicle file and which seeds a test takes"
    )
    config.pluginmanager.register(fixtures(config), "vehicle-fixtures")


def pytest_report_header(config: pytest.Config) -> str | None:
    links = [*config.getoption("vehicle_link"), *(f"{ecu} is real" for ecu in config.getoption("vehicle_real"))]
    return f"vehicle: {', '.join(links)}" if links else None
