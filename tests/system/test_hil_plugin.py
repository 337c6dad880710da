"""The pytest plugin as a user has it: whole pytest runs in a folder of their own."""

from __future__ import annotations

import contextlib
import importlib
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from gateway.trace import Event, open_reader

# So that the runs inside this process need not import them again.
for name in (
    "gateway.hil.artifacts",
    "gateway.hil.opening",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "pytest_html",
):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)

pytest_plugins = ["pytester"]

VEHICLE = """\
vehicle: two-lamps
buses:
  body: {kind: can, bitrate: 125k, database: body.dbc}
  front: {kind: can, bitrate: 500k, database: front.dbc}
ecus:
  Switch: {on: [body], behaviour: ecus.py:Switch}
  Lamp: {on: [front], behaviour: ecus.py:Lamp}
gateway:
  latency: 1ms
  routes:
    - {from: body.Button.Pressed, to: front.Wish.Light, send: on_change}
  signals: signals.json
"""
DATABASE = """\
VERSION ""
BU_: Switch Lamp GW
BO_ 256 {message}: 2 {sender}
 SG_ {signal} : 0|1@1+ (1,0) [0|1] "" GW
 SG_ Level : 8|8@1+ (0.5,0) [0|100] "%" GW
{more}
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 60000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 50;
VAL_ 256 {signal} 0 "Off" 1 "On" ;
"""
LAMP = """\
BO_ 257 Light: 1 Lamp
 SG_ Lit : 0|1@1+ (1,0) [0|1] "" GW
"""
ECUS = """\
from gateway.ecu import Ecu, every, on


class Switch:
    def __init__(self, ecu: Ecu) -> None:
        self.finger = ecu.input("finger", False)
        self.pressed = ecu.tx("Button.Pressed")

    @every("10ms")
    def scan(self) -> None:
        self.pressed.value = "On" if self.finger.on else "Off"


class Lamp:
    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.wish = ecu.rx("Wish.Light")
        self.lit = ecu.tx("Light.Lit")

    @on("Wish")
    def follow(self) -> None:
        self.lit.value = self.wish.value
        self.ecu.send("Light")
"""
SIGNALS = """\
{"Vehicle": {"type": "branch", "description": "v", "children": {"IsLit": {
 "type": "sensor", "datatype": "boolean", "description": "l",
 "dbc2vss": {"signal": "front.Light.Lit", "on_change": true, "transform": {"mapping": [
  {"from": 0, "to": false}, {"from": 1, "to": true}]}}}}}}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a small vehicle: a button, a gateway, a lamp."""
    monkeypatch.delenv("GATEWAY_VCAN", raising=False)
    pytester.makefile(".yaml", vehicle=VEHICLE)
    pytester.makefile(
        ".dbc",
        body=DATABASE.format(message="Button", sender="Switch", signal="Pressed", more=""),
        front=DATABASE.format(message="Wish", sender="GW", signal="Light", more=LAMP),
    )
    pytester.makefile(".json", signals=SIGNALS)
    pytester.makepyfile(ecus=ECUS)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def run(project: pytest.Pytester, body: str, *arguments: str) -> pytest.RunResult:
    """pytest on one file with these tests."""
    project.makepyfile(test_it="from gateway.hil import faults, near, ramp, raw, sine, step\n" + body)
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-Wdefault", *arguments)


PASSES = """
async def test_light(vehicle):
    await vehicle.run_for("100ms")
    vehicle.ecu("Switch").input("finger").value = True
    await vehicle["front"].expect("Light", Lit=1, within="100ms")
    assert await vehicle.signal("Vehicle.IsLit").becomes(True, within="10ms")
"""


def test_a_test_needs_no_marker_and_no_ini(project: pytest.Pytester) -> None:
    run(project, PASSES).assert_outcomes(passed=1)


def test_other_tests_keep_their_loop(project: pytest.Pytester) -> None:
    body = PASSES + (
        "import asyncio, pytest\n"
        "from gateway.sim import SimulationLoop\n"
        "@pytest.mark.asyncio\n"
        "async def test_other():\n"
        "    assert not isinstance(asyncio.get_running_loop(), SimulationLoop)\n"
        "    await asyncio.sleep(0.001)\n"
        "def test_plain(): pass\n"
    )
    result = run(project, body, "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*::test_other PASSED*"])  # no parameter in its name


def test_a_fixture_named_vehicle_of_somebody_else_is_left_alone(project: pytest.Pytester) -> None:
    body = "import pytest\n@pytest.fixture\ndef vehicle(): return 'my own'\ndef test(vehicle): assert vehicle == 'my own'\n"
    run(project, body).assert_outcomes(passed=1)


WRONG: Final = (
    ('vehicle["body"].expect("Button", within="1s")', "never awaited*test_it.py:*: body.Button within 1s*"),
    ('vehicle.run_for("1s")', "never awaited*test_it.py:*: run_for('1s')*"),
    ('assert vehicle["body"].expect("Button", within="1s")', "*write `await` before it*"),
    ('await vehicle["boddy"].expect("Button", within="1s")', "*no bus 'boddy'*did you mean 'body'*"),
    ('await vehicle["body"].expect("Buton", within="1s")', "*no message 'Buton' on body (did you mean 'Button'?)*"),
    ('await vehicle["body"].expect("Button", Presed="On", within="1s")', "*no signal 'Presed'*'Pressed'*"),
    ('await vehicle["body"].expect("Button", Pressed="Onn", within="1s")', "*no value 'Onn' (did you mean 'On'?)*"),
    ('await vehicle["body"].expect("Button", Level=200, within="1s")', "*Level*200*raw(...)*"),
    ('vehicle["body"].send("Button", Level=200)', "*Level*200*raw(...) sends any bits all the same*"),
    ('vehicle["body"].send("Button", Level=raw(300))', "*raw(300) does not fit into its 8 bits (0 to 255)*"),
    ('await vehicle["body"].expect("Button", within="soon")', "*within: 'soon' is not a duration*"),
    ('await vehicle["body"].expect("Button", within=1)', "*within=1 is not a duration*unit*"),
    ('await vehicle.signal("Vehicle.IsLitt").becomes(True, within="1s")', "*'Vehicle.IsLitt'*'Vehicle.IsLit'*"),
    ('await vehicle.signal("Vehicle.IsLit").becomes("maybe", within="1s")', "*Vehicle.IsLit can never be that*"),
    ('vehicle.signal("Vehicle.IsLit").actuate(True)', "*Vehicle.IsLit is no actuator*"),
    ('vehicle.ecu("Lamb").kill()', "*no ECU 'Lamb'*'Lamp'*"),
    (
        'vehicle.ecu("Switch").input("fingr").value = 1; await vehicle.run_for("50ms")',
        "*no input 'fingr'*'finger'*",
    ),
    ('vehicle.route("body.Button -> front")', "*no route 'body.Button -> front'*body.Button.Pressed*"),
    ('vehicle.fault(faults.CounterStuck("body.Button"))', "*body.Button is not protected*"),
    ('vehicle.fault(faults.Lost("body.Button", probability=7))', "*a probability of 7 cannot be*"),
    ('vehicle.fault(faults.Lost("Button"))', "*'Button' is no bus: with its bus the message is called body.Button*"),
    ('vehicle.at("1s", "Switch")', "*'Switch' is neither a fault nor something to call*"),
    ('vehicle.fault("Switch")', "*'Switch' is no fault: write one of gateway.hil.faults*"),
    ("vehicle.fault(faults.Killed)", "*is no fault*"),
    ('assert vehicle.signal("Vehicle.IsLit")', "*<signal Vehicle.IsLit> is not its value*ask for .value*"),
    ('assert vehicle.signal("Vehicle.IsLit") != True', "*<signal Vehicle.IsLit> is not its value*compare .value*"),
    ('assert vehicle.ecu("Switch").input("finger") == 1', "*<input finger> is not its value*compare .value*"),
    ("vehicle.body.send('Button')", "*no attribute 'body': a bus is asked for as vehicle?'body'?*"),
    ('vehicle.ecu("Switch").override("Button.Presed", "On")', "*no signal 'Presed'*'Pressed'*"),
    ('await vehicle.run_for("1s"); await vehicle.run_until("100ms")', "*100ms has passed*1.000000 s*"),
    (
        'vehicle.at("10ms", faults.Lost("body.Buton")); await vehicle.run_for("20ms")',
        "*no message 'Buton'*'Button'*",
    ),
)


def test_what_cannot_be_is_told(project: pytest.Pytester) -> None:
    body = "".join(f"async def test_{index}(vehicle):\n    {line}\n" for index, (line, _) in enumerate(WRONG))
    project.makepyfile(test_it="from gateway.hil import faults, raw\n" + body)
    reports = project.inline_run("-p", "no:cacheprovider").getreports("pytest_runtest_logreport")
    told = {report.nodeid.rpartition("_")[2]: report.longreprtext for report in reports if report.failed}
    for index, (line, sentence) in enumerate(WRONG):
        assert fnmatch(" ".join(told[str(index)].split()), f"*{sentence}*".replace("[", "[[]")), (
            f"{line}: {told[str(index)]}"
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--vehicle-clock=virtual", "--vehicle-link", "body=vcan0"],
            "*bus body is linked to vcan0*cannot be in virtual time*",
        ),
        (["--vehicle-real", "Lamp"], "*Lamp cannot be real in virtual time*"),
        (["--vehicle-link", "bdy=vcan0"], "*link for a bus 'bdy'*'body'*"),
        (["--vehicle-link", "body"], "*write BUS=CHANNEL*"),
        (["--vehicle=nowhere.yaml"], "*nowhere.yaml: cannot be read*"),
    ],
)
def test_options_that_cannot_be_are_told(project: pytest.Pytester, arguments: list[str], sentence: str) -> None:
    result = run(project, PASSES, *arguments)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([sentence])
    assert "Traceback" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_a_failure_tells_what_came_instead(project: pytest.Pytester) -> None:
    body = (
        "async def test(vehicle):\n"
        '    await vehicle.run_for("100ms")\n'
        '    await vehicle["front"].expect("Wish", Light="On", within="200ms")\n'
    )
    result = run(project, body, "--vehicle-seed", "7")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*front.Wish with Light=On within 200ms",
            "*but: not within 200 ms",
            "*why: front.Wish last came at *r1 body.Button.Pressed -> front.Wish.Light filtered it: unchanged*",
            "*front.Wish came between 0.100000 s and 0.300000 s*",
            "*routes that lead to it:*",
            "*r1 body.Button.Pressed -> front.Wish.Light (vehicle.yaml:11): received at *, filtered: unchanged*",
            "*seed 7; repeat with: pytest 'test_it.py::test' --vehicle-seed 7*",
            "*Captured vehicle call*",
            "*.vehicle-artifacts/test_it.py_test.pcapng",
        ]
    )
    with open_reader(project.path / ".vehicle-artifacts" / "test_it.py_test.pcapng") as reader:
        told = [record.text for record in reader.records() if isinstance(record, Event) and "test:" in record.text]
    assert told == [
        "test: from here on it expects front.Wish with Light=On within 200ms (test_it.py:4)",
        "test: it has not got front.Wish with Light=On within 200ms: not within 200 ms",
    ]


def test_a_plot_is_kept_beside_the_trace(project: pytest.Pytester) -> None:
    pytest.importorskip("matplotlib")
    body = 'async def test(vehicle):\n    await vehicle["body"].expect("Button", Pressed="On", within="1s")\n'
    result = run(project, body, "--vehicle-artifacts=kept")
    result.assert_outcomes(failed=1)
    assert (project.path / "kept" / "test_it.py_test.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_names_the_faults_where_they_began(project: pytest.Pytester) -> None:
    pytest.importorskip("matplotlib")
    project.makeconftest(
        "import pytest\nfrom matplotlib.axes import Axes\n"
        "@pytest.fixture(autouse=True)\n"
        "def marks(monkeypatch):\n"
        "    monkeypatch.setattr(Axes, 'annotate', lambda self, text, at, **_: print(f'mark {at[0]} {text}'))\n"
    )
    body = (
        "async def test(vehicle):\n"
        '    vehicle.at("200ms", faults.Lost("body.Button"), lasting="100ms")\n'
        '    vehicle.at("400ms", faults.Killed("Lamp"))\n'
        '    await vehicle["body"].expect("Button", Pressed="On", within="1s")\n'
    )
    result = run(project, body, "-s")
    result.stdout.fnmatch_lines(["*mark 0.2 Lost(*body.Button*", "*mark 0.4 Killed(ecu='Lamp')"])


def test_junit_xml_names_seed_trace_and_plot(project: pytest.Pytester) -> None:
    body = 'async def test(vehicle):\n    await vehicle["body"].expect("Button", Pressed="On", within="1s")\n'
    run(project, body, "--junitxml=report.xml", "--vehicle-seed=3").assert_outcomes(failed=1)
    properties = {
        element.get("name"): element.get("value")
        for element in ElementTree.parse(project.path / "report.xml").iter("property")
    }
    failure = next(ElementTree.parse(project.path / "report.xml").iter("failure"))
    assert "\n" not in str(failure.get("message"))
    assert "but: not within 1 s; why: in the nearest of" in str(failure.get("message"))
    assert properties["vehicle_seed"] == "3"
    assert Path(str(properties["vehicle_trace"])).exists()


def test_junit_xml_says_first_that_the_sender_has_stopped(project: pytest.Pytester) -> None:
    body = (
        "async def test(vehicle):\n"
        '    vehicle.at("500ms", faults.Killed("Switch"))\n'
        '    await vehicle["body"].expect("Button", Pressed="On", within="2s")\n'
    )
    run(project, body, "--junitxml=report.xml").assert_outcomes(failed=1)
    message = str(next(ElementTree.parse(project.path / "report.xml").iter("failure")).get("message"))
    stopped, nearest = message.index("its sender Switch has no power since 0.500 s"), message.index("in the nearest of")
    assert stopped < nearest
    assert "at work: Killed(ecu='Switch'), since 0.500000 s (test_it.py:3)" in message


def test_an_error_ends_where_the_test_stands(project: pytest.Pytester) -> None:
    body = (
        "from gateway.hil import column\n"
        'async def test_play(vehicle):\n    vehicle["body"].play("no.log")\n'
        'async def test_column(vehicle):\n    vehicle["body"].periodic("Button", every="10ms", Level=column("l.csv", "x"))\n'
    )
    (project.path / "l.csv").write_text("t,x\n0,0\n1,200\n")
    result = run(project, body)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*no.log: cannot be opened*", "test_it.py:4: TraceError", "*l.csv:3: *Level*200*", "test_it.py:6: HilError"]
    )
    for word in ("direct cause", "During handling", "Traceback"):
        assert word not in result.stdout.str()


def test_what_a_failed_run_has_left_is_taken_away_by_one_that_passes(project: pytest.Pytester) -> None:
    fails = 'async def test(vehicle):\n    await vehicle["body"].expect("Button", Pressed="{}", within="1s")\n'
    run(project, fails.format("On")).assert_outcomes(failed=1)
    assert (project.path / ".vehicle-artifacts" / "test_it.py_test.pcapng").exists()
    run(project, fails.format("Off")).assert_outcomes(passed=1)
    assert list((project.path / ".vehicle-artifacts").iterdir()) == []


def test_inside_gateway_vcan_the_command_that_repeats_begins_with_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_VCAN", "body,front")
    result = run(project, 'async def test(vehicle):\n    await vehicle["body"].expect(0x7FF, within="1s")\n')
    result.stdout.fnmatch_lines(["*repeat with: gateway vcan --names body,front -- pytest 'test_it.py::test' *"])


def test_pytest_html_links_the_trace(project: pytest.Pytester) -> None:
    pytest.importorskip("pytest_html")
    body = 'async def test(vehicle):\n    await vehicle["body"].expect("Button", Pressed="On", within="1s")\n'
    project.makepyfile(test_it=body)
    options = ("--html=report.html", "--self-contained-html")
    project.runpytest_subprocess("-p", "no:cacheprovider", *options).assert_outcomes(failed=1)
    report = (project.path / "report.html").read_text()
    assert "test_it.py_test.pcapng" in report
    if find_spec("matplotlib"):
        assert "data:image/png;base64" in report


def test_a_fault_that_is_left_behind_is_reported(project: pytest.Pytester) -> None:
    body = 'async def test(vehicle):\n    vehicle.fault(faults.Lost("body.Button"))\n    await vehicle.run_for("1s")\n'
    result = run(project, body)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*test_it.py:3: FaultLeftBehindWarning: Lost(*body.Button*was left behind*"])


def test_a_fault_that_is_left_in_a_shared_vehicle_is_taken_out(project: pytest.Pytester) -> None:
    body = (
        'async def test_one(vehicle):\n    vehicle.ecu("Switch").kill()\n    await vehicle.run_for("1s")\n'
        'async def test_two(vehicle):\n    await vehicle["body"].expect("Button", within="200ms")\n'
    )
    result = run(project, body, "--vehicle-scope=module")
    result.assert_outcomes(passed=2, warnings=1)


def test_an_ecu_that_fails_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile(ecus=ECUS.replace("self.lit.value = self.wish.value", "self.lit.value = 1 / 0"))
    body = (
        'async def test(vehicle):\n    await vehicle.run_for("100ms")\n'
        '    vehicle.ecu("Switch").input("finger").value = True\n    await vehicle.run_for("1s")\n'
    )
    result = run(project, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Lamp is silent from *ecus.py:*ZeroDivisionError*"])


def test_an_ecu_that_fails_is_told_once_where_the_expectation_tells_it(project: pytest.Pytester) -> None:
    project.makepyfile(ecus=ECUS.replace("self.lit.value = self.wish.value", "self.lit.value = 1 / 0"))
    body = (
        "async def test(vehicle):\n"
        '    await vehicle.run_for("100ms")\n'
        '    vehicle.ecu("Switch").input("finger").value = True\n'
        '    await vehicle["front"].expect("Light", Lit=1, within="1s")\n'
    )
    result = run(project, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ECU failed: Lamp is silent from *ZeroDivisionError*", "*why: * its sender Lamp *"])


def test_a_racy_test_is_found_by_a_range_of_seeds(project: pytest.Pytester) -> None:
    """The lamp's ECU boots at a time that the seed draws; a test that counts on its being awake at 9.9 ms is racy."""
    body = (
        "async def test_racy(vehicle):\n"
        '    await vehicle.run_until("9900us")\n'
        '    assert vehicle.ecu("Lamp").behaviour is not None\n'
    )
    result = run(project, body, "--vehicle-seed-range=1..200", "-q")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] + outcomes["failed"] == 200
    assert 1 <= outcomes["failed"] <= 20
    result.stdout.fnmatch_lines(
        [
            "*seeds that break tests*",
            "*test_racy: broken by * of 200 seeds: *",
            "*repeat with: pytest 'test_it.py::test_racy' --vehicle-seed *",
        ]
    )


def test_seeds_are_swept_in_parallel(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    result = run(project, PASSES, "--vehicle-seed-range=1..12", "-n2")
    result.assert_outcomes(passed=12)


def test_a_range_that_is_none_is_told(project: pytest.Pytester) -> None:
    result = run(project, PASSES, "--vehicle-seed-range=many")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*'many' is no range of seeds*"])


def test_the_marker_chooses_file_and_seed(project: pytest.Pytester) -> None:
    project.makefile(".yaml", other=VEHICLE.replace("two-lamps", "another"))
    body = (
        "import pytest\n"
        '@pytest.mark.vehicle("other.yaml", seed=5)\n'
        "async def test(vehicle):\n"
        '    assert (vehicle.simulated.name, vehicle.seed) == ("another", 5)\n'
        "@pytest.mark.vehicle(seeds=[1, 2])\n"
        "async def test_both(vehicle):\n    assert vehicle.seed in {1, 2}\n"
    )
    run(project, body).assert_outcomes(passed=3)
