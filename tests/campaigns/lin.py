"""Mutated LDFs and frames raise nothing but a GatewayError, no one hangs: `python tests/campaigns/lin.py`.

LDFs are mutated copies of the demo vehicle's, of small ones of every language version, and of any `*.ldf` in the folders
given; one that has no error is driven for a second. Frames go into a bus as answers of its nodes (of any length, for any
identifier), as diagnostic requests, and as packets of a recording. Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
sys.path[:] = [str(ROOT), *(path for path in sys.path if Path(path or ".").resolve() != HERE)]

from gateway.can import Frame  # noqa: E402
from gateway.database import Database, Severity, load  # noqa: E402
from gateway.errors import GatewayError  # noqa: E402
from gateway.lin import LinBus, Reassembly, checksum, segments, usual_model  # noqa: E402
from gateway.lin.transport import TransportMessage  # noqa: E402
from gateway.sim import NS_PER_S, Kernel  # noqa: E402
from gateway.trace import lin_packets, socketcan  # noqa: E402

SLOW_S = 5.0
OLD = """\
LIN_description_file;
LIN_protocol_version = "1.3";
LIN_language_version = "1.3";
LIN_speed = 9.6 kbps;
Nodes { Master: M, 5 ms, 0 ms; Slaves: S; }
Diagnostic_addresses { S: 7; }
Signals { A: 1, 0, S, M; B: 8, 0, M, S; }
Frames { F: 0x21, S { A, 0; } G: 0x31, M { B, 8; } }
Schedule_tables { T { F delay 15 ms; G delay 20 ms; } }
Signal_encoding_types { E { logical_value, 0, "off"; physical_value, 1, 9, 0.5, -1, "V"; bcd_value; ascii_value; } }
Signal_representation { E: A, B; }
"""
J2602 = OLD.replace('"1.3"', '"J2602_1_1.0"', 1).replace("0 ms; Slaves", "0 ms, 24 bits, 30 %; Slaves")
CONFIGURED = """\
LIN_description_file;
LIN_protocol_version = "2.1";
LIN_language_version = "2.1";
LIN_speed = 19.2 kbps;
Nodes { Master: M, 5 ms, 0.1 ms; Slaves: S, T; }
Signals { A: 8, 0, S, M; B: 8, 0, T, M; C: 1, 0, M, S; D: 16, {1, 2}, M, S; Err: 1, 0, S, M; }
Frames { FA: 1, S, 3 { A, 8; Err, 16; } FB: 2, T, 3 { B, 8; } FC: 3, M, 3 { C, 0; D, 8; } }
Sporadic_frames { Sp: FC; }
Event_triggered_frames { Ev: Res, 4, FA, FB; }
Node_attributes {
  S { LIN_protocol = "2.1"; configured_NAD = 1; initial_NAD = 2; product_id = 1, 2, 3; response_error = Err;
      configurable_frames { FA; FC; Ev; } }
  T { LIN_protocol = "2.0"; configured_NAD = 3; product_id = 1, 2; configurable_frames { FB = 0x10; } }
}
Schedule_tables {
  N { Sp delay 10 ms; FA delay 10 ms; Ev delay 10 ms; }
  Res { FA delay 10 ms; FB delay 10 ms; }
  Cfg { AssignNAD {S} delay 15 ms; AssignFrameIdRange {S, 0} delay 15 ms; AssignFrameIdRange {S, 0, 1, 2, 3, 4} delay 15 ms;
        ConditionalChangeNAD {0x17, 0, 0x20, 0xFF, 0, 0x18} delay 15 ms; DataDump {S, 1, 2, 3, 4, 5} delay 15 ms;
        SaveConfiguration {S} delay 15 ms; AssignFrameId {T, FB} delay 15 ms; UnassignFrameId {T, FB} delay 15 ms;
        FreeFormat {1, 2, 3, 4, 5, 6, 7, 8} delay 15 ms; MasterReq delay 15 ms; SlaveResp delay 15 ms; }
}
"""
NUMBERS = (
    "0",
    "1",
    "-1",
    "7",
    "8",
    "9",
    "63",
    "64",
    "65",
    "255",
    "256",
    "0x40",
    "0xFFFF",
    "99999999999999999999",
    "1e400",
    "0.0",
)
WORDS = (
    "{",
    "}",
    ";",
    ",",
    ":",
    '"',
    "=",
    "delay",
    "ms",
    "MasterReq",
    "SlaveResp",
    "AssignNAD",
    "//",
    "/*",
    "*/",
    "\n",
    "\0",
    "ä",
)


NAME = re.compile(r"\b[A-Za-z_]\w*\b")
KEYWORDS = frozenset(
    [
        "LIN_description_file",
        "LIN_protocol_version",
        "LIN_language_version",
        "LIN_speed",
        "kbps",
        "Nodes",
        "Master",
        "Slaves",
        "ms",
        "bits",
        "Signals",
        "Frames",
        "Diagnostic_addresses",
        "Sporadic_frames",
        "Event_triggered_frames",
        "Node_attributes",
        "LIN_protocol",
        "configured_NAD",
        "initial_NAD",
        "product_id",
        "response_error",
        "configurable_frames",
        "Schedule_tables",
        "delay",
        "AssignNAD",
        "AssignFrameIdRange",
        "ConditionalChangeNAD",
        "DataDump",
        "SaveConfiguration",
        "AssignFrameId",
        "UnassignFrameId",
        "FreeFormat",
        "MasterReq",
        "SlaveResp",
        "Signal_encoding_types",
        "logical_value",
        "physical_value",
        "bcd_value",
        "ascii_value",
        "Signal_representation",
    ]
)


def sources(folders: list[Path]) -> list[str]:
    texts = [(ROOT / "dbc" / "doors.ldf").read_text(), OLD, J2602, CONFIGURED]
    return texts + [path.read_text(errors="replace") for folder in folders for path in sorted(folder.glob("*.ldf"))]


def mutated(text: str, stream: random.Random) -> str:
    """A copy with a few faults: of characters, words, numbers, lines."""
    for _ in range(stream.choice((1, 1, 1, 2, 3, 8))):
        text = stream.choice(MUTATIONS)(text, stream)
    return text


def _cut(text: str, stream: random.Random) -> str:
    at = stream.randrange(len(text) + 1)
    return text[:at] + text[at + stream.choice((1, 1, 3, 20, 300)) :]


def _insert(text: str, stream: random.Random) -> str:
    at = stream.randrange(len(text) + 1)
    return text[:at] + stream.choice((*WORDS, *NUMBERS)) + text[at:]


def _number(text: str, stream: random.Random) -> str:
    at = stream.randrange(len(text) + 1)
    while at < len(text) and not text[at].isdigit():
        at += 1
    end = at
    while end < len(text) and (text[end].isalnum() or text[end] == "."):
        end += 1
    return text[:at] + (stream.choice(NUMBERS) if stream.random() < 0.3 else str(stream.randrange(70))) + text[end:]


def _name(text: str, stream: random.Random) -> str:
    """One name for another of the file."""
    places = [found for found in NAME.finditer(text) if found[0] not in KEYWORDS]
    if not places:
        return text
    place, new = stream.choice(places), stream.choice(places)[0]
    return text[: place.start()] + new + text[place.end() :]


def _lines(text: str, stream: random.Random) -> str:
    lines = text.split("\n")
    a, b = stream.randrange(len(lines)), stream.randrange(len(lines))
    if stream.random() < 0.4:
        lines.insert(a, lines[b])
    elif stream.random() < 0.5:
        del lines[a]
    else:
        lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _cut,
    _insert,
    _number,
    _number,
    _number,
    _name,
    _name,
    _name,
    _lines,
)


class Report:
    """What was found."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self.slowest_s = 0.0

    def found(self, what: str, data: str) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="gateway-campaign-", suffix=".ldf", delete=False) as file:
            file.write(data)
        self.findings.append(f"{what}\n  kept in {file.name}")

    def ldf(self, path: Path, text: str) -> None:
        """Load one LDF; drive it when it has no error."""
        path.write_text(text)
        begun = time.process_time()
        try:
            database = load(path)
            if any(diagnostic.severity is Severity.ERROR for diagnostic in database.diagnostics):
                self.counts["LDFs with errors"] += 1
            else:
                self.counts["good LDFs"] += 1
                drive(database)
        except GatewayError:
            self.counts["refused LDFs"] += 1
        except Exception:  # noqa: BLE001 - finding these is what the campaign is for
            self.found(traceback.format_exc(limit=-5), text)
        took_s = time.process_time() - begun
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > SLOW_S:
            self.found(f"took {took_s:.1f} s", text)


def drive(database: Database) -> None:
    """Each of its tables for a moment, all nodes answering with start values."""
    assert database.lin is not None
    kernel = Kernel()
    bus = LinBus(kernel, "lin", database.lin)
    nodes = {name: bus.attach(name) for name in database.nodes}
    for frame in database.lin.frames.values():
        data = database.message(frame.name).initial
        nodes[frame.publisher].supply(frame.frame_id, lambda frame=frame, data=data: Frame(frame.frame_id, data))
        nodes[frame.publisher].updated.add(frame.frame_id)
    for node in nodes.values():
        node.switch_on()
    for name, table in database.lin.tables.items():
        if table.slots and min(slot.delay_ns for slot in table.slots):
            bus.commander.schedule(name)
            kernel.run(kernel.now + NS_PER_S // 5)


class Bus:
    """The bus that frames are thrown at."""

    def __init__(self, folder: Path, stream: random.Random) -> None:
        path = folder / "bus.ldf"
        path.write_text(CONFIGURED)
        database = load(path)
        assert database.lin is not None
        self.kernel = Kernel()
        self.stream = stream
        self.bus = LinBus(self.kernel, "lin", database.lin)
        self.nodes = {name: self.bus.attach(name) for name in database.nodes}
        for frame in database.lin.frames.values():
            self.nodes[frame.publisher].supply(frame.frame_id, self.answer)
        for node in self.nodes.values():
            node.receive_all(lambda frame: None)
        self.messages = database.messages
        self.bus.commander.schedule("N")
        for node in self.nodes.values():
            node.switch_on()
        self.reassembly = Reassembly(NS_PER_S)

    def answer(self) -> Frame | None:
        stream = self.stream
        if stream.random() < 0.05:
            return None
        length = 3 if stream.random() < 0.5 else stream.randrange(13)
        return Frame(stream.randrange(64), stream.randbytes(length))

    def one(self, number: int) -> None:
        """One frame, on one of the ways in."""
        stream = self.stream
        match number % 4:
            case 0:
                node = stream.choice(list(self.nodes.values()))
                node.send(Frame(stream.randrange(80), stream.randbytes(stream.randrange(10))))
                self.kernel.run(self.kernel.now + 10_000_000)
            case 1:
                node = stream.choice(list(self.nodes.values()))
                self.bus.inject(node, Frame(stream.randrange(64), stream.randbytes(stream.randrange(9))))
                if number % 4001 == 1:
                    self.bus.commander.diagnostics.request(
                        stream.randrange(256), stream.randbytes(stream.randrange(1, 30))
                    )
                    self.bus.commander.run_once("Cfg")
            case 2:
                packet = bytearray(stream.randbytes(stream.randrange(20)))
                if packet and stream.random() < 0.9:
                    packet[0] = 1
                try:
                    frame = lin_packets.from_packet(bytes(packet))
                    lin_packets.to_packet(frame, usual_model(frame.header & 0x3F))
                except socketcan.UnfitError:
                    pass
            case _:
                pdu = stream.randbytes(8)
                message = self.reassembly.receive(pdu, number * 1000)
                if message is not None:
                    list(segments(TransportMessage(message.nad, message.payload)))
                checksum(pdu, usual_model(pdu[0] & 0x3F), pdu[0])
                found = stream.choice(self.messages)
                found.labels(pdu[: stream.randrange(9)])


def run(ldfs: int, frames: int, seed: int, folders: list[Path]) -> Report:
    report, stream = Report(), random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = sources(folders)
        for text in texts:
            report.ldf(folder / "source.ldf", text)
        for number in range(ldfs):
            # The large one is slow to parse, and small ones have every statement.
            text = texts[0] if number % 20 == 0 else stream.choice(texts[1:])
            report.ldf(folder / "mutated.ldf", mutated(text, stream))
        bus = Bus(folder, stream)
        for number in range(frames):
            try:
                bus.one(number)
            except Exception:  # noqa: BLE001 - finding these is what the campaign is for
                report.found(f"frame {number}: {traceback.format_exc(limit=-5)}", "")
            report.counts["frames"] += 1
            if number % 50_000 == 0 and bus.bus.sleeping.asleep:
                bus.nodes["S"].wake_up()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--ldfs", type=int, default=20_000)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", type=Path, nargs="*", help="folders with more LDFs")
    arguments = parser.parse_args()
    report = run(arguments.ldfs, arguments.frames, arguments.seed, arguments.folders)
    for what, count in sorted(report.counts.items()):
        print(f"{count:>10,} {what}")
    print(f"{report.slowest_s:>10.2f} s for the slowest LDF")
    print(f"{len(report.findings):>10,} raised something else than a GatewayError, or took too long")
    for finding in report.findings[:10]:
        print(finding)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
