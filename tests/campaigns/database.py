"""Mutated databases and payloads raise nothing but a GatewayError, no one hangs: `python tests/campaigns/database.py`.

Databases are mutated copies of those in `tests/data/databases` and of the real cars' in the package opendbc; payloads
go into the messages of the unmutated ones and of every one that loads. Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
sys.path[:] = [
    str(ROOT),
    *(path for path in sys.path if Path(path or ".").resolve() != HERE),
]  # here, `can` is not python-can

from gateway.database import Database, EncodeError, Message, load  # noqa: E402
from gateway.errors import GatewayError  # noqa: E402

OWN = Path(__file__).parents[1] / "data" / "databases"
LARGEST = 16_000
"""Bytes of a real car's database that is still mutated often; larger ones only now and then."""
SLOW_S = 2.0
"""Of the processor's time, so that what else runs does not count."""
NUMBERS = (0, 1, 2, 7, 8, 9, 16, 32, 63, 64, 65, 512, 2**31, 2**32 - 1, 10**12)
FRAGMENTS = tuple(
    text.encode("latin-1")
    for text in (
        *(
            '"',
            ";",
            ":",
            "|",
            "@",
            "(",
            ")",
            "[",
            "]",
            ",",
            "\\",
            "\n",
            "\r",
            "\0",
            "\xff",
            "\xc3",
            "//",
            " ",
            "<",
            "&",
        ),
        *("-1", "0", "65", "4096", "99999999999", "1e400", "nan", "0x10", "M", "m0", "m1M", "m", "NS_ :", "BU_:"),
        "BO_ 1 A: 8 X\n",
        ' SG_ B : 0|8@1+ (1,0) [0|0] "" X\n',
        "SG_MUL_VAL_ 1 B B 0-4294967295;\n",
        'CM_ "',
        'VAL_ 1 B 0 "',
        'BA_DEF_ BO_ "GenMsgSendType" INT 0 1;\n',
        'BA_ "GenMsgSendType" BO_ 1 9;\n',
        "SIG_VALTYPE_ 1 B : 1;\n",
    )
)


Sources = list[tuple[str, bytes]]
"""Databases: suffix and content."""


def small_of(known: Sources) -> Sources:
    return [source for source in known if len(source[1]) <= LARGEST]


def sources() -> Sources:
    """The databases that are mutated."""
    paths = sorted(OWN.iterdir())
    found = find_spec("opendbc")
    if found is not None and found.submodule_search_locations:
        paths += sorted(Path(found.submodule_search_locations[0], "dbc").glob("*.dbc"))
    return [(path.suffix, path.read_bytes()) for path in paths]


def mutated(data: bytes, stream: random.Random) -> bytes:
    """A copy with a few faults: of bytes, of lines, of numbers."""
    for _ in range(stream.choice((1, 1, 1, 2, 3, 5, 10, 30))):
        data = stream.choice(MUTATIONS)(data, stream)
    return data


def _place(data: bytes, stream: random.Random) -> int:
    return stream.randrange(len(data) + 1)


def _insert(data: bytes, stream: random.Random) -> bytes:
    at = _place(data, stream)
    return data[:at] + stream.choice(FRAGMENTS) + data[at:]


def _replace(data: bytes, stream: random.Random) -> bytes:
    at = _place(data, stream)
    return data[:at] + stream.choice(FRAGMENTS) + data[at + stream.randrange(1, 12) :]


def _flip(data: bytes, stream: random.Random) -> bytes:
    at = _place(data, stream)
    return data[:at] + bytes(byte ^ 1 << stream.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]


def _cut(data: bytes, stream: random.Random) -> bytes:
    at = _place(data, stream)
    return data[:at] + data[at + stream.choice((1, 2, 5, 20, 100, 1000)) :]


def _end(data: bytes, stream: random.Random) -> bytes:
    return data[: _place(data, stream)] if stream.random() < 0.2 else data


def _number(data: bytes, stream: random.Random) -> bytes:
    """Another number where one is."""
    at = _place(data, stream)
    while at < len(data) and not 48 <= data[at] <= 57:
        at += 1
    end = at
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    number = stream.choice((*NUMBERS, stream.randrange(4096)))
    return data[:at] + str(number).encode() + data[end:]


def _lines(data: bytes, stream: random.Random) -> bytes:
    """Lines doubled, dropped or moved."""
    lines = data.split(b"\n")
    a, b = stream.randrange(len(lines)), stream.randrange(len(lines))
    match stream.randrange(3):
        case 0:
            lines.insert(a, lines[b])
        case 1:
            del lines[a]
        case _:
            lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


MUTATIONS = (_insert, _replace, _flip, _cut, _end, _number, _number, _lines)


def databases(known: Sources, count: int, stream: random.Random) -> Iterator[tuple[str, bytes]]:
    """`count` mutated copies of known databases: suffix and content."""
    small = small_of(known)
    for number in range(count):
        suffix, data = stream.choice(known if number % 200 == 0 else small)
        yield suffix, mutated(data, stream)


def exercise(message: Message, payload: bytes, stream: random.Random) -> None:
    """All that can be done with a payload; an EncodeError is an answer, anything else that is raised is a finding."""
    values = message.decode(payload)
    raws = message.decode_raw(payload)
    labels = message.labels(payload)
    for signal in message.signals[:4]:
        signal.decode(payload)
    for encode, given in ((message.encode, values), (message.encode_raw, raws), (message.encode, labels)):
        if stream.random() < 0.2:
            with suppress(EncodeError):
                encode(given)  # type: ignore[operator]


def payload_for(message: Message, stream: random.Random) -> bytes:
    kind = stream.randrange(4)
    length = message.length if kind < 2 else stream.randrange(message.length + 9) if kind == 2 else stream.randrange(70)
    return stream.randbytes(length) if stream.random() < 0.9 else stream.choice((b"\0", b"\xff")) * length


class Report:
    """What was found, told at the end."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self.slow: list[str] = []
        self.slowest_s = 0.0

    def found(self, what: str, data: bytes, among: list[str] | None = None) -> None:
        """One finding, with its database or payload kept in a file."""
        with tempfile.NamedTemporaryFile(prefix="gateway-campaign-", suffix=".bin", delete=False) as file:
            file.write(data)
        (self.findings if among is None else among).append(f"{what}\n  kept in {file.name}")

    def load(self, folder: Path, suffix: str, data: bytes) -> Database | None:
        """The database in `data`, if it is one; what should not have been is noted."""
        path = folder / f"mutated{suffix}"
        path.write_bytes(data)
        begun = time.process_time()
        try:
            database = load(path)
            for message in database.messages:
                assert len(message.initial) == message.length
        except GatewayError:
            self.counts["refused databases"] += 1
            return None
        except Exception:  # noqa: BLE001 - finding these is what the campaign is for
            self.found(traceback.format_exc(limit=-4), data)
            return None
        finally:
            took_s = time.process_time() - begun
            self.slowest_s = max(self.slowest_s, took_s)
            if took_s > SLOW_S:
                self.found(f"took {took_s:.1f} s", data, self.slow)
        self.counts["loaded databases"] += 1
        self.counts["diagnostics"] += len(database.diagnostics)
        return database

    def payload(self, message: Message, stream: random.Random) -> None:
        """One payload into one message."""
        payload = payload_for(message, stream)
        try:
            exercise(message, payload, stream)
        except Exception:  # noqa: BLE001 - finding these is what the campaign is for
            self.found(f"{message}: {traceback.format_exc(limit=-4)}", payload)
        self.counts["payloads"] += 1


def run(database_count: int, payload_count: int, seed: int, known: Sources | None = None) -> Report:
    """The campaign: a tenth of the payloads go into mutated databases, the others into those as they are."""
    known = known or sources()
    report, stream = Report(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        whole = [found for suffix, data in known if (found := report.load(path, suffix, data)) is not None]
        per_database = payload_count // 10 // max(database_count, 1)
        for suffix, data in databases(known, database_count, stream):
            database = report.load(path, suffix, data)
            if database is not None and database.messages:
                for _ in range(per_database):
                    report.payload(stream.choice(database.messages), stream)
    messages = [message for database in whole for message in database.messages if message.signals]
    while report.counts["payloads"] < payload_count:
        report.payload(stream.choice(messages), stream)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--databases", type=int, default=20_000)
    parser.add_argument("--payloads", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = run(arguments.databases, arguments.payloads, arguments.seed)
    for what, count in sorted(report.counts.items()):
        print(f"{count:>10,} {what}")
    print(f"{report.slowest_s:>10.2f} s for the slowest database")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:>10,} MB of memory at most")
    print(f"{len(report.slow):>10,} took more than {SLOW_S} s")
    print(f"{len(report.findings):>10,} raised something else than a GatewayError")
    for finding in [*report.findings, *report.slow][:20]:
        print(finding)
    return 1 if report.findings or report.slow else 0


if __name__ == "__main__":
    sys.exit(main())
