"""What can go wrong on a LIN bus, as objects that are put on it and taken off again.

They are asked when a header is sent, when a response begins, and when it reaches a receiver. Of CAN's disturbances,
`Loss` and `BitErrors` work here as well: a bit error in a response makes its checksum wrong. What they do to a request to
send (lose it, change it, delay it) they do to a response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.can import Controller, Disturbance
from gateway.sim import Stream

MatchingId = Callable[[int], bool]


def any_id(_frame_id: int) -> bool:
    return True


class Response(NamedTuple):
    """What becomes of a response: None of `data` for nothing, later by `delay_ns`, with a wrong checksum."""

    data: bytes | None
    delay_ns: int = 0
    good_checksum: bool = True


class LinDisturbance(Disturbance):
    """Nothing happens; the root of LIN's disturbances."""

    def silences(self, frame_id: int) -> bool:
        """Whether the commander does not send this header."""
        return False

    def sticks(self) -> bool:
        """Whether the wire is held dominant."""
        return False

    def damages_header(self, frame_id: int) -> bool:
        """Whether nobody understands this header."""
        return False

    def response(self, sender: Controller, frame_id: int, response: Response) -> Response:
        """What becomes of a response."""
        return response

    def second(self, frame_id: int) -> bytes | None:
        """What one more node answers to this header."""
        return None


class NoResponse(LinDisturbance):
    """Nobody answers to matching headers."""

    def __init__(self, matching: MatchingId = any_id) -> None:
        self._matching = matching

    def response(self, sender: Controller, frame_id: int, response: Response) -> Response:
        return response._replace(data=None) if self._matching(frame_id) else response


class WrongChecksum(LinDisturbance):
    """Matching responses have a wrong checksum."""

    def __init__(self, matching: MatchingId = any_id) -> None:
        self._matching = matching

    def response(self, sender: Controller, frame_id: int, response: Response) -> Response:
        return response._replace(good_checksum=False) if self._matching(frame_id) else response


class LateResponse(LinDisturbance):
    """Matching responses begin later, by `delay_ns`."""

    def __init__(self, delay_ns: int, matching: MatchingId = any_id) -> None:
        self._delay_ns = delay_ns
        self._matching = matching

    def response(self, sender: Controller, frame_id: int, response: Response) -> Response:
        if not self._matching(frame_id):
            return response
        return response._replace(delay_ns=response.delay_ns + self._delay_ns)


class SecondResponder(LinDisturbance):
    """One more node answers to a header, always with the same data."""

    def __init__(self, frame_id: int, data: bytes) -> None:
        self._frame_id = frame_id
        self._data = data

    def second(self, frame_id: int) -> bytes | None:
        return self._data if frame_id == self._frame_id else None


class StuckBus(LinDisturbance):
    """The wire is held dominant (a short to ground)."""

    def sticks(self) -> bool:
        return True


class SilentCommander(LinDisturbance):
    """The commander sends no header, although it believes that it does (a broken transmitter)."""

    def __init__(self, matching: MatchingId = any_id) -> None:
        self._matching = matching

    def silences(self, frame_id: int) -> bool:
        return self._matching(frame_id)


class HeaderNoise(LinDisturbance):
    """Each matching header is damaged with this probability: sync or parity wrong, so that nobody answers."""

    def __init__(self, probability: float, stream: Stream, matching: MatchingId = any_id) -> None:
        self._probability = probability
        self._stream = stream
        self._matching = matching

    def damages_header(self, frame_id: int) -> bool:
        return self._matching(frame_id) and self._stream.random() < self._probability


__all__ = [
    "HeaderNoise",
    "LateResponse",
    "LinDisturbance",
    "NoResponse",
    "Response",
    "SecondResponder",
    "SilentCommander",
    "StuckBus",
    "WrongChecksum",
]
