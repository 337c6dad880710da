"""Between payloads and signals: which member of a payload is which signal, and how its number becomes a value.

As in a CAN database, the value of the signal = the number in the payload * `scale` + `offset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from gateway.can import Frame
from gateway.com import TxMessage
from gateway.database import EncodeError, Message, Signal
from gateway.errors import GatewayError
from gateway.routing import Datapoint, NotSentError, Quality, SignalError, Value, VssLeaf, VssSignal
from gateway.routing.rules import TIMEOUT_CYCLES
from gateway.sim import Kernel
from gateway.someip import Layout, PayloadError, Tree

_GOOD: Final = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Conversion:
    """`up`: from a signal's value to the payload's, `down` the other way, in place of scale and offset.

    `whole`: the payload's number is a whole one.
    """

    scale: float = 1.0
    offset: float = 0.0
    up: Mapping[Any, Any] | None = None
    down: Mapping[Any, Any] | None = None
    whole: bool = False

    def to_payload(self, value: Value) -> Tree:
        """PayloadError for a value that the payload has nothing for."""
        if self.up is not None:
            try:
                found: Tree = self.up[value]
                return found
            except (KeyError, TypeError):
                raise PayloadError(f"{value!r:.60} is not in the map") from None
        if value.__class__ is str or value.__class__ is bool:
            return value
        if isinstance(value, list):
            return [self.to_payload(item) for item in value]
        number: Any = value
        if self.scale != 1 or self.offset:
            number = (number - self.offset) / self.scale
        if not self.whole:
            unrounded: Tree = number
            return unrounded
        try:
            rounded: Tree = round(number)
            return rounded
        except (ValueError, OverflowError):
            raise PayloadError(f"{value!r} is no whole number") from None

    def from_payload(self, value: Tree) -> Value:
        """PayloadError for a number that no value stands for."""
        if self.down is not None:
            try:
                found: Value = self.down[value]
                return found
            except (KeyError, TypeError):
                raise PayloadError(f"{value!r:.60} is not in the map") from None
        if isinstance(value, list):
            return [self.from_payload(item) for item in value]  # type: ignore[return-value]
        if isinstance(value, dict):
            raise PayloadError("a structure is no value of a signal; bind its members")
        if value.__class__ in (int, float) and (self.scale != 1 or self.offset):
            return value * self.scale + self.offset
        return value


class Sink(Protocol):
    """Where a value goes."""

    def check(self, value: Value) -> Value:
        """The value as it will be. GatewayError when it cannot be."""

    def put(self, value: Value) -> TxMessage | None:
        """Take a value that was checked; the message that has to be sent for it, where one has to."""


class VssSink:
    """A signal of the store: what the vehicle drives is asked for the value, anything else has it from now on."""

    def __init__(self, signal: VssSignal, leaf: VssLeaf) -> None:
        self.signal: Final = signal
        self._leaf = leaf

    def check(self, value: Value) -> Value:
        if value.__class__ is float and not self._leaf.element.startswith(("float", "double")):
            value = round(value)
        return self._leaf.coerce(value)

    def put(self, value: Value) -> None:
        if self.signal.actuated:
            self.signal.actuate(value)
        else:
            self.signal.publish(value)

    def lose(self) -> None:
        """Whoever told the values is gone; what the vehicle itself drives stays."""
        if not self.signal.actuated:
            self.signal.expire()


class VssValue(VssSink):
    """A signal of the store whose value somebody else tells, also where we are who asks that one for another."""

    def put(self, value: Value) -> None:
        self.signal.publish(value)

    def lose(self) -> None:
        self.signal.expire()


class CanSink:
    """A signal of a message that the gateway sends."""

    def __init__(self, message: TxMessage, name: str) -> None:
        self._message = message
        self._signal = message.signal(name)

    def check(self, value: Value) -> Value:
        if isinstance(value, bool):
            value = int(value)
        if not isinstance(value, int | float | str):
            raise SignalError(f"a list does not fit in {self._message.definition.name}.{self._signal.signal.name}")
        self._signal.signal.to_raw(value)
        return value

    def put(self, value: Value) -> TxMessage | None:
        assert isinstance(value, int | float | str)
        self._signal.put_raw(self._signal.signal.to_raw(value))
        return self._message


def can_source(kernel: Kernel, message: Message, signal: Signal, name: str) -> tuple[VssSignal, Any]:
    """A CAN signal as one of the store, and what takes the frames; it is stale after three cycles without its message."""
    source = VssSignal(kernel, name, TIMEOUT_CYCLES * (message.cycle_ns or 0))
    decode = signal.decode

    def receive(frame: Frame) -> None:
        value = decode(frame.data)
        if value is None:
            return
        point = source.datapoint
        if point.quality is _GOOD and point.value == value:
            source.refresh()
        else:
            source.publish(value)

    return source, receive


def write(values: Iterable[tuple[Sink, Value]]) -> None:
    """Give values to their sinks, all or none; each message goes out once. GatewayError tells what cannot be."""
    checked = [(sink, sink.check(value)) for sink, value in values]
    messages: dict[int, TxMessage] = {}
    for sink, value in checked:
        message = sink.put(value)
        if message is not None:
            messages[id(message)] = message
    for message in messages.values():
        if not message.send():
            raise NotSentError(
                f"{message.definition.name} could not be sent: the controller is {message.controller.state.value}"
            )


class Part(NamedTuple):
    """One value of a payload. `path`: its place in nested structures; `constant`: what it is without a signal;
    `substitute`: what stands in the payload while the signal is not good."""

    path: tuple[str, ...]
    conversion: Conversion = Conversion()
    source: VssSignal | None = None
    sink: Sink | None = None
    constant: Tree | None = None
    substitute: Tree | None = None


@dataclass(frozen=True, slots=True)
class BoundPayload:
    """A payload whose values are those of signals."""

    layout: Layout
    parts: Sequence[Part] = field(default=())

    @property
    def sources(self) -> list[VssSignal]:
        return list({id(part.source): part.source for part in self.parts if part.source is not None}.values())

    def datapoint(self, now: int) -> Datapoint:
        """The values of all signals as one: good when all are, or have a substitute."""
        values: list[Any] = []
        quality = _GOOD
        for part in self.parts:
            if part.source is None:
                continue
            point = part.source.datapoint
            values.append(point.value)
            if point.quality is not _GOOD and part.substitute is None:
                quality = point.quality
            elif point.quality is not _GOOD:
                values[-1] = part.substitute
        return Datapoint(values[0] if len(values) == 1 else values, now, quality)

    def encode(self) -> bytes | None:
        """The payload as it is now; None while a signal is not good. PayloadError when a value does not fit."""
        tree: dict[str, Any] = {}
        for part in self.parts:
            value = part.constant
            if part.source is not None:
                point = part.source.datapoint
                if point.quality is _GOOD and point.value is not None:
                    value = part.conversion.to_payload(point.value)
                else:
                    value = part.substitute
            if value is None:
                return None
            if not part.path:
                return self.layout.encode(value)
            _put(tree, part.path, value)
        return self.layout.encode(tree)

    def decode(self, payload: bytes) -> list[tuple[Sink, Value]]:
        """What a payload wants to be where. PayloadError when it cannot be read."""
        tree = self.layout.decode(payload)
        return [
            (part.sink, part.conversion.from_payload(_get(tree, part.path)))
            for part in self.parts
            if part.sink is not None
        ]

    def lose(self) -> None:
        """Whoever told the values is gone: none of them is fresh."""
        for part in self.parts:
            if isinstance(part.sink, VssSink):
                part.sink.lose()


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Tree) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def _get(tree: Tree, path: tuple[str, ...]) -> Tree:
    for name in path:
        assert isinstance(tree, dict)
        tree = tree[name]
    return tree


WRITE_ERRORS: Final = (SignalError, EncodeError, GatewayError)
"""What `write` may raise."""
