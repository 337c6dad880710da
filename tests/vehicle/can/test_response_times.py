"""Response times of periodic messages against the schedulability analysis of CAN.

The paper's transmission time holds the intermission that follows the frame, because that keeps others waiting; a
receiver has the frame 3 bits earlier, at its end. So a response on the bus is the paper's less 3 bits.
"""

import random

import pytest
from analysis import Message, blocking, response_times
from bench import BIT, IFS, Bench

from gateway.can import EXTENDED, Frame

MS = 1_000_000
PAYLOADS = (bytes.fromhex("01E1E1E1E1E1E1E1"), bytes(8), b"\xff" * 8, bytes.fromhex("3C3C3C3C3C3C3C3C"), b"\x00", b"")
"""Full of stuff bits, the first the most there can be; and short ones."""


class Periodic:
    """Messages of fixed content, one for each controller, the lowest identifier first."""

    def __init__(self, frames: list[Frame], periods: list[int], nominal: int = 500_000) -> None:
        self.frames, self.periods, self.nominal = frames, periods, nominal
        self.names = [f"ECU{number}" for number in range(len(frames))]
        times = Bench("any", nominal=nominal).bus.times
        self.intermission = times.intermission_ns
        self.messages = [
            Message(period, times.duration_ns(frame) + times.intermission_ns)
            for frame, period in zip(frames, periods, strict=True)
        ]

    def run(self, first: dict[int, int], until: int, cut: int | None = None) -> list[list[int]]:
        """The response times of each message, from its request to its end of frame.

        `first`: when each message is requested for the first time; those that are missing stay silent. `cut`: requests
        end before this time, so that every one of them can be answered.
        """
        bench = Bench(*self.names, "listener", nominal=self.nominal)
        for number, start in first.items():
            for time_ns in range(start, until if cut is None else cut, self.periods[number]):
                bench.at(time_ns, self.names[number], self.frames[number])
        responses: list[list[int]] = [[] for _ in self.frames]
        for passage in bench.run(until):
            responses[self.names.index(passage.sender)].append(passage.end - passage.requested)
        return responses


def random_set(chance: random.Random, load: float) -> Periodic:
    count = chance.randint(3, 8)
    identifiers = sorted(chance.sample(range(0x7FF), count))
    frames = [
        Frame(number << 18 | EXTENDED if chance.random() < 0.3 else number, chance.choice(PAYLOADS))
        for number in identifiers
    ]
    shares = [chance.random() + 0.1 for _ in frames]
    costs = [message.cost for message in Periodic(frames, [MS] * count).messages]
    periods = [int(cost * sum(shares) / share / load) for cost, share in zip(costs, shares, strict=True)]
    # As vehicles have them: whole steps, so that the same phases come again and again.
    return Periodic(frames, [-(-period // 50_000) * 50_000 for period in periods])


@pytest.mark.parametrize("seed", range(12))
def test_no_response_is_longer_than_the_analysis_says(seed: int) -> None:
    chance = random.Random(seed)
    messages = random_set(chance, load=chance.choice((0.5, 0.8, 0.95)))
    bounds = [
        max(response_times(messages.messages, level, blocked=blocking(messages.messages, level), resolution=BIT)) - IFS
        for level in range(len(messages.frames))
    ]
    for _ in range(4):
        first = {number: chance.randrange(period) for number, period in enumerate(messages.periods)}
        responses = messages.run(first, until=200 * MS)
        assert all(responses)
        for level, bound in enumerate(bounds):
            assert max(responses[level]) <= bound, f"message {level} of {messages.messages}"


@pytest.mark.parametrize("seed", range(12))
def test_the_critical_instant_reaches_the_analysis_to_the_nanosecond(seed: int) -> None:
    """The longest lower message starts 1 ns before all others are requested together, and then in their periods.

    That nanosecond is the whole difference: blocking is C - 1 ns, where the paper (which can't tell how much before is
    enough) counts C; and a request in the very nanosecond of a start goes first, where the paper allows it a bit's time.
    """
    chance = random.Random(100 + seed)
    messages = random_set(chance, load=chance.choice((0.5, 0.8, 0.95)))
    for level in range(len(messages.frames)):
        lower = messages.messages[level + 1 :]
        blocked = blocking(messages.messages, level)
        expected = response_times(messages.messages, level, blocked=max(0, blocked - 1), resolution=1)
        instant = 1000
        first = dict.fromkeys(range(level + 1), instant)
        if lower:
            blocker = level + 1 + [message.cost for message in lower].index(blocked)
            first[blocker] = instant - 1
        cut = instant + len(expected) * messages.periods[level]
        silent_after_one = messages.periods.copy()
        for number in range(level + 1, len(messages.frames)):
            messages.periods[number] = 10**12
        responses = messages.run(first, until=cut + 100 * MS, cut=cut + 1)
        messages.periods[:] = silent_after_one
        assert responses[level][: len(expected)] == [response - IFS for response in expected]
        bound = max(response_times(messages.messages, level, blocked=blocked, resolution=BIT))
        assert max(expected) <= bound


def of_125_bits(number: int) -> Frame:
    """A frame of 8 bytes that takes 125 bits with its intermission: 1 ms at 125 kbit/s."""
    bench = Bench("any", nominal=125_000)
    for low in range(1 << 16):
        frame = Frame(number, bytes.fromhex("01E1E1E1E1E1") + low.to_bytes(2, "big"))
        if bench.length(frame) + bench.bus.times.intermission_ns == MS:
            return frame
    raise AssertionError("no such frame")


def test_the_messages_that_refuted_the_first_analysis() -> None:
    """The paper's counter-example : A, B, C of 1 ms each, periods 2.5, 3.5 and 3.5 ms, 125 kbit/s.

    The analysis of 1994 looked at the first instance only and found 3 ms for C; its second takes 3.5 ms.
    """
    periods = [5 * MS // 2, 7 * MS // 2, 7 * MS // 2]
    messages = Periodic([of_125_bits(number) for number in (0x100, 0x200, 0x300)], periods, nominal=125_000)
    assert [message.cost for message in messages.messages] == [MS] * 3
    worst = [
        max(response_times(messages.messages, level, blocked=blocking(messages.messages, level), resolution=8000))
        for level in range(3)
    ]
    assert worst == [2 * MS, 3 * MS, 7 * MS // 2]
    assert response_times(messages.messages, 2, blocked=0, resolution=8000) == [3 * MS, 7 * MS // 2]

    responses = messages.run(dict.fromkeys(range(3), 0), until=7 * MS)
    assert responses[2] == [3 * MS - messages.intermission, 7 * MS // 2 - messages.intermission]
