"""Frames as raw sockets have them: struct can_frame and canfd_frame of linux/can.h."""

from __future__ import annotations

import struct

import can
import pytest
from can.interfaces.socketcan.socketcan import build_can_frame
from hypothesis import given
from hypothesis import strategies as st

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, LENGTHS, REMOTE, BusEventKind, Frame
from gateway.links.python_can import from_message, to_message
from gateway.links.socketcan_frames import CAN_MTU, CANFD_MTU, from_socket, to_socket, trouble


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Any frame that a CAN or CAN FD bus can carry."""
    extended = draw(st.booleans())
    header = draw(st.integers(0, 0x1FFFFFFF if extended else 0x7FF)) | (EXTENDED if extended else 0)
    kind = draw(st.sampled_from(["classic", "remote", "fd"]))
    if kind == "remote":
        return Frame(header | REMOTE, b"")
    if kind == "classic":
        return Frame(header, draw(st.binary(max_size=8)))
    header |= FD | (BRS if draw(st.booleans()) else 0) | (ESI if draw(st.booleans()) else 0)
    length = draw(st.sampled_from(LENGTHS))
    return Frame(header, draw(st.binary(min_size=length, max_size=length)))


def test_a_classic_frame_is_the_identifier_word_the_length_and_eight_bytes() -> None:
    packet = to_socket(Frame(EXTENDED | 0x18FEF100, b"\x01\x02\x03"))
    assert packet == struct.pack("=I", 0x98FEF100) + b"\x03\0\0\0" + b"\x01\x02\x03\0\0\0\0\0"


def test_a_can_fd_frame_has_its_flags_behind_the_length_and_room_for_64_bytes() -> None:
    packet = to_socket(Frame(0x123 | FD | BRS, bytes(range(12))))
    assert packet == struct.pack("=I", 0x123) + b"\x0c\x05\0\0" + bytes(range(12)) + bytes(52)


@given(frames())
def test_every_frame_comes_back_as_it_was(frame: Frame) -> None:
    packet = to_socket(frame)
    assert len(packet) == (CANFD_MTU if frame.fd else CAN_MTU)
    assert from_socket(packet) == frame


@given(frames())
def test_python_can_builds_the_same_bytes(frame: Frame) -> None:
    """But for two bytes: it leaves the flag of the CAN FD format to the kernel, and fills in a raw DLC where none is meant."""
    theirs = bytearray(build_can_frame(to_message(frame)))
    theirs[7] = 0
    if frame.fd:
        theirs[5] |= 4
    assert bytes(theirs) == to_socket(frame)


@given(frames())
def test_a_frame_survives_python_cans_message(frame: Frame) -> None:
    assert from_message(to_message(frame)) == frame


@given(
    st.one_of(
        st.binary(max_size=80), st.binary(min_size=CAN_MTU, max_size=CAN_MTU), st.binary(min_size=72, max_size=72)
    )
)
def test_any_bytes_are_a_frame_or_none(packet: bytes) -> None:
    frame = from_socket(packet)
    if frame is None:
        return
    assert len(frame.data) <= (64 if frame.fd else 8)
    if not frame.header & ERROR:
        assert from_socket(to_socket(frame)) == frame


@pytest.mark.parametrize("packet", [b"", bytes(15), bytes(17), bytes(2060), b"\0\0\0\0\x09" + bytes(11)])
def test_what_is_no_frame_is_none(packet: bytes) -> None:
    assert from_socket(packet) is None


@pytest.mark.parametrize(
    ("identifier", "data", "kind", "words"),
    [
        (0x040, bytes(8), BusEventKind.BUS_OFF, "bus-off"),
        (0x100, bytes(8), BusEventKind.RECOVERED, "restarted"),
        (0x004, b"\0\x20\0\0\0\0\x80\x05", BusEventKind.ERROR_PASSIVE, "TEC 128, REC 5"),
        (0x004, b"\0\x01\0\0\0\0\0\0", BusEventKind.ERROR, "overflowed"),
        (0x020, bytes(8), BusEventKind.NO_ACK, "nobody acknowledged"),
        (0x088, bytes(8), BusEventKind.ERROR, "protocol violation, bus error"),
        (0x200, b"", BusEventKind.ERROR, "class 0x200"),
    ],
)
def test_error_frames_tell_what_happened(identifier: int, data: bytes, kind: BusEventKind, words: str) -> None:
    """Classes and details: linux/can/error.h."""
    told, text = trouble(Frame(ERROR | identifier, data))
    assert told is kind
    assert words in text


def test_an_error_message_of_python_can_is_an_error_frame() -> None:
    assert from_message(can.Message(is_error_frame=True)).header & ERROR
