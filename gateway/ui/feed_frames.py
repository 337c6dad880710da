"""The good frames of some buses since the last look, in one list: the buses note them there as they do for a recording.

That costs a frame a tuple. Where a recording has a bus's own list already, the bus tells of each frame instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from gateway.can import Bus, Controller, Frame

Recorded = tuple[int, int, Frame, Controller, int, int]
"""What a bus notes of each good frame, as `gateway.can.Passage`."""


class FrameList:
    """From `attach` to `detach`, which leaves the buses as they were."""

    def __init__(self, buses: Sequence[Bus]) -> None:
        self._buses: Final = buses
        self._noted: list[Recorded] = []
        self._tapped: Final[list[tuple[Bus, partial[None]]]] = []

    def __len__(self) -> int:
        return len(self._noted)

    def attach(self) -> None:
        for bus in self._buses:
            if bus.record is None:
                bus.record = self._noted
            else:
                tap = partial(self._tap, bus)
                self._tapped.append((bus, tap))
                bus.taps.append(tap)

    def detach(self) -> None:
        for bus in self._buses:
            if bus.record is self._noted:
                bus.record = None
        for bus, tap in self._tapped:
            bus.taps.remove(tap)
        self._tapped.clear()

    def take(self) -> list[Recorded]:
        """All since the last time, in the order of their ends on each bus."""
        noted = self._noted
        if noted:
            self._noted = []
            for bus in self._buses:
                if bus.record is noted:
                    bus.record = self._noted
        return noted

    def _tap(self, bus: Bus, time_ns: int, frame: Frame, sender: Controller) -> None:
        self._noted.append((time_ns, bus.index, frame, sender, bus.tapped_requested_ns, bus.tapped_start_ns))
