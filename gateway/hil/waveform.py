"""Values over time: ramp, step, sine, a column of a CSV file."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from gateway.ecu import Track
from gateway.errors import GatewayError
from gateway.hil.arguments import duration, period, place
from gateway.hil.errors import HilError
from gateway.vehicle import VehicleFileError
from gateway.vehicle.assembly.drive import Column, read_column

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

WaveValue = bool | int | float | str
Accepts = Callable[[WaveValue], object]
"""Raises a GatewayError for a value that cannot be."""


@runtime_checkable
class Waveform(Protocol):
    """A value at each time since its beginning. `length_ns` None: it never ends."""

    length_ns: int | None

    def at(self, time_ns: int) -> WaveValue: ...


@runtime_checkable
class Checked(Protocol):
    """A waveform that knows beforehand which values it will have."""

    def check(self, accepts: Accepts) -> None:
        """Let `accepts` see its outermost values. What it raises comes through, with the place of the value."""


class _Ramp:
    def __init__(self, start: float, end: float, length_ns: int) -> None:
        self.length_ns: int | None = length_ns
        self._start = start
        self._slope = (end - start) / length_ns
        self._end = end

    def at(self, time_ns: int) -> WaveValue:
        return self._end if time_ns >= (self.length_ns or 0) else self._start + self._slope * time_ns

    def check(self, accepts: Accepts) -> None:
        accepts(self._start)
        accepts(self._end)


class _Steps:
    def __init__(self, times_ns: list[int], values: list[WaveValue]) -> None:
        self.length_ns: int | None = times_ns[-1]
        self._times = times_ns
        self._values = values

    def at(self, time_ns: int) -> WaveValue:
        return self._values[max(0, bisect_right(self._times, time_ns) - 1)]

    def check(self, accepts: Accepts) -> None:
        for value in self._values:
            accepts(value)


class _Sine:
    def __init__(self, mean: float, amplitude: float, period_ns: int) -> None:
        self.length_ns: int | None = None
        self._mean = mean
        self._amplitude = amplitude
        self._period_ns = period_ns

    def at(self, time_ns: int) -> WaveValue:
        phase = time_ns % self._period_ns / self._period_ns
        return self._mean + self._amplitude * math.sin(2 * math.pi * phase)

    def check(self, accepts: Accepts) -> None:
        accepts(self._mean - self._amplitude)
        accepts(self._mean + self._amplitude)


class _Column:
    def __init__(self, column: Column, path: str, track: Track) -> None:
        self.length_ns: int | None = None
        self._column = column
        self._path = path
        self._track = track

    def at(self, time_ns: int) -> WaveValue:
        return self._track.at(time_ns)

    def check(self, accepts: Accepts) -> None:
        for value, line in zip(self._column.values, self._column.lines, strict=True):
            try:
                accepts(value)
            except GatewayError as error:
                raise HilError(error.sentence, file=self._path, line=line) from None


def ramp(start: float, end: float, over: str) -> Waveform:
    """From `start` to `end` in a straight line, then `end`."""
    return _Ramp(start, end, period(over, "over"))


def step(*steps: tuple[str, WaveValue]) -> Waveform:
    """Values from times on: `step(("0s", 0), ("1s", 50))`."""
    if not steps:
        raise HilError('step needs at least one ("time", value)')
    times = [duration(time, "step") for time, _ in steps]
    if times != sorted(set(times)):
        raise HilError("the times of step must rise")
    return _Steps(times, [value for _, value in steps])


def sine(mean: float, amplitude: float, period_time: str) -> Waveform:
    """`mean` plus and minus `amplitude`, once around in `period_time`, for ever."""
    return _Sine(mean, amplitude, period(period_time, "period_time"))


def column(path: str | Path, name: str, *, repeat: bool = False) -> Waveform:
    """A column of a CSV file whose first column has the times in seconds; at its end the last value stays.

    `repeat`: at the time of the last row it begins again. HilError for a file or a column that is not there.
    """
    try:
        found = read_column(Path(path), name)
    except VehicleFileError as error:
        raise HilError(error.sentence, file=error.file, line=error.line) from None
    return of_column(found, str(path), repeat=repeat)


def of_column(found: Column, path: str, *, repeat: bool) -> Waveform:
    """The waveform of a column that has been read."""
    if repeat and not found.last_ns:
        raise HilError("repeat needs a row after that at 0 s, whose time is the period", file=path)
    return _Column(found, path, found.repeated() if repeat else found.held())


def check(waveform: Waveform, accepts: Accepts) -> None:
    """What `accepts` raises for a value that the waveform will have, where that can be known."""
    if isinstance(waveform, Checked):
        waveform.check(accepts)


class Follower:
    """Sets something to the values of a waveform, each `every_ns`, until the waveform ends or it is stopped."""

    def __init__(
        self, vehicle: VehicleUnderTest, waveform: Waveform, every_ns: int, setter: Callable[[WaveValue], object]
    ) -> None:
        self._vehicle: Final = vehicle
        self._kernel: Final = vehicle.kernel
        self._place: Final = place()
        self._waveform = waveform
        self._every_ns = every_ns
        self._set = setter
        self._start_ns = vehicle.now_ns
        self._running = True
        self._step()

    def _attempt(self) -> None:
        try:
            self._step()
        except GatewayError as error:
            self._running = False
            self._vehicle.late(error, self._place)

    def _step(self) -> None:
        if not self._running:
            return
        passed_ns = self._kernel.now - self._start_ns
        self._set(self._waveform.at(passed_ns))
        length_ns = self._waveform.length_ns
        if length_ns is None or passed_ns < length_ns:
            left_ns = self._every_ns if length_ns is None else min(self._every_ns, length_ns - passed_ns)
            self._kernel.after(left_ns, self._attempt)
        else:
            self._running = False

    def stop(self) -> None:
        self._running = False
