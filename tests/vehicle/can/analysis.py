"""Worst-case response times of periodic CAN messages.

Davis, Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability analysis: Refuted, revisited and revised",
Real-Time Systems 35 (2007) 239-272, section 3: blocking by one lower message, the busy period of the priority level, all
instances in it. Times are integers of nanoseconds. Knows nothing of the program.

`resolution` is the paper's bit time: what becomes ready up to so long after the bus could start still goes first. The
paper takes one bit; on the simulated bus it is the nanosecond of the start itself.
"""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """`cost` is the paper's C: the longest transmission, with the 3 bits of intermission. Jitter is zero."""

    period: int
    cost: int


def blocking(messages: list[Message], level: int) -> int:
    return max((message.cost for message in messages[level + 1 :]), default=0)


def busy_period(messages: list[Message], level: int, blocked: int) -> int:
    length = messages[level].cost
    while True:
        longer = blocked + sum(-(-length // message.period) * message.cost for message in messages[: level + 1])
        if longer == length:
            return length
        length = longer


def response_times(messages: list[Message], level: int, *, blocked: int, resolution: int) -> list[int]:
    """Of each instance in the busy period that begins with the critical instant; `messages` by priority."""
    own, higher = messages[level], messages[:level]
    instances = -(-busy_period(messages, level, blocked) // own.period)
    responses = []
    for number in range(instances):
        wait = blocked + number * own.cost
        while True:
            longer = blocked + number * own.cost
            longer += sum(-(-(wait + resolution) // message.period) * message.cost for message in higher)
            if longer == wait:
                break
            wait = longer
        responses.append(wait - number * own.period + own.cost)
    return responses
