"""Disturbances of the wire beyond those of `gateway.can`. A gateway's frame stays one when its payload is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gateway.can import KEY_MASK, Controller, Disturbance, Frame
from gateway.routing import RoutedFrame
from gateway.sim import Stream

Change = Callable[[Frame], bytes]
Requests = Iterable[tuple[int, Frame]]


def with_data(frame: Frame, data: bytes) -> Frame:
    """The frame with another payload."""
    if isinstance(frame, RoutedFrame):
        return RoutedFrame(frame.header, data, frame.sources)
    return Frame(frame.header, data)


class Selected(Disturbance):
    """A disturbance of the frames of some identifiers (None: of all), each with a probability."""

    def __init__(self, keys: frozenset[int] | None, probability: float, stream: Stream) -> None:
        self._keys: Final = keys
        self._probability: Final = probability
        self._stream: Final = stream

    def hits(self, frame: Frame) -> bool:
        if self._keys is not None and frame.header & KEY_MASK not in self._keys:
            return False
        return self._probability >= 1 or self._stream.random() < self._probability


class Vanishing(Selected):
    """Frames are lost between controller and wire; their sender believes that they are sent."""

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        return () if self.hits(frame) else ((0, frame),)


class Overrun(Selected):
    """Some receivers do not get frames that are sent well."""

    def __init__(self, keys: frozenset[int] | None, probability: float, stream: Stream, receiver: str) -> None:
        super().__init__(keys, probability, stream)
        self._receiver: Final = receiver

    def loses(self, receiver: Controller, frame: Frame) -> bool:
        return receiver.name == self._receiver and self.hits(frame)


class Late(Selected):
    """Frames are handed to the bus later, by `delay_ns` and up to `jitter_ns` more."""

    def __init__(
        self, keys: frozenset[int] | None, probability: float, stream: Stream, delay_ns: int, jitter_ns: int
    ) -> None:
        super().__init__(keys, probability, stream)
        self._delay_ns: Final = delay_ns
        self._jitter_ns: Final = jitter_ns

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        if not self.hits(frame):
            return ((0, frame),)
        more = self._stream.randrange(self._jitter_ns + 1) if self._jitter_ns else 0
        return ((self._delay_ns + more, frame),)


class Changed(Selected):
    """The payload is another one, with a right CRC: as a faulty sender has it."""

    def __init__(self, keys: frozenset[int] | None, probability: float, stream: Stream, change: Change) -> None:
        super().__init__(keys, probability, stream)
        self._change: Final = change

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        return ((0, with_data(frame, self._change(frame)) if self.hits(frame) else frame),)


class Repeated(Selected):
    """Frames are sent more than once."""

    def __init__(self, keys: frozenset[int] | None, probability: float, stream: Stream, copies: int) -> None:
        super().__init__(keys, probability, stream)
        self._copies: Final = copies

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        return ((0, frame),) * (1 + self._copies if self.hits(frame) else 1)


class Swapped(Selected):
    """Each frame that is hit waits for the next of its identifier, and is sent after it."""

    def __init__(self, keys: frozenset[int] | None, probability: float, stream: Stream) -> None:
        super().__init__(keys, probability, stream)
        self._waiting: dict[tuple[str, int], Frame] = {}

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        place = (sender.name, frame.header & KEY_MASK)
        waiting = self._waiting.pop(place, None)
        if waiting is not None:
            return ((0, frame), (0, waiting))
        if self.hits(frame):
            self._waiting[place] = frame
            return ()
        return ((0, frame),)


class Destroyed(Selected):
    """Frames end with an error frame, at a bit drawn from the stream; `senders` None: whoever sends them."""

    def __init__(
        self, keys: frozenset[int] | None, probability: float, stream: Stream, senders: frozenset[str] | None = None
    ) -> None:
        super().__init__(keys, probability, stream)
        self._senders: Final = senders

    def error_bit(self, sender: Controller, frame: Frame, bits: int) -> int | None:
        if (self._senders is None or sender.name in self._senders) and self.hits(frame):
            return self._stream.randrange(1, bits)
        return None


class Shorted(Disturbance):
    """CAN high and low touch: no frame gets further than its first bit."""

    def error_bit(self, sender: Controller, frame: Frame, bits: int) -> int | None:
        return 1


class Cut(Disturbance):
    """The wire to some participants is cut: they hear nothing, and nobody hears them."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names: Final = names

    def on_request(self, sender: Controller, frame: Frame) -> Requests:
        return () if sender.name in self._names else ((0, frame),)

    def loses(self, receiver: Controller, frame: Frame) -> bool:
        return receiver.name in self._names
