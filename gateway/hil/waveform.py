"""Values over time: ramp, step, sine, a column of a CSV file."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from gateway.ecu import Track
from gateway.errors import nearest
from gateway.hil.arguments import duration, period
from gateway.hil.errors import HilError
from gateway.sim import Kernel
from gateway.vehicle.assembly.drive import read_drive

WaveValue = bool | int | float | str


@runtime_checkable
class Waveform(Protocol):
    """A value at each time since its beginning. `length_ns` None: it never ends."""

    length_ns: int | None

    def at(self, time_ns: int) -> WaveValue: ...


class _Ramp:
    def __init__(self, start: float, end: float, length_ns: int) -> None:
        self.length_ns: int | None = length_ns
        self._start = start
        self._slope = (end - start) / length_ns
        self._end = end

    def at(self, time_ns: int) -> WaveValue:
        return self._end if time_ns >= (self.length_ns or 0) else self._start + self._slope * time_ns


class _Steps:
    def __init__(self, times_ns: list[int], values: list[WaveValue]) -> None:
        self.length_ns: int | None = times_ns[-1]
        self._times = times_ns
        self._values = values

    def at(self, time_ns: int) -> WaveValue:
        return self._values[max(0, bisect_right(self._times, time_ns) - 1)]


class _Sine:
    def __init__(self, mean: float, amplitude: float, period_ns: int) -> None:
        self.length_ns: int | None = None
        self._mean = mean
        self._amplitude = amplitude
        self._period_ns = period_ns

    def at(self, time_ns: int) -> WaveValue:
        phase = time_ns % self._period_ns / self._period_ns
        return self._mean + self._amplitude * math.sin(2 * math.pi * phase)


class _Column:
    def __init__(self, track: Track) -> None:
        self.length_ns: int | None = None
        self._track = track

    def at(self, time_ns: int) -> WaveValue:
        return self._track.at(time_ns)


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


def column(path: str | Path, name: str) -> Waveform:
    """A column of a CSV file whose first column is `time_s`; it begins again at the end."""
    tracks = read_drive(Path(path))
    if name not in tracks:
        raise HilError(f"there is no column {name!r}{nearest(name, list(tracks))}", file=str(path), line=1)
    return _Column(tracks[name])


class Follower:
    """Sets something to the values of a waveform, each `every_ns`, until the waveform ends or it is stopped."""

    def __init__(
        self, kernel: Kernel, waveform: Waveform, every_ns: int, setter: Callable[[WaveValue], object]
    ) -> None:
        self._kernel: Final = kernel
        self._waveform = waveform
        self._every_ns = every_ns
        self._set = setter
        self._start_ns = kernel.now
        self._running = True
        self._step()

    def _step(self) -> None:
        if not self._running:
            return
        passed_ns = self._kernel.now - self._start_ns
        self._set(self._waveform.at(passed_ns))
        length_ns = self._waveform.length_ns
        if length_ns is None or passed_ns < length_ns:
            left_ns = self._every_ns if length_ns is None else min(self._every_ns, length_ns - passed_ns)
            self._kernel.after(left_ns, self._step)
        else:
            self._running = False

    def stop(self) -> None:
        self._running = False
