"""Two runs side by side: what differs first, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from analysis_logs import MS, SPEED, Entry, database, every, source
from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.differ import difference
from gateway.analysis.differ_model import Kind, LogDifference
from gateway.analysis.differ_text import difference_json, difference_lines
from gateway.analysis.source import Source
from gateway.can import Frame
from gateway.vehicle import About, AboutRule
from gateway.vehicle.logs.log import EPOCH_NS


def differ(first: Iterable[Entry], second: Iterable[Entry], tolerance_ns: int = 1000) -> LogDifference:
    known = {"can0": database(SPEED)}
    return difference(source(first, known), source(second, known), tolerance_ns)


def speeds(count: int = 100) -> list[Entry]:
    """Speed every 10 ms, 0.01 km/h more each time."""
    return [(at * 10 * MS, "can0", Frame(0x100, at.to_bytes(8, "little"))) for at in range(count)]


def test_a_run_is_the_same_as_itself() -> None:
    found = differ(speeds(), speeds())
    assert (found.messages, found.same) == ((), 1)
    assert "no difference: 1 messages, times to 1 us" in list(difference_lines(found))


def test_a_changed_payload_is_named_with_its_signal_and_its_bits() -> None:
    second = speeds()
    second[40] = (second[40][0], "can0", Frame(0x100, (40 | 1 << 16 | 0x80).to_bytes(8, "little")))
    found = differ(speeds(), second)
    (message,) = found.messages
    assert (message.kind, message.changed, message.missing, message.time_ns) == (Kind.PAYLOAD, 1, 0, 400 * MS)
    assert [(each.signal.name, each.first, each.second) for each in message.signals] == [
        ("Value", pytest.approx(0.4), pytest.approx(1.68)),
        ("State", 0, 1),
    ]
    assert message.bits == bytes.fromhex("8000010000000000")
    text = "\n".join(difference_lines(found))
    assert (
        "first difference: 0.400000 s, can0 0x100 Speed (from ESP): another payload in byte 0 bit 7, byte 2 bit 0"
        in text
    )
    assert "State: Still -> Moving" in text


@pytest.mark.parametrize("lost", [0, 1, 50, 98, 99])
def test_a_frame_that_is_missing_is_found_wherever_it_was(lost: int) -> None:
    second = speeds()
    del second[lost]
    (message,) = differ(speeds(), second).messages
    assert (message.kind, message.missing, message.extra, message.changed) == (Kind.MISSING, 1, 0, 0)
    assert message.time_ns == lost * 10 * MS
    (other_way,) = differ(second, speeds()).messages
    assert (other_way.kind, other_way.missing, other_way.extra) == (Kind.EXTRA, 0, 1)


@given(st.sets(st.integers(0, 59), max_size=20), st.integers(0, 4))
def test_whatever_is_missing_the_rest_is_paired_with_itself(lost: set[int], late_ms: int) -> None:
    second = [(time + late_ms * MS, bus, frame) for at, (time, bus, frame) in enumerate(speeds(60)) if at not in lost]
    found = differ(speeds(60), second, 5 * MS)
    if not lost:
        assert found.messages == ()
        return
    (message,) = found.messages
    assert (message.missing, message.extra, message.changed, message.shifted) == (len(lost), 0, 0, 0)


def test_a_shift_is_a_difference_only_beyond_the_tolerance() -> None:
    second = [(time + 3 * MS if time > 500 * MS else time, bus, frame) for time, bus, frame in speeds()]
    (message,) = differ(speeds(), second).messages
    assert (message.kind, message.shifted, message.shift_ns, message.time_ns) == (Kind.SHIFTED, 49, 3 * MS, 510 * MS)
    assert differ(speeds(), second, 3 * MS).messages == ()
    assert any("only times differ, by up to 3 ms" in line for line in difference_lines(differ(speeds(), second)))


def test_a_late_start_with_the_same_payloads_is_a_shift_and_not_another_payload() -> None:
    second = [(time + 25 * MS if time else time, bus, frame) for time, bus, frame in speeds()]
    (message,) = differ(speeds(), second).messages
    assert (message.kind, message.changed, message.shifted) == (Kind.SHIFTED, 0, 99)


def test_another_length_is_another_payload() -> None:
    second = speeds()
    second[7] = (second[7][0], "can0", Frame(0x100, second[7][2].data[:5]))
    found = differ(speeds(), second)
    assert found.messages[0].kind is Kind.PAYLOAD
    assert any("5 bytes instead of 8" in line for line in difference_lines(found))


def test_a_message_of_one_run_only_is_missing_or_new() -> None:
    found = differ(speeds() + every(20, 10, 0x50), speeds() + every(20, 12, 0x60))
    assert [(each.key, each.kind, each.missing, each.extra) for each in found.messages] == [
        (0x50, Kind.MISSING, 10, 0),
        (0x60, Kind.EXTRA, 0, 12),
    ]
    assert found.same == 1


def test_what_a_route_brings_from_a_message_that_differed_before_follows_from_it() -> None:
    rule = AboutRule("r1", "can0.Speed", "can1", "can0", 0x100, "can1", None, False, 0, 0, "", "vehicle.yaml", 26)
    about = About("car", 0, "GW", "1", (), (rule,))

    def run(value: int) -> list[Entry]:
        sent = [(at * 10 * MS, "can0", Frame(0x100, bytes([value if at > 5 else 0] * 8))) for at in range(10)]
        return sent + [(time + MS, "can1", frame) for time, _, frame in sent]

    found = difference(replace(source(run(1)), about=about), source(run(2)))
    assert [(each.bus, [str(rule) for rule in each.follows]) for each in found.messages] == [
        ("can0", []),
        ("can1", ["r1 can0.Speed -> can1"]),
    ]
    assert difference_json(found)["messages"][1]["follows"][0]["place"] == "vehicle.yaml:26"


def test_recordings_with_dates_that_do_not_overlap_are_compared_from_their_first_frames() -> None:
    found = difference(source(speeds(), start_ns=2 * EPOCH_NS), source(speeds(), start_ns=3 * EPOCH_NS))
    assert found.messages == ()


def test_two_recorders_of_one_drive_are_compared_by_their_dates() -> None:
    start = 2 * EPOCH_NS
    second = [(time - 200 * MS, bus, frame) for time, bus, frame in speeds() if time >= 200 * MS]
    (message,) = difference(source(speeds(), start_ns=start), source(second, start_ns=start + 200 * MS)).messages
    assert (message.missing, message.changed, message.shifted) == (20, 0, 0)


def test_a_run_that_ends_early_is_told_so() -> None:
    found = differ(speeds(), speeds(20))
    assert any("ends 0.800 s before the other" in str(finding) for finding in found.findings)


def test_buses_of_other_names_are_compared_in_their_order() -> None:
    second = [(time, "vcan0", frame) for time, _, frame in speeds()]
    found = differ(speeds(), second)
    assert found.messages == ()
    assert any("vcan0 is can0" in str(finding) for finding in found.findings)


def test_other_seeds_are_told_beside_the_second_file() -> None:
    def seeded(entries: Iterable[Entry], seed: int) -> Source:
        return replace(source(entries), about=About("car", seed, "GW", "1", (), ()))

    later = [(time + 3 * MS, bus, frame) for time, bus, frame in speeds()]
    lines = list(difference_lines(difference(seeded(speeds(), 4), seeded(later, 7))))
    assert ", seed 7 (a: 4): its ECUs start at other times; --tolerance 10ms leaves out what that moves" in lines[1]
    same = list(difference_lines(difference(seeded(speeds(), 4), seeded(later, 4))))
    assert "seed" not in same[1]


def test_counters_and_checksums_are_not_in_the_table_of_signals() -> None:
    second = speeds()
    second[7] = (second[7][0], "can0", Frame(0x100, bytes(8)))
    marked = replace(source(speeds(), {"can0": database(SPEED)}), marks={("can0", 0x100): frozenset({"Value"})})
    found = difference(marked, source(second))
    (message,) = found.messages
    assert [signal.signal.name for signal in message.signals if signal.marks] == ["Value"]
    lines = list(difference_lines(found))
    assert not any(line.startswith("can0.Speed.Value") for line in lines)
    assert lines[-1] == (
        "left out: counters and checksums of 1 message (Value), as `protect` names them; --json has them"
    )
    told = difference_json(found)["messages"][0]["signals"]
    assert {signal["signal"]: signal["protects"] for signal in told}["Value"] is True
