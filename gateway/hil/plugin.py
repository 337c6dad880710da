"""The pytest plugin: the fixture `vehicle`, its options, and what a test's end has to look at.

It is loaded in every pytest run of an environment, so it imports nothing of a vehicle until a test asks for one. Tests
that use the fixture run in a loop of the vehicle's time (pytest-asyncio's hook for loops, from 1.4 on); all others run
as they would without this plugin.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import warnings
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from gateway.hil.opening import Setup
    from gateway.hil.vehicle import VehicleUnderTest

FIXTURE: Final = "vehicle"
_OURS: Final = "_gateway_vehicle"
_SCOPES: Final = ("function", "module", "session")
_Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


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
    config.pluginmanager.register(_fixtures(config), "vehicle-fixtures")


def pytest_report_header(config: pytest.Config) -> str | None:
    links = [*config.getoption("vehicle_link"), *(f"{ecu} is real" for ecu in config.getoption("vehicle_real"))]
    return f"vehicle: {', '.join(links)}" if links else None


# The fixtures


def _fixtures(config: pytest.Config) -> ModuleType:
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
        from gateway.hil.opening import Bench

        try:
            bench = Bench(setup_of(request.config, request.node, vehicle_seed))
            opened = await bench.__aenter__()
        except GatewayError as error:
            pytest.fail(str(error), pytrace=False)
        opened.shared = scope != "function"
        yield opened
        problem = None
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


# Loops


def _virtual_loop() -> asyncio.AbstractEventLoop:
    from gateway.sim import Clock, Kernel, SimulationLoop

    return SimulationLoop(Kernel(), Clock.VIRTUAL)


def _wall_loop() -> asyncio.AbstractEventLoop:
    from gateway.sim import Clock, Kernel, SimulationLoop

    return SimulationLoop(Kernel(), Clock.WALL)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> _Loops | None:
    """The vehicle's loop for tests that use the fixture, directly or through another."""
    if not _uses_vehicle(item):
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


def _uses_vehicle(item: Any) -> bool:
    info = getattr(item, "_fixtureinfo", None)
    return info is not None and _has_ours(info.name2fixturedefs.get(FIXTURE))


def _has_ours(definitions: Any) -> bool:
    return any(hasattr(definition.func, _OURS) for definition in definitions or ())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Generator[None, Any, Any]:
    """A coroutine that takes a vehicle is an asyncio test, whatever mode pytest-asyncio is in."""
    function = getattr(obj, "__func__", obj)
    if inspect.iscoroutinefunction(function) and FIXTURE in inspect.signature(function).parameters:
        definitions = collector.session._fixturemanager.getfixturedefs(FIXTURE, collector)
        if collector.funcnamefilter(name) and _has_ours(definitions) and not _asyncio_marked(function):
            pytest.mark.asyncio(loop_scope=collector.config.getoption("vehicle_scope"))(function)
    return (yield)


def _asyncio_marked(function: Any) -> bool:
    return any(mark.name == "asyncio" for mark in getattr(function, "pytestmark", ()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    """One test for each seed, where seeds are swept; and a loop that lives as long as the vehicle."""
    if _uses_vehicle(metafunc.definition):
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
    if scope != "function" and _uses_vehicle(item):
        item.add_marker(pytest.mark.asyncio(loop_scope=scope), append=False)


# A test's end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    if not _uses_vehicle(item):
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
    from gateway.hil.errors import ImpossibleOnLinkError

    vehicle.repeat = _repeat(item, vehicle)
    item.user_properties.append(("vehicle_seed", vehicle.seed))
    try:
        result = yield
        _finish(vehicle)
    except ImpossibleOnLinkError as error:
        vehicle.clean()
        pytest.skip(str(error))
    except Exception as error:
        for late in vehicle.late_errors:
            if isinstance(late, ImpossibleOnLinkError):
                vehicle.clean()
                pytest.skip(str(late))
        _keep_artifacts(item, vehicle)
        vehicle.clean()
        _end_in_the_test(error)
        raise
    finally:
        vehicle.reported.clear()
    return result


def _vehicle_of(item: Any) -> VehicleUnderTest | None:
    if not _uses_vehicle(item):
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
    ours = str(Path(__file__).parents[1])
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
    parts = [f"pytest '{without_seed(item.nodeid)}' --vehicle-seed {vehicle.seed}"]
    if config.getoption("vehicle"):
        parts.append(f"--vehicle={config.getoption('vehicle')}")
    parts += [f"--vehicle-link {link}" for link in config.getoption("vehicle_link")]
    parts += [f"--vehicle-real {ecu}" for ecu in config.getoption("vehicle_real")]
    return " ".join(parts)


def _keep_artifacts(item: pytest.Item, vehicle: VehicleUnderTest) -> None:
    """Trace and plot into the folder for artifacts, and their places into the report."""
    folder = item.config.getoption("vehicle_artifacts")
    if not folder:
        return
    from gateway.hil.artifacts import file_name, save_plot, save_trace

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
    lines = [f"seed {vehicle.seed}; repeat with: {vehicle.repeat}", *(str(path) for _, path in kept)]
    item.add_report_section("call", "vehicle", "\n".join(lines))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Give pytest-html what the test has left, where that plugin is there."""
    report = yield
    if call.when == "call" and report.failed and item.config.pluginmanager.hasplugin("html") and _uses_vehicle(item):
        extras = importlib.import_module("pytest_html").extras

        found = dict(item.user_properties)
        more = list(getattr(report, "extras", []))
        if "vehicle_trace" in found:
            more.append(extras.url(str(found["vehicle_trace"]), name="trace"))
        if "vehicle_plot" in found:
            more.append(extras.image(str(found["vehicle_plot"])))
        report.extras = more
    return report


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
