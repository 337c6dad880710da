"""From CAN to VSS: each frame to the leaves that its signals feed. Never raises, and counts each outcome.

Most frames bring nothing new: they come sooner than a leaf wants its next value, or with the bits that it has already.
A message knows until when it is quiet, and which bits are watched meanwhile; a frame that comes in that time with the
same bits is counted for all its rules at once, and keeps their signals alive by the time at which it came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, NamedTuple

from gateway.can import Frame
from gateway.database import Message, Signal
from gateway.routing.expression import ExpressionError
from gateway.routing.rules import TOLERANCE, Pair, Place, UpwardRule
from gateway.routing.store import Datapoint, Quality, SignalError, SignalStore, Value, VssSignal
from gateway.sim import FOREVER, Kernel

_STALE: Final = Quality.STALE
"""Looked up once: a member of an enum costs as much as the rest of a throttled frame."""


class Refusal(Enum):
    """Why a received value was not published."""

    OUT_OF_RANGE = "outside the signal's range in the database"
    UNMAPPED = "not in the mapping"
    MATH = "no result of the expression"
    DATATYPE = "not a value of the VSS leaf"


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


class _Unfit(Exception):  # noqa: N818 - a way out of a conversion, never seen outside
    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Source:
    """One signal that a leaf comes from, with all that can be computed before a frame comes."""

    def __init__(self, rule: UpwardRule, place: Place) -> None:
        signal = place.signal
        self.place: Final = place
        self.decode: Final = signal.decode
        self.bytes: Final = _bytes_needed(signal)
        names: Mapping[int, str] = signal.choices or {}
        self.labels: Final = {signal.to_physical(raw): name for raw, name in names.items()}
        self._raws: Final = {signal.to_physical(raw): raw for raw in names}
        self.gates: Final = tuple((place.message.by_name[gate.signal].decode, gate.value) for gate in rule.gates)
        self.selective: Final = bool(self.gates) or signal.multiplexer_signal is not None
        self.unchanged_until: Final = 0 if signal.is_float else FOREVER
        """Equal bits are an equal value, but for a float that is no number."""
        slack = abs(signal.scale) * TOLERANCE
        self.low: Final = float("-inf") if signal.minimum is None else signal.minimum - slack
        self.high: Final = float("inf") if signal.maximum is None else signal.maximum + slack
        self._rule = rule
        self._table: Final = None if rule.table is None else self._by_physical(rule.table)
        self._coerce = rule.leaf.coerce

    def present(self, data: bytes) -> bool:
        """Whether the payload has this signal, and its gates are open."""
        return all(decode(data) == value for decode, value in self.gates) and self.decode(data) is not None

    def _by_physical(self, pairs: Iterable[Pair]) -> dict[int | float, Value]:
        """The table by physical value. What comes first in the file counts, labels before numbers."""
        table: dict[int | float, Value] = {}
        for pair in pairs:
            for physical, label in self.labels.items():
                if pair.source == label:
                    table.setdefault(physical, pair.target)
        for pair in pairs:
            if isinstance(pair.source, str):
                continue
            for physical, raw in self._raws.items():
                if pair.source == raw:
                    table.setdefault(physical, pair.target)
            if pair.source not in self.labels:
                table.setdefault(pair.source, pair.target)
        return table

    def convert(self, value: int | float) -> Value:
        """The VSS value of a physical value; _Unfit with the reason."""
        label = self.labels.get(value) if self.labels else None
        if label is None and not self.low <= value <= self.high:
            raise _Unfit(Refusal.OUT_OF_RANGE, f"{value} is outside the range of {self.place}")
        if self._table is not None:
            found = self._table.get(value)
            if found is None:
                raise _Unfit(Refusal.UNMAPPED, f"{value if label is None else label} is not in the mapping")
            return found
        try:
            if self._rule.math is not None:
                if label is not None:
                    raise _Unfit(Refusal.MATH, f"{label} is a label, no number for {self._rule.math.text!r}")
                function = self._rule.math.function
                return self._coerce(function(value) if self._rule.math.names else function())
            if label is not None:
                return self._coerce(label if self._rule.leaf.datatype == "string" else self._raws[value])
            return self._coerce(value)
        except ExpressionError as without_result:
            raise _Unfit(Refusal.MATH, without_result.sentence) from None
        except SignalError as refused:
            raise _Unfit(Refusal.DATATYPE, refused.sentence) from None


def _bytes_needed(signal: Signal) -> int:
    return (signal.end_bit + 7) // 8


class SignalFeed:
    """One rule at work: takes payloads, publishes to one signal of the store, counts what became of each.

    received = published + throttled + unchanged + refused. `absent` counts frames that did not have the signal (too
    short, another multiplexer value); they are not receptions.
    """

    def __init__(self, kernel: Kernel, rule: UpwardRule, signal: VssSignal) -> None:
        self.rule: Final = rule
        self.signal: Final = signal
        self.published: int = 0
        self.refused: Counter[Refusal] = Counter()
        self.absent: int = 0
        self.watches: Final = rule.on_change and not rule.interval_ns
        """It looks at every frame, but for those whose bits are the same as before."""
        self.last_published: Publication | None = None
        self.last_refused: Refused | None = None
        self.messages: Final[list[MessageFeed]] = []
        """Where its frames come from."""
        self._kernel = kernel
        self._received: int = 0
        self._throttled: int = 0
        self._unchanged: int = 0
        self._reception: Reception | None = None
        self._received_ns: int = -1
        self._interval_ns: Final = rule.interval_ns
        self._on_change: Final = rule.on_change
        self._due_ns: int = 0
        self._same_value: int | float | None = None
        self._same_source: Source | None = None
        self._same: Datapoint | None = None
        """With `on_change`: what was published last, and as what; the same again needs no conversion."""
        self._good: bool = False
        """The last value that was looked at could be published, so what is throttled keeps the signal alive."""

    @property
    def received(self) -> int:
        return self._received + self._passed

    @property
    def throttled(self) -> int:
        """Came within the rule's interval."""
        return self._throttled if self.watches else self._throttled + self._passed

    @property
    def unchanged(self) -> int:
        """Came with the value that the leaf has already."""
        return self._unchanged + self._passed if self.watches else self._unchanged

    @property
    def _passed(self) -> int:
        return sum(message.passed for message in self.messages)

    @property
    def last_reception(self) -> Reception | None:
        """The last one that was looked at; a throttled frame is not decoded."""
        seen = self._reception
        if seen is not None and self.watches and self.passed_ns() > seen.time_ns:
            return seen._replace(time_ns=self.passed_ns())
        return seen

    @property
    def last_received_ns(self) -> int | None:
        last_ns = max(self._received_ns, self.passed_ns())
        return None if last_ns < 0 else last_ns

    def passed_ns(self) -> int:
        """When a frame last came that its message was quiet for; -1 while there was none."""
        return max((message.passed_ns for message in self.messages), default=-1)

    @property
    def balanced(self) -> bool:
        return self.received == self.published + self.throttled + self.unchanged + self.refused.total()

    def receive(self, data: bytes, source: Source) -> int:
        """A payload of one of the rule's messages has come. Returns until when further ones with the same bits in
        what is watched change nothing."""
        if len(data) < source.bytes or (source.selective and not source.present(data)):
            self.absent += 1
            return 0
        self._received += 1
        now = self._received_ns = self._kernel.now
        signal = self.signal
        if now < self._due_ns and signal.datapoint.quality is not _STALE:
            self._throttled += 1
            if self._good and signal.timeout_ns:
                signal.refresh()
        else:
            self._look(data, source, now)
        if not self._good or source.selective:
            return 0
        return source.unchanged_until if self.watches else self._due_ns

    def _look(self, data: bytes, source: Source, now: int) -> None:
        value = source.decode(data)
        if value is None:
            self._received -= 1
            self.absent += 1
            return
        self._reception = Reception(now, value, source.labels.get(value))
        if value == self._same_value and source is self._same_source and self.signal.datapoint is self._same:
            self._due_ns = now + self._interval_ns
            self._good = True
            self._unchanged += 1
            self.signal.refresh()
            return
        try:
            converted = source.convert(value)
        except _Unfit as unfit:
            self._refuse(now, unfit)
            return
        self._due_ns = now + self._interval_ns
        self._good = True
        if self._on_change and self._is_same(converted):
            self._unchanged += 1
            self.signal.refresh()
            return
        self.published += 1
        self.last_published = Publication(now, converted)
        self.signal.publish(converted)
        if self._on_change:
            self._same_value, self._same_source, self._same = value, source, self.signal.datapoint

    def _is_same(self, value: Value) -> bool:
        # The signal's value, not the last one from here: an application may have published one of its own.
        datapoint = self.signal.datapoint
        return self.last_published is not None and datapoint.value == value and datapoint.quality is Quality.GOOD

    def _refuse(self, now: int, unfit: _Unfit) -> None:
        if unfit.reason is not Refusal.OUT_OF_RANGE:
            # As the provider: only what is outside the database's range leaves the interval alone.
            self._due_ns = now + self._interval_ns
        self._good = False
        self.refused[unfit.reason] += 1
        self.last_refused = Refused(now, unfit.reason, str(unfit))


class MessageFeed:
    """All rules of one message of one bus: give its `on_frame` to the controller.

    `passed`: frames that came while the message was quiet and changed nothing, for any of its rules; `passed_ns`: when
    the last of them came.
    """

    def __init__(self, kernel: Kernel, bus: str, message: Message) -> None:
        self.bus: Final = bus
        self.message: Final = message
        self.passed: int = 0
        self.passed_ns: int = -1
        self._kernel = kernel
        self._feeds: list[tuple[Callable[[bytes, Source], int], Source]] = []
        self._bytes: int = 0
        self._watched: int = 0
        self._bits: int = 0
        self._quiet_ns: int = 0

    def add(self, feed: SignalFeed, source: Source) -> None:
        self._feeds.append((feed.receive, source))
        self._bytes = max(self._bytes, source.bytes)
        if feed.watches:
            self._watched |= bits_of(source.place.signal)
        feed.messages.append(self)
        feed.signal.listen(self._woken)

    def _woken(self, _signal: VssSignal) -> None:
        """A signal is stale, or has got another value, from here or from elsewhere."""
        self._quiet_ns = 0

    def look_again(self) -> None:
        """Let each rule look at the next frame, whatever it brings."""
        self._quiet_ns = 0

    def on_frame(self, frame: Frame) -> None:
        """Never raises, whatever the frame holds."""
        now = self._kernel.now
        data = frame.data
        bits = int.from_bytes(data, "little") & self._watched if self._watched else 0
        if now < self._quiet_ns and bits == self._bits and len(data) >= self._bytes:
            self.passed += 1
            self.passed_ns = now
            return
        quiet = FOREVER
        for receive, source in self._feeds:
            until = receive(data, source)
            if until < quiet:
                quiet = until
        self._quiet_ns = quiet
        self._bits = bits


def bits_of(signal: Signal) -> int:
    """The signal's bits in a payload that is read as a little-endian integer."""
    if not signal.big_endian:
        return (1 << signal.length) - 1 << signal.start
    return sum(1 << 8 * (place // 8) + 7 - place % 8 for place in range(signal.first_bit, signal.end_bit))


class CanToVss:
    """The upward rules at work. `messages`: by bus and by identifier as in a frame's header, without CAN FD flags.

    Each signal is declared in the store with its rule's timeout, or with `timeout_ns` where that is given.
    """

    def __init__(
        self, kernel: Kernel, rules: Iterable[UpwardRule], store: SignalStore, timeout_ns: int | None = None
    ) -> None:
        self.feeds: Final[list[SignalFeed]] = []
        self.messages: Final[dict[tuple[str, int], MessageFeed]] = {}
        for rule in rules:
            signal = store.declare(rule.leaf.path, rule.timeout_ns if timeout_ns is None else timeout_ns)
            feed = SignalFeed(kernel, rule, signal)
            signal.heard_ns = feed.passed_ns
            self.feeds.append(feed)
            for place in rule.places:
                key = (place.bus, place.key)
                if key not in self.messages:
                    self.messages[key] = MessageFeed(kernel, place.bus, place.message)
                self.messages[key].add(feed, Source(rule, place))

    def feed(self, path: str) -> SignalFeed | None:
        """The feed of a VSS path; None where nothing on CAN feeds it."""
        return next((feed for feed in self.feeds if feed.rule.leaf.path == path), None)

    @property
    def balanced(self) -> bool:
        return all(feed.balanced for feed in self.feeds)
