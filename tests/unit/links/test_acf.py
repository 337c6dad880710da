"""IEEE 1722 ACF: fixed examples after clause 9.4 of the standard, and bytes that are damaged."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_frames import damaged, frames

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, Frame
from gateway.links.acf import LARGEST, CanMessage, Form, LinMessage, decode, encode_can, encode_lin, ntscf
from gateway.links.acf_carrier import AcfCarrier
from gateway.links.errors import RecordError

STREAM = bytes.fromhex("0011223344550001")
EXAMPLES = (
    # type 1, 5 quadlets; no padding, timestamp valid; bus 3; timestamp; identifier; data
    (CanMessage(3, Frame(0x123, b"\1\2\3\4"), 5), Form.FULL, "0205 20 03 0000000000000005 00000123 01020304"),
    # type 2 (brief), 3 quadlets; padding 2, extended
    (CanMessage(0, Frame(EXTENDED | 0x18DAF110, b"\1\2")), Form.BRIEF, "0403 88 00 18daf110 01020000"),
    # a remote frame has no data
    (CanMessage(31, Frame(REMOTE | 0x55, b"")), Form.BRIEF, "0402 10 1f 00000055"),
    # CAN FD with both flags; padding 3
    (CanMessage(1, Frame(FD | BRS | ESI | 0x7, b"\xff")), Form.BRIEF, "0403 c7 01 00000007 ff000000"),
)


@pytest.mark.parametrize(("message", "form", "written"), EXAMPLES)
def test_can_messages_have_the_bytes_of_the_standard(message: CanMessage, form: Form, written: str) -> None:
    part = encode_can(message, form)
    assert part == bytes.fromhex(written)
    assert decode(ntscf([part], 0, STREAM)).messages == (message,)


def test_a_lin_message_has_the_bytes_of_the_standard() -> None:
    message = LinMessage(2, 0x9C, b"\1\2\3", 7)
    part = encode_lin(message)
    assert part == bytes.fromhex("0604 62 9c 0000000000000007 01020300")
    assert decode(ntscf([part], 0, STREAM)).messages == (message,)


def test_the_head_of_an_avtpdu() -> None:
    part = encode_can(EXAMPLES[0][0])
    data = ntscf([part, part], 0x107, STREAM)
    assert data[:12] == bytes.fromhex("82 8028 07") + STREAM
    found = decode(data)
    assert (found.sequence, found.stream, len(found.messages), found.others) == (7, STREAM, 2, 0)


def test_padding_of_ethernet_behind_an_avtpdu_is_left_out() -> None:
    data = ntscf([encode_can(EXAMPLES[1][0], Form.BRIEF)], 0, STREAM)
    assert decode(data.ljust(46, b"\0")).messages == (EXAMPLES[1][0],)


def test_tscf_is_understood() -> None:
    # subtype 5; sv, tv; sequence 9; stream; avtp_timestamp; reserved; stream_data_length; reserved
    part = encode_can(EXAMPLES[0][0])
    head = bytes.fromhex("05 81 09 00") + STREAM + bytes(8) + len(part).to_bytes(2, "big") + bytes(2)
    assert decode(head + part).messages == (EXAMPLES[0][0],)


def test_messages_of_other_types_are_passed_over_and_counted() -> None:
    flexray = bytes.fromhex("0003 0000 00000000 00000000")
    found = decode(ntscf([flexray, encode_can(EXAMPLES[0][0])], 0, STREAM))
    assert found.others == 1
    assert found.messages == (EXAMPLES[0][0],)


@given(st.lists(frames, max_size=12), st.sampled_from(Form), st.booleans())
def test_frames_come_out_as_they_went_in(sent: list[Frame], form: Form, over_udp: bool) -> None:
    sender = AcfCarrier(4, STREAM, form, over_udp=over_udp)
    receiver = AcfCarrier(4, bytes(8), form, over_udp=over_udp)
    parts = [sender.encode(frame) for frame in sent]
    assert all(part is not None and len(part) % 4 == 0 for part in parts)
    datagram = sender.pack([part for part in parts if part is not None])
    assert len(datagram) <= LARGEST
    assert list(receiver.unpack(datagram)) == sent


def test_a_carrier_takes_its_own_bus_only_and_not_what_it_sent_itself() -> None:
    sender = AcfCarrier(1, STREAM, Form.BRIEF, over_udp=True)
    datagram = sender.pack([sender.encode(Frame(1, b"")) or b""])
    other = AcfCarrier(2, bytes(8), Form.BRIEF, over_udp=True)
    assert list(other.unpack(datagram)) == []
    assert other.others == 1
    assert list(sender.unpack(datagram)) == []
    assert sender.encode(Frame(ERROR | 1, bytes(8))) is None


def test_avtpdus_that_are_missing_are_counted_for_each_stream() -> None:
    sender, receiver = (
        AcfCarrier(0, STREAM, Form.FULL, over_udp=True),
        AcfCarrier(0, bytes(8), Form.FULL, over_udp=True),
    )
    datagrams = [sender.pack([]) for _ in range(300)]
    for number in (0, 1, 4, 3, 5, 260, 261):  # 260 is 5 + 255: it comes late
        list(receiver.unpack(datagrams[number]))
    assert receiver.missing == 2


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "an empty AVTPDU"),
        ("82 8000 00", "shorter than its head"),
        ("05 80 00 00", "shorter than its head"),
        ("02 8000 00 0000000000000000", "subtype 0x02"),
        ("82 9000 00 0000000000000000", "version 1"),
        ("82 8004 00 0000000000000000", "ends before its last message"),
        ("82 8002 00 0000000000000000 0401", "shorter than its head"),
        ("82 8004 00 0000000000000000 0400 0000", "an ACF message of 0 bytes"),
        ("82 8004 00 0000000000000000 0402 0000", "an ACF message of 8 bytes where there are 4"),
        ("82 8004 00 0000000000000000 0401 0000", "ends in its identifier"),
        ("82 8008 00 0000000000000000 0202 0000 00000000", "ends in its timestamp"),
        ("82 8008 00 0000000000000000 0402 c000 00000001", "more padding than data"),
        ("82 8008 00 0000000000000000 0402 0000 00000800", "more than 11 bits"),
        ("82 8014 00 0000000000000000 0405 0000 00000001 000000000000000000000000", "a classic frame of 12 bytes"),
        ("82 8014 00 0000000000000000 0405 4200 00000001 000000000000000000000000", "CAN FD frame that cannot be"),
        ("82 8008 00 0000000000000000 0402 1200 00000001", "CAN FD frame that cannot be"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        decode(bytes.fromhex(written))


WHOLE = ntscf(
    [encode_can(message, form) for message, form, _ in EXAMPLES] + [encode_lin(LinMessage(1, 2, b"\3"))], 9, STREAM
)


@given(st.integers())
def test_damaged_avtpdus_are_understood_or_refused(seed: int) -> None:
    with contextlib.suppress(RecordError):  # any other exception fails
        found = decode(damaged(WHOLE, random.Random(seed)))
        again = [encode_can(one) if isinstance(one, CanMessage) else encode_lin(one) for one in found.messages]
        assert decode(ntscf(again, found.sequence, found.stream)).messages == found.messages
