"""What can go wrong on the wire, as objects that are put on a bus and taken off again.

A disturbance is asked at three points: when a controller hands a frame over, when a frame starts, and when it reaches a
receiver. Each answers by default that nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.can.frame import Frame
from gateway.sim import Stream

if TYPE_CHECKING:
    from gateway.can.controller import Controller

Matching = Callable[[Frame], bool]


def any_frame(_frame: Frame) -> bool:
    return True


class Disturbance:
    """Nothing happens; the root of all disturbances."""

    def on_request(self, sender: Controller, frame: Frame) -> Iterable[tuple[int, Frame]]:
        """What is sent in place of `frame`: pairs of delay in nanoseconds and frame; none means that it is lost."""
        return ((0, frame),)

    def error_bit(self, sender: Controller, frame: Frame, bits: int) -> int | None:
        """The number of the bit (0 is the start of frame) of `bits` in which an error is seen; None for no error."""
        return None

    def loses(self, receiver: Controller, frame: Frame) -> bool:
        """Whether this receiver does not get the frame although it was sent well (a receiver's overrun)."""
        return False


class BitErrors(Disturbance):
    """Each matching frame is hit by a bit error with this probability, at a bit drawn from the stream."""

    def __init__(self, probability: float, stream: Stream, matching: Matching = any_frame) -> None:
        self._probability = probability
        self._stream = stream
        self._matching = matching

    def error_bit(self, sender: Controller, frame: Frame, bits: int) -> int | None:
        if self._matching(frame) and self._stream.random() < self._probability:
            return self._stream.randrange(1, bits)
        return None


class Loss(Disturbance):
    """Matching frames are sent well but reach a receiver only with probability 1 - `probability`."""

    def __init__(self, probability: float, stream: Stream, matching: Matching = any_frame) -> None:
        self._probability = probability
        self._stream = stream
        self._matching = matching

    def loses(self, receiver: Controller, frame: Frame) -> bool:
        return self._matching(frame) and self._stream.random() < self._probability


class Delay(Disturbance):
    """Matching frames are handed to the bus later, by `delay_ns`."""

    def __init__(self, delay_ns: int, matching: Matching = any_frame) -> None:
        self._delay_ns = delay_ns
        self._matching = matching

    def on_request(self, sender: Controller, frame: Frame) -> Iterable[tuple[int, Frame]]:
        return ((self._delay_ns if self._matching(frame) else 0, frame),)
