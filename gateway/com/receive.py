"""What an ECU receives: the latest frame of each message that it wants, decoded when a signal is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.can import KEY_MASK, Controller, Frame
from gateway.com.errors import ComError
from gateway.com.transmit import header_of
from gateway.database import Message, Signal
from gateway.errors import nearest
from gateway.sim import Kernel

MISSED_CYCLES: Final = 3
"""A cyclic message that has not come for so many cycles is timed out."""


class RxMessage:
    """The latest of a message. `data` is empty and `count` 0 until the first has come."""

    def __init__(self, kernel: Kernel, controller: Controller, definition: Message) -> None:
        self.definition: Final = definition
        self.data: bytes = b""
        self.time_ns: int = 0
        self.count: int = 0
        self.timeout_ns: int = MISSED_CYCLES * (definition.cycle_ns or 0)
        self.check: Callable[[bytes], bool] | None = None
        """Says whether a payload may be used (end-to-end protection); others are counted in `unfit` and not taken."""
        self.unfit: int = 0
        self._kernel = kernel
        self._callbacks: list[Callable[[RxMessage], object]] = []
        controller.receive(header_of(definition) & KEY_MASK, self._receive)

    def _receive(self, frame: Frame) -> None:
        if self.check is not None and not self.check(frame.data):
            self.unfit += 1
            return
        self.data = frame.data
        self.time_ns = self._kernel.now
        self.count += 1
        for callback in self._callbacks:
            callback(self)

    def on_reception(self, callback: Callable[[RxMessage], object]) -> None:
        self._callbacks.append(callback)

    def forget(self) -> None:
        """As after a reset of the ECU."""
        self.data = b""
        self.count = 0
        self._callbacks.clear()

    @property
    def timed_out(self) -> bool:
        """It never came, or not within three cycles."""
        return not self.count or (bool(self.timeout_ns) and self._kernel.now - self.time_ns > self.timeout_ns)

    def signal(self, name: str) -> RxSignal:
        """ComError, with the nearest name, for a signal that the message does not have."""
        found = self.definition.by_name.get(name)
        if found is None:
            near = nearest(name, list(self.definition.by_name))
            raise ComError(f"message {self.definition.name} has no signal {name!r}{near}")
        return RxSignal(self, found)

    def __getitem__(self, name: str) -> int | float | str:
        """The value, or the label, of a signal."""
        return self.signal(name).label


class RxSignal:
    """One signal of a received message."""

    __slots__ = ("_data", "_decode", "_initial", "_label", "_named", "_value", "message", "signal")

    def __init__(self, message: RxMessage, signal: Signal) -> None:
        self.message: Final = message
        self.signal: Final = signal
        self._initial = signal.to_physical(signal.initial_raw)
        # A behaviour asks more often than frames come: what was decoded stands until there is another payload.
        self._data: bytes | None = None
        self._decode: Callable[[bytes], int | float | None] | None = None
        self._value: int | float = self._initial
        self._named: int | float = self._initial
        self._label: int | float | str = label_of(signal, self._initial) or self._initial

    @property
    def value(self) -> int | float:
        """The physical value; the start value until the first has come, or where the payload does not reach so far."""
        data = self.message.data
        if data is not self._data:
            decode = self._decode
            if decode is None:
                decode = self._decode = self.signal.decode
            value = decode(data)
            self._value = self._initial if value is None else value
            self._data = data
        return self._value

    @property
    def label(self) -> int | float | str:
        """The name from the value table where there is one, otherwise the physical value."""
        value = self.value
        if value != self._named:
            self._named = value
            self._label = label_of(self.signal, value) or value
        return self._label

    @property
    def timed_out(self) -> bool:
        return self.message.timed_out


def label_of(signal: Signal, value: int | float) -> str | None:
    """The name of a decoded physical value in the signal's value table; None where it has none."""
    if not signal.choices:
        return None
    raw = (value - signal.offset) / signal.scale if signal.scale else value
    return signal.choices.get(round(raw)) if abs(raw) < 1 << 63 else None
