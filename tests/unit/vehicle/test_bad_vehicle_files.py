"""Every mistake in a vehicle project is told with a sentence, its file and its line; several of them at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.database import Severity
from gateway.errors import GatewayError
from gateway.sim import Kernel
from gateway.vehicle import RunOptions, drive, load, read_vehicle
from gateway.vehicle.checks.check import check

from .conftest import Project


class Mistake(NamedTuple):
    """In `file`, `old` becomes `new`; told is `sentence`, at the line of `at` in `where` (the file itself if empty)."""

    name: str
    old: str
    new: str
    sentence: str
    at: str = ""
    where: str = "vehicle.yaml"
    file: str = "vehicle.yaml"


MOTOR_ON = "Motor: {on: powertrain, behaviour: ecus/motor.py:Motor}"
FRAME = "- {from: powertrain.MotorStatus, to: body}"
SIGNAL = "- {from: powertrain.VehicleSpeed.Speed, to: body.ClusterInfo.DisplaySpeed, scale: 1.03, timeout: 100ms}"
PROTECT = "powertrain.VehicleSpeed: {counter: Counter, checksum: Checksum, algorithm: crc8-j1850}"
POWERTRAIN = "powertrain: {kind: can, bitrate: 500k, database: dbc/powertrain.dbc}"
BODY = "body: {kind: can, bitrate: 125k, database: dbc/body.dbc}"

MISTAKES = [
    # Names
    Mistake(
        "unknown bus of an ECU",
        MOTOR_ON,
        "Motor: {on: powertrian, behaviour: ecus/motor.py:Motor}",
        "Motor is on a bus 'powertrian' that is not there (did you mean 'powertrain'?)",
        "powertrian",
    ),
    Mistake(
        "unknown bus of a route",
        FRAME,
        "- {from: powertrain.MotorStatus, to: bodi}",
        "there is no bus 'bodi' (did you mean 'body'?)",
        "bodi",
    ),
    Mistake(
        "unknown ECU",
        MOTOR_ON,
        MOTOR_ON + "\n  Lampz: {on: body}",
        "there is no node 'Lampz' in the database of body (did you mean 'Lamps'?)",
        "Lampz",
    ),
    Mistake(
        "unknown node",
        MOTOR_ON,
        "Engine: {on: powertrain, node: Mottor, behaviour: ecus/motor.py:Motor}",
        "there is no node 'Mottor' in the database of powertrain (did you mean 'Motor'?)",
        "Mottor",
    ),
    Mistake(
        "one node twice",
        MOTOR_ON,
        MOTOR_ON + "\n  Engine: {on: powertrain, node: Motor}",
        "Engine and Motor both are the node 'Motor'",
        "Engine:",
    ),
    Mistake("an ECU with the gateway's name", MOTOR_ON, MOTOR_ON + "\n  GW: {on: body}", "GW is the gateway", "GW: {"),
    Mistake(
        "unknown message",
        FRAME,
        "- {from: powertrain.MotorState, to: body}",
        "there is no message 'MotorState' on powertrain (did you mean 'MotorStatus'?)",
        "MotorState,",
    ),
    Mistake(
        "unknown signal",
        SIGNAL,
        "- {from: powertrain.VehicleSpeed.Sped, to: body.ClusterInfo.DisplaySpeed}",
        "message powertrain.VehicleSpeed has no signal 'Sped' (did you mean 'Speed'?)",
        "Sped",
    ),
    Mistake(
        "an identifier of 29 bits without its x",
        FRAME,
        "- {from: powertrain.0x18DAF110, to: body}",
        "0x18DAF110 is above 0x7ff; 29 bits are written 0x18DAF110x",
        "18DAF110",
    ),
    Mistake("half a name", FRAME, "- {from: powertrain., to: body}", "'powertrain.' names nothing", "powertrain.,"),
    Mistake(
        "a name that no bus can have",
        BODY,
        BODY + "\n  a.b: {database: dbc/body.dbc}",
        "'a.b' cannot be the name of a bus",
        "a.b",
    ),
    # Units, keys, types
    Mistake(
        "a duration without unit",
        "latency: 200us",
        "latency: 200",
        "gateway.latency: '200' is not a duration",
        "latency: 200",
    ),
    Mistake(
        "wrong unit", "latency: 200us", "latency: 200usec", "gateway.latency: '200usec' is not a duration", "200usec"
    ),
    Mistake(
        "wrong bit rate", "bitrate: 500k", "bitrate: fast", "buses.powertrain.bitrate: 'fast' is not a bit rate", "fast"
    ),
    Mistake(
        "a bit rate above CAN's", "bitrate: 500k", "bitrate: 5M", "a nominal bit rate of 5000000 bit/s is outside", "5M"
    ),
    Mistake(
        "a data bit rate without CAN FD",
        "kind: can, bitrate: 500k",
        "kind: can, data_bitrate: 2M, bitrate: 500k",
        "bus powertrain has a data_bitrate, so its kind must be canfd",
        "2M",
    ),
    Mistake(
        "unknown kind",
        "kind: can, bitrate: 500k",
        "kind: flexray, bitrate: 500k",
        "buses.powertrain.kind: input should be 'can', 'canfd' or 'lin'",
        "flexray",
    ),
    Mistake(
        "unknown key",
        "bitrate: 500k",
        "bitrat: 500k",
        "unknown key 'bitrat' (did you mean 'bitrate'?)",
        "bitrat: 500k",
    ),
    Mistake(
        "unknown key at the top", "gateway:\n", "gatway:\n", "unknown key 'gatway' (did you mean 'gateway'?)", "gatway"
    ),
    Mistake(
        "duplicate key",
        BODY,
        f"{BODY}\n  body: {{}}",
        "'body' is given twice; the first is in line 8",
        "body: {}",
    ),
    Mistake(
        "a list where a word belongs",
        "vehicle: my-car",
        "vehicle: [a]",
        "vehicle: input should be a valid string",
        "[a]",
    ),
    Mistake("no name", "vehicle: my-car", "", "vehicle is missing", "buses:"),
    Mistake(
        "a queue that is too long", "latency: 200us", "queue: 65", "gateway.queue: input should be less than", "queue"
    ),
    # Routes
    Mistake(
        "two routes back and forth",
        FRAME,
        FRAME + "\n    - {from: body.MotorStatus, to: powertrain}",
        "a route loop: r2 and r1 lead body.MotorStatus back to body",
        "body.MotorStatus",
    ),
    Mistake(
        "two routes of whole buses",
        FRAME,
        "- {from: powertrain.*, to: body}\n    - {from: body, to: powertrain}",
        "a route loop: r2 and r1 lead body back to body",
        "from: body,",
    ),
    Mistake(
        "a bus back to where one of its messages came from",
        FRAME,
        "- {from: powertrain.*, to: body}\n    - {from: body.0x700, to: powertrain}",
        "a route loop: r2 and r1 lead body.0x700 back to body",
        "0x700",
    ),
    Mistake(
        "a route to its own bus",
        FRAME,
        "- {from: powertrain.MotorStatus, to: powertrain.0x10}",
        "a route must lead to another bus than powertrain",
        "0x10",
    ),
    Mistake(
        "a longer frame",
        FRAME,
        "- {from: powertrain.MotorStatus, to: body.ClusterInfo}",
        "powertrain.MotorStatus has 4 bytes, and body.ClusterInfo only 2: it would need a longer frame",
        "powertrain.MotorStatus",
    ),
    Mistake(
        "a whole bus to one identifier",
        FRAME,
        "- {from: powertrain.*, to: body.0x10}",
        "all frames of powertrain cannot get the one identifier",
        "0x10",
    ),
    Mistake(
        "a frame to a signal",
        SIGNAL,
        "- {from: powertrain.VehicleSpeed, to: body.ClusterInfo.DisplaySpeed}",
        "a route leads from a frame to a bus, or from a signal to a signal",
        "DisplaySpeed",
    ),
    Mistake(
        "scale of a frame",
        FRAME,
        "- {from: powertrain.MotorStatus, to: body, scale: 2}",
        "'scale' is for signals",
        "scale: 2",
    ),
    Mistake(
        "condition syntax",
        FRAME,
        '- {from: powertrain.MotorStatus, to: body, when: "Rpm >"}',
        "when: ",
        "Rpm >",
    ),
    Mistake(
        "condition on an unknown signal",
        FRAME,
        '- {from: powertrain.MotorStatus, to: body, when: "Rmp > 1"}',
        "'Rpm'",
        "Rmp",
    ),
    Mistake(
        "condition on a bus",
        FRAME,
        '- {from: powertrain.*, to: body, when: "1"}',
        "a condition (`when`) needs a route from one message",
        'when: "1"',
    ),
    Mistake(
        "on_timeout out of range",
        "timeout: 100ms}",
        "timeout: 100ms, on_timeout: 900}",
        "on_timeout: ClusterInfo.DisplaySpeed cannot be 900: allowed is 0 to 310 km/h",
        "on_timeout",
    ),
    Mistake(
        "map from an unknown label",
        SIGNAL,
        "- {from: powertrain.MotorStatus.State, to: body.ClusterInfo.DisplaySpeed, map: {Redy: 1}}",
        "map: powertrain.MotorStatus.State has no value 'Redy' (did you mean 'Ready'?)",
        "Redy",
    ),
    Mistake(
        "map to an unknown label",
        SIGNAL,
        "- {from: powertrain.MotorStatus.State, to: body.LampStatus.LowBeam, map: {Ready: Onn}}",
        "map: LampStatus.LowBeam has no value 'Onn' (did you mean 'On'?)",
        "Onn",
    ),
    Mistake(
        "map and scale",
        SIGNAL,
        "- {from: powertrain.MotorStatus.State, to: body.LampStatus.LowBeam, map: {Ready: On}, scale: 2}",
        "`map` gives the values of the target as they are",
        "scale: 2",
    ),
    Mistake(
        "cyclic without a cycle",
        'BA_ "GenMsgCycleTime" BO_ 512 100;\n',
        "",
        "",
        file="dbc/body.dbc",
    ),
    # Files
    Mistake(
        "database missing",
        "database: dbc/powertrain.dbc",
        "database: dbc/powertrain2.dbc",
        "there is no file dbc/powertrain2.dbc",
        "dbc/powertrain2.dbc",
    ),
    Mistake(
        "not a database",
        "database: dbc/powertrain.dbc",
        "database: ecus/motor.py",
        "this is no database",
        where="ecus/motor.py",
    ),
    Mistake(
        "behaviour file missing",
        "ecus/motor.py:Motor",
        "ecus/moter.py:Motor",
        "there is no file ecus/moter.py (did you mean 'ecus/motor.py'?)",
        "moter",
    ),
    Mistake(
        "behaviour class missing",
        "ecus/motor.py:Motor",
        "ecus/motor.py:Moter",
        "there is no class Moter in ecus/motor.py (did you mean 'Motor'?)",
        "Moter",
    ),
    Mistake(
        "behaviour without class",
        "ecus/motor.py:Motor",
        "ecus/motor.py",
        "'ecus/motor.py' names no behaviour",
        "motor.py",
    ),
    Mistake(
        "behaviour syntax",
        "    def step(self) -> None:",
        "    def step(self) -> None: (",
        "is not Python: '(' was never closed",
        "def step",
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    Mistake(
        "behaviour import",
        "from gateway.ecu import Ecu, every",
        "from gateway.ecu import Ecu, evry",
        "cannot be loaded: ImportError: cannot import name 'evry'",
        "evry",
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    Mistake(
        "behaviour that ends the program",
        "STEP_S = 0.01",
        "raise SystemExit(3)",
        "cannot be loaded: SystemExit: 3",
        "SystemExit",
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    Mistake(
        "behaviour with a wrong period",
        '@every("10ms")',
        '@every("10")',
        "cannot be loaded: DurationError: '10' is not a duration",
        '"10"',
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    Mistake(
        "behaviour with a wrong signal",
        'ecu.tx("VehicleSpeed.Speed")',
        'ecu.tx("VehicleSpeed.Sped")',
        "Motor: Motor: message VehicleSpeed has no signal 'Sped' (did you mean 'Speed'?)",
        "Sped",
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    Mistake(
        "behaviour that raises in its constructor",
        "self.speed_ms = 0.0",
        "self.speed_ms = 1 / 0",
        "Motor: ZeroDivisionError: division by zero",
        "1 / 0",
        "ecus/motor.py",
        "ecus/motor.py",
    ),
    # Drive cycle
    Mistake("drive cycle missing", "drive: drive.csv", "drive: driv.csv", "there is no file driv.csv", "driv.csv"),
    Mistake("no drive cycle", "drive: drive.csv", "drive: vehicle.yaml", "is no drive cycle", "# A vehicle"),
    Mistake(
        "time that goes back",
        "4.0,60.0",
        "1.0,60.0",
        "1.0 s does not come after the row before",
        "1.0,60.0",
        "drive.csv",
        "drive.csv",
    ),
    Mistake("no time", "4.0,60.0", "soon,60.0", "'soon' is not a time in seconds", "soon", "drive.csv", "drive.csv"),
    Mistake("cells", "4.0,60.0", "4.0", "has 1 cells instead of 2", "4.0", "drive.csv", "drive.csv"),
    Mistake(
        "drive cycle of an unknown ECU",
        "Motor.pedal",
        "Moter.pedal",
        "column 'Moter.pedal': there is no ECU 'Moter' (did you mean 'Motor'?)",
        "Moter",
        "drive.csv",
        "drive.csv",
    ),
    Mistake("no input", "Motor.pedal", "pedal", "column 'pedal' is not ECU.input", "time_s", "drive.csv", "drive.csv"),
    # Signals
    Mistake(
        "mapping of an unknown signal",
        "VehicleSpeed.Speed",
        "VehicleSpeed.Sped",
        "Vehicle.Speed: no database has a signal 'VehicleSpeed.Sped' (did you mean 'VehicleSpeed.Speed'?)",
        '"Speed": {',
        "dbc/signals.json",
        "dbc/signals.json",
    ),
    Mistake(
        "ambiguous mapping",
        "powertrain.MotorStatus.Temperature",
        "Temperature",
        "Vehicle.Powertrain.Temperature: 'Temperature' is in several messages; write which one",
        '"Temperature": {',
        "dbc/signals.json",
        "dbc/signals.json",
    ),
    Mistake(
        "no mapping", "signals: dbc/signals.json", "signals: dbc/no.json", "there is no file dbc/no.json", "dbc/no.json"
    ),
    Mistake(
        "mapping syntax",
        '"datatype": "int16",',
        '"datatype": "int16"',
        "is no JSON",
        '"unit": "celsius"',
        "dbc/signals.json",
        "dbc/signals.json",
    ),
    # Protection
    Mistake(
        "protection of an unknown message",
        PROTECT,
        "powertrain.VehicleSped: {counter: Counter}",
        "there is no message 'VehicleSped' on powertrain (did you mean 'VehicleSpeed'?)",
        "VehicleSped:",
    ),
    Mistake(
        "protection of a signal",
        PROTECT,
        "powertrain.VehicleSpeed.Speed: {counter: Counter}",
        "is not bus.Message",
        "Speed: {c",
    ),
    Mistake(
        "unknown algorithm",
        "crc8-j1850",
        "crc8-j1859",
        "there is no checksum algorithm 'crc8-j1859' (did you mean",
        "j1859",
    ),
    Mistake(
        "counter across bytes",
        "counter: Counter",
        "counter: Speed",
        "VehicleSpeed.Speed crosses a byte boundary",
        "counter: Speed",
    ),
    Mistake(
        "counter that is not there",
        "counter: Counter",
        "counter: Count",
        "message VehicleSpeed has no signal 'Count' (did you mean 'Counter'?)",
        "counter: Count,",
    ),
    Mistake(
        "protection of what is forwarded",
        PROTECT,
        "body.MotorStatus: {counter: State}",
        "body.MotorStatus is forwarded as it is; protect it where it is sent first",
        "body.MotorStatus",
    ),
    Mistake(
        "protection with nothing",
        PROTECT,
        "powertrain.VehicleSpeed: {}",
        "has neither counter nor checksum",
        "Speed: {}",
    ),
    # Links
    Mistake(
        "a link of an unknown bus",
        "drive: drive.csv",
        "links: {bodi: {channel: vcan0}}",
        "a link for a bus 'bodi' that is not there (did you mean 'body'?)",
        "bodi",
    ),
    Mistake(
        "a label that the signal does not have",
        FRAME,
        "- {from: powertrain.MotorStatus, to: body, when: \"State == 'Dr'\"}",
        "when: MotorStatus.State has no value 'Dr' (there are Off, Ready, Derated)",
        "State == ",
    ),
    Mistake(
        "a label of a signal without a value table",
        FRAME,
        "- {from: powertrain.MotorStatus, to: body, when: \"Temperature in ('Hot', 3)\"}",
        "when: MotorStatus.Temperature has no value table; compare it with a number",
        "Temperature in",
    ),
    # YAML
    Mistake(
        "a tab", "  name: GW", "\tname: GW", "is not YAML: found character '\\t' that cannot start any token", "\tname"
    ),
    Mistake(
        "an open brace",
        FRAME,
        "- {from: powertrain.MotorStatus, to: body",
        "is not YAML: ",
        "- {from: powertrain.VehicleSpeed",
    ),
    Mistake(
        "a control character",
        "vehicle: my-car",
        "vehicle: my\x07car",
        "is not YAML: it has the character '\\x07'",
        "my\x07",
    ),
    Mistake("a key that is a list", "drive: drive.csv", "? [a]\n: 1", "a key must be a plain word", "? [a]"),
    Mistake("unknown alias", "vehicle: my-car", "vehicle: *name", "is not YAML: found undefined alias", "*name"),
]


@pytest.mark.parametrize("mistake", [one for one in MISTAKES if one.sentence], ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_with_its_file_and_line(project: Project, mistake: Mistake) -> None:
    project.edit(mistake.file, mistake.old, mistake.new)
    checked = check([project.folder])
    told = [
        (str(Path(finding.file or "").relative_to(project.folder)), finding.line, finding.text)
        for file in checked
        for finding in file.findings
        if finding.severity is Severity.ERROR
    ]
    matching = [one for one in told if mistake.sentence in one[2]]
    assert matching, told
    line = project.line(mistake.where, mistake.at) if mistake.at else None
    assert matching[0][:2] == (mistake.where, line)
    assert len(told) == 1, "one mistake, one fault"


@pytest.mark.parametrize(
    "mistake",
    [one for one in MISTAKES if one.sentence and "constructor" not in one.name and "wrong signal" not in one.name],
    ids=lambda mistake: mistake.name,
)
def test_a_vehicle_with_a_mistake_is_not_built(project: Project, mistake: Mistake) -> None:
    project.edit(mistake.file, mistake.old, mistake.new)
    with pytest.raises(GatewayError, match=r".") as caught:
        load(project.folder, Kernel())
    assert mistake.sentence in str(caught.value)


def test_a_signal_route_is_cyclic_only_into_a_cyclic_message(project: Project) -> None:
    project.edit("dbc/body.dbc", 'BA_ "GenMsgCycleTime" BO_ 512 100;\n', "")
    project.edit("vehicle.yaml", "timeout: 100ms}", "send: cyclic}")
    with pytest.raises(GatewayError, match="ClusterInfo has no cycle time in its database") as caught:
        load(project.folder, Kernel())
    assert caught.value.line == project.line("vehicle.yaml", "send: cyclic")


def test_three_routes_in_a_ring_are_a_loop(project: Project) -> None:
    project.edit("vehicle.yaml", BODY, f"{BODY}\n  third: {{database: dbc/body.dbc, restbus: false}}")
    project.edit(
        "vehicle.yaml",
        FRAME,
        f"{FRAME}\n    - {{from: body.MotorStatus, to: third}}\n    - {{from: third.MotorStatus, to: powertrain}}",
    )
    with pytest.raises(GatewayError, match=r"a route loop: r3, r1 and r2 lead third\.MotorStatus back to third"):
        load(project.folder, Kernel())


def test_a_can_fd_message_does_not_fit_on_a_classic_bus(project: Project) -> None:
    project.edit("dbc/powertrain.dbc", "BO_ 384 MotorStatus: 4 Motor", "BO_ 384 MotorStatus: 12 Motor")
    project.edit("vehicle.yaml", "kind: can, bitrate: 500k", "kind: canfd, bitrate: 500k")
    with pytest.raises(
        GatewayError, match=r"message powertrain\.MotorStatus of 12 bytes needs CAN FD, and body has none"
    ):
        load(project.folder, Kernel())


def test_a_signal_past_the_end_of_its_message_is_not_routed(project: Project) -> None:
    project.edit("dbc/body.dbc", "DisplaySpeed : 0|16@1+", "DisplaySpeed : 8|16@1+")
    project.edit("dbc/powertrain.dbc", "Speed : 16|16@1+", "Speed : 24|16@1+")
    with pytest.raises(GatewayError) as caught:
        load(project.folder, Kernel())
    assert str(caught.value).count("lies past the end of its message") == 2


def test_a_link_needs_the_clock_on_the_wall(project: Project) -> None:
    project.append("vehicle.yaml", "links:\n  body: {channel: vcan0}\n")
    with pytest.raises(GatewayError, match="bus body is linked to the real vcan0, which does not wait") as caught:
        drive(read_vehicle(project.folder), RunOptions(for_ns=1))
    assert caught.value.line == project.line("vehicle.yaml", "vcan0")


def test_all_faults_are_told_at_once(project: Project) -> None:
    project.edit("vehicle.yaml", "on: powertrain", "on: powertrian")
    project.edit("vehicle.yaml", "bitrate: 125k", "bitrate: slow")
    project.edit("vehicle.yaml", "to: body}", "to: bodi}")
    project.edit("vehicle.yaml", "crc8-j1850", "crc9")
    project.edit("vehicle.yaml", "latency: 200us", "latencie: 200us")
    project.edit("dbc/signals.json", "powertrain.MotorStatus.Temperature", "Temperatur")
    project.edit("drive.csv", "20.0,60.0", "3.0,60.0")
    project.edit("ecus/dash.py", "DashStatus.SpeedWarning", "DashStatus.Speed")
    told = [finding for file in check([project.folder]) for finding in file.findings]
    texts = "\n".join(str(finding) for finding in told)
    for fault in (
        "'powertrian'",
        "'slow' is not a bit rate",
        "'bodi'",
        "'crc9'",
        "unknown key 'latencie' (did you mean 'latency'?)",
        "3.0 s does not come after",
    ):
        assert fault in texts
    assert all(finding.line for finding in told)


def test_what_depends_on_a_bus_without_database_is_not_told(project: Project) -> None:
    project.edit("vehicle.yaml", "dbc/powertrain.dbc", "dbc/nothing.dbc")
    told = [finding for file in check([project.folder]) for finding in file.findings]
    assert [finding.text for finding in told] == ["there is no file dbc/nothing.dbc"]


@pytest.mark.parametrize(
    ("content", "sentence", "line"),
    [
        (b"", "is empty: a vehicle file begins with `vehicle: NAME`", 1),
        (b"# nothing\n", "is empty", 1),
        (b"- a\n- b\n", "is no vehicle file: it must be a mapping", 1),
        (b"hello", "is no vehicle file: it must be a mapping", 1),
        (b"vehicle: x\nname: \xff\n", "is not text in UTF-8 (byte 17)", 2),
        (bytes(range(256)) * 4, "is not text in UTF-8", None),
        (b"\x7fELF\x02\x01\x01" + bytes(64), "is not YAML: it has the character", 1),
        (b"vehicle: x\n", "buses is missing", 1),
        (b"vehicle: x\nbuses: {}\n", "buses: dictionary should have at least 1 item", 2),
        (b"a: " + b"[" * 60 + b"]" * 60, "is nested too deeply", 1),
        (b"vehicle: x\nbuses: &b\n  b: *b\n", "", None),
        (b"[" * 100_000, "is not YAML", None),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1]\n"
            + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefgh"),
            "has more than 100000 values",
            None,
        ),
    ],
)
def test_a_file_that_is_no_vehicle(tmp_path: Path, content: bytes, sentence: str, line: int | None) -> None:
    path = tmp_path / "vehicle.yaml"
    path.write_bytes(content)
    with pytest.raises(GatewayError) as caught:
        read_vehicle(path)
    assert sentence in caught.value.sentence
    assert caught.value.file == str(path)
    if line is not None:
        assert caught.value.line == line


def test_no_file_and_a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="cannot be read: no such file or directory"):
        read_vehicle(tmp_path / "no.yaml")
    (tmp_path / "vehicle.yaml").mkdir()
    with pytest.raises(GatewayError, match="is a folder"):
        read_vehicle(tmp_path)


# Behaviours that fail while driving


def test_an_ecu_whose_behaviour_raises_later_falls_silent_and_the_rest_drives_on(project: Project) -> None:
    project.edit(
        "ecus/dash.py",
        "self.warning.value =",
        "self.count = getattr(self, 'count', 0) + 1\n        assert self.count < 3\n        self.warning.value =",
    )
    kernel = Kernel()
    vehicle = load(project.folder, kernel)
    vehicle.start()
    kernel.run(2_000_000_000)
    assert [failure.ecu for failure in vehicle.failures] == ["Dash"]
    failure = vehicle.failures[0]
    assert (Path(failure.file).name, failure.line) == ("dash.py", project.line("ecus/dash.py", "assert"))
    assert "Dash is silent from" in str(failure) and "AssertionError" in str(failure)
    frames = vehicle.buses["powertrain"].frames
    kernel.run(3_000_000_000)
    assert vehicle.buses["powertrain"].frames > frames
    assert [failure.ecu for failure in vehicle.failures] == ["Dash"]


# Through the command line


def gateway_command(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_line_tells_faults_and_ends_with_2(project: Project) -> None:
    project.edit("vehicle.yaml", "latency: 200us", "latency: 200")
    project.edit("vehicle.yaml", "bitrate: 500k", "bitrat: 500k")
    ran = gateway_command("run", "--for", "1s", folder=project.folder)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert (
        f"vehicle.yaml:{project.line('vehicle.yaml', 'latency:')}: gateway.latency: '200' is not a duration"
        in ran.stderr
    )
    assert "unknown key 'bitrat' (did you mean 'bitrate'?)" in ran.stderr


def test_a_behaviour_that_fails_ends_the_run_with_1(project: Project) -> None:
    project.edit("ecus/motor.py", "self.speed.value =", "self.speed.value = 1 / 0  #")
    ran = gateway_command("run", "--for", "1s", folder=project.folder)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr + ran.stdout
    assert "motor.py:" in ran.stdout + ran.stderr


def warnings(project: Project) -> list[str]:
    found = [finding for file in check([project.folder]) for finding in file.findings]
    return [str(finding._replace(file=Path(finding.file or "").name)) for finding in found]


def test_what_the_gateway_is_to_send_and_no_route_brings_is_a_warning(project: Project) -> None:
    assert warnings(project) == []
    project.edit("vehicle.yaml", "    - {from: powertrain.MotorStatus, to: body}\n", "")
    at = project.line("dbc/body.dbc", "BO_ 384")
    text = "GW sends body.MotorStatus by the database, and no route brings it or a signal of it"
    assert warnings(project) == [f"body.dbc:{at}: warning: {text}"]


def test_several_that_no_route_brings_are_one_line(project: Project) -> None:
    project.edit("vehicle.yaml", "    - {from: powertrain.MotorStatus, to: body}\n", "")
    route = next(line for line in (project.folder / "vehicle.yaml").read_text().splitlines() if "ClusterInfo" in line)
    project.edit("vehicle.yaml", f"{route}\n", "")
    project.edit("vehicle.yaml", "  routes:\n", "  routes: []\n")
    at = project.line("dbc/body.dbc", "BO_ 384")
    text = "GW sends 2 messages on body by the database, and no route brings them or a signal of them"
    assert warnings(project) == [f"body.dbc:{at}: warning: {text}: MotorStatus, ClusterInfo"]


def test_a_route_of_frames_that_the_other_bus_does_not_know_is_a_warning(project: Project) -> None:
    old = "- {from: powertrain.MotorStatus, to: body}"
    project.edit("vehicle.yaml", old, f"{old}\n    - {{from: powertrain.VehicleSpeed, to: body}}")
    at = project.line("vehicle.yaml", "VehicleSpeed, to: body}")
    text = "the database of body does not know 0x100, which this route brings there from powertrain.VehicleSpeed"
    assert warnings(project) == [f"vehicle.yaml:{at}: warning: {text}"]


def test_check_tells_the_same_and_ends_with_2(project: Project) -> None:
    project.edit("vehicle.yaml", "to: body}", "to: bodi}")
    ran = gateway_command("check", folder=project.folder)
    assert ran.returncode == 2
    line = project.line("vehicle.yaml", "bodi")
    assert ran.stdout.splitlines()[0] == (f"vehicle.yaml:{line}: error: there is no bus 'bodi' (did you mean 'body'?)")
    assert ran.stdout.splitlines()[-1].endswith("1 error, no warnings")


@pytest.mark.parametrize(
    ("section", "sentence", "at"),
    [
        ("sdv: {key: jwt.pub}", "domains.sdv.key: there is no file ", "key: jwt.pub"),
        ("sdv: {certificate: drive.csv, private_key: drive.csv}", "is no PEM file", ""),
        ("aaos: {map: my_map.yaml}", "domains.aaos.map: there is no file ", "map: my_map.yaml"),
        ("aaos: {map: drive.csv}", "drive.csv", ""),
        ("aaos: {properties: drive.csv}", "drive.csv", ""),
        ("aaos: {client_ca: ca.pem}", "domains.aaos.client_ca: there is no file ", "client_ca: ca.pem"),
        ("aaos: {certificate: vehicle.yaml}", "TLS needs both", "aaos: {certificate"),
        ("aaos: {clients: {dash: [CAR_SPEEDD]}}", "'CAR_SPEEDD' (did you mean 'CAR_SPEED'?)", "dash: [CAR_SPEEDD"),
        (
            "aaos:\n    clients:\n      dash:\n        - android.car.permission.CAR_SPEED\n        - CAR_SPED ",
            "client 'dash': no property needs the permission 'CAR_SPED' (did you mean 'CAR_SPEED'?)",
            "- CAR_SPED ",
        ),
    ],
)
def test_a_file_of_a_domain_is_looked_at(project: Project, section: str, sentence: str, at: str) -> None:
    project.edit("vehicle.yaml", "drive: drive.csv", f"drive: drive.csv\ndomains:\n  {section}")
    found = [finding for file in check([project.folder]) for finding in file.findings]
    errors = [one for one in found if one.severity is Severity.ERROR]
    matching = [one for one in errors if sentence in f"{one.file}: {one.text}"]
    assert matching, errors
    if at:
        assert matching[0].line == project.line("vehicle.yaml", at)


def test_overlays_that_are_missing_or_faulty_are_told_at_once(project: Project) -> None:
    (project.folder / "own.vspec").write_text("Vehicle.B: {type: sensor, datatype: uint9}\n")
    tree = "signals: dbc/signals.json"
    project.edit("vehicle.yaml", tree, f"{tree}\n  overlays:\n    - first.vspec\n    - own.vspec\n    - last.vspec")
    found = [finding for file in check([project.folder]) for finding in file.findings]
    errors = [(one.line, one.text) for one in found if one.severity is Severity.ERROR]
    assert (project.line("vehicle.yaml", "- first.vspec"), "there is no file first.vspec") in errors
    assert (project.line("vehicle.yaml", "- last.vspec"), "there is no file last.vspec") in errors
    assert [line for line, text in errors if "has the datatype 'uint9'" in text] == [1]
