"""The table of a recording: the same records as its reader gives, by index or without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.can import BRS, EXTENDED, FD, KEY_MASK, Frame
from gateway.trace import (
    BusInfo,
    Event,
    Recorded,
    TraceError,
    index_file,
    open_reader,
    open_table,
    open_writer,
    table_of,
)

BUSES = [BusInfo("powertrain", 500_000), BusInfo("chassis", 500_000, 2_000_000), BusInfo("doors", 19_200, lin=True)]
MS = 1_000_000


def written(path: Path, rounds: int = 50) -> Path:
    """Classic, extended, FD and LIN frames with comments, and events; the last record is earlier than those before."""
    with open_writer(path, BUSES if path.suffix == ".pcapng" else BUSES[:2], "about") as writer:
        for number in range(rounds):
            time_ns = number * MS
            writer.write(time_ns, 0, Frame(0x100, bytes([number])), "Motor, waited 1.000 us")
            writer.write(time_ns + 1, 0, Frame(0x18DAF110 | EXTENDED, bytes(8)))
            writer.write(time_ns + 2, 1, Frame(0x200 | FD | BRS, bytes([number]) * 48), "ESP")
            if path.suffix == ".pcapng":
                writer.write(time_ns + 3, 2, Frame(0x11, b"\x01\x02"), "BCM")
                writer.write_event(time_ns + 4, f"r1 a.B -> c filtered: rate limit; 100#{number:02X}")
        writer.write(5, 0, Frame(0x7FF, b""))
    return path


@pytest.fixture(params=["pcapng", "log"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path / f"run.{request.param}")


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where indexes are, though the recordings are small."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index_file, "INDEXED_SIZE", 0)
    return tmp_path / "cache" / "vehicle-gateway"


def in_time(path: Path) -> list[Recorded | Event]:
    with open_reader(path) as reader:
        return sorted(reader.records(), key=lambda record: record.time_ns)


def test_it_has_the_reader_s_records_in_the_order_of_time(path: Path) -> None:
    table = open_table(path)
    records = in_time(path)
    assert table.between(0, len(table)) == records
    assert table.times.tolist() == [record.time_ns for record in records]
    rows = table.rows("powertrain", 0x100, 10 * MS, 20 * MS)
    wanted = [each for each in records if isinstance(each, Recorded) and each.frame.header & KEY_MASK == 0x100]
    assert table.fetch(rows) == [each for each in wanted if 10 * MS <= each.time_ns <= 20 * MS]
    assert table.fetch(table.events()) == [each for each in records if isinstance(each, Event)]
    assert not len(table.rows("body"))


def test_records_in_memory_make_the_same_table(path: Path) -> None:
    with open_reader(path) as reader:
        records = list(reader.records())
        ours = table_of(records, reader.buses)
    theirs = open_table(path)
    assert ours.between(0, len(ours)) == theirs.between(0, len(theirs))
    for name in theirs.buses:
        assert np.array_equal(ours.rows(name), theirs.rows(name))


def test_an_index_is_written_once_and_gives_the_same(tmp_path: Path, indexed: Path) -> None:
    path = written(tmp_path / "run.pcapng")
    first = open_table(path)
    stored = list(indexed.glob("*.npz"))
    assert len(stored) == 1
    stamp = stored[0].stat().st_mtime_ns
    again = open_table(path)
    assert stored[0].stat().st_mtime_ns == stamp
    assert again.between(0, len(again)) == first.between(0, len(first)) == in_time(path)
    assert again.comment == "about"


def test_an_index_of_what_the_file_was_before_is_not_used(tmp_path: Path, indexed: Path) -> None:
    path = written(tmp_path / "run.pcapng")
    open_table(path)
    written(path, rounds=20)
    table = open_table(path)
    assert table.between(0, len(table)) == in_time(path)
    assert len(list(indexed.glob("*.npz"))) == 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", bytes(1000)])
def test_a_damaged_index_is_made_anew(tmp_path: Path, indexed: Path, damage: bytes) -> None:
    path = written(tmp_path / "run.pcapng")
    open_table(path)
    (stored,) = indexed.glob("*.npz")
    stored.write_bytes(damage)
    table = open_table(path)
    assert table.between(0, len(table)) == in_time(path)
    assert stored.stat().st_size > 1000


def test_where_no_index_can_be_written_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file, no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index_file, "INDEXED_SIZE", 0)
    path = written(tmp_path / "run.pcapng")
    assert len(open_table(path)) == len(in_time(path))


def test_only_the_latest_indexes_are_kept(tmp_path: Path, indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_file, "KEPT_FILES", 3)
    for number in range(5):
        open_table(written(tmp_path / f"run{number}.pcapng", rounds=3))
    assert len(list(indexed.glob("*.npz"))) == 3


def test_a_file_that_was_changed_while_it_was_asked_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "run.pcapng")
    table = open_table(path)
    data = path.read_bytes()
    path.write_bytes(b"\xff" * len(data))
    with pytest.raises(TraceError, match="has changed while it was read"):
        table.between(0, len(table))
