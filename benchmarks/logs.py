"""Whole recordings: `gateway stats` against the loop over python-can's reader and cantools that a user would write.

Ours takes all of a log of ten million frames. The loop would take minutes for it, and its work is the same for every
frame, so that it takes the first two hundredth of the same log and its time is scaled by the number of frames.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from pathlib import Path

import can
import cantools
import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, seconds
from gateway.analysis.source import open_source
from gateway.analysis.stats import stats
from gateway.vehicle.logs.log_databases import DatabaseChoice

FRAMES = 10_000_000
LOOP_FRAMES = 50_000
ROUNDS = 3
_IDS = 100
_BLOCK = 500_000
_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8)


def measure() -> list[Figure]:
    """One figure: how many times as fast. Ours once over all, the loop the median of three."""
    frames = int(os.environ.get("BENCH_STATS_FRAMES", FRAMES))
    with tempfile.TemporaryDirectory() as folder:
        database, log, part = (Path(folder) / name for name in ("bench.dbc", "bench.log", "part.log"))
        database.write_text(_dbc())
        write_log(log, frames)
        write_log(part, LOOP_FRAMES)
        loop_s = sorted(seconds(lambda: _by_hand(part, database)) for _ in range(ROUNDS))[ROUNDS // 2]
        ours_s = seconds(lambda: _ours(log, database, frames))
        ratio = loop_s / LOOP_FRAMES * frames / ours_s
        text = (
            f"python-can's reader and cantools, {LOOP_FRAMES} frames of the same log scaled to {frames}: "
            f"{LOOP_FRAMES / loop_s:,.0f} frames/s, ours {frames / ours_s:,.0f} frames/s, file included"
        )
        return [Figure("logs.stats", ratio, "x", text)]


def _ours(log: Path, database: Path, frames: int) -> None:
    found = stats(open_source(log, [DatabaseChoice(database)], _no_vehicle))
    if found.frames != frames or len(found.messages) != _IDS:
        raise AssertionError(f"{found.frames} frames of {len(found.messages)} messages were found")


def _by_hand(log: Path, database: Path) -> None:
    """Counts, periods, lengths and a decoded frame each: what `gateway stats` tells, written down straight on."""
    messages = cantools.database.load_file(database)
    last: dict[int, float] = {}
    count: Counter[int] = Counter()
    total: Counter[int] = Counter()
    squares: dict[int, float] = {}
    least: dict[int, float] = {}
    most: dict[int, float] = {}
    wrong: Counter[int] = Counter()
    for frame in can.LogReader(log):
        known = messages.get_message_by_frame_id(frame.arbitration_id)
        known.decode(frame.data)
        key = frame.arbitration_id
        count[key] += 1
        wrong[key] += known.length != frame.dlc
        if key in last:
            period = frame.timestamp - last[key]
            total[key] += period
            squares[key] = squares.get(key, 0.0) + period * period
            least[key] = min(period, least.get(key, math.inf))
            most[key] = max(period, most.get(key, 0.0))
        last[key] = frame.timestamp
    if len(count) != _IDS:
        raise AssertionError("the log has other messages")


def _dbc() -> str:
    blocks = []
    for index in range(_IDS):
        signals = [f' SG_ S{at} : {16 * at}|16@1+ (0.1,0) [0|0] "" X' for at in range(4)]
        blocks.append("\n".join([f"BO_ {256 + index} Message{index}: 8 X", *signals]))
    return "\n".join(['VERSION ""', "", "BS_:", "", "BU_: X", "", "\n\n".join(blocks), ""])


def write_log(path: Path, frames: int) -> None:
    """A candump log of 100 messages of 8 random bytes, one after the other every 0.1 ms."""
    generator = np.random.default_rng(11)
    with path.open("wb") as stream:
        for first in range(0, frames, _BLOCK):
            stream.write(_lines(generator, first, min(_BLOCK, frames - first)))


def _lines(generator: np.random.Generator, first: int, count: int) -> bytes:
    line = np.frombuffer(b"(1600000000.000000) can0 000#0000000000000000\n", np.uint8)
    lines = np.tile(line, (count, 1))
    numbers = np.arange(first, first + count)
    _decimal(lines[:, 1:11], 1_600_000_000 + numbers // 10_000)
    _decimal(lines[:, 12:18], numbers % 10_000 * 100)
    identifiers = 256 + numbers % _IDS
    for place in range(3):
        lines[:, 25 + place] = _DIGITS[identifiers >> 4 * (2 - place) & 0xF]
    lines[:, 29:45] = _DIGITS[generator.integers(0, 16, (count, 16), dtype=np.uint8)]
    return lines.tobytes()


def _decimal(columns: NDArray[np.uint8], numbers: NDArray[np.int64]) -> None:
    for place in range(columns.shape[1] - 1, -1, -1):
        columns[:, place] = ord("0") + numbers % 10
        numbers = numbers // 10


def _no_vehicle(_: object) -> None:
    """The log is of no vehicle file."""
