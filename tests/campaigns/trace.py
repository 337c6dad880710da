"""Damaged recordings by the million: reading them may raise TraceError and nothing else, and must end.

    python tests/campaigns/trace.py --inputs 1000000 --seed 1

Each input is a good recording of one format with some bytes flipped, cut, doubled or replaced. Candump logs and pcapng
are read in both ways, frame by frame and as columns; the two have to agree in frames, buses, counts and complaints.
"""

from __future__ import annotations

import argparse
import gzip
import io
import logging
import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

# This folder has files named like packages (can.py) and, being the script's, comes first where Python looks for them.
sys.path.sort(key=lambda entry: Path(entry).resolve() == Path(__file__).resolve().parent)

import can

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, Frame
from gateway.trace import (
    BusInfo,
    CandumpReader,
    CaptureReader,
    Direction,
    Interface,
    LinkType,
    Recorded,
    Severity,
    TraceError,
    TraceReader,
    open_writer,
)
from gateway.trace.columns import load
from gateway.trace.files import Input
from gateway.trace.foreign_reader import ForeignReader

LIMIT_S = 20
BUSES = (BusInfo("can0", 500_000), BusInfo("can1", 500_000, 2_000_000))
FRAMES = (
    Frame(0x123, b"\x01\x02\x03"),
    Frame(EXTENDED | 0x1ABCDEF0, b"12345678"),
    Frame(REMOTE | 0x55, b""),
    Frame(FD | BRS | 0x321, bytes(range(64))),
    Frame(FD | 0x7, b""),
    Frame(FD | ESI | EXTENDED | 0x12, bytes(12)),
    Frame(ERROR | 0x88, bytes(8)),
    *(Frame(0x100, bytes([number] * 8)) for number in range(20)),
)
SCREEN = b"""\
 (000.000000)  can0  123   [3]  01 02 03
 (000.001000)  can0  1ABCDEF0   [8]  31 32 33 34 35 36 37 38   '12345678'
 (2020-08-30 22:49:54.745895)  can1  RX B -  321  [12]  00 01 02 03 04 05 06 07 08 09 0A 0B
 (000.003000)  can0  055   [0]  remote request
 (000.004000)  can0  20000088   [8]  00 00 00 00 00 00 00 00   ERRORFRAME
"""
PIECES = (
    *(b"\x00", b"\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x0a\x0d\x0d\x0a"),
    *(b"\x01\x00\x00\x00", b"\x06\x00\x00\x00", b"\x03\x00\x00\x00", b"\x08", b"\x40", b"LOBJ", b"\n", b"\r", b" "),
    *(b"#", b"##", b")", b"(", b".", b"-1", b"1e999", b"nan", b"_", b"x", b"99999999999", b",", b"CANFD", b"\xc3"),
)


def recordings(folder: Path) -> dict[str, list[bytes]]:
    """Good files of each format, by ending."""
    made: dict[str, list[bytes]] = {}
    for ending in (".pcapng", ".log", ".asc", ".blf", ".trc", ".csv"):
        for start_ns in (0, 1_598_827_794_745_895_000):
            path = folder / f"good{ending}"
            with open_writer(path, BUSES, "a comment") as writer:
                for number, frame in enumerate(FRAMES):
                    writer.write(start_ns + number * 1_000_500, number & 1, frame, "", Direction(number % 3))
                    if number == 5:
                        writer.write(start_ns + number * 1_000_500, 0, frame, "remark")
                        writer.write_event(start_ns + number * 1_000_500, "said", Severity.ERROR)
            made.setdefault(ending, []).append(path.read_bytes())
    with can.BLFWriter(folder / "plain.blf", compression_level=0) as plain:
        for number in range(20):
            plain.on_message_received(
                can.Message(timestamp=number / 1000, arbitration_id=number, data=bytes(number % 9))
            )
    made[".blf"].append((folder / "plain.blf").read_bytes())
    made[".log"].append(SCREEN)
    made[".pcapng"] += _other_captures()
    for ending in (".pcapng", ".log", ".asc"):
        made[ending].append(gzip.compress(made[ending][0], mtime=0))
    return made


def _other_captures() -> list[bytes]:
    """A section of the other byte order with coarse clocks and a simple packet; old pcap; other links."""
    import struct

    def block(kind: int, body: bytes) -> bytes:
        total = len(body) + 12
        return struct.pack(">II", kind, total) + body + struct.pack(">I", total)

    packet = struct.pack(">IBBxx", 0x123, 4, 0) + b"abcd"
    section = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    power_of_two = struct.pack(">HHB3xHHqHH", 9, 1, 0x94, 14, 8, 1_000, 0, 0)
    section += block(1, struct.pack(">HHI", 227, 0, 0) + power_of_two) + block(1, struct.pack(">HHI", 227, 0, 0))
    for index in range(4):
        section += block(6, struct.pack(">IIIII", index & 1, 0, index, 12, 12) + packet)
    section += block(3, struct.pack(">I", 12) + packet) + block(2, struct.pack(">HHIIII", 0, 0, 0, 9, 12, 12) + packet)
    old = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 227)
    old += b"".join(struct.pack("<IIII", index, 5, 12, 12) + packet for index in range(4))
    stream = io.BytesIO()
    from gateway.trace import PcapngWriter

    writer = PcapngWriter(stream, [Interface("eth0", LinkType.ETHERNET), Interface("doors", LinkType.LIN)])
    writer.packet(0, 1, bytes(60))
    writer.packet(1, 1, bytes(16))
    writer.flush()
    return [section, old, section + stream.getvalue(), stream.getvalue()]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The data with one to four faults."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not result:
            break
        place = chance.randrange(len(result))
        match chance.randrange(6):
            case 0:
                result[place] ^= 1 << chance.randrange(8)
            case 1:
                del result[place : place + chance.choice((1, 2, 4, 30, 300))]
            case 2:
                piece = chance.choice(PIECES)
                result[place : place + len(piece)] = piece
            case 3:
                result[place:place] = chance.choice(PIECES)
            case 4:
                del result[place:]
            case _:
                end = place + chance.choice((4, 8, 40, 48))
                result[place:place] = result[place:end]
    return bytes(result)


def reader_of(data: bytes, ending: str) -> TraceReader:
    source = Input(io.BytesIO(data), f"damaged{ending}", len(data))
    if ending == ".pcapng":
        return CaptureReader(source)
    return CandumpReader(source) if ending == ".log" else ForeignReader(source, ending)


def read(data: bytes, ending: str) -> tuple[list[Recorded], TraceReader] | str:
    """All frames and the reader, or the sentence of the error."""
    try:
        reader = reader_of(data, ending)
        return list(reader), reader
    except TraceError as fault:
        return fault.sentence


def compare(data: bytes, ending: str, frames: list[Recorded], reader: TraceReader) -> None:
    """AssertionError when the columns of the same data differ from the frames."""
    columns = load(reader_of(data, ending))
    by_row = zip(
        *(columns.times.tolist(), columns.bus.tolist(), columns.header.tolist(), columns.length.tolist()),
        columns.data,
        strict=True,
    )
    rows = [
        (time_ns, columns.buses[bus], header, payload[:length].tobytes(), payload[length:].any())
        for time_ns, bus, header, length, payload in by_row
    ]
    expected = [(item.time_ns, item.bus, item.frame.header, item.frame.data, False) for item in frames]
    for row, (got, wanted) in enumerate(zip(rows, expected, strict=False)):
        assert got == wanted, f"frame {row} is {got} in columns, {wanted} frame by frame"
    assert len(rows) == len(expected), f"{len(rows)} frames in columns, {len(expected)} frame by frame"
    assert columns.problem == reader.problem, "problems differ"
    assert columns.skipped == reader.skipped, "counts differ"


def run(inputs: int, seed: int) -> Counter[str]:
    """Read that many damaged files; gives how they ended. AssertionError or another exception: a fault was found."""
    logging.disable(logging.CRITICAL)
    chance = random.Random(seed)
    ended: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        good = recordings(Path(folder))
    endings = list(good)
    for number in range(inputs):
        ending = endings[number % len(endings)]
        data = damaged(chance.choice(good[ending]), chance)
        try:
            signal.alarm(LIMIT_S)
            result = read(data, ending)
            if isinstance(result, str):
                ended[f"{ending} refused"] += 1
            else:
                ended[f"{ending} {'read in part' if result[1].problem else 'read'}"] += 1
                if ending in (".pcapng", ".log"):
                    compare(data, ending, *result)
        except BaseException:
            kept = Path(tempfile.gettempdir()) / f"damaged-{seed}-{number}{ending}"
            kept.write_bytes(data)
            sys.stderr.write(f"input {number} of seed {seed} is kept as {kept}\n")
            raise
        finally:
            signal.alarm(0)
    logging.disable(logging.NOTSET)
    return ended


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    ended = run(arguments.inputs, arguments.seed)
    for how, count in sorted(ended.items()):
        sys.stdout.write(f"{how:<25} {count:>9}\n")
    return 0


def _too_long(*_: object) -> None:
    raise AssertionError(f"not read within {LIMIT_S} s")


if __name__ == "__main__":
    sys.exit(main())
