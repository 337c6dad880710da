"""Inputs of an ECU that come by wire and not by bus: pedals, switches, sensors.

An input follows the vehicle's drive cycle, or holds what a test or a user has set.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from gateway.ecu.errors import EcuError
from gateway.sim import FOREVER, Kernel

InputValue = bool | int | float | str
_SWITCH: Final = {"on": 1.0, "off": 0.0, "": 0.0}


class Track:
    """The values of one input over time. Between numbers it is interpolated, other values stay until the next."""

    def __init__(self, times_ns: Sequence[int], values: Sequence[InputValue], repeat_ns: int = 0) -> None:
        self._times = list(times_ns)
        self._values = list(values)
        self._repeat_ns = repeat_ns
        self.shift_ns = 0
        """How far the cycle was when the kernel's time began; below zero where it begins later."""
        self._interpolates = all(isinstance(value, float) for value in values)
        # The part of the track that was asked for last, which will most likely be asked for again.
        self._start_ns: int = 0
        self._end_ns: int = 0
        self._value: InputValue = values[0]
        self._rise: float = 0.0

    def at(self, time_ns: int) -> InputValue:
        time_ns += self.shift_ns
        if time_ns < 0:
            time_ns = 0
        if self._repeat_ns:
            time_ns %= self._repeat_ns
        if not self._start_ns <= time_ns < self._end_ns:
            self._look_up(time_ns)
        value, rise = self._value, self._rise
        if not rise or isinstance(value, bool | str):
            return value
        return value + rise * (time_ns - self._start_ns) / (self._end_ns - self._start_ns)

    def _look_up(self, time_ns: int) -> None:
        """Find the part of the track that `time_ns` is in."""
        index = bisect_right(self._times, time_ns) - 1
        last = len(self._times) - 1
        self._start_ns = self._times[index] if index >= 0 else 0
        self._end_ns = self._times[index + 1] if index < last else FOREVER
        self._value = value = self._values[max(0, index)]
        following = self._values[index + 1] if 0 <= index < last else value
        self._rise = 0.0
        if self._interpolates and isinstance(value, float) and isinstance(following, float):
            self._rise = following - value


class Input:
    """One input by name. Set `value` to take it from the drive cycle, `release` to give it back.

    `initial`: its value while neither the drive cycle nor anybody has set it.
    """

    def __init__(self, kernel: Kernel, name: str, initial: InputValue) -> None:
        self.name: Final = name
        self.track: Track | None = None
        self.numeric = False
        """Its ECU has read it as a number."""
        self._kernel = kernel
        self.initial = initial
        self._set: InputValue | None = None

    @property
    def value(self) -> InputValue:
        if self._set is not None:
            return self._set
        if self.track is not None:
            return self.track.at(self._kernel.now)
        return self.initial

    @value.setter
    def value(self, value: InputValue) -> None:
        self._set = value

    @property
    def number(self) -> float:
        """The value as a number; a switch is 0 or 1, also by name. EcuError for other text that is no number."""
        self.numeric = True
        return self.number_of(self.value)

    def number_of(self, value: InputValue) -> float:
        """As `number`, for any value."""
        if isinstance(value, str) and value.lower() in _SWITCH:
            return _SWITCH[value.lower()]
        try:
            return float(value)
        except ValueError:
            raise EcuError(f"input {self.name!r} is {value!r}, and its ECU reads a number") from None

    @property
    def on(self) -> bool:
        """The value as a switch."""
        value = self.value
        return value not in {"", "off", "Off"} if isinstance(value, str) else bool(value)

    def release(self) -> None:
        self._set = None
