"""Counters and checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.com import ALGORITHMS, ComError, Protection
from gateway.database import Message, Signal
from gateway.errors import GatewayError


def message(*signals: Signal, length: int = 8) -> Message:
    return Message(name="M", arbitration_id=1, length=length, signals=signals)


CHECKSUM = Signal(name="Checksum", start=0, length=8)
COUNTER = Signal(name="Counter", start=8, length=4)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        # The check values of AUTOSAR's Specification of CRC Routines (SWS_CRCLibrary), 7.2.1.1 and 7.2.1.2.
        ("crc8-j1850", 0x4B),
        ("crc8-h2f", 0xDF),
        # By hand: 0x31 ^ 0x32 ^ ... ^ 0x39, and their sum 477 = 0x1DD.
        ("xor8", 0x31),
        ("sum8", 0xDD),
    ],
)
def test_check_values_of_123456789(algorithm: str, value: int) -> None:
    assert ALGORITHMS[algorithm](b"123456789") == value


@pytest.mark.parametrize(
    ("data", "j1850", "h2f"),
    [
        # Further vectors of SWS_CRCLibrary, 7.2.1.1 and 7.2.1.2.
        ("00000000", 0x59, 0x12),
        ("F20183", 0x37, 0xC2),
        ("0FAA0055", 0x79, 0xC6),
        ("00FF5511", 0xB8, 0x77),
        ("332255AABBCCDDEEFF", 0xCB, 0x11),
        ("926B55", 0x8C, 0x33),
        ("FFFFFFFF", 0x74, 0x6C),
    ],
)
def test_vectors_of_autosar(data: str, j1850: int, h2f: int) -> None:
    assert ALGORITHMS["crc8-j1850"](bytes.fromhex(data)) == j1850
    assert ALGORITHMS["crc8-h2f"](bytes.fromhex(data)) == h2f


def test_the_counter_counts_from_0_and_begins_again() -> None:
    protection = Protection(message(CHECKSUM, COUNTER), "Counter", None, "xor8")
    assert [protection.next_count() for _ in range(18)] == [*range(16), 0, 1]


def test_a_stuck_counter_stays() -> None:
    protection = Protection(message(CHECKSUM, COUNTER), "Counter", None, "xor8")
    assert protection.next_count() == 0
    protection.stuck = True
    assert [protection.next_count() for _ in range(3)] == [0, 0, 0]
    protection.stuck = False
    assert protection.next_count() == 1


@given(st.binary(min_size=8, max_size=8), st.sampled_from(sorted(ALGORITHMS)))
def test_the_checksum_is_over_the_payload_with_its_own_bits_at_0(data: bytes, algorithm: str) -> None:
    protection = Protection(message(CHECKSUM, COUNTER), None, "Checksum", algorithm)
    sealed = protection.sealed(data)
    assert sealed[1:] == data[1:]
    assert sealed[0] == ALGORITHMS[algorithm](b"\0" + data[1:])


@given(st.binary(min_size=4, max_size=4))
def test_a_narrow_checksum_takes_the_low_bits_and_leaves_its_neighbours(data: bytes) -> None:
    narrow = Signal(name="Checksum", start=20, length=4)
    sealed = Protection(message(narrow, length=4), None, "Checksum", "sum8").sealed(data)
    rest = bytes([data[0], data[1], data[2] & 0x0F, data[3]])
    assert sealed[2] & 0x0F == data[2] & 0x0F
    assert sealed[2] >> 4 == ALGORITHMS["sum8"](rest) & 0x0F
    assert sealed[:2] + sealed[3:] == data[:2] + data[3:]


@given(st.binary(min_size=4, max_size=4))
def test_a_big_endian_checksum_lies_where_its_signal_is(data: bytes) -> None:
    definition = message(Signal(name="Checksum", start=15, length=8, big_endian=True), length=4)
    sealed = Protection(definition, None, "Checksum", "crc8-j1850").sealed(data)
    assert definition.by_name["Checksum"].decode(sealed) == ALGORITHMS["crc8-j1850"](data[:1] + b"\0" + data[2:])


def test_a_wrong_checksum_is_wrong() -> None:
    protection = Protection(message(CHECKSUM), None, "Checksum", "crc8-j1850")
    good = protection.sealed(bytes(8))
    protection.wrong = True
    assert protection.sealed(bytes(8))[0] == good[0] ^ 1


@pytest.mark.parametrize(
    "signal",
    [
        Signal(name="S", start=4, length=8),
        Signal(name="S", start=0, length=9),
        Signal(name="S", start=3, length=8, big_endian=True),
        Signal(name="S", start=0, length=2, big_endian=True),
    ],
)
def test_a_counter_or_checksum_across_bytes_is_refused(signal: Signal) -> None:
    for counter, checksum in (("S", None), (None, "S")):
        with pytest.raises(ComError, match=r"M\.S crosses a byte boundary"):
            Protection(message(signal), counter, checksum, "xor8")


def test_what_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ComError, match=r"no checksum algorithm 'crc8-j185' \(did you mean 'crc8-j1850'\?\)"):
        Protection(message(CHECKSUM), None, "Checksum", "crc8-j185")
    with pytest.raises(ComError, match=r"\(there are crc8-j1850, crc8-h2f, xor8, sum8\)"):
        Protection(message(CHECKSUM), None, "Checksum", "md5")
    with pytest.raises(GatewayError, match=r"message M has no signal 'Counte' \(did you mean 'Counter'\?\)"):
        Protection(message(COUNTER), "Counte", None, "xor8")


def test_a_signal_past_the_end_of_its_message_protects_nothing() -> None:
    with pytest.raises(ComError, match=r"M\.Far lies past the end of its message of 2 bytes"):
        Protection(message(Signal(name="Far", start=16, length=8), length=2), None, "Far", "xor8")
