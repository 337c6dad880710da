"""Load, periods, jitter and gaps of a recording, against what plain Python makes of the same frames."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from analysis_logs import MS, SPEED, database, every, log, source
from hypothesis import given
from hypothesis import strategies as st

from gateway.analysis.source import BusRate
from gateway.analysis.stats import LogStats, MessageStats, periods_of, stats
from gateway.analysis.stats_load import SAMPLE, stream_bits
from gateway.analysis.stats_text import stats_json, stats_lines
from gateway.can import ERROR, REMOTE, Frame, frame_bits
from gateway.database import Message
from gateway.vehicle.logs.log import EPOCH_NS


def only(found: LogStats) -> MessageStats:
    (message,) = found.messages
    return message


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=60))
def test_periods_are_those_of_the_statistics_module(between: list[int]) -> None:
    periods, _ = periods_of(np.array(between, np.int64))
    assert periods is not None
    assert (periods.least_ns, periods.most_ns) == (min(between), max(between))
    assert periods.mean_ns == pytest.approx(statistics.fmean(between))
    assert periods.median_ns == pytest.approx(statistics.median(between))
    assert periods.deviation_ns == pytest.approx(statistics.pstdev(between))
    away = sorted(abs(each - statistics.median(between)) for each in between)
    assert periods.jitter_ns == pytest.approx(away[min(len(away) - 1, int(0.99 * len(away)))])


def test_a_cyclic_message_has_no_jitter_and_no_gap() -> None:
    message = only(stats(source(every(10, 100, 0x123))))
    assert (message.frames, message.cyclic, message.gap_count) == (100, True, 0)
    assert message.periods is not None
    assert (message.periods.least_ns, message.periods.most_ns, message.periods.jitter_ns) == (10 * MS, 10 * MS, 0)


def test_a_message_that_stays_away_has_a_gap_where_it_does() -> None:
    frames = [entry for entry in every(10, 100, 0x123) if not 300 * MS < entry[0] < 400 * MS]
    message = only(stats(source(frames)))
    assert [(gap.time_ns, gap.length_ns) for gap in message.gaps] == [(300 * MS, 100 * MS)]


def test_the_cycle_time_of_the_database_is_what_a_message_is_held_against() -> None:
    message = only(stats(source(every(20, 50, 0x100), {"can0": database(SPEED)})))
    assert message.cycle_ns == 10 * MS
    assert message.off_cycle == pytest.approx(1.0)
    assert message.periods is not None
    assert message.periods.jitter_ns == 10 * MS


def test_a_message_that_is_not_as_long_as_its_database_says_is_counted() -> None:
    frames = every(10, 3, 0x100) + [(n * MS, "can0", Frame(0x100, bytes(5))) for n in (45, 55)]
    message = only(stats(source(frames, {"can0": database(SPEED)})))
    assert (dict(message.lengths), message.wrong_length) == ({8: 3, 5: 2}, 2)


def test_unknown_ids_and_what_never_came_are_told() -> None:
    other = Message(name="Never", arbitration_id=0x200, length=8, cycle_ns=10 * MS)
    found = stats(source(every(10, 5, 0x100) + every(10, 4, 0x666), {"can0": database(SPEED, other)}))
    assert (found.buses[0].ids, found.buses[0].unknown_ids, found.buses[0].unknown_frames) == (2, 1, 4)
    assert [message.name for _, message in found.absent] == ["Never"]
    assert any(
        "1 cyclic messages of the databases never came: can0.Never (0x200)" in line for line in stats_lines(found)
    )


def test_error_frames_and_remote_frames_are_no_messages() -> None:
    frames = [*every(10, 5, 0x100), (1, "can0", Frame(ERROR | 4, bytes(8))), (2, "can0", Frame(REMOTE | 0x100, b""))]
    bus = stats(source(frames)).buses[0]
    assert (bus.frames, bus.errors, bus.remote, bus.ids) == (5, 1, 1, 1)


def test_the_load_is_that_of_the_exact_bits() -> None:
    frames = every(1, 500, 0x123, b"\x00\xff\x00\xff\xaa\x00\x00\x00")
    found = stats(source(frames, rates={"can0": BusRate(500_000)})).buses[0].load
    bits = sum(frame_bits(frame).nominal + 3 for _, _, frame in frames)
    assert found.load == pytest.approx(bits / 500_000 / 0.499)
    assert found.bits_per_s == pytest.approx(bits / 0.499)
    assert found.peak == pytest.approx(100 * bits / 500 / 500_000 / 0.1)


def test_a_burst_is_the_peak() -> None:
    frames = every(10, 100, 0x123) + [(500 * MS + n * MS // 2, "can0", Frame(0x50, bytes(8))) for n in range(200)]
    found = stats(source(frames, rates={"can0": BusRate(500_000)})).buses[0].load
    assert found.peak is not None
    assert found.load is not None
    assert (found.peak_ns, found.peak > 4 * found.load) == (500 * MS, True)


def test_a_bus_without_a_bit_rate_has_bits_and_no_load() -> None:
    found = stats(source(every(1, 100, 0x123)))
    assert found.buses[0].load.load is None
    assert "no bit rate is known for can0: --bitrate 500k gives the load" in list(stats_lines(found))


def test_the_bits_of_many_frames_are_those_of_a_sample_that_keeps_to_no_counter() -> None:
    frames = [(at, "can0", Frame(0x123, (at % 16).to_bytes(8, "big"))) for at in range(20 * SAMPLE)]
    exact = sum(frame_bits(frame).nominal for _, _, frame in frames) / len(frames) + 3
    held = log(frames)
    assert stream_bits(held, np.arange(len(held)), False).total == pytest.approx(exact, abs=0.1)


def test_data_with_bit_rate_switch_takes_the_time_of_its_own_rate() -> None:
    from gateway.can import BRS, FD

    frames = [(at * MS, "can0", Frame(0x123 | FD | BRS, bytes(64))) for at in range(100)]
    rate = BusRate(500_000, 2_000_000)
    bits = frame_bits(frames[0][2])
    expected_s = 100 * ((bits.nominal + 3) / 500_000 + bits.data / 2_000_000)
    assert stats(source(frames, rates={"can0": rate})).buses[0].load.load == pytest.approx(expected_s / 0.099)


def test_a_recording_of_one_frame_has_no_period_and_no_load() -> None:
    found = stats(source([(0, "can0", Frame(0x123, b""))], rates={"can0": BusRate(500_000)}))
    assert only(found).periods is None
    assert found.buses[0].load.load is None
    assert list(stats_lines(found))


def test_the_times_of_a_run_are_told_as_they_are_and_dates_from_the_first_frame() -> None:
    frames = [entry for entry in every(10, 100, 0x123) if not 300 * MS < entry[0] < 400 * MS]
    run = stats_json(stats(source(frames, start_ns=5 * MS)))
    dated = stats_json(stats(source(frames, start_ns=EPOCH_NS * 2)))
    assert run["messages"][0]["gaps"] == [{"at_s": 0.305, "length_ms": 100.0}]
    assert dated["messages"][0]["gaps"] == [{"at_s": 0.3, "length_ms": 100.0}]
    assert run["messages"][0]["first_s"] == 0.005


def test_a_database_of_which_the_log_has_no_frame_is_told_and_the_bus_that_it_fits() -> None:
    frames = every(10, 5, 0x666) + every(10, 5, 0x100, bus="can1")
    found = stats(source(frames, {"can0": database(SPEED)}))
    (text,) = [str(finding) for finding in found.findings]
    assert text == (
        "test.dbc: warning: does not fit can0: none of its 1 messages is among the 1 ids of the log; "
        "it fits can1: --database can1=test.dbc"
    )
