"""`gateway stats`, `diff`, `plot` and `guess` on recordings of real cars, checked by plain loops and by cantools."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import cantools
import command_line
import pytest
from command_line import Done

from gateway.analysis.plot_signals import curves_of
from gateway.analysis.source import open_source
from gateway.routing import load_mapping
from gateway.vehicle.logs.log_databases import DatabaseChoice

ROOT = Path(__file__).parents[3]
DRIVES = ROOT.parent / "shared" / "data" / "real-drives"
MAPPING = ROOT / "tests" / "data" / "hyundai_i30_signals.json"


def gateway(*words: str | Path, code: int = 0) -> Done:
    done = command_line.gateway(*words)
    assert done.returncode == code, done.stderr
    return done


def drive(name: str) -> Path:
    path = DRIVES / name
    if not path.is_file():
        pytest.skip("needs the real drives, which are not in this checkout")
    return path


def opendbc_file(name: str) -> Path:
    opendbc = pytest.importorskip("opendbc", reason="needs opendbc: pip install 'vehicle-gateway[test]'")
    return next(Path(opendbc.__file__).parent.rglob(name))


@pytest.fixture(scope="module")
def genesis() -> tuple[Path, Path]:
    return drive("genesis-0-64kph.log"), opendbc_file("hyundai_i30_2014.dbc")


Line = tuple[int, int, bytes]


def by_hand(path: Path) -> list[Line]:
    """Time in ns, identifier and payload of each line of a candump log, in the order of time."""
    lines = []
    for line in path.read_text().splitlines():
        time, _, frame = line.split()[:3]
        seconds, fraction = time.strip("()").split(".")
        identifier, _, data = frame.partition("#")
        lines.append((int(seconds) * 10**9 + int(fraction.ljust(9, "0")), int(identifier, 16), bytes.fromhex(data)))
    return sorted(lines, key=lambda each: each[0])


@pytest.fixture(scope="module")
def figures(genesis: tuple[Path, Path]) -> dict[str, Any]:
    log, dbc = genesis
    document: dict[str, Any] = json.loads(gateway("stats", log, "--database", dbc, "--json").stdout)
    return document


def test_the_periods_of_the_genesis_are_those_of_a_loop_over_its_lines(
    genesis: tuple[Path, Path], figures: dict[str, Any]
) -> None:
    times: dict[int, list[int]] = defaultdict(list)
    for time, identifier, _ in by_hand(genesis[0]):
        times[identifier].append(time)
    assert figures["frames"] == sum(map(len, times.values())) == 7583
    assert {int(each["id"], 16) for each in figures["messages"]} == set(times)
    for message in figures["messages"]:
        own = times[int(message["id"], 16)]
        between = [(after - before) / 1e6 for before, after in itertools.pairwise(own)]
        assert message["frames"] == len(own)
        period = message["period_ms"]
        assert (period["min"], period["max"]) == (pytest.approx(min(between)), pytest.approx(max(between)))
        assert period["mean"] == pytest.approx(statistics.fmean(between))
        assert period["median"] == pytest.approx(statistics.median(between))
        assert period["deviation"] == pytest.approx(statistics.pstdev(between))
        longer = [each for each in between if each > 2.5 * period["median"]]
        assert message["gap_count"] == (len(longer) if message["cyclic"] else 0)
        if message["cyclic"] and longer:
            assert max(gap["length_ms"] for gap in message["gaps"]) == pytest.approx(max(longer))


def test_the_known_and_unknown_ids_of_the_genesis_are_those_of_cantools(
    genesis: tuple[Path, Path], figures: dict[str, Any]
) -> None:
    database = cantools.database.load_file(genesis[1], strict=False)
    known = {message.frame_id: message for message in database.messages}
    seen = Counter(identifier for _, identifier, _ in by_hand(genesis[0]))
    names = {int(each["id"], 16): each["message"] for each in figures["messages"]}
    for identifier, count in seen.items():
        assert names[identifier] == (known[identifier].name if identifier in known else None), count
    assert len([name for name in names.values() if name]) == 17
    (bus,) = figures["buses"]
    assert (bus["unknown_ids"], bus["unknown_frames"]) == (5, 136)


def test_the_steering_angle_of_the_genesis_has_the_wrong_length(
    genesis: tuple[Path, Path], figures: dict[str, Any]
) -> None:
    database = cantools.database.load_file(genesis[1], strict=False)
    wrong: Counter[str] = Counter()
    for _, identifier, data in by_hand(genesis[0]):
        try:
            message = database.get_message_by_frame_id(identifier)
        except KeyError:
            continue
        wrong[message.name] += len(data) != message.length
    ours = {each["message"]: each["wrong_length"] for each in figures["messages"] if each["message"]}
    assert ours == wrong
    assert ours["SAS1"] == 758
    assert [each["lengths"] for each in figures["messages"] if each["message"] == "SAS1"] == [{"5": 758}]


def guessed(log: Path, *words: str | Path) -> dict[int, list[dict[str, Any]]]:
    document = json.loads(gateway("guess", log, "--json", *words).stdout)
    return {int(message["id"].rstrip("x"), 16): message["fields"] for message in document["messages"]}


def places(fields: list[dict[str, Any]], kind: str) -> list[tuple[int, int]]:
    return [(field["start"], field["length"]) for field in fields if field["kind"] == kind]


def test_the_counters_of_the_genesis_are_those_of_its_database(genesis: tuple[Path, Path]) -> None:
    database = cantools.database.load_file(genesis[1], strict=False)
    found = guessed(genesis[0])
    counters = {
        message.name: [(signal.start, signal.length) for signal in message.signals if _counts(signal.name)]
        for message in database.messages
    }
    for name in ("TCS1", "SAS1", "CLU1", "FATC"):
        identifier = database.get_message_by_name(name).frame_id
        assert set(counters[name]) & set(places(found[identifier], "counter")), name
    # Their checksums, where a scheme fits or they change with the counter.
    assert (56, 8) in places(found[database.get_message_by_name("FATC").frame_id], "checksum")
    assert (36, 4) in places(found[database.get_message_by_name("SAS1").frame_id], "checksum")
    assert (60, 4) in places(found[database.get_message_by_name("TCS1").frame_id], "checksum")


def _counts(name: str) -> bool:
    return "Count" in name or "MsgCnt" in name


def test_the_checksum_that_is_guessed_for_the_steering_angle_holds_for_all_its_frames(
    genesis: tuple[Path, Path],
) -> None:
    sums = set()
    for _, identifier, data in by_hand(genesis[0]):
        if identifier == 0x2B0:
            mixed = 0
            for byte in data:
                mixed ^= byte
            sums.add(mixed >> 4 ^ mixed & 0xF)
    assert sums == {0}


def test_every_checksum_of_the_honda_is_found_and_is_that_of_a_loop() -> None:
    log = drive("icsim-honda.log")
    payloads: dict[int, set[bytes]] = defaultdict(set)
    for _, identifier, data in by_hand(log):
        payloads[identifier].add(data)
    found = guessed(log)
    sealed = {
        identifier
        for identifier, fields in found.items()
        if any("Honda" in field["note"] for field in fields if field["kind"] == "checksum")
    }
    right = {identifier for identifier, own in payloads.items() if all(_honda(identifier, data) for data in own)}
    assert sealed <= right
    assert len(sealed) >= 30
    # Those that it does not find do not have four different payloads, or no checksum of that kind.
    assert all(len(payloads[identifier]) < 4 for identifier in right - sealed)


def _honda(identifier: int, data: bytes) -> bool:
    total = sum(identifier >> shift & 0xF for shift in (0, 4, 8))
    total += sum((byte & 0xF) + (byte >> 4) for byte in data[:-1]) + (data[-1] >> 4)
    return (8 - total) & 0xF == data[-1] & 0xF


def test_what_moves_with_the_speed_of_the_genesis_are_its_wheels(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    log, dbc = genesis
    speed = tmp_path / "speed.csv"
    gateway("decode", log, "--database", dbc, "--signal", "EMS1.VS", "--out", speed)
    document = json.loads(gateway("guess", log, "--like", speed, "--json").stdout)
    best = document["like"]["found"]
    assert (best[0]["id"], best[0]["start"], round(best[0]["scale"], 2)) == (0x316, 48, 1.0)
    wheels = {each["start"] for each in best[:6] if each["id"] == 0x1F1}
    assert {16, 28, 40} <= wheels
    scales = [each["scale"] for each in best[:6] if each["id"] == 0x1F1 and each["start"] in {16, 28, 40}]
    assert scales == pytest.approx([0.125] * 3, rel=0.01)


@pytest.mark.parametrize("name", ["genesis-0-64kph.log", "gt350-engine-running.log", "icsim-honda.log"])
def test_a_first_database_of_a_real_car_is_taken_by_cantools_and_by_the_check(name: str, tmp_path: Path) -> None:
    log, out = drive(name), tmp_path / "first.dbc"
    gateway("guess", log, "--out", out)
    database = cantools.database.load_file(out, strict=True)
    assert {message.frame_id for message in database.messages} == {identifier for _, identifier, _ in by_hand(log)}
    checked = gateway("check", out).stdout
    assert "no errors, no warnings" in checked
    again = json.loads(gateway("stats", log, "--database", out, "--json").stdout)
    assert again["buses"][0]["unknown_ids"] == 0


def test_a_drive_without_one_frame_differs_in_it(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    log, dbc = genesis
    lines = log.read_text().splitlines(keepends=True)
    at = next(row for row, line in enumerate(lines) if row > 3000 and " 316#" in line)
    lost, changed = tmp_path / "lost.log", tmp_path / "changed.log"
    lost.write_text("".join(lines[:at] + lines[at + 1 :]))
    head, _, data = lines[at].rpartition("#")
    changed.write_text("".join([*lines[:at], f"{head}#{data[:12]}FE{data[14:]}", *lines[at + 1 :]]))
    assert gateway("diff", log, log, "--database", dbc).stdout.endswith("no difference: 22 messages, times to 1 us\n")
    without = json.loads(gateway("diff", log, lost, "--database", dbc, "--json", code=1).stdout)
    assert [(each["message"], each["missing"], each["changed"]) for each in without["messages"]] == [("EMS1", 1, 0)]
    other = json.loads(gateway("diff", log, changed, "--database", dbc, "--json", code=1).stdout)
    (message,) = other["messages"]
    assert [(each["signal"], each["b"]) for each in message["signals"]] == [("VS", 254)]


def test_signals_of_the_genesis_as_a_picture(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    log, dbc = genesis
    out = tmp_path / "speed.png"
    words = ("EMS1.VS", "can0.TCS5.WHEEL_FL", "Vehicle.Speed", "EMS1.N")
    done = gateway("plot", log, *words, "--database", dbc, "--signals", MAPPING, "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")
    assert done.stderr.startswith("4 signals, ")
    picture = tmp_path / "speed.svg"
    gateway("plot", log, "EMS1.VS", "--database", dbc, "--style", "dark", "--out", picture)
    assert picture.read_text().startswith("<?xml")


@pytest.mark.parametrize("ending", ["csv", "mf4"])
def test_signals_that_were_decoded_before_are_plotted(ending: str, genesis: tuple[Path, Path], tmp_path: Path) -> None:
    if ending == "mf4":
        pytest.importorskip("asammdf", reason="needs asammdf: pip install 'vehicle-gateway[mf4]'")
    values = tmp_path / f"values.{ending}"
    gateway("decode", genesis[0], "--database", genesis[1], "--signal", "EMS1", "--out", values)
    assert gateway("plot", values, "EMS1.VS", "--out", tmp_path / "a.png").stderr.startswith("1 signal, 1036 values")


def test_a_cut_trace_is_told_and_what_is_whole_is_counted(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.log"
    cut.write_bytes(genesis[0].read_bytes()[:100_007])
    done = gateway("stats", cut, code=2)
    assert "2205 frames in" in done.stdout
    assert "not everything could be read: 1 line was not understood and left out: line 2206" in done.stderr


def test_a_drive_as_mcap_has_the_values_that_cantools_decodes(genesis: tuple[Path, Path], tmp_path: Path) -> None:
    reader = pytest.importorskip("mcap.reader", reason="needs mcap: pip install 'vehicle-gateway[mcap]'")
    out = tmp_path / "drive.mcap"
    gateway("decode", genesis[0], "--database", genesis[1], "--out", out)
    message = cantools.database.load_file(genesis[1], strict=False).get_message_by_name("EMS1")
    expected = [
        (time, message.decode(data, decode_choices=False))
        for time, identifier, data in by_hand(genesis[0])
        if identifier == message.frame_id
    ]
    with out.open("rb") as stream:
        found = list(reader.make_reader(stream).iter_messages(topics=["/can0/EMS1"]))
    assert [(record.log_time, json.loads(record.data)) for _, _, record in found] == [
        (time, pytest.approx(values)) for time, values in expected
    ]
    schema, channel, _ = found[0]
    assert (schema.encoding, channel.message_encoding, channel.metadata["id"]) == ("jsonschema", "json", "0x316")
    assert json.loads(schema.data)["properties"]["VS"] == {"type": "number", "description": "in km/h"}


def test_a_path_of_the_tree_is_what_the_mapping_makes_of_each_frame(genesis: tuple[Path, Path]) -> None:
    source = open_source(genesis[0], [DatabaseChoice(genesis[1])], lambda _: None)
    (curve,) = curves_of(source, ["Vehicle.Speed"], load_mapping(MAPPING, source.databases))
    message = cantools.database.load_file(genesis[1], strict=False).get_message_by_name("EMS1")
    lines = by_hand(genesis[0])
    frames = [(time, data) for time, identifier, data in lines if identifier == message.frame_id]
    expected = [message.decode(data)["VS"] for _, data in frames]
    times = [(time - lines[0][0]) / 1e9 for time, _ in frames]
    # It holds to the end of the recording.
    assert curve.values.tolist() == [*expected, expected[-1]]
    assert curve.times_s.tolist() == pytest.approx([*times, (lines[-1][0] - lines[0][0]) / 1e9])
    assert (curve.unit, curve.held) == ("km/h", True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A recording of the demo vehicle, and what its run reported."""
    trace = tmp_path_factory.mktemp("demo") / "demo.pcapng"
    return trace, json.loads(gateway("run", ROOT, "--for", "3s", "--trace", trace, "--json").stdout)


def test_the_load_of_a_recording_is_that_of_the_run(
    demo: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    trace, report = demo
    document = json.loads(gateway("stats", trace, "--json").stdout)
    for bus in document["buses"]:
        ran = report["buses"][bus["bus"]]
        assert bus["frames"] == ran["frames"]
        assert bus["unknown_ids"] == 0
        if bus["bus"] != "doors":  # headers that nobody answers are in no recording
            assert bus["load"] == pytest.approx(ran["load"], rel=0.005)


def test_what_the_demo_vehicle_protects_is_guessed(demo: tuple[Path, dict[str, Any]]) -> None:
    document = json.loads(gateway("guess", demo[0], "--json", "--bus", "powertrain").stdout)
    fields = {int(message["id"].rstrip("x"), 16): message["fields"] for message in document["messages"]}
    for identifier in (0x0A0, 0x0B0, 0x100, 0x180):
        assert places(fields[identifier], "counter") == [(8, 4)], hex(identifier)
        assert places(fields[identifier], "checksum") == [(0, 8)], hex(identifier)
        (note,) = [field["note"] for field in fields[identifier] if field["kind"] == "checksum"]
        assert note == "CRC-8 SAE J1850, over its own byte as 0"


def test_two_runs_of_one_seed_do_not_differ_and_of_another_they_do(
    demo: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    again, other = tmp_path / "again.pcapng", tmp_path / "other.pcapng"
    gateway("run", ROOT, "--for", "3s", "--trace", again)
    gateway("run", ROOT, "--for", "3s", "--seed", "7", "--trace", other)
    assert "no difference" in gateway("diff", demo[0], again).stdout
    assert "first difference" in gateway("diff", demo[0], other, code=1).stdout
