"""cannelloni's bytes: fixed examples after its doc/udp_format.md and parser.cpp, and the codec of PyPI's can-cannelloni."""

from __future__ import annotations

import contextlib
import random

import can
import pytest
from can_cannelloni.protocol import decode_stream, encode_frames
from hypothesis import given
from hypothesis import strategies as st
from link_frames import classic, damaged, frames, in_pieces

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, REMOTE, Frame
from gateway.links.cannelloni import LARGEST, datagrams, decode, encode_frame
from gateway.links.cannelloni_tcp import CannelloniSession
from gateway.links.errors import RecordError

EXAMPLES = (
    # version 2, DATA, sequence number, one frame; can_id in network order, len, data
    (7, (Frame(0x123, b"\xde\xad\xbe\xef"),), "02 00 07 0001 00000123 04 deadbeef"),
    (0, (Frame(EXTENDED | 0x1ABCDEF0, b""),), "02 00 00 0001 9abcdef0 00"),
    # a remote frame has no data section
    (255, (Frame(REMOTE | 0x55, b""), Frame(1, b"\1")), "02 00 ff 0002 40000055 00 00000001 01 01"),
    # CAN FD: the top bit of len, then flags (BRS 1, ESI 2)
    (1, (Frame(FD | BRS | 0x321, bytes(range(12))),), "02 00 01 0001 00000321 8c 01 000102030405060708090a0b"),
    (2, (Frame(FD | ESI | 0x7, b""),), "02 00 02 0001 00000007 80 02"),
)


@pytest.mark.parametrize(("sequence", "carried", "written"), EXAMPLES)
def test_datagrams_have_the_bytes_that_cannelloni_describes(
    sequence: int, carried: tuple[Frame, ...], written: str
) -> None:
    assert list(datagrams(carried, sequence)) == [bytes.fromhex(written)]
    assert decode(bytes.fromhex(written)) == (sequence, carried)


@given(st.lists(frames, max_size=200), st.integers(0, 1000))
def test_frames_are_spread_over_datagrams_that_fit_an_ethernet_frame(sent: list[Frame], first: int) -> None:
    received: list[Frame] = []
    for number, data in enumerate(datagrams(sent, first)):
        assert len(data) <= LARGEST
        datagram = decode(data)
        assert datagram.sequence == (first + number) % 256
        received += datagram.frames
    assert received == sent


def test_a_length_of_a_remote_frame_is_read_over() -> None:
    # parser.cpp: "RTR Frames have no data section although they have a dlc"
    assert decode(bytes.fromhex("02 00 00 0001 40000055 08")).frames == (Frame(REMOTE | 0x55, b""),)


@given(classic)
def test_a_classic_frame_is_what_can_cannelloni_writes_and_reads(frame: Frame) -> None:
    message = can.Message(arbitration_id=frame.arbitration_id, is_extended_id=frame.extended, data=frame.data)
    assert encode_frame(frame) == encode_frames([message])
    used, (read,) = decode_stream(bytearray(encode_frame(frame)))
    assert used == len(encode_frame(frame))
    assert (read.arbitration_id, read.is_extended_id, bytes(read.data)) == (
        frame.header & ID_MASK,
        frame.extended,
        frame.data,
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("02 00 00", "shorter than its head"),
        ("01 00 00 0000", "version 1"),
        ("02 01 00 0000", "not DATA"),
        ("02 00 00 0001", "ends before its last frame"),
        ("02 00 00 0001 00000123 04 dead", "ends before its last frame"),
        ("02 00 00 0001 00000123 80", "ends before its last frame"),
        ("02 00 00 0001 00000123 09 000000000000000000", "a classic frame of 9 bytes"),
        ("02 00 00 0001 00000123 89 00 000000000000000000", "CAN FD frame that cannot be"),
        ("02 00 00 0001 00000800 00", "more than 11 bits"),
        ("02 00 00 0001 00000123 00 00", "bytes after the last frame"),
    ],
)
def test_a_wrong_datagram_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        decode(bytes.fromhex(written))


@given(st.sampled_from([written for *_, written in EXAMPLES]), st.integers())
def test_damaged_datagrams_are_datagrams_or_refused(written: str, seed: int) -> None:
    with contextlib.suppress(RecordError):  # any other exception fails
        datagram = decode(damaged(bytes.fromhex(written), random.Random(seed)))
        again = list(datagrams(datagram.frames, datagram.sequence))
        assert [decode(data) for data in again] == ([datagram] if datagram.frames else [])


@given(st.lists(frames, max_size=20), st.integers())
def test_over_tcp_frames_follow_the_greeting_in_whatever_pieces(sent: list[Frame], seed: int) -> None:
    session = CannelloniSession(fd=True)
    assert session.outgoing() == b"CANNELLONIv1"
    received = []
    for piece in in_pieces(b"CANNELLONIv1" + b"".join(map(encode_frame, sent)), random.Random(seed)):
        session.receive(piece)
        while (frame := session.next()) is not None:
            received.append(frame)
    assert received == sent
    session.frame(Frame(0x10, b"\1"))
    assert session.outgoing() == bytes.fromhex("00000010 01 01")
    session.closed()
    assert session.failure is None


def test_a_peer_that_does_not_greet_is_left() -> None:
    session = CannelloniSession(fd=True)
    session.frame(Frame(1, b""))
    session.receive(b"CANNELLONIv2")
    assert session.next() is None
    assert session.over
    assert session.outgoing() == b"CANNELLONIv1"


def test_over_tcp_what_a_classic_bus_cannot_carry_is_counted() -> None:
    session = CannelloniSession(fd=False)
    sent = (Frame(FD | 1, b""), Frame(ERROR | 1, bytes(8)), Frame(2, b"\1"))
    session.receive(b"CANNELLONIv1" + b"".join(map(encode_frame, sent)))
    assert session.next() == Frame(2, b"\1")
    assert session.next() is None
    assert session.unfit == 2
