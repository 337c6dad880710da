"""What signals were before: the history that VISS clients may ask for (W3C VISS version 2, history filter).

As the specification leaves it to the vehicle: the last values of each signal, from when it is first served over VISS.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final

from gateway.domains.errors import Code, DomainError
from gateway.domains.sdv.entry import Entry
from gateway.routing import Datapoint, Quality, VssSignal

KEPT: Final = 1000
"""Values of a signal."""
_DURATION: Final = re.compile(r"P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?")
_UNITS_S: Final = (86_400, 3_600, 60, 1)
_MOST_DAYS: Final = 998
_NS_PER_S: Final = 1_000_000_000


class History:
    """Remembers the values of entries from now on. `close` ends that."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._values: dict[Entry, deque[Datapoint]] = {}
        self._stops = [entry.signal.listen(partial(self._changed, entry)) for entry in entries]

    def of(self, entry: Entry, since_ns: int) -> list[Datapoint]:
        """The values since then, the oldest first, without the current one."""
        current = entry.signal.datapoint
        return [
            point
            for point in self._values.get(entry, ())
            if point.time_ns >= since_ns and (point.time_ns, point.value) != (current.time_ns, current.value)
        ]

    def close(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()

    def _changed(self, entry: Entry, signal: VssSignal) -> None:
        datapoint = signal.datapoint
        if datapoint.quality is Quality.GOOD:
            self._values.setdefault(entry, deque(maxlen=KEPT)).append(datapoint)


def period_ns(text: object) -> int:
    """An ISO 8601 duration of days, hours, minutes and seconds (P2DT12H). DomainError for what is none."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()) or int(match[1] or 0) > _MOST_DAYS:
        raise DomainError(
            Code.INVALID_ARGUMENT,
            f"{text!r:.40} is no period: it is like PT3S or P2DT12H, of less than 999 days (ISO 8601)",
        )
    return sum(int(part or 0) * unit for part, unit in zip(match.groups(), _UNITS_S, strict=True)) * _NS_PER_S
