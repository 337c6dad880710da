"""What a database tells about messages and signals, and what is said about files that are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.database import Database, DatabaseError, SendType, Severity, load


def test_the_bus_and_its_nodes(car: Database) -> None:
    assert car.name == "Chassis"
    assert car.nodes == ("VCU", "ESP", "CLUSTER")
    assert car.diagnostics == ()


def test_messages_are_in_the_order_of_the_file_with_their_lines(car: Database, databases: Path) -> None:
    assert [message.name for message in car.messages] == ["WheelSpeeds", "Steering", "Gear", "Location", "Idle", "Wide"]
    lines = (databases / "car.dbc").read_text().splitlines()
    for message in car.messages:
        assert message.line is not None
        assert lines[message.line - 1].startswith(f"BO_ {message.arbitration_id | message.extended << 31} {message}")
        for signal in message.signals:
            assert signal.line is not None
            assert lines[signal.line - 1].startswith(f" SG_ {signal.name} ")


def test_a_message_is_found_by_name_and_by_id(car: Database) -> None:
    gear = car.message("Gear")
    assert car.by_id(258, False) is gear
    assert car.by_id(258, True) is None
    location = car.by_id(512, True)
    assert location is car.message("Location")
    assert location.extended


def test_a_signal_is_found_with_and_without_its_message(car: Database) -> None:
    gear = car.message("Gear")
    assert car.find_signal("Position") == [(gear, gear.signal("Position"))]
    assert car.find_signal("Gear.Position") == [(gear, gear.signal("Position"))]
    assert car.find_signal("Steering.Position") == []


def test_an_unknown_name_is_told_with_the_nearest_one(car: Database) -> None:
    with pytest.raises(DatabaseError, match=r"no message 'gear' \(did you mean 'Gear'\?\)"):
        car.message("gear")
    with pytest.raises(DatabaseError, match=r"message Gear has no signal 'Positon' \(did you mean 'Position'\?\)"):
        car.message("Gear").signal("Positon")


def test_when_a_message_is_sent(car: Database) -> None:
    wheels, steering, gear, idle = (car.message(name) for name in ("WheelSpeeds", "Steering", "Gear", "Idle"))
    assert (wheels.send_type, wheels.cycle_ns) == (SendType.CYCLIC, 10_000_000)
    assert (gear.send_type, gear.cycle_ns, gear.fast_cycle_ns) == (SendType.CYCLIC_IF_ACTIVE, 100_000_000, 20_000_000)
    assert (gear.start_delay_ns, gear.delay_ns, gear.repetitions) == (5_000_000, 7_000_000, 3)
    assert (idle.send_type, idle.cycle_ns, idle.fast_cycle_ns, idle.start_delay_ns) == (SendType.NONE, None, None, 0)
    assert (steering.send_type, steering.cycle_ns) == (SendType.CYCLIC, 20_000_000), (
        "a cycle time alone makes it cyclic"
    )


def test_who_sends_and_who_receives(car: Database) -> None:
    assert car.message("WheelSpeeds").senders == ("ESP", "VCU")
    assert car.message("WheelSpeeds").signal("FrontLeft").receivers == ("VCU", "CLUSTER")
    assert car.message("Steering").signal("Torque").receivers == ()


def test_can_fd_and_its_bit_rate_switch(car: Database) -> None:
    def of(name: str) -> tuple[bool, bool]:
        return car.message(name).fd, car.message(name).brs

    assert of("Gear") == (False, False)
    assert of("Location") == (True, False), "VFrameFormat says FD, CANFD_BRS says no"
    assert of("Wide") == (True, True), "64 bytes are FD whatever the attributes say"


def test_comments_and_attributes(car: Database) -> None:
    assert car.message("WheelSpeeds").comment == "Speeds of the four wheels,\nfrom the ESP."
    assert car.message("Steering").signal("Torque").comment == 'What the "driver" applies'
    assert car.message("Gear").attributes["GenMsgSendType"] == "CyclicIfActive"
    assert car.message("Gear").signal("Level").attributes == {"Owner": "battery team"}


def test_a_signal_as_the_file_has_it(car: Database) -> None:
    torque = car.message("Steering").signal("Torque")
    assert (torque.start, torque.length, torque.big_endian, torque.signed) == (30, 11, True, True)
    assert (torque.scale, torque.offset, torque.unit) == (1, -3, "Nm")
    assert (torque.minimum, torque.maximum) == (None, None), "[0|0] means no limit"
    assert torque.initial_raw == -5
    position = car.message("Gear").signal("Position")
    assert (position.minimum, position.maximum, position.choices) == (
        0,
        4,
        {0: "Park", 1: "Reverse", 2: "Neutral", 3: "Drive", 7: "Not available"},
    )


def test_messages_and_signals_cannot_be_changed(car: Database) -> None:
    gear = car.message("Gear")
    with pytest.raises(AttributeError):
        gear.length = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        gear.signals[0].scale = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        gear.signals[0].choices[9] = "Ninth"  # type: ignore[index]


@pytest.mark.parametrize("name", ["doors.kcd", "doors.sym", "doors.arxml"])
def test_other_formats_give_the_same(databases: Path, name: str) -> None:
    doors = load(databases / name).message("Doors")
    assert (doors.arbitration_id, doors.length, doors.cycle_ns) == (0x123, 2, 100_000_000)
    assert doors.labels(b"\x01\x14") == {"Driver": "Open", "Temperature": 0.0}
    assert doors.encode({"Driver": "Open", "Temperature": -10.5}) == b"\x01\xff"


def test_the_format_is_seen_without_the_suffix(databases: Path, tmp_path: Path) -> None:
    for name, count in (("car.dbc", 6), ("doors.kcd", 1), ("doors.sym", 1), ("doors.arxml", 1)):
        copy = tmp_path / "database"
        copy.write_bytes((databases / name).read_bytes())
        assert len(load(copy).messages) == count


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_encoding_that_editors_write(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.dbc"
    text = 'BU_: ECU\r\nBO_ 1 A: 1 ECU\r\n SG_ T : 0|8@1+ (1,0) [0|0] "°C" ECU\r\nVAL_ 1 T 0 "Kühl" ;\r\n'
    file.write_bytes(text.encode(encoding))
    signal = load(file).message("A").signal("T")
    assert (signal.unit, signal.label(0)) == ("°C", "Kühl")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.dbc", b"", "the file is empty"),
        ("blank.dbc", b" \r\n\t\n", "the file is empty"),
        ("picture.dbc", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1", "binary file"),
        ("vehicle.dbc", b'{"buses": {}}', "no DBC file"),
        ("text.dbc", b"Dear reader,\nthis is no database.\n", "no DBC file"),
        ("mail.txt", b"Dear reader,\nthis is no database.\n", "no database"),
        ("broken.kcd", b"<NetworkDefinition>", "no KCD file"),
        ("broken.arxml", b"<AUTOSAR><nothing></AUTOSAR>", "no ARXML file"),
        ("broken.sym", b"FormatVersion=6.0\nTitle", "no SYM file"),
    ],
)
def test_what_is_no_database_is_said_in_a_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=sentence) as caught:
        load(file)
    assert caught.value.file == str(file)
    assert str(caught.value).startswith(str(file))


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.sym"
    file.write_text("FormatVersion=6.0\n\nTitle Doors\n")
    with pytest.raises(DatabaseError) as caught:
        load(file)
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("doors.sym", "Sig=Temperature 8"),
        ("doors.sym", "Len=2"),
        ("doors.kcd", 'offset="8'),
        ("doors.kcd", 'length="2'),
        ("doors.arxml", "<START-POSITION>8"),
        ("doors.arxml", "<FRAME-LENGTH>2"),
    ],
)
def test_a_place_that_no_message_has_is_refused(databases: Path, tmp_path: Path, name: str, place: str) -> None:
    file = tmp_path / name
    text = (databases / name).read_text()
    file.write_text(text.replace(place, place[:-1] + "2147483648", 1))
    with pytest.raises(DatabaseError, match="2147483648 is no place or length in a CAN message") as caught:
        load(file)
    assert caught.value.line == text[: text.index(place)].count("\n") + 1


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be read: No such file"):
        load(tmp_path / "nowhere.dbc")
    with pytest.raises(DatabaseError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(DatabaseError, match="cannot be read"):
        load("with\0null.dbc")


def test_a_database_without_messages_is_one(tmp_path: Path) -> None:
    file = tmp_path / "nodes.dbc"
    file.write_text("BU_: A B\n")
    database = load(file)
    assert (database.name, database.nodes, database.messages) == ("nodes", ("A", "B"), ())
    assert [diagnostic.severity for diagnostic in database.diagnostics] == [Severity.WARNING]


def test_importing_the_room_imports_no_heavy_library() -> None:
    script = "import sys, gateway.database; print([name for name in ('numpy', 'cantools') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
