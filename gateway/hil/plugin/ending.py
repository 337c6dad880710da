"""A test's end: what it left undone, and what explains its failure."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.hil.plugin.fixtures import FIXTURE, uses_vehicle
from gateway.hil.plugin.reporting import drop_artifacts, keep_artifacts

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    if not uses_vehicle(item):
        return (yield)
    from gateway.hil.errors import ImpossibleOnLinkError

    try:
        return (yield)
    except ImpossibleOnLinkError as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Look for what the test left undone; when it fails, keep what explains it."""
    vehicle = _vehicle_of(item)
    if vehicle is None:
        return (yield)
    from gateway.hil.errors import ExpectationError, HilError, ImpossibleOnLinkError

    vehicle.repeat = _repeat(item, vehicle)
    item.user_properties.append(("vehicle_seed", vehicle.seed))
    try:
        result = yield
        _finish(vehicle)
        drop_artifacts(item)
    except ImpossibleOnLinkError as error:
        vehicle.clean()
        pytest.skip(str(error))
    except (Exception, pytest.fail.Exception) as error:
        for late in vehicle.late_errors:
            if isinstance(late, ImpossibleOnLinkError):
                vehicle.clean()
                pytest.skip(str(late))
        if not isinstance(error, HilError):  # what cannot be asked for says so: no trace tells more
            keep_artifacts(item, vehicle)
        vehicle.clean()
        if isinstance(error, ExpectationError):
            vehicle.allow_failures()  # its text has told them: the end of the vehicle need not
        _end_in_the_test(error)
        raise
    finally:
        vehicle.reported.clear()
        vehicle.at_work.clear()
    return result


def _vehicle_of(item: Any) -> VehicleUnderTest | None:
    if not uses_vehicle(item):
        return None
    from gateway.hil.vehicle import VehicleUnderTest

    found = getattr(item, "funcargs", {}).get(FIXTURE)
    return found if isinstance(found, VehicleUnderTest) else None


def _finish(vehicle: VehicleUnderTest) -> None:
    from gateway.errors import GatewayError
    from gateway.hil.errors import FaultLeftBehindWarning, ImpossibleOnLinkError

    problem: BaseException | None = None
    try:
        for handle in vehicle.finish():
            file, _, line = handle.place.rpartition(":")
            text = f"{handle.text} was left behind by the test; it has been taken out (use `with`, or stop it)"
            warnings.warn_explicit(FaultLeftBehindWarning(text), None, file, int(line))
    except (GatewayError, FaultLeftBehindWarning) as error:
        problem = error
    if isinstance(problem, FaultLeftBehindWarning):
        pytest.fail(f"{file}:{line}: {problem}", pytrace=False)
    if isinstance(problem, ImpossibleOnLinkError):
        raise problem
    if problem is not None:
        pytest.fail(str(problem), pytrace=False)


def _end_in_the_test(error: BaseException) -> None:
    """Let the traceback of an error for the user end where the test stands, not in this room."""
    from gateway.errors import GatewayError
    from gateway.hil.errors import ExpectationError

    if not isinstance(error, GatewayError | ExpectationError):
        return
    error.__cause__, error.__suppress_context__ = None, True
    ours = str(Path(__file__).parents[2])
    last = step = error.__traceback__
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(ours):
            last = step
        step = step.tb_next
    if last is not None:
        last.tb_next = None


def _repeat(item: pytest.Item, vehicle: VehicleUnderTest) -> str:
    from gateway.hil.sweep import without_seed

    config = item.config
    buses = os.environ.get("GATEWAY_VCAN")
    inside = f"gateway vcan --names {buses} -- " if buses else ""
    parts = [f"{inside}pytest '{without_seed(item.nodeid)}' --vehicle-seed {vehicle.seed}"]
    if config.getoption("vehicle"):
        parts.append(f"--vehicle={config.getoption('vehicle')}")
    parts += [f"--vehicle-link {link}" for link in config.getoption("vehicle_link")]
    parts += [f"--vehicle-real {ecu}" for ecu in config.getoption("vehicle_real")]
    return " ".join(parts)
