"""The length of a frame to the bit."""

import random
from collections.abc import Iterator

import pytest
import wire
from frames import frame_and_wire
from hypothesis import given
from hypothesis import strategies as st

from gateway.can import BRS, ESI, EXTENDED, FD, LENGTHS, REMOTE, BitRates, Frame, FrameTimes, frame_bits, padded_length
from gateway.can.bits import leading_sequence, priority

INTERMISSION = 3
HEADS = {False: "0" + "x" * 11 + "000" + "1000", True: "0" + "x" * 11 + "11" + "x" * 18 + "000" + "1000"}
"""Start of frame to DLC of a data frame of 8 bytes, standard and extended; x may be either level."""


def test_random_frames_are_as_long_as_their_bits() -> None:
    chance = random.Random(11898)
    for _ in range(2000):
        frame, bits = frame_and_wire(chance)
        assert frame_bits(frame) == (bits.nominal, bits.data), str(frame)


@given(st.integers(0, 0x7FF), st.binary(max_size=8))
def test_any_standard_frame(number: int, data: bytes) -> None:
    assert frame_bits(Frame(number, data)) == (len(wire.classic(number, data).bits), 0)


@given(st.integers(0, 0x1FFFFFFF), st.sampled_from(LENGTHS).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_any_extended_fd_frame(number: int, data: bytes) -> None:
    bits = wire.flexible(number, data, extended=True, brs=True)
    assert frame_bits(Frame(number | EXTENDED | FD | BRS, data)) == (bits.nominal, bits.data)


@pytest.mark.parametrize("nominal", [125_000, 500_000, 1_000_000, 33_333, 83_333, 95_238, 800_000])
def test_times_are_bits_by_bit_rate_to_half_a_nanosecond(nominal: int) -> None:
    # Each frame is asked for twice, because the second answer is remembered.
    times = FrameTimes(BitRates(nominal, 2_000_000))
    chance = random.Random(nominal)
    for frame, bits in [frame_and_wire(chance) for _ in range(300)] * 2:
        exact = bits.nominal * 1_000_000_000 / nominal + bits.data * 500
        assert abs(times.duration_ns(frame) - exact) <= 0.5 + 1e-6, str(frame)


def test_times_stay_right_when_more_payloads_come_than_are_remembered() -> None:
    times = FrameTimes(BitRates(500_000, 500_000))
    payloads = [number.to_bytes(8, "big") for number in range(300)]
    for data in payloads + payloads[::-1]:
        assert times.duration_ns(Frame(0x123, data)) == len(wire.classic(0x123, data).bits) * 2000


def test_what_starts_a_frame_is_on_the_wire_as_it_is_built() -> None:
    chance = random.Random(3)
    for _ in range(500):
        frame, bits = frame_and_wire(chance)
        assert bits.bits.startswith(leading_sequence(frame)), str(frame)


# Published bounds


def test_a_standard_frame_of_8_bytes_has_111_bits_at_least() -> None:
    # Davis, Burns, Bril, Lukkien 2007, 3.1: g + 8s + 13 bits with g = 34, intermission included; no stuff bit here.
    assert frame_bits(Frame(0x3A5, bytes.fromhex("A596F6F6998B86C4"))).nominal + INTERMISSION == 34 + 64 + 13 == 111


def test_an_extended_frame_of_8_bytes_has_131_bits_at_least() -> None:
    frame = Frame(0x0360B22F | EXTENDED, bytes.fromhex("F4E9BC2257A131D9"))
    assert frame_bits(frame).nominal + INTERMISSION == 54 + 64 + 13 == 131


@pytest.mark.parametrize(
    ("frame", "bound", "longest"),
    [
        (Frame(0x000, bytes.fromhex("01E1E1E1E1E1E1E1")), 135, 133),
        (Frame(0x01FC3C3C | EXTENDED, bytes.fromhex("01E1E1E1E1E1E1E1")), 160, 158),
    ],
    ids=["standard", "extended"],
)
def test_the_longest_frame_of_8_bytes_is_two_bits_below_the_published_bound(
    frame: Frame, bound: int, longest: int
) -> None:
    # The paper's bound has a stuff bit for every four bits. The DLC of 8 bytes, 1000, breaks the pattern, so that one
    # stuff bit less is possible whatever the CRC; and of all frames that could reach that, no one has the CRC for it.
    g = 54 if frame.extended else 34
    assert g + 64 + 13 + (g + 64 - 1) // 4 == bound
    template = HEADS[frame.extended] + "x" * (64 + 15)
    most = most_stuff_bits(template)
    assert len(template) + most[0]["1", 1] + len(wire.TAIL) + INTERMISSION == longest + 1
    candidates = [as_frame(bits, extended=frame.extended) for bits in best_starts(template, most)]
    assert len(candidates) > 100
    assert max(frame_bits(candidate).nominal for candidate in candidates) + INTERMISSION == longest
    assert frame_bits(frame).nominal + INTERMISSION == longest


State = tuple[str, int]


def after(state: State, bit: str) -> tuple[State, int]:
    """Last level and run after one more bit, and the stuff bits that went before it."""
    level, run = state
    owed = run == 5
    if owed:
        level, run = ("1" if level == "0" else "0"), 1
    return (bit, run + 1 if bit == level else 1), int(owed)


def most_stuff_bits(template: str) -> list[dict[State, int]]:
    """For each position and state the most stuff bits from there to the end, when each x may be chosen."""
    states = [(level, run) for level in "01" for run in range(1, 6)]
    most = [{state: int(state[1] == 5) for state in states}]
    for place in reversed(template):
        bits = "01" if place == "x" else place
        most.insert(
            0,
            {
                state: max(more + most[0][then] for then, more in (after(state, bit) for bit in bits))
                for state in states
            },
        )
    return most


def best_starts(template: str, most: list[dict[State, int]]) -> Iterator[str]:
    """All choices, up to the end of the data, that can still reach the most."""
    waiting: list[tuple[str, State]] = [("", ("1", 1))]
    while waiting:
        chosen, state = waiting.pop()
        position = len(chosen)
        if position == len(template) - 15:
            yield chosen
            continue
        for bit in "01" if template[position] == "x" else template[position]:
            then, more = after(state, bit)
            if more + most[position + 1][then] == most[position][state]:
                waiting.append((chosen + bit, then))


def as_frame(bits: str, *, extended: bool) -> Frame:
    number = bits[1:12] + bits[14:32] if extended else bits[1:12]
    return Frame(int(number, 2) | (EXTENDED if extended else 0), int(bits[-64:], 2).to_bytes(8, "big"))


def test_an_fd_frame_without_switch_is_nominal_throughout() -> None:
    data = bytes(64)
    switched, plain = frame_bits(Frame(0x100 | FD | BRS, data)), frame_bits(Frame(0x100 | FD, data))
    assert plain.data == 0
    assert abs(plain.nominal - (switched.nominal + switched.data)) <= 1  # BRS itself may owe or save one stuff bit


@pytest.mark.parametrize("header", [0x1, 0x1 | EXTENDED, 0x1 | REMOTE])
def test_a_classic_frame_of_nine_bytes_is_refused(header: int) -> None:
    with pytest.raises(ValueError, match="holds 8 bytes at most, not 9"):
        frame_bits(Frame(header, bytes(9)))


def test_an_fd_frame_of_a_length_without_dlc_is_refused() -> None:
    with pytest.raises(ValueError, match="no length of 9 bytes"):
        frame_bits(Frame(0x1 | FD, bytes(9)))


def test_padding_reaches_the_next_dlc() -> None:
    assert [padded_length(n) for n in (0, 8, 9, 12, 13, 33, 64)] == [0, 8, 12, 12, 16, 48, 64]
    with pytest.raises(ValueError, match="65 bytes do not fit"):
        padded_length(65)


# Arbitration

headers = st.one_of(
    st.builds(lambda n, rtr: n | rtr, st.integers(0, 0x7FF), st.sampled_from([0, REMOTE])),
    st.builds(lambda n, rtr: n | rtr | EXTENDED, st.integers(0, 0x1FFFFFFF), st.sampled_from([0, REMOTE])),
)


def on_the_wire(header: int) -> str:
    return wire.arbitration(header & 0x1FFFFFFF, extended=bool(header & EXTENDED), remote=bool(header & REMOTE))


@given(headers, headers)
def test_who_is_dominant_first_wins(one: int, other: int) -> None:
    assert (priority(one) < priority(other)) == (on_the_wire(one) < on_the_wire(other))
    assert (priority(one) == priority(other)) == (one == other)


@given(st.integers(0, 0x7FF), st.integers(0, 0x3FFFF), st.integers(0, 0x3FFFF))
def test_standard_beats_extended_and_data_beats_remote(base: int, low: int, other: int) -> None:
    extended = EXTENDED | base << 18
    order = [base, base | REMOTE, extended | min(low, other), extended | min(low, other) | REMOTE]
    assert sorted(order, key=priority) == order
    assert len(set(map(priority, order))) == 4


@given(headers)
def test_fd_flags_do_not_arbitrate(header: int) -> None:
    assert priority(header | FD | BRS | ESI) == priority(header)
