"""Questions to damaged recordings, to those of other programs and of other vehicles: an answer, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from planting import Planted, drive

from gateway.errors import GatewayError
from gateway.explain import ExplainError, Fault, asked, names_of, open_recording
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
