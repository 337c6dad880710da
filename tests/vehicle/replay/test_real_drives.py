"""Real cars' recordings with real cars' databases, against cantools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cantools
import pytest

from gateway.database import load as load_database
from gateway.trace import open_reader
from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
from gateway.vehicle.logs.decode import decode_log
from gateway.vehicle.logs.log import read_log
from gateway.vehicle.logs.replay import ReplayReport, replay

TESTS = Path(__file__).parents[2]
GENESIS, GENESIS_DBC = "genesis-0-64kph.log", "hyundai_i30_2014.dbc"
GT350, GT350_DBC = "gt350-engine-running.log", "ford_lincoln_base_pt.dbc"
Find = Callable[[str], Path]


@pytest.fixture(scope="module")
def genesis(real_drive: Find, opendbc_file: Find) -> tuple[ReplayReport, list[tuple[int, Any]]]:
    """The replay of the Hyundai's drive, and each value that Vehicle.Speed took with its time."""
    log = read_log([real_drive(GENESIS)])
    databases = {"can0": load_database(opendbc_file(GENESIS_DBC))}
    car = vehicle_of_log(log, databases, TESTS / "data" / "hyundai_i30_signals.json")
    series: list[tuple[int, Any]] = []
    car.gateway.store["Vehicle.Speed"].listen(lambda signal: series.append((car.kernel.now, signal.datapoint.value)))
    return replay(car, log), series


def test_the_hyundai_drives_from_0_to_64_kmh(genesis: tuple[ReplayReport, list[tuple[int, Any]]]) -> None:
    result, series = genesis
    assert result.run.simulated_s == pytest.approx(51.5, abs=0.05)
    assert result.run.frames == 7583
    assert (series[0][1], max(value for _, value in series)) == (0, 64)


def test_its_speed_is_that_which_cantools_decodes(
    genesis: tuple[ReplayReport, list[tuple[int, Any]]], real_drive: Find, opendbc_file: Find
) -> None:
    database = cantools.database.load_file(opendbc_file(GENESIS_DBC), strict=False)
    message = database.get_message_by_name("EMS1")
    with open_reader(real_drive(GENESIS)) as reader:
        records = list(reader)
    start = records[0].time_ns
    expected = [
        (record.time_ns - start, message.decode(record.frame.data)["VS"])
        for record in records
        if record.frame.arbitration_id == message.frame_id
    ]
    assert len(expected) > 1000
    assert genesis[1] == expected


def test_its_unknown_frames_and_its_troubles_are_named(genesis: tuple[ReplayReport, list[tuple[int, Any]]]) -> None:
    result, _ = genesis
    assert result.unknown_frames == 136
    texts = [finding.text for finding in result.findings if finding.line is None]
    assert "SAS1 (0x2B0): 758 frames of 5 bytes instead of 8, decoded as far as they reach" in texts
    assert any(
        text.startswith("EMS2 (0x329): 187 frames concerned by line 278 of hyundai_i30_2014.dbc") for text in texts
    )
    assert any("TQ_STND" in finding.text for finding in result.findings if finding.line is not None)


def test_of_the_ford_all_but_1639_frames_are_known(real_drive: Find, opendbc_file: Find) -> None:
    log = read_log([real_drive(GT350)])
    result = replay(vehicle_of_log(log, {"can0": load_database(opendbc_file(GT350_DBC))}), log)
    assert (result.run.frames, result.unknown_frames) == (40_929, 1_639)
    assert result.run.buses["can0"].events == {}


@pytest.mark.parametrize(("drive", "dbc", "refused"), [(GENESIS, GENESIS_DBC, 187), (GT350, GT350_DBC, 0)])
def test_a_whole_log_decodes_to_what_cantools_decodes_frame_by_frame(
    real_drive: Find, opendbc_file: Find, drive: str, dbc: str, refused: int
) -> None:
    decoded = decode_log(real_drive(drive), load_database(opendbc_file(dbc)))
    reference = cantools.database.load_file(opendbc_file(dbc), strict=False)
    with open_reader(real_drive(drive)) as reader:
        records = list(reader)
    seen: Counter[str] = Counter()
    refusals = 0
    for table in decoded.tables:
        message = reference.get_message_by_name(table.message.name)
        columns = {name: values.tolist() for name, values in table.values.items()}
        for position, row in enumerate(table.rows.tolist()):
            data = records[row].frame.data
            try:
                expected = message.decode(data, decode_choices=False, allow_truncated=True)
            except cantools.database.DecodeError:  # signals that share bits, of EMS2
                expected = _by_hand(message, data)
                refusals += 1
            got = {name: column[position] for name, column in columns.items() if column[position] == column[position]}
            # Arrays hold float64: whole numbers above 2**53 are rounded to it.
            assert got == {name: float(value) for name, value in expected.items()}, (
                table.message.name,
                row,
                data.hex(),
            )
            seen[table.message.name] += 1
    assert refusals == refused
    known = {message.frame_id for message in reference.messages}
    assert seen.total() == sum(1 for record in records if record.frame.arbitration_id in known)


def _by_hand(message: Any, data: bytes) -> dict[str, float]:
    """Plain unsigned little endian signals, each from its own bits."""
    word = int.from_bytes(data, "little")
    assert all(signal.byte_order == "little_endian" and not signal.is_signed for signal in message.signals)
    return {
        signal.name: (word >> signal.start & (1 << signal.length) - 1) * signal.scale + signal.offset
        for signal in message.signals
    }
