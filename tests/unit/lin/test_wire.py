"""Identifiers, checksums and times, against published tables and an independent construction."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lin import PROTECTED, ChecksumModel, LinError, LinTimes, Spaces, checksum, protected, usual_model

# LIN 2.2A specification, 2.8.1 ("Table of numerical properties of valid protected identifiers"), in order of the identifier.
PUBLISHED = bytes.fromhex(
    "80 C1 42 03 C4 85 06 47 08 49 CA 8B 4C 0D 8E CF".replace(" ", "")
    + "50 11 92 D3 14 55 D6 97 D8 99 1A 5B 9C DD 5E 1F".replace(" ", "")
    + "20 61 E2 A3 64 25 A6 E7 A8 E9 6A 2B EC AD 2E 6F".replace(" ", "")
    + "F0 B1 32 73 B4 F5 76 37 78 39 BA FB 3C 7D FE BF".replace(" ", "")
)


def bits_of(number: int, width: int) -> list[int]:
    return [number >> bit & 1 for bit in range(width)]


def parity_by_bits(frame_id: int) -> int:
    """By the bits one after the other, as the specification has the formulas."""
    i = bits_of(frame_id, 6)
    p0 = (i[0] + i[1] + i[2] + i[4]) % 2
    p1 = 1 - (i[1] + i[3] + i[4] + i[5]) % 2
    return frame_id + 64 * p0 + 128 * p1


def checksum_with_carry(octets: list[int]) -> int:
    """Adding byte by byte, each carry at once, as a small controller does it."""
    total = 0
    for octet in octets:
        total += octet
        if total > 255:
            total -= 255
    return total ^ 0xFF


class TestIdentifiers:
    def test_all_64_are_those_of_the_specification(self):
        assert bytes(protected(frame_id) for frame_id in range(64)) == PUBLISHED
        assert bytes(PROTECTED) == PUBLISHED

    def test_all_64_are_those_of_the_formulas_by_bits(self):
        assert [protected(frame_id) for frame_id in range(64)] == [parity_by_bits(frame_id) for frame_id in range(64)]


class TestChecksums:
    def test_the_example_of_the_specification(self):
        # LIN 2.2A, 2.8.3: 0x4A, 0x55, 0x93, 0xE5 sum up to 0x19 with carries; the checksum is 0xE6.
        assert checksum(bytes((0x4A, 0x55, 0x93, 0xE5)), ChecksumModel.CLASSIC, 0x10) == 0xE6

    def test_100_000_random_frames_against_adding_byte_by_byte(self):
        chance = random.Random(9)
        for _ in range(100_000):
            data = chance.randbytes(chance.randrange(1, 9))
            frame_id = chance.randrange(64)
            assert checksum(data, ChecksumModel.CLASSIC, frame_id) == checksum_with_carry(list(data))
            assert checksum(data, ChecksumModel.ENHANCED, frame_id) == checksum_with_carry(
                [parity_by_bits(frame_id), *data]
            )

    @given(st.binary(min_size=1, max_size=8))
    def test_sum_and_checksum_together_are_all_ones(self, data):
        assert checksum_with_carry([*data, checksum(data, ChecksumModel.CLASSIC, 0)]) == 0

    def test_diagnostic_frames_are_classic(self):
        assert [usual_model(frame_id) for frame_id in (0x00, 0x3B)] == [ChecksumModel.ENHANCED] * 2
        assert [usual_model(frame_id) for frame_id in (0x3C, 0x3D)] == [ChecksumModel.CLASSIC] * 2


class TestTimes:
    @pytest.mark.parametrize("bit_rate", [1_000, 9_600, 10_400, 10_417, 19_200, 20_000])
    @pytest.mark.parametrize("length", range(1, 9))
    def test_a_frame_takes_the_nominal_time_of_the_specification(self, bit_rate, length):
        times = LinTimes(bit_rate)

        exact = (34 + 10 * (length + 1)) * 1_000_000_000 / bit_rate
        assert abs(times.frame_ns[length] - exact) <= 0.5
        assert times.frame_bits(length) == 34 + 10 * (length + 1)
        assert times.longest_ns[length] - exact * 1.4 == pytest.approx(0, abs=1)

    def test_a_header_has_34_bits_at_least(self):
        assert LinTimes(20_000).header_ns == 34 * 50_000

    def test_spaces_make_frames_longer_by_their_bits(self):
        times = LinTimes(20_000, Spaces(break_bits=14, delimiter=2, between=1, response=3))

        assert times.header_bits == 14 + 2 + 20 + 1
        assert times.frame_bits(4) == times.header_bits + 3 + 50 + 4

    @pytest.mark.parametrize(
        ("bit_rate", "spaces", "why"),
        [
            (999, None, "1 to 20 kbit/s"),
            (20_001, None, "1 to 20 kbit/s"),
            (19_200, Spaces(break_bits=12), "13 bits at least"),
            (19_200, Spaces(between=-1), "shorter than nothing"),
            (19_200, Spaces(between=9), "longer than 1.4 times"),
        ],
    )
    def test_what_lin_does_not_have_is_refused(self, bit_rate, spaces, why):
        with pytest.raises(LinError, match=why):
            LinTimes(bit_rate, spaces)
