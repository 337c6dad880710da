"""What is kept of a failure and shown in reports: trace, plot, and the seeds that break a test."""

from __future__ import annotations

import hashlib
import importlib
import re
from base64 import b64encode
from collections.abc import Generator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from gateway.hil.plugin.fixtures import uses_vehicle

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_HERE: Final = str(Path(__file__).parent)


def keep_artifacts(item: pytest.Item, vehicle: VehicleUnderTest) -> None:
    """Trace and plot into the folder for artifacts, and their places into the report."""
    folder = item.config.getoption("vehicle_artifacts")
    if not folder:
        return
    from gateway.hil.artifacts import save_plot, save_trace

    place = item.config.invocation_params.dir / folder
    base = place / file_name(item.nodeid)
    try:
        place.mkdir(parents=True, exist_ok=True)
        trace = base.with_name(base.name + ".pcapng")
        save_trace(vehicle, trace)
        kept = [("vehicle_trace", trace)]
        for expectation in vehicle.reported[-1:]:
            plot = base.with_name(base.name + ".png")
            if save_plot(vehicle, expectation, plot):
                kept.append(("vehicle_plot", plot))
    except Exception as error:  # noqa: BLE001 - the failure of the test must not be lost over this
        item.add_report_section("call", "vehicle", f"trace or plot could not be kept: {error}")
        return
    item.user_properties += [(name, str(path)) for name, path in kept]
    lines = [str(path) for _, path in kept]
    if not vehicle.reported:
        lines.insert(0, f"at {vehicle.now_s:.6f} s; seed {vehicle.seed}; repeat with: {vehicle.repeat}")
    item.add_report_section("call", "vehicle", "\n".join(lines))


def drop_artifacts(item: pytest.Item) -> None:
    """A test that passes leaves nothing: not what an earlier run of it has left either."""
    folder = item.config.getoption("vehicle_artifacts")
    place = item.config.invocation_params.dir / folder
    if not folder or not place.is_dir():
        return
    base = place / file_name(item.nodeid)
    for ending in (".pcapng", ".png"):
        base.with_name(base.name + ending).unlink(missing_ok=True)


def file_name(test: str) -> str:
    """A test's name as a file may be called; long ones are cut, and stay different."""
    plain = re.sub(r"[^\w.-]+", "_", test.rpartition("/")[2]).strip("_")
    return plain if len(plain) < 100 else f"{plain[:90]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Let a skip stand where its test does, put a failure in one line, and give pytest-html what the test has left."""
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and call.excinfo is not None and uses_vehicle(item):
        crash.message = _in_one_line(call.excinfo.value) or crash.message
    if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[0].startswith(_HERE):
        report.longrepr = (str(item.path), (item.location[1] or 0) + 1, report.longrepr[2])
    if call.when == "call" and report.failed and item.config.pluginmanager.hasplugin("html") and uses_vehicle(item):
        extras = importlib.import_module("pytest_html").extras

        found = dict(item.user_properties)
        more = list(getattr(report, "extras", []))
        if "vehicle_trace" in found:
            more.append(extras.url(str(found["vehicle_trace"]), name="trace"))
        if "vehicle_plot" in found:
            # As bytes: a report that holds everything itself must not point to a file.
            more.append(extras.png(b64encode(Path(str(found["vehicle_plot"])).read_bytes()).decode()))
        report.extras = more
    return report


def _in_one_line(error: BaseException) -> str | None:
    """What the short summary and JUnit XML say of an error of this room: what was expected, what came, and why."""
    from gateway.hil.errors import ExpectationError, HilError

    if not isinstance(error, ExpectationError | HilError):
        return None
    return "; ".join(takewhile(lambda line: not line.startswith("from "), str(error).split("\n")))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where seeds were swept: which of them broke what."""
    config = terminalreporter.config
    if not config.getoption("vehicle_seed_range"):
        return
    from gateway.hil.sweep import PROPERTY, Outcome, summary

    outcomes = []
    for word in ("passed", "failed"):
        for report in terminalreporter.stats.get(word, []):
            seed = dict(report.user_properties).get(PROPERTY)
            if report.when == "call" and seed is not None:
                outcomes.append(Outcome(report.nodeid, int(str(seed)), report.passed))
    lines = summary(outcomes)
    if lines:
        terminalreporter.section("seeds that break tests")
        for line in lines:
            terminalreporter.line(line)
