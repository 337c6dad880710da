"""Recordings of a small vehicle, explained; what is told is held against the kernel's own figures."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import gateway
from gateway.can import BitErrors
from gateway.errors import GatewayError
from gateway.explain import (
    Explanation,
    Step,
    StepKind,
    Window,
    explain_frame,
    explanation_lines,
    find_window,
    names_of,
    open_recording,
    parse_question,
    summarize,
    summary_lines,
)
from gateway.routing import Decision, Journey
from gateway.sim import Kernel, Streams
from gateway.trace import Recorded, TraceError, open_reader
from gateway.vehicle import Recorder, Vehicle, load, read_about

TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
MS = 1_000_000
S = 1_000_000_000
ROUTE_1 = "{from: powertrain.MotorStatus, to: body}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "vehicle.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def record(folder: Path, trace: Path, during: Callable[[Vehicle], object] = lambda vehicle: None) -> Vehicle:
    """Drive two seconds with a recording."""
    kernel = Kernel()
    vehicle = load(folder, kernel)
    recorder = Recorder(vehicle, trace, seed=0)
    recorder.start()
    vehicle.start()
    during(vehicle)
    kernel.run(2 * S)
    recorder.close()
    return vehicle


def explained(trace: Path, question: str, vehicle: Vehicle | None = None) -> Explanation:
    recording = open_recording(trace)
    names = names_of(recording.about, vehicle)
    return explain_frame(find_window(recording, parse_question(question, recording.buses, names)), names)


def step(explanation: Explanation, kind: StepKind, rule: str = "") -> Step:
    found = [one for one in explanation.steps if one.kind is kind and rule in {one.rule, ""}]
    assert len(found) == 1, explanation
    return found[0]


def journeys(vehicle: Vehicle, route: int) -> list[Journey]:
    return vehicle.gateway.journeys.of_route(route)


def test_a_forwarded_frame_and_where_its_time_went(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    journey = journeys(vehicle, 0)[10]
    explanation = explained(trace, f"powertrain/0x180@{journey.received_ns}ns", vehicle)
    assert explanation.time_ns == journey.received_ns
    forwarded = step(explanation, StepKind.FORWARDED, "r1")
    assert forwarded.time_ns == journey.sent_ns
    assert (
        "r1 powertrain.MotorStatus -> body (vehicle.yaml:24): forwarded, through as body 0x180 MotorStatus"
        in forwarded.text
    )
    duration_ns = vehicle.buses["body"].times.duration_ns(journey.frame)
    assert forwarded.details == ("200 us gateway latency", f"{duration_ns // 1000} us on body")
    sent = step(explanation, StepKind.SENT)
    assert sent.text == "Motor hands it to its controller on powertrain"
    waited = step(explanation, StepKind.WAITED)
    assert "for 1 frame on powertrain" in waited.text
    assert waited.details[0].startswith("0x100 VehicleSpeed (Motor), through ")
    assert step(explanation, StepKind.ON_BUS).details[0].startswith("Rpm = ")


def test_back_from_a_frame_of_the_gateway_to_its_source(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    journey = journeys(vehicle, 0)[10]
    explanation = explained(trace, f"body/MotorStatus@{journey.sent_ns}ns", vehicle)
    origin = step(explanation, StepKind.ORIGIN, "r1")
    assert origin.time_ns == journey.received_ns
    assert origin.text.startswith("from powertrain 0x180 MotorStatus from Motor, by r1")
    assert not [one for one in explanation.steps if one.kind is StepKind.NO_ROUTE]


def test_a_composed_frame_tells_the_signal_that_it_carries(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    explanation = explained(trace, "body/0x200@1s", vehicle)
    origin = step(explanation, StepKind.ORIGIN, "r2")
    assert origin.text.startswith("from powertrain 0x100 VehicleSpeed from Motor, by r2")
    assert len(origin.details) == 1 and origin.details[0].startswith("Speed = ")


def test_a_value_that_a_newer_one_replaced(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    replaced = next(one for one in journeys(vehicle, 1)[:-10] if one.sent_ns < 0)
    explanation = explained(trace, f"powertrain/0x100@{replaced.received_ns}ns", vehicle)
    assert (
        "was replaced by a newer one before the target message was sent" in step(explanation, StepKind.OPEN, "r2").text
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('when: "Rpm > 19000"', "filtered: its condition `Rpm > 19000` is not met"),
        ("every: 250ms", "filtered: rate limit: at most one every 250 ms"),
    ],
)
def test_a_filtered_frame_and_the_rule_that_did_it(folder: Path, tmp_path: Path, more: str, reason: str) -> None:
    edit(folder, ROUTE_1, ROUTE_1.replace("}", f", {more}}}"))
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    filtered = next(one for one in journeys(vehicle, 0) if one.decision is Decision.FILTERED)
    explanation = explained(trace, f"powertrain/0x180@{filtered.received_ns}ns")
    told = step(explanation, StepKind.FILTERED, "r1")
    assert told.time_ns == filtered.received_ns
    assert told.text == f"r1 powertrain.MotorStatus -> body (vehicle.yaml:24): {reason}"


def test_a_frame_that_was_lost_after_it_had_been_forwarded(folder: Path, tmp_path: Path) -> None:
    edit(folder, "latency: 200us", "latency: 5ms")

    def power_cut(vehicle: Vehicle) -> None:
        controller = vehicle.gateway.controllers["body"]
        vehicle.kernel.at(1_009 * MS, controller.switch_off)
        vehicle.kernel.at(1_500 * MS, controller.switch_on)

    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace, power_cut)
    lost = next(one for one in journeys(vehicle, 0) if one.decision is Decision.DROPPED)
    explanation = explained(trace, f"powertrain/0x180@{lost.received_ns}ns")
    dropped = step(explanation, StepKind.DROPPED, "r1")
    assert dropped.time_ns == lost.received_ns + 5 * MS
    assert dropped.text.endswith("dropped 5 ms later: controller off")


def test_a_frame_that_no_route_takes(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    record(folder, trace)
    explanation = explained(trace, "body/0x220@1s")
    assert step(explanation, StepKind.NO_ROUTE).text == "no route takes it from body: it stays there"
    assert step(explanation, StepKind.SENT).text.startswith("Lamps hands it")


def test_a_frame_that_had_to_wait_for_errors(folder: Path, tmp_path: Path) -> None:
    def noise(vehicle: Vehicle) -> None:
        vehicle.buses["powertrain"].disturb(BitErrors(0.5, Streams(3).stream("noise")))

    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace, noise)
    assert vehicle.buses["powertrain"].errors > 10
    waits = []
    for time_ms in range(0, 2000, 100):
        explanation = explained(trace, f"powertrain/0x100@{time_ms}ms")
        waits += [detail for one in explanation.steps if one.kind is StepKind.WAITED for detail in one.details]
    assert any("error frame: Motor" in detail for detail in waits)


def test_the_end_of_the_recording_leaves_open_what_was_under_way(folder: Path, tmp_path: Path) -> None:
    edit(folder, "latency: 200us", "latency: 500ms")
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    last = journeys(vehicle, 0)[-1]
    explanation = explained(trace, f"powertrain/0x180@{last.received_ns}ns")
    assert "not through on the other bus when the recording ended" in step(explanation, StepKind.OPEN, "r1").text


def test_two_recordings_of_one_run_are_the_same_bytes_wherever_the_files_lie(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(folder, other)
    record(folder, tmp_path / "one.pcapng")
    record(other, tmp_path / "two.pcapng")
    one, two = (tmp_path / "one.pcapng").read_bytes(), (tmp_path / "two.pcapng").read_bytes()
    assert one == two
    assert str(tmp_path).encode() not in one


def test_the_head_of_a_recording_tells_routes_with_their_lines(folder: Path, tmp_path: Path) -> None:
    record(folder, tmp_path / "run.pcapng")
    about = open_recording(tmp_path / "run.pcapng").about
    assert about is not None
    assert [str(rule) for rule in about.rules] == [
        "r1 powertrain.MotorStatus -> body",
        "r2 powertrain.VehicleSpeed.Speed -> body.ClusterInfo.DisplaySpeed",
    ]
    assert [(rule.place, rule.signal, rule.latency_ns) for rule in about.rules] == [
        ("vehicle.yaml:24", False, 200_000),
        ("vehicle.yaml:27", True, 200_000),
    ]
    assert [(bus.name, bus.database, bus.bitrate) for bus in about.buses] == [
        ("powertrain", "powertrain.dbc", 500_000),
        ("body", "body.dbc", 125_000),
    ]


# Summaries


def test_the_summary_of_a_recording(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    recording = open_recording(trace)
    names = names_of(recording.about, vehicle)
    with open_reader(trace) as reader:
        summary = summarize(reader.records(), names)
    assert sum(stream.count for stream in summary.streams.values()) == sum(bus.frames for bus in vehicle.buses.values())
    speed = summary.streams["powertrain", 0x100]
    assert speed.count == 100
    assert speed.mean_ns is not None and abs(speed.mean_ns - 20 * MS) < 20_000
    assert speed.senders == {"Motor": 100}
    sent = {one.received_ns for one in journeys(vehicle, 0) if one.sent_ns > 0}
    assert summary.rules["r1"].carried == len(sent)
    lines = list(summary_lines(summary, names))
    assert any(line.startswith("powertrain 0x100 VehicleSpeed: 100 frames, period 20 ms (") for line in lines)


def test_the_summary_of_one_identifier_has_its_routes_only(folder: Path, tmp_path: Path) -> None:
    edit(folder, ROUTE_1, ROUTE_1.replace("}", ", every: 250ms}"))
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    names = names_of(open_recording(trace).about)
    with open_reader(trace) as reader:
        summary = summarize(reader.records(), names, ("powertrain", 0x180))
    assert set(summary.rules) == {"r1"}
    counts = vehicle.gateway.routes[0].counts
    assert summary.rules["r1"].decisions == {"filtered: rate limit": counts.filtered.total()}
    assert summary.rules["r1"].carried == counts.forwarded


# Recordings of other origin


def test_a_log_without_comments_is_explained_as_far_as_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "drive.log"
    log.write_text("".join(f"({1600000000 + index / 10:.6f}) can0 123#{index:02X}\n" for index in range(20)))
    explanation = explained(log, "can0/0x123@0.5s")
    assert explanation.title == "can0 0x123 at 0.500000000 s: 123#05"
    assert [one.kind for one in explanation.steps] == [StepKind.ON_BUS]
    assert any("does not say who sent the frame" in note for note in explanation.notes)
    assert any("no routes are known" in note for note in explanation.notes)
    assert list(explanation_lines(explanation, 1_600_000_000 * S))[1] == "     0.500000000 s  through on can0"


def test_a_log_is_decoded_with_a_vehicle_whose_buses_are_called_so(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "drive.log"
    log.write_text("(0.000000) body 200#E803\n(0.100000) body 200#F401\n")
    explanation = explained(log, "body/ClusterInfo@0.1s", load(folder, Kernel()))
    assert step(explanation, StepKind.ON_BUS).details == ("DisplaySpeed = 5 km/h",)


# Bad input


def test_an_identifier_that_is_not_there_is_told_with_the_nearest(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    record(folder, trace)
    with pytest.raises(
        GatewayError, match=r"there is no frame 0x201 on body; nearest to it there are 0x200, 0x210, 0x220"
    ):
        explained(trace, "body/0x201@1s")


def test_a_recording_that_is_cut_in_the_middle_is_explained_and_said_to_be(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    record(folder, trace)
    cut = tmp_path / "cut.pcapng"
    data = trace.read_bytes()
    cut.write_bytes(data[: len(data) // 2 + 3])
    explanation = explained(cut, "body/0x180@10s")
    assert any(note.startswith("the recording is damaged: ") for note in explanation.notes)
    with gzip.open(tmp_path / "run.pcapng.gz", "wb") as stream:
        stream.write(data)
    assert explained(tmp_path / "run.pcapng.gz", "body/0x180@1s") == explained(trace, "body/0x180@1s")


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x0a\x0d\x0d\x0a", bytes(100)])
def test_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    for name in ("run.pcapng", "run.log"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TraceError):
            open_recording(path)


@pytest.mark.parametrize("comment", ["", "{", "[]", '{"vehicle": 1}', "null", '{"buses": [{"x": 1}]}'])
def test_a_head_of_another_program(comment: str) -> None:
    assert read_about(comment) is None


def test_a_head_with_a_wrong_type_is_none_of_ours(folder: Path, tmp_path: Path) -> None:
    record(folder, tmp_path / "run.pcapng")
    about = open_recording(tmp_path / "run.pcapng").about
    assert about is not None
    text = about.as_json()
    assert read_about(text) == about
    assert read_about(text.replace("500000", '"500000"')) is None
    assert read_about(text.replace('"source_key": 384', '"source_key": "384"')) is None


def test_mutated_recordings_are_explained_or_refused(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    record(folder, trace)
    original = trace.read_bytes()
    chance = Streams(1).stream("mutations")
    explained_count = refused = 0
    for _ in range(150):
        data = bytearray(original)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data) if chance.random() < 0.5 else 1500)] = chance.randrange(256)
        trace.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)
        try:
            explanation = explained(trace, "powertrain/0x180@1s")
            recording = open_recording(trace)
            with open_reader(trace) as reader:
                list(summary_lines(summarize(reader.records(), names_of(recording.about)), names_of(recording.about)))
            explained_count += bool(explanation.steps)
        except GatewayError:
            refused += 1
    assert explained_count > 50
    assert refused


def test_every_frame_of_a_recording_can_be_explained(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.pcapng"
    vehicle = record(folder, trace)
    recording = open_recording(trace)
    names = names_of(recording.about, vehicle)
    with open_reader(trace) as reader:
        records = list(reader.records())
    for index, one in enumerate(records):
        if isinstance(one, Recorded):
            explanation = explain_frame(Window(records, index, True, True, 0, None), names)
            assert not explanation.notes
            assert explanation.as_json()["steps"]
