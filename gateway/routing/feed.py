"""One rule at work on its way up: what became of each payload, for whoever asks why a leaf has the value that it has."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple, Protocol

from gateway.routing.conversion import Refusal, Source, Unfit
from gateway.routing.expiry import Watch
from gateway.routing.rules import UpwardRule
from gateway.routing.store import Quality, Value, VssSignal

# Looked up once: a member of an enum costs as much as the rest of a throttled frame.
_GOOD: Final = Quality.GOOD
_STALE: Final = Quality.STALE


class Reception(NamedTuple):
    """A value as it came; `label` where the value table names it."""

    time_ns: int
    value: int | float
    label: str | None


class Publication(NamedTuple):
    """A value as it was published."""

    time_ns: int
    value: Value


class Refused(NamedTuple):
    """A value that was not published, and why."""

    time_ns: int
    reason: Refusal
    sentence: str


class Frames(Protocol):
    """A message as its rules know it: frames that each of them was asked about, and frames that it was quiet for."""

    frames: int
    frames_ns: int
    passed: int
    passed_ns: int

    def look_again(self) -> None: ...
    def heard_ns(self) -> int: ...
    def watch(self, timeout_ns: int) -> Watch: ...


class SignalFeed:
    """Takes payloads, publishes to one signal of the store, counts what became of each.

    received = published + throttled + unchanged + refused. `absent` counts frames that did not have the signal (too
    short, another multiplexer value); they are not receptions.
    """

    def __init__(self, rule: UpwardRule, signal: VssSignal) -> None:
        self.rule: Final = rule
        self.signal: Final = signal
        self.published: int = 0
        self.refused: Counter[Refusal] = Counter()
        self.absent: int = 0
        self.watches: Final = rule.on_change and not rule.interval_ns
        """It looks at every frame, but for those whose bits are the same as before."""
        self.last_refused: Refused | None = None
        self.messages: Final[dict[Source, Frames]] = {}
        """Those whose every frame has the signal."""
        self.held: int = 0
        self.same: int = 0
        """What `throttled` and `unchanged` are without the frames that came to a quiet message."""
        self.due_ns: int = 0
        """Its interval lasts until then; a stale signal does not wait."""
        self.good: bool = False
        """The last value that was looked at could be published, so what comes keeps the signal alive."""
        self.seen: tuple[int, int | float, Source] | None = None
        """The last value that was looked at, but for one that came later and was published."""
        self.told: tuple[int, int | float, Source, Value] | None = None
        """As what the last one was published."""
        self.same_value: int | float | None = None
        """With `on_change`: what was published last, while the signal has it; the same again needs no conversion."""
        self._same_source: Source | None = None
        self._single: int = 0
        self._received_ns: int = -1
        self._alive_ns: int = -1
        self._interval_ns: Final = rule.interval_ns
        self._on_change: Final = rule.on_change
        signal.disturbed = self._disturbed
        signal.heard_ns = self._heard_ns
        signal.expiry.watch = self._alive_by

    @property
    def received(self) -> int:
        return self._single + sum(message.frames + message.passed for message in self.messages.values())

    @property
    def throttled(self) -> int:
        """Came within the rule's interval."""
        return self.held if self.watches else self.held + self._passed

    @property
    def unchanged(self) -> int:
        """Came with the value that the leaf has already."""
        return self.same + self._passed if self.watches else self.same

    @property
    def _passed(self) -> int:
        return sum(message.passed for message in self.messages.values())

    @property
    def balanced(self) -> bool:
        return self.received == self.published + self.throttled + self.unchanged + self.refused.total()

    @property
    def last_reception(self) -> Reception | None:
        """The last one that was looked at; a throttled frame is not decoded."""
        last = max((each[:3] for each in (self.seen, self.told) if each is not None), default=None, key=_time)
        if last is None:
            return None
        time_ns, value, source = last
        if self.watches:
            time_ns = max(time_ns, *(message.passed_ns for message in self.messages.values()), -1)
        return Reception(time_ns, value, source.labels.get(value))

    @property
    def last_published(self) -> Publication | None:
        return None if self.told is None else Publication(self.told[0], self.told[3])

    @property
    def last_received_ns(self) -> int | None:
        last_ns = max(self._received_ns, self._frames_ns())
        return None if last_ns < 0 else last_ns

    def _frames_ns(self) -> int:
        return max((message.heard_ns() for message in self.messages.values()), default=-1)

    def _heard_ns(self) -> int:
        """When what came last kept the signal alive."""
        return max(self._alive_ns, self._frames_ns()) if self.good else self._alive_ns

    def _alive_by(self) -> Watch | None:
        """What looks after the signal while each frame of its one message keeps it alive."""
        if not self.good or len(self.rule.places) > 1:
            return None
        return next((message.watch(self.signal.timeout_ns) for message in self.messages.values()), None)

    def _disturbed(self) -> None:
        self.same_value = None
        if self.signal.quality is _STALE:
            self.due_ns = 0
        for message in self.messages.values():
            message.look_again()

    def receive_one(self, data: bytes, source: Source, now: int) -> None:
        """A payload that may not have the signal, and that its message does not count."""
        if len(data) < source.bytes or (source.selective and not source.present(data)):
            self.absent += 1
            return
        self._single += 1
        self._received_ns = now
        self.receive(data, source, now)
        if self.good:
            self._alive_ns = now

    def receive(self, data: bytes, source: Source, now: int) -> None:
        """A payload that has the signal."""
        if now < self.due_ns:
            self.held += 1
        else:
            value = source.decode(data)
            assert value is not None
            self.look(value, source, now)

    def look(self, value: int | float, source: Source, now: int) -> None:
        """The signal has come with this value, and the rule is not held back by its interval."""
        self.seen = (now, value, source)
        if value == self.same_value and source is self._same_source:
            self.due_ns = now + self._interval_ns
            self.same += 1
            return
        try:
            converted = source.convert(value)
        except Unfit as unfit:
            self._refuse(now, unfit)
            return
        self.due_ns = now + self._interval_ns
        self.good = True
        signal = self.signal
        if self._on_change:
            self.same_value, self._same_source = value, source
            # The signal's value, not the last one from here: an application may have published one of its own.
            if self.published and signal.value == converted and signal.quality is _GOOD:
                self.same += 1
                return
        self.published += 1
        self.told = (now, value, source, converted)
        if len(self.messages) > 1:
            for other, message in self.messages.items():
                if other is not source:
                    message.look_again()
        signal.take(converted, now)

    def _refuse(self, now: int, unfit: Unfit) -> None:
        if unfit.reason is not Refusal.OUT_OF_RANGE and self.signal.quality is not _STALE:
            # As the provider: only what is outside the database's range leaves the interval alone.
            self.due_ns = now + self._interval_ns
        self._alive_ns = self._heard_ns()
        self.good = False
        self.signal.expiry.alone()
        self.same_value = None
        self.refused[unfit.reason] += 1
        self.last_refused = Refused(now, unfit.reason, str(unfit))


def _time(seen: tuple[int, int | float, Source]) -> int:
    return seen[0]
