"""Questions to damaged recordings, to those of other programs and of other vehicles: an answer, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from planting import MS, SPEED, Planted, S, both, changed, database, drive

from gateway.errors import GatewayError
from gateway.explain import ExplainError, Fault, Scene, asked, names_of, open_recording, renamed
from gateway.explain.feed import fed
from gateway.sim import Kernel, Streams
from gateway.vehicle import Vehicle, load

PLAIN = Planted("plain", "Vehicle.Speed", Fault.NONE, "")
QUESTIONS = (
    "signal Vehicle.Speed",
    "signal body.MotorStatus@1s",
    "frame powertrain/0x180@1s",
    "frame body/0x200",
    "all",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "car"


@pytest.fixture
def trace(folder: Path) -> Path:
    return drive(PLAIN, folder)


def told(trace: Path, question: str, vehicle: Vehicle) -> list[str]:
    recording = open_recording(trace)
    return asked(recording, names_of(recording.about, vehicle), question).lines


def test_damaged_recordings_are_answered_or_refused(trace: Path, folder: Path) -> None:
    vehicle = load(folder, Kernel())
    original = trace.read_bytes()
    chance = Streams(3).stream("mutations")
    answered = 0
    for number in range(120):
        data = bytearray(original)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data) if chance.random() < 0.5 else 1500)] = chance.randrange(256)
        trace.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        try:
            answered += bool(told(trace, QUESTIONS[number % len(QUESTIONS)], vehicle))
        except GatewayError:
            continue
    assert answered > 60


def test_a_log_of_another_program_is_answered_as_far_as_it_goes(folder: Path, trace: Path) -> None:
    del trace
    log = folder / "drive.log"
    lines = [f"({1_600_000_000 + index / 50:.6f}) powertrain 100#0000{index % 256:02X}7F\n" for index in range(100)]
    log.write_text("".join(lines))
    vehicle = load(folder, Kernel())
    first = told(log, "signal Vehicle.Speed", vehicle)[0]
    assert first == (  # times count from its first frame
        "Vehicle.Speed has never come: last frame at 1.980 s on powertrain,"
        " the transform refused it: 326.11 is above max 300 of powertrain.VehicleSpeed.Speed (powertrain.dbc)"
    )
    assert told(log, "signal body.MotorStatus", vehicle)[0].startswith("body.MotorStatus has never come: ")


def test_a_signal_that_came_long_before_its_frames_were_refused(folder: Path) -> None:
    beyond = changed(SPEED, lambda frame: frame.data[:2] + b"\xff\xff")
    planted = Planted("late", "Vehicle.Speed", Fault.OUT_OF_RANGE, "", during=beyond, at_ns=45 * S)
    trace = drive(planted, folder)
    recording = open_recording(trace)
    scene = Scene(recording.table, names_of(recording.about, load(folder, Kernel())), recording.now_ns)
    assert scene.vehicle is not None and scene.vehicle.mapping is not None
    rule = next(rule for rule in scene.vehicle.mapping.upward if rule.leaf.path == "Vehicle.Speed")
    assert scene.count("powertrain", SPEED) > 2_200
    published = fed(scene, rule).feed.last_published
    assert published is not None and S < published.time_ns < 1_300 * MS
    assert told(trace, "signal Vehicle.Speed", scene.vehicle)[0].startswith("Vehicle.Speed is stale since 1.")


def test_a_time_behind_the_end_of_a_recording_is_told(folder: Path, trace: Path) -> None:
    vehicle = load(folder, Kernel())
    with pytest.raises(ExplainError, match=r"^the recording ends at 1\.9\d\d s: ask for a time before that$"):
        told(trace, "signal Vehicle.Speed@999s", vehicle)
    lines = told(trace, "signal Vehicle.Speed@2.5s", vehicle)
    assert lines[0].startswith("Vehicle.Speed is good")
    assert lines[-1].startswith("note: the recording ends at 1.9")


def test_what_the_sender_has_never_got_is_told(folder: Path) -> None:
    heard = database(
        "powertrain",
        "BO_ 384 MotorStatus",
        'BO_ 176 BrakeStatus: 1 GW\n SG_ Pressed : 0|1@1+ (1,0) [0|1] "" Motor\n\nBO_ 384 MotorStatus',
    )
    cyclic = database(
        "powertrain",
        'BA_ "GenMsgCycleTime" BO_ 256 20;',
        'BA_ "GenMsgCycleTime" BO_ 176 20;\nBA_ "GenMsgCycleTime" BO_ 256 20;',
    )
    trace = drive(Planted("deaf", "Vehicle.Speed", Fault.NONE, "", edit=both(heard, cyclic)), folder)
    vehicle = load(folder, Kernel())
    says = "nothing is wrong with it, but Motor, its sender, has never got BrakeStatus (0x0B0) on powertrain"
    assert says in told(trace, "signal Vehicle.Speed", vehicle)[0]
    assert says in told(trace, "signal powertrain.VehicleSpeed", vehicle)[0]
    assert "but" not in told(trace, "signal powertrain.VehicleSpeed@10ms", vehicle)[0]


def test_a_moment_before_anything_came(folder: Path, trace: Path) -> None:
    vehicle = load(folder, Kernel())
    first = told(trace, "signal Vehicle.Speed@1us", vehicle)[0]
    assert first.startswith("Vehicle.Speed has never come: its sender Motor ")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("signal Vehicle.Sped", "is not in the VSS tree"),
        ("signal Vehicle", "is a branch, no signal"),
        ("signal body.Motorstatus", "there is no message 'Motorstatus' on body"),
        ("signal body.MotorStatus.Rpms", "message MotorStatus has no signal 'Rpms'"),
        ("signal ", "names no signal"),
        ("frame body", "names no frame"),
        ("what", "is no question"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    folder: Path, trace: Path, question: str, sentence: str
) -> None:
    with pytest.raises(ExplainError, match=sentence):
        told(trace, question, load(folder, Kernel()))


def test_without_the_vehicle_file_signals_have_no_names(trace: Path) -> None:
    recording = open_recording(trace)
    with pytest.raises(ExplainError, match=r"no vehicle file is known: name it with --vehicle"):
        asked(recording, names_of(recording.about), "signal Vehicle.Speed")


@pytest.fixture
def log(folder: Path, trace: Path) -> Path:
    """Two seconds of the speed, with the channel of an adapter."""
    del trace
    log = folder / "drive.log"
    log.write_text("".join(f"({index / 50:.6f}) can0 100#C4090000\n" for index in range(100)))
    return log


def test_buses_that_the_vehicle_does_not_have_are_told_with_the_way_out(folder: Path, log: Path) -> None:
    vehicle = load(folder, Kernel())
    hint = "my-car has no bus can0: --map can0=powertrain says which of its buses it is"
    for question in ("signal Vehicle.Speed", "all", "frame can0/0x100@1s"):
        assert told(log, question, vehicle)[-1] == f"note: {hint}"
    with pytest.raises(ExplainError, match=r"has no bus 'powertrain'.*; my-car has no bus can0: --map "):
        told(log, "frame powertrain/0x100@1s", vehicle)


def test_a_recording_s_channels_can_be_said_to_be_buses(folder: Path, log: Path) -> None:
    vehicle = load(folder, Kernel())
    recording = renamed(open_recording(log), {"can0": "powertrain"})
    names = names_of(recording.about, vehicle)
    way = asked(recording, names, "signal Vehicle.Speed").lines
    assert way[0].startswith("Vehicle.Speed is good")
    assert not any(line.startswith("note: ") for line in way)
    assert asked(recording, names, "frame powertrain/VehicleSpeed@1s").lines[0].startswith("powertrain 0x100")
    with pytest.raises(ExplainError, match=r"^the recording has no bus 'can1' \(did you mean 'can0'\?\)$"):
        renamed(open_recording(log), {"can1": "powertrain"})
