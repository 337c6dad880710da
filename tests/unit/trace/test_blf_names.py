"""Names of channels in BLF files: written as Vector's tools do, and read from theirs."""

from __future__ import annotations

import struct
from pathlib import Path

import can
import pytest

from gateway.can.frame import Frame
from gateway.trace import BusInfo, open_reader, open_writer
from gateway.trace.blf_names import APP_TEXT, channel_name, channel_text


def blf_object(kind: int, data: bytes) -> bytes:
    """An object with the head of version 1."""
    return struct.pack("<4sHHLL", b"LOBJ", 32, 1, 32 + len(data), kind) + bytes(16) + data


@pytest.mark.parametrize("name", ["powertrain", "b", "d\u00f6ors", "two words"])
def test_a_name_comes_back_with_its_number(name: str) -> None:
    assert channel_name(blf_object(APP_TEXT, channel_text(7, name)), 0) == (7, name)


def test_of_several_databases_the_first_with_a_name_counts() -> None:
    text = b"C:\\db\\one.dbc;;C:\\db\\two.dbc;Chassis;C:\\db\\three.dbc;Other;"
    data = struct.pack("<LLLL", 1, 2 << 8 | 1 << 16, len(text), 0) + text
    assert channel_name(blf_object(APP_TEXT, data), 0) == (2, "Chassis")


@pytest.mark.parametrize(
    "found",
    [
        blf_object(1, channel_text(1, "a frame")),
        blf_object(APP_TEXT, struct.pack("<LLLL", 0, 0, 4, 0) + b";abc"),
        blf_object(APP_TEXT, struct.pack("<LLLL", 1, 1 << 8, 0, 0)),
        blf_object(APP_TEXT, b"short"),
        blf_object(APP_TEXT, channel_text(1, "not whole"))[:-1],
    ],
    ids=["another kind", "a comment", "no name", "too short", "not whole"],
)
def test_what_tells_no_name(found: bytes) -> None:
    assert channel_name(found, 0) is None


def test_a_name_of_two_channels_is_taken_for_the_first_so_that_they_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "drive.blf"
    with open_writer(path, [BusInfo("CAN"), BusInfo("CAN")]) as writer:
        writer.write(1, 0, Frame(0x1, b""))
        writer.write(2, 1, Frame(0x2, b""))
    assert [item.bus for item in open_reader(path)] == ["CAN", "can2"]


def test_python_can_still_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "drive.blf"
    with open_writer(path, [BusInfo("powertrain"), BusInfo("a")]) as writer:
        writer.write(1_000, 1, Frame(0x123, b"\1"))
    with can.BLFReader(path) as reader:
        assert [(message.channel, message.arbitration_id) for message in reader] == [(1, 0x123)]
