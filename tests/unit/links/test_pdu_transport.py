"""AUTOSAR PDU transport: its bytes, the map from identifiers to PDUs, streams in pieces, damaged bytes."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_frames import damaged, in_pieces

from gateway.can import BRS, EXTENDED, FD, REMOTE, Frame
from gateway.links.errors import LinkError, RecordError
from gateway.links.pdu_transport import LONGEST, Pdu, PduCarrier, PduMap, PduStream, decode, encode

WRITTEN = "00010001 00000004 deadbeef 00000123 00000000"
PDUS = [Pdu(0x10001, bytes.fromhex("deadbeef")), Pdu(0x123, b"")]
pdus = st.builds(Pdu, st.integers(0, (1 << 32) - 1), st.binary(max_size=300))


def test_a_pdu_is_identifier_length_and_data() -> None:
    assert b"".join(map(encode, PDUS)) == bytes.fromhex(WRITTEN)
    assert list(decode(bytes.fromhex(WRITTEN))) == PDUS


@given(st.lists(pdus, max_size=20), st.integers())
def test_pdus_come_out_of_a_stream_in_whatever_pieces(sent: list[Pdu], seed: int) -> None:
    stream = PduStream()
    received = []
    for piece in in_pieces(b"".join(map(encode, sent)), random.Random(seed)):
        stream.feed(piece)
        while (pdu := stream.next()) is not None:
            received.append(pdu)
    assert received == sent
    assert not stream.partial


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("000000", "ends in the header"),
        ("00000001 00000002 00", "a PDU of 2 bytes where there are 1"),
        ("00000001 00000000 00", "ends in the header"),
        ("00000001 ffffffff 00", "a PDU of 4294967295 bytes"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        decode(bytes.fromhex(written))


def test_a_stream_that_is_out_of_step_is_refused() -> None:
    stream = PduStream()
    stream.feed(encode(Pdu(1, bytes(LONGEST))))
    assert stream.next() == Pdu(1, bytes(LONGEST))
    stream.feed((1).to_bytes(4, "big") + (LONGEST + 1).to_bytes(4, "big"))
    with pytest.raises(RecordError, match="65536 bytes"):
        stream.next()


def test_without_a_map_the_identifiers_are_those_of_can() -> None:
    carrier = PduCarrier(PduMap())
    sent = [Frame(0x123, b"\1"), Frame(EXTENDED | 0x18DAF110, b"\2"), Frame(FD | 0x7, bytes(12))]
    datagram = carrier.pack([carrier.encode(frame) or b"" for frame in sent])
    assert [pdu.identifier for pdu in decode(datagram)] == [0x123, 0x98DAF110, 0x7]
    assert carrier.unpack(datagram) == sent


def test_a_map_says_which_pdu_is_which_frame() -> None:
    carrier = PduCarrier(PduMap({0x123: 0xA0001, FD | BRS | 0x7: 0xA0002}))
    datagram = carrier.pack(
        [carrier.encode(frame) or b"" for frame in (Frame(0x123, b"\1"), Frame(FD | BRS | 7, b"\2"))]
    )
    assert [pdu.identifier for pdu in decode(datagram)] == [0xA0001, 0xA0002]
    assert carrier.unpack(datagram) == [Frame(0x123, b"\1"), Frame(FD | BRS | 7, b"\2")]


def test_what_has_no_pdu_is_counted() -> None:
    carrier = PduCarrier(PduMap({0x123: 1}))
    assert carrier.encode(Frame(0x124, b"")) is None
    assert carrier.encode(Frame(REMOTE | 0x123, b"")) is None
    assert carrier.unpack(encode(Pdu(2, b""))) == []
    assert carrier.unmapped == 3
    assert carrier.unpack(encode(Pdu(1, bytes(65))) + encode(Pdu(1, b"\7"))) == [Frame(0x123, b"\7")]
    assert carrier.unfit == 1


def test_a_pdu_between_the_lengths_of_can_fd_is_filled_up() -> None:
    assert PduMap().frame(Pdu(5, bytes(9))) == Frame(FD | 5, bytes(12))


@pytest.mark.parametrize("identifier", [0x800, 0x20000001, 0xC0000001, 0xA0000001])
def test_a_pdu_whose_identifier_is_none_of_can_carries_nothing(identifier: int) -> None:
    assert PduMap().frame(Pdu(identifier, b"")) is None


def test_an_identifier_for_two_frames_is_told() -> None:
    with pytest.raises(LinkError, match="0x5 stands for two frames"):
        PduMap({1: 5, 2: 5})
    with pytest.raises(LinkError, match="more than 32 bits"):
        PduMap({1: 1 << 32})


@given(st.integers())
def test_damaged_datagrams_are_understood_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    data = damaged(bytes.fromhex(WRITTEN), chance)
    carrier = PduCarrier(PduMap())
    with contextlib.suppress(RecordError):  # any other exception fails
        assert b"".join(map(encode, decode(data))) == data
        carrier.unpack(data)
    stream = PduStream()
    with contextlib.suppress(RecordError):
        for piece in in_pieces(data, chance):
            stream.feed(piece)
            while stream.next() is not None:
                pass
