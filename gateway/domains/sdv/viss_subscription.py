"""One subscription of a VISS client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.domains.sdv.changes import Message
from gateway.domains.sdv.entry import Aspect, Entry, good
from gateway.domains.sdv.permissions import Permissions
from gateway.domains.sdv.subscription import Subscription
from gateway.domains.sdv.viss_curve import curve
from gateway.domains.sdv.viss_filters import Change, CurveLog, Filter, Range, TimeBased
from gateway.routing import Datapoint, Value
from gateway.sim import Kernel, Timer

Event = Sequence[tuple[Entry, Datapoint]]


class VissSubscription:
    """What passes its filter. A reader that is late with a timebased one gets the newest value, once."""

    def __init__(
        self,
        kernel: Kernel,
        inner: Subscription,
        entries: Sequence[Entry],
        permissions: Permissions,
        chosen: Filter | None,
        wake: Callable[[], object],
    ) -> None:
        self.permissions: Final = permissions
        self._kernel = kernel
        self._inner = inner
        self._entries = entries
        self._filter = chosen
        self._wake = wake
        self._sent: dict[Entry, Value] = {}
        self._gathered: dict[Entry, list[Datapoint]] = {}
        self._is_due = False
        self._timer = Timer(kernel, self._ring)
        if isinstance(chosen, TimeBased):
            inner.close()
            self._due_ns = kernel.now + chosen.period_ns
            self._timer.set(self._due_ns)
        else:
            inner.on_ready = wake

    def take(self) -> Iterable[Event]:
        """What is to be sent now."""
        if isinstance(self._filter, TimeBased):
            if self._is_due:
                self._is_due = False
                yield [(entry, entry.datapoint()) for entry in self._entries]
            return
        if isinstance(self._filter, CurveLog):
            yield from self._curves(self._filter)
            return
        while (message := self._inner.take()) is not None:
            event: Event
            if self._filter is None:
                event = [
                    (entry, datapoint) for (entry, _), datapoint in message.items() if self._news(entry, datapoint)
                ]
            else:
                event = self._triggered(self._filter, message)
            if event:
                yield event

    def _triggered(self, chosen: Range | Change, message: Message) -> Event:
        """All signals, when the first one passes (Core, subscription event triggering)."""
        first = self._entries[0]
        datapoint = message.get((first, Aspect.VALUE))
        value = None if datapoint is None else good(datapoint)
        if datapoint is None or value is None:
            return []
        if not (chosen.passes(value) if isinstance(chosen, Range) else chosen.passes(value, self._sent.get(first))):
            return []
        self._sent[first] = value
        return [(first, datapoint), *((entry, entry.datapoint()) for entry in self._entries[1:])]

    def _curves(self, log: CurveLog) -> Iterable[Event]:
        """What has been gathered of each signal of which there is enough; what is no number is not gathered."""
        while (message := self._inner.take()) is not None:
            for (entry, _), datapoint in message.items():
                value = good(datapoint)
                if isinstance(value, bool | str | list) or value is None:
                    continue
                points = self._gathered.setdefault(entry, [])
                points.append(datapoint)
                if len(points) == log.size:
                    samples = [(point.time_ns, float(point.value)) for point in points]  # type: ignore[arg-type]
                    yield [(entry, points[index]) for index in curve(samples, log.max_error)]
                    points.clear()

    def close(self) -> None:
        self._timer.cancel()
        self._inner.on_ready = None
        self._inner.close()

    def _news(self, entry: Entry, datapoint: Datapoint) -> bool:
        """A value, or the end of one."""
        value = good(datapoint)
        if value is None:
            return self._sent.pop(entry, None) is not None
        self._sent[entry] = value
        return True

    def _ring(self) -> None:
        assert isinstance(self._filter, TimeBased)
        self._due_ns = max(self._due_ns + self._filter.period_ns, self._kernel.now)
        self._timer.set(self._due_ns)
        self._is_due = True
        self._wake()
