"""Decoding, ours over cantools: one message at a time, and a whole log at once."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import cantools

from benchmarks.measure import Figure, in_turn
from gateway.database import load
from gateway.vehicle.logs.decode import decode_log

_MESSAGES = 2_000
_LOG_FRAMES = 50_000
ROUNDS = 9


def _dbc(name: str, signals: list[str]) -> str:
    return "\n".join(['VERSION ""', "", "BS_:", "", "BU_: N", "", f"BO_ 256 {name}: 8 N", *signals, ""])


def _eight() -> str:
    """Eight signals in eight bytes, both byte orders, some signed, scaled or with an offset."""
    return _dbc(
        "Eight",
        [
            ' SG_ A : 0|12@1+ (0.1,0) [0|409.5] "km/h" X',
            ' SG_ B : 12|4@1+ (1,0) [0|15] "" X',
            ' SG_ C : 16|8@1- (0.5,-40) [-104|23.5] "degC" X',
            ' SG_ D : 31|8@0+ (1,0) [0|255] "" X',
            ' SG_ E : 32|10@1+ (0.25,0) [0|255.75] "%" X',
            ' SG_ F : 42|1@1+ (1,0) [0|1] "" X',
            ' SG_ G : 43|5@1+ (1,0) [0|31] "" X',
            ' SG_ H : 55|16@0- (0.01,0) [-327.68|327.67] "Nm" X',
        ],
    )


def _twenty_six() -> str:
    """Twenty-six signals in eight bytes, as driver assistance status messages have them: flags, named states, angles."""
    signals = []
    tables = []
    start = 0
    for index in range(26):
        length = (1, 1, 2, 3, 4)[index % 5] if index < 25 else 64 - start
        length = min(length, 64 - start)
        scale, offset = ("0.1", "-12.5") if index % 5 == 4 else ("1", "0")
        signals.append(f' SG_ S{index} : {start}|{length}@1+ ({scale},{offset}) [0|0] "" X')
        if index % 5 in {2, 3}:
            names = " ".join(f'{value} "STATE_{value}"' for value in range(1 << length))
            tables.append(f"VAL_ 256 S{index} {names} ;")
        start += length
    return _dbc("TwentySix", [*signals, "", *tables])


def _plain(value: object) -> object:
    return value if isinstance(value, int | float) else str(value)


def measure_messages() -> list[Figure]:
    stream = random.Random(7)
    payloads = [stream.randbytes(8) for _ in range(_MESSAGES)]
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("decode.8_signals", _eight()), ("decode.26_signals", _twenty_six())):
            path = Path(folder) / "bench.dbc"
            path.write_text(text)
            ours = load(path).messages[0].labels
            theirs = cantools.database.load_file(path).messages[0].decode
            if any(ours(data) != {name: _plain(value) for name, value in theirs(data).items()} for data in payloads):
                raise AssertionError("ours and cantools decode differently")
            our_time, their_time = in_turn(
                ROUNDS,
                lambda ours=ours: [ours(data) for data in payloads],
                lambda theirs=theirs: [theirs(data) for data in payloads],
            )
            rate = f"cantools {_MESSAGES / their_time:,.0f} messages/s, ours {_MESSAGES / our_time:,.0f}"
            figures.append(Figure(name, their_time / our_time, "x", rate))
    return figures


def measure_log() -> list[Figure]:
    """From the file on disk to arrays of values, against reading it and decoding each frame."""
    stream = random.Random(8)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.dbc"
        database.write_text(_eight())
        log = Path(folder) / "bench.log"
        log.write_text(
            "".join(f"({n / 1000:.6f}) can0 100#{stream.randbytes(8).hex().upper()}\n" for n in range(_LOG_FRAMES))
        )
        return [_decode_only(database), _with_reading(log, database)]


def _decode_only(database: Path) -> Figure:
    import numpy as np

    from gateway.database.arrays import decode_array

    generator = np.random.default_rng(9)
    payloads = generator.integers(0, 256, (_LOG_FRAMES, 8), dtype=np.uint8)
    raw = [row.tobytes() for row in payloads]
    message = load(database).messages[0]
    theirs = cantools.database.load_file(database).messages[0].decode
    our_time, their_time = in_turn(5, lambda: decode_array(message, payloads), lambda: [theirs(data) for data in raw])
    return Figure(
        "decode.log",
        their_time / our_time,
        "x",
        f"cantools one by one, {_LOG_FRAMES} frames of 8 signals, payloads in memory",
    )


def _with_reading(log: Path, database: Path) -> Figure:
    import can

    theirs = cantools.database.load_file(database)

    def by_hand() -> list[dict[str, float]]:
        return [theirs.decode_message(message.arbitration_id, message.data) for message in can.LogReader(log)]

    our_time, their_time = in_turn(3, lambda: decode_log(log, load(database)), by_hand)
    return Figure("decode.log_file", their_time / our_time, "x", "python-can's reader and cantools, the file included")
