"""Vehicles that drive, and their recordings: nothing takes longer than the analysis says."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import gateway
from gateway.analysis.errors import AnalysisError
from gateway.analysis.timing import Timing
from gateway.analysis.timing_run import timing_of_file, timing_of_recording
from gateway.analysis.timing_text import timing_json, timing_lines
from gateway.sim import Kernel
from gateway.vehicle import Recorder, load

ROOT = Path(__file__).parents[3]
TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
S = 1_000_000_000

HEAD = """VERSION ""

NS_ :

BS_:

BU_: {nodes}

{messages}
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
{cycles}
"""


def random_vehicle(folder: Path, seed: int) -> Path:
    """Three buses, some messages on each, full up to 90 %, and routes of frames and of signals between them."""
    chance = random.Random(seed)
    lines = ["vehicle: random", "buses:"]
    names: dict[str, list[str]] = {}
    free = iter(chance.sample(range(0x10, 0x7F0), 60))  # no identifier twice: routes take theirs along
    for bus in ("a", "b", "c"):
        fd = chance.random() < 0.3
        kind = "canfd, data_bitrate: 2M" if fd else "can"
        rate = chance.choice((125, 250, 500))
        lines.append(f"  {bus}: {{kind: {kind}, bitrate: {rate}k, database: {bus}.dbc}}")
        names[bus] = database(folder / f"{bus}.dbc", bus, next_of(free, chance.randint(4, 9)), chance, 450 * rate / 125)
    lines += ["gateway:", "  latency: 300us", "  routes:"]
    for number in range(chance.randint(2, 5)):
        source, target = chance.sample(("a", "b", "c"), 2)
        message = names[source].pop()
        every = ", every: 70ms" if number == 1 else ""
        lines.append(f"    - {{from: {source}.{message}, to: {target}{every}}}")
        if not names[source]:
            break
    (folder / "vehicle.yaml").write_text("\n".join(lines) + "\n")
    return folder / "vehicle.yaml"


def next_of(free: object, count: int) -> list[int]:
    return [next(free) for _ in range(count)]  # type: ignore[call-overload]


def database(path: Path, bus: str, numbers: list[int], chance: random.Random, frames: float) -> list[str]:
    """A DBC with these identifiers, whose cycle times share so many frames a second."""
    messages, cycles, names = [], [], []
    for number in numbers:
        extended = chance.random() < 0.2
        word = 0x80000000 | number << 18 | chance.randrange(1 << 18) if extended else number
        length = chance.choice((1, 2, 4, 8, 8))
        name = f"M{bus}{number:03X}"
        node = f"N{bus}{number % 3}"
        messages.append(f'BO_ {word} {name}: {length} {node}\n SG_ V : 0|{8 * length}@1+ (1,0) [0|0] "" GW\n')
        cycle_ms = max(2, round(1000 * len(numbers) / frames * chance.uniform(0.3, 2)))
        cycles.append(f'BA_ "GenMsgCycleTime" BO_ {word} {cycle_ms};')
        names.append(name)
    nodes = " ".join([*(f"N{bus}{number}" for number in range(3)), "GW"])
    path.write_text(HEAD.format(nodes=nodes, messages="\n".join(messages), cycles="\n".join(cycles)))
    return names


def check_bounds(timing: Timing) -> int:
    """Nothing that was seen exceeds its bound; how many were judged."""
    judged = 0
    for bus in timing.buses:
        for message in bus.messages:
            if message.worst_ns is not None and message.seen_ns is not None:
                judged += 1
                assert message.seen_ns <= message.worst_ns, message
    for path in timing.paths:
        if path.worst_ns is not None and path.seen_ns is not None:
            judged += 1
            assert path.seen_ns <= path.worst_ns, path
    return judged


@pytest.mark.parametrize("seed", range(30))
def test_no_response_in_a_random_vehicle_is_longer_than_its_bound(seed: int, tmp_path: Path) -> None:
    timing = timing_of_file(random_vehicle(tmp_path, seed), 4 * S, seed)
    assert check_bounds(timing) > 10
    assert any(bus.load > 0.3 for bus in timing.buses)


@pytest.mark.parametrize("seed", range(3))
def test_nor_in_the_demo_vehicle(seed: int) -> None:
    timing = timing_of_file(ROOT / "vehicle.yaml", 5 * S, seed)
    assert check_bounds(timing) > 50
    assert not timing.missed


def test_events_besides_a_cycle_are_no_burst_of_all_that_ever_came() -> None:
    """VcuStatus goes out every 20 ms and on changes: at most some frames at once, however long it is looked at."""
    timing = timing_of_file(ROOT / "vehicle.yaml", 15 * S, 0)
    assert check_bounds(timing) > 50
    assert not timing.missed
    powertrain = next(bus for bus in timing.buses if bus.name == "powertrain")
    by_name = {message.name: message for message in powertrain.messages}
    status = by_name["VcuStatus"]
    assert status.assumed
    assert status.gap_ns is not None
    assert status.worst_ns is not None
    assert status.worst_ns < 3_000_000
    assert by_name["EnergyInfo"].rests
    assert not by_name["EnergyInfo"].assumed
    assert not by_name["TorqueRequest"].rests
    lines = list(timing_lines(timing))
    assert lines[0].endswith(", all deadlines are kept, by what was seen (~)")
    assert any("  ~VcuStatus" in line and " apart " in line for line in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "car"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_recording_says_the_same_as_the_run(folder: Path) -> None:
    kernel = Kernel()
    vehicle = load(folder, kernel)
    trace = folder / "run.pcapng"
    recorder = Recorder(vehicle, trace, seed=0)
    recorder.start()
    vehicle.start()
    kernel.run(3 * S)
    recorder.close()
    recorded = timing_of_recording(trace, vehicle.databases)
    driven = timing_of_file(folder, 3 * S, 0)
    assert check_bounds(recorded) >= 6
    assert [bus.name for bus in recorded.buses] == ["powertrain", "body"]
    for theirs, ours in zip(recorded.buses, driven.buses, strict=True):
        for one, other in zip(theirs.messages, ours.messages, strict=True):
            assert (one.name, one.longest_ns, one.worst_ns) == (other.name, other.longest_ns, other.worst_ns)
            assert one.seen_ns is not None
            assert other.seen_ns is not None
            assert abs(one.seen_ns - other.seen_ns) <= 8_000, "notes tell a wait from one bit's time on"


def test_a_message_that_comes_too_late_is_told_with_the_one_to_move(folder: Path) -> None:
    path = folder / "dbc" / "body.dbc"
    text = (
        path.read_text()
        .replace("BO_ 544 15", "")
        .replace('"GenMsgCycleTime" BO_ 544 500;', '"GenMsgCycleTime" BO_ 544 2;')
    )
    path.write_text(text)
    timing = timing_of_file(folder, 1 * S, 0)
    body = timing.buses[1]
    late = body.messages[-1]
    assert late.name == "LampStatus"
    assert late.missed
    advice = timing.advice["body"]
    assert advice.move is not None
    assert advice.move.name == "LampStatus"
    lines = list(timing_lines(timing))
    assert any(
        line.startswith("body, 125 kbit/s: load ") and line.endswith("1 deadline can be missed") for line in lines
    )
    assert any("move LampStatus above " in line for line in lines)
    document = timing_json(timing)
    assert document["buses"][1]["advice"]["move"]["message"] == "LampStatus"


def test_a_route_that_filters_by_time_brings_no_more_than_that(folder: Path) -> None:
    path = folder / "vehicle.yaml"
    path.write_text(path.read_text().replace("to: body}", "to: body, every: 250ms}"))
    timing = timing_of_file(folder, 3 * S, 0)
    routed = next(message for message in timing.buses[1].messages if message.name == "MotorStatus")
    assert (routed.period_ns, routed.jitter_ns) == (S // 4, 0)
    assert routed.deadline_ns == S // 4


def test_a_log_without_bit_rates_needs_them(tmp_path: Path) -> None:
    log = tmp_path / "drive.log"
    log.write_text("".join(f"({index / 100:.6f}) can0 123#{index:02X}\n" for index in range(100)))
    with pytest.raises(AnalysisError, match=r"does not tell the bit rates of its buses: say --bitrate 500k"):
        timing_of_recording(log, {})
