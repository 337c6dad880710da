"""Routes of single signals: taken out of one message, scaled or mapped, and put into another that the gateway sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from gateway.can import Frame
from gateway.com import TxMessage, TxSignal, label_of
from gateway.database import EncodeError, Signal
from gateway.routing.expiry import Expiry
from gateway.routing.frame_route import refusal
from gateway.routing.journey import Journey, Journeys, RoutedFrame
from gateway.routing.lane import Lane
from gateway.routing.route import (
    NOT_IN_MAP,
    OUT_OF_RANGE,
    QUEUE_FULL,
    TIMED_OUT,
    TOO_SHORT,
    UNCHANGED,
    UNPROTECTED,
    Route,
    Rule,
)
from gateway.sim import Kernel

MapKey = int | float | str
SignalValue = int | float | str


class SendMode(Enum):
    """When the target message goes out."""

    CYCLIC = "cyclic"
    """With its own cycle time; the route only sets the value."""
    ON_CHANGE = "on_change"
    """When the value is another than before."""
    EACH = "each"
    """At each reception."""


class Transform:
    """Value of the source to value of the target: by table where there is one, otherwise by `scale` and `offset`."""

    def __init__(self, scale: float = 1, offset: float = 0, table: Mapping[MapKey, SignalValue] | None = None) -> None:
        self.scale: Final = scale
        self.offset: Final = offset
        self.table: Final = dict(table) if table is not None else None
        self._linear = scale != 1 or offset != 0

    def apply(self, value: int | float, label: str | None) -> SignalValue | None:
        """None when the table does not have the value."""
        if self.table is not None:
            if label is not None and label in self.table:
                return self.table[label]
            return self.table.get(value)
        return value * self.scale + self.offset if self._linear else value


class TargetMessage:
    """A message that the gateway composes from the signals of one or more routes.

    It is sent while at least one of its sources is fresh. When all have timed out it is no longer sent: who receives it
    sees a timeout, and no old value as if it were new.
    """

    def __init__(self, message: TxMessage) -> None:
        self.message: Final = message
        self.latest: dict[int, Journey] = {}
        self.lasts: bool = False
        """Actuators have signals in it as well: it is sent although its sources have timed out."""
        self._fresh: set[int] = set()
        message.active = False
        message.frame_factory = self._frame

    def _frame(self, header: int, data: bytes) -> Frame:
        return RoutedFrame(header, data, tuple(self.latest.values()))

    def refresh(self, route: int, journey: Journey) -> None:
        self.latest[route] = journey
        self._fresh.add(route)
        self.message.active = True
        self.message.invalidate()

    def forget(self, route: int) -> None:
        """What this route has brought is no longer what the message's frames come from."""
        self.latest.pop(route, None)
        self.message.invalidate()

    def time_out(self, route: int) -> None:
        self._fresh.discard(route)
        if not self._fresh and not self.lasts:
            self.message.active = False


class SignalRoute(Route):
    """Copies one signal. `timeout_ns`: without a reception for so long the source is stale; 0 for never."""

    def __init__(
        self, kernel: Kernel, rule: Rule, journeys: Journeys, lane: Lane, ends: tuple[Signal, TargetMessage, str]
    ) -> None:
        super().__init__(kernel, rule, journeys)
        source, target, name = ends
        self.lane: Final = lane
        self.source: Final = source
        self.target: Final = target
        self.transform: Transform = Transform()
        self.mode: SendMode = SendMode.CYCLIC
        self.on_timeout: SignalValue | None = None
        self.check: Callable[[bytes], bool] | None = None
        """Says whether a payload may be used (end-to-end protection); others do not keep the source from its timeout."""
        self.stale: bool = True
        self._signal: TxSignal = target.message.signal(name)
        self._raw: int | float | None = None
        self._decode: Callable[[bytes], int | float | None] | None = None
        # The last conversion: most values come again.
        self._converted_from: int | float | None = None
        self._converted_by: Transform | None = None
        self._converted: int | float = 0
        self.expiry: Final = Expiry(kernel, self.heard_ns, self._time_out)
        self._heard_ns: int = 0

    @property
    def timeout_ns(self) -> int:
        return self.expiry.timeout_ns

    @timeout_ns.setter
    def timeout_ns(self, timeout_ns: int) -> None:
        self.expiry.timeout_ns = timeout_ns

    @property
    def signal_name(self) -> str:
        """The signal of the target message that this route puts in."""
        return self._signal.signal.name

    def receive(self, frame: Frame) -> None:
        if self.check is not None and not self.check(frame.data):
            self.counts.received += 1
            self.drop(frame, UNPROTECTED)
            return
        self._heard_ns = self.kernel.now
        if self.stale and self.timeout_ns:
            self.stale = False
            self.expiry.begin()
        super().receive(frame)

    def heard_ns(self) -> int:
        """When the last frame came that may be used."""
        return self._heard_ns

    def forward(self, frame: Frame) -> None:
        decode = self._decode
        if decode is None:
            decode = self._decode = self.source.decode
        value = decode(frame.data)
        if value is None:
            self.drop(frame, TOO_SHORT)
            return
        if value == self._converted_from and self.transform is self._converted_by:
            raw = self._converted
        else:
            label = label_of(self.source, value) if self.transform.table is not None else None
            mapped = self.transform.apply(value, label)
            if mapped is None:
                self.drop(frame, NOT_IN_MAP)
                return
            target = self._signal.signal
            try:
                raw = target.to_raw(mapped)
            except EncodeError:
                self.drop(frame, OUT_OF_RANGE)
                return
            if not target.is_float:  # a float tells 0 from -0, which are equal
                self._converted_from, self._converted_by, self._converted = value, self.transform, raw
        if self.mode is SendMode.ON_CHANGE and raw == self._raw:
            self.filter(frame, UNCHANGED)
        elif self.lane.full:
            self.drop(frame, QUEUE_FULL)
        else:
            self._raw = raw
            self.lane.add(self, raw, self.accept(frame))

    def lose(self, journey: Journey, reason: str) -> None:
        """The target has not got the value: when it comes again, that is a change."""
        self._raw = None
        super().lose(journey, reason)

    @property
    def is_carried_by_frames(self) -> bool:
        """Each value has a frame of its own; otherwise it is forwarded when it stands in the target message."""
        return self.mode is not SendMode.CYCLIC

    def depart(self, carried: Frame | int | float, journey: Journey) -> None:
        """A raw value has waited."""
        assert isinstance(carried, int | float)
        if self.stale and self.timeout_ns:
            self.lose(journey, TIMED_OUT)
            return
        self.target.refresh(self.rule.index, journey)
        if self.mode is SendMode.CYCLIC:
            self._signal.set_raw(carried)
            return
        self._signal.put_raw(carried)
        if not self.target.message.send():
            self.lose(journey, refusal(self.lane.controller))

    def _time_out(self) -> None:
        self.stale = True
        self._raw = None
        self.target.forget(self.rule.index)
        if self.on_timeout is None:
            self.target.time_out(self.rule.index)
            return
        raw = self._signal.signal.to_raw(self.on_timeout)
        if self.mode is SendMode.CYCLIC:
            self._signal.set_raw(raw)
        else:
            self._signal.put_raw(raw)
            self.target.message.send()
