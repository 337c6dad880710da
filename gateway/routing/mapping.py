"""CAN signals to VSS and back, as eclipse-kuksa's CAN provider maps them: its mapping files work here unchanged.

In the VSS tree a leaf carries `dbc2vss` (`dbc` is its old name): `signal`, `interval_ms` (default 1000; 0 with
`on_change`), `on_change`, `transform` (`math`, an expression in `x`, or `mapping`, a list of from and to) and
`multiplexer` (values that other signals of the frame must have). An actuator carries `vss2dbc`: `signal`, `transform`.

Upwards, in this order: the interval; the signal's range in the database, for values without a label; the transform;
with `on_change`, whether the VSS value differs from the last one; the leaf's datatype and limits. A value with a label
matches a `from` by that label, and `math` does not take it (it is mostly "signal not available"). Where a signal is in
several messages of one bus, all of them feed the leaf.

Different from the provider: `Message.Signal` and `bus.Message.Signal` are names too; what would fail for every frame is
told when the file is loaded; a frame that does not contain a multiplexed signal does not use up the interval; `from` a
number also matches a value with a label; a stale signal does not wait for its interval; downwards, signals without a
default have the start value of the database, and a value that cannot be sent is an error for who asked for it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.can import EXTENDED, Frame
from gateway.database import Database, EncodeError, Message, Signal
from gateway.errors import GatewayError, nearest
from gateway.routing.expression import Expression, ExpressionError, compile_expression
from gateway.routing.store import Quality, SignalError, SignalStore, Value, VssSignal
from gateway.routing.vss import Kind, MappingError, VssLeaf, VssTree, load_tree, raise_faults
from gateway.sim import Kernel

CanValue = int | float | str
"""A physical value, or a label of the signal's value table."""
DEFAULT_INTERVAL_MS: Final = 1000
TIMEOUT_CYCLES: Final = 3
"""Cycle times of its message without a reception, until a signal is stale."""
TOLERANCE: Final = 1e-6
"""Part of a step that a value may be out of its range by rounding, as in `database`."""


class Place(NamedTuple):
    """One signal of one message on one bus."""

    bus: str
    message: Message
    signal: Signal

    @property
    def key(self) -> int:
        """The message's identifier as frames carry it, without CAN FD flags."""
        return self.message.arbitration_id | (EXTENDED if self.message.extended else 0)

    def __str__(self) -> str:
        return f"{self.bus}.{self.message.name}.{self.signal.name}"


class Pair(NamedTuple):
    """One line of a `transform.mapping`."""

    source: bool | int | float | str
    target: Any


class Gate(NamedTuple):
    """A value that another signal of the same frame must have."""

    signal: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpwardRule:
    """From CAN to one leaf. `math` and `table` are alternatives; neither of them: the value as it is."""

    leaf: VssLeaf
    places: tuple[Place, ...]
    interval_ns: int = DEFAULT_INTERVAL_MS * 1_000_000
    on_change: bool = False
    math: Expression | None = None
    table: tuple[Pair, ...] | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def timeout_ns(self) -> int:
        """When the signal is stale without a reception; 0, never, unless all its messages are cyclic."""
        cycles = [place.message.cycle_ns or 0 for place in self.places]
        return TIMEOUT_CYCLES * max(cycles) if all(cycles) else 0

    def __str__(self) -> str:
        return f"{' and '.join(map(str, self.places))} -> {self.leaf.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardRule:
    """From an actuator's target value to CAN."""

    leaf: VssLeaf
    place: Place
    math: Expression | None = None
    table: tuple[Pair, ...] | None = None

    def to_can(self, value: Value) -> CanValue:
        """What the signal shall be, physical or a label. SignalError where there is nothing that it could be."""
        path = self.leaf.path
        wanted: object = self.leaf.coerce(value)
        if self.table is not None:
            found = [pair.target for pair in self.table if pair.source == wanted]
            if not found:
                known = ", ".join(repr(pair.source) for pair in self.table)
                raise SignalError(f"{path} cannot be {wanted!r}: its mapping to {self.place} has {known} only")
            wanted = found[0]
        try:
            if self.math is not None:
                function = self.math.function
                wanted = function(wanted) if self.math.names else function()
            if not isinstance(wanted, int | float | str):
                raise SignalError(f"{path} cannot be {wanted!r}: a list does not fit in {self.place}")
            self.place.signal.to_raw(wanted)
        except (ExpressionError, EncodeError) as error:
            raise SignalError(f"{path} cannot be {value!r}: {error.sentence}") from None
        return wanted

    def __str__(self) -> str:
        return f"{self.leaf.path} -> {self.place}"


@dataclass(frozen=True, slots=True)
class VssMapping:
    """All rules of a file. `notes`: what in it has no effect, or more effect than it may seem."""

    file: str
    tree: VssTree = field(repr=False)
    upward: tuple[UpwardRule, ...]
    downward: tuple[DownwardRule, ...]
    notes: tuple[str, ...] = ()


# Loading


def load_mapping(path: str | Path, databases: Mapping[str, Database], *overlays: str | Path) -> VssMapping:
    """Read a VSS tree with mappings and find its signals in the databases of the buses.

    MappingError, with all faults, where the file is no VSS tree, a signal is unknown or ambiguous, or a rule cannot
    work: bad options, an expression that cannot be read, a target value that leaf or signal does not have.
    """
    tree = load_tree(path, *overlays)
    loader = _Loader(databases)
    faults: list[MappingError] = []
    for leaf in tree.values():
        for spec, load in ((leaf.dbc2vss, loader.upward), (leaf.vss2dbc, loader.downward)):
            try:
                if spec is not None:
                    load(leaf, spec)
            except GatewayError as error:
                file, line = tree.place(leaf.path)
                faults.append(MappingError(error.sentence, file=file, line=line))
    raise_faults(faults)
    return VssMapping(str(path), tree, tuple(loader.up), tuple(loader.down), tuple(loader.notes))


_KEYS: Final = {
    "dbc2vss": ("signal", "interval_ms", "on_change", "transform", "multiplexer"),
    "vss2dbc": ("signal", "transform"),
}


class _Loader:
    """Turns what leaves say of their CAN signals into rules. Its errors have no place: `load_mapping` knows it."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self.databases = databases
        self.up: list[UpwardRule] = []
        self.down: list[DownwardRule] = []
        self.notes: list[str] = []

    def upward(self, leaf: VssLeaf, spec: object) -> None:
        options = self._options(leaf, "dbc2vss", spec)
        places = self.find(leaf.path, options.get("signal"))
        if len({place.bus for place in places}) > 1:
            raise MappingError(_ambiguous(leaf.path, options["signal"], places))
        if len(places) > 1:
            self.notes.append(f"{leaf.path} comes from all messages with {options['signal']!r}: {_listed(places)}")
        math, table = _transform(leaf.path, options)
        if table is not None:
            table = tuple(Pair(pair.source, leaf.coerce(pair.target)) for pair in table)
            self.notes += _unmatched(leaf.path, places, table)
        if leaf.is_array:
            raise MappingError(f"{leaf.path} is an array ({leaf.datatype}); a CAN signal is one value")
        on_change = options.get("on_change", False)
        if not isinstance(on_change, bool):
            raise MappingError(f"{leaf.path} has on_change {on_change!r}; it takes true or false")
        rule = UpwardRule(
            leaf=leaf,
            places=tuple(places),
            interval_ns=_interval_ns(leaf.path, options, 0 if on_change else DEFAULT_INTERVAL_MS),
            on_change=on_change,
            math=math,
            table=table,
            gates=_gates(leaf.path, options, places),
        )
        self.up.append(rule)

    def downward(self, leaf: VssLeaf, spec: object) -> None:
        options = self._options(leaf, "vss2dbc", spec)
        if leaf.kind is not Kind.ACTUATOR:
            raise MappingError(
                f"{leaf.path} has vss2dbc but is of type {leaf.kind.value}: only an actuator has a target"
            )
        places = self.find(leaf.path, options.get("signal"))
        if len(places) > 1:
            raise MappingError(_ambiguous(leaf.path, options["signal"], places))
        math, table = _transform(leaf.path, options)
        if table is not None:
            table = tuple(Pair(_scalar(leaf, pair.source), pair.target) for pair in table)
        rule = DownwardRule(leaf=leaf, place=places[0], math=math, table=table)
        for pair in table or ():
            rule.to_can(pair.source)
        self.down.append(rule)

    def _options(self, leaf: VssLeaf, key: str, spec: object) -> Mapping[str, object]:
        if not isinstance(spec, dict):
            raise MappingError(f"{key} of {leaf.path} is {spec!r:.60}; it takes signal, transform and so on")
        for name in spec:
            if name not in _KEYS[key]:
                near = nearest(str(name), list(_KEYS[key]))
                self.notes.append(f"{name!r} in {key} of {leaf.path} has no effect{near}")
        return spec

    def find(self, path: str, name: object) -> list[Place]:
        """Where a signal is: `Signal`, `Message.Signal` or `bus.Message.Signal`."""
        if not isinstance(name, str) or not name:
            raise MappingError(f"the mapping of {path} has no signal; it takes the name of a signal of a database")
        databases = self.databases
        bus, _, rest = name.partition(".")
        places = [Place(own, *found) for own, database in databases.items() for found in database.find_signal(name)]
        if not places and bus in databases and rest:
            places = [Place(bus, *found) for found in databases[bus].find_signal(rest)]
        if not places:
            raise MappingError(f"{path}: no database has a signal {name!r}{self._near(name)}")
        return places

    def _near(self, name: str) -> str:
        messages = [message for database in self.databases.values() for message in database.messages]
        if "." not in name:
            return nearest(name, list({signal.name: None for message in messages for signal in message.signals}))
        return nearest(name, [f"{message.name}.{signal.name}" for message in messages for signal in message.signals])


def _ambiguous(path: str, name: object, places: Sequence[Place]) -> str:
    return f"{path}: {name!r} is in several messages; write which one: {_listed(places)}"


def _listed(places: Sequence[Place]) -> str:
    return ", ".join(map(str, places))


def _interval_ns(path: str, options: Mapping[str, object], default: int) -> int:
    interval = options.get("interval_ms", default)
    if isinstance(interval, bool) or not isinstance(interval, int) or interval < 0:
        raise MappingError(f"{path} has interval_ms {interval!r:.60}; it takes a whole number of milliseconds")
    return interval * 1_000_000


def _transform(path: str, options: Mapping[str, object]) -> tuple[Expression | None, tuple[Pair, ...] | None]:
    transform = options.get("transform")
    if transform is None:
        return None, None
    if not isinstance(transform, dict) or len({"math", "mapping"} & set(transform)) != 1 or len(transform) > 1:
        raise MappingError(f"the transform of {path} is {transform!r:.80}; it takes either math or mapping")
    if "math" in transform:
        text = transform["math"]
        if not isinstance(text, str):
            raise MappingError(f"the math of {path} is {text!r:.60}; it takes an expression in x, as text")
        try:
            return compile_expression(text, ["x"]), None
        except ExpressionError as error:
            raise MappingError(f"the math of {path}: {error.sentence}") from None
    return None, _pairs(path, transform["mapping"])


def _pairs(path: str, mapping: object) -> tuple[Pair, ...]:
    if not isinstance(mapping, list) or not mapping:
        raise MappingError(f"the mapping of {path} is {mapping!r:.60}; it takes a list of from and to")
    pairs = []
    for item in mapping:
        if not isinstance(item, dict) or "from" not in item or "to" not in item:
            raise MappingError(f"the mapping of {path} has {item!r:.80}; each of its items takes from and to")
        if not isinstance(item["from"], bool | int | float | str):
            raise MappingError(
                f"the mapping of {path} has from {item['from']!r:.60}; it takes a number, true, false or text"
            )
        pairs.append(Pair(item["from"], item["to"]))
    return tuple(pairs)


def _scalar(leaf: VssLeaf, value: object) -> bool | int | float | str:
    coerced = leaf.coerce(value)
    if isinstance(coerced, list):
        raise MappingError(f"{leaf.path} is an array ({leaf.datatype}), which cannot be mapped value by value")
    return coerced


def _unmatched(path: str, places: Sequence[Place], table: Iterable[Pair]) -> Iterator[str]:
    """A note for each label that none of the signals has."""
    labels = [label for place in places for label in (place.signal.choices or {}).values()]
    for pair in table:
        if isinstance(pair.source, str) and pair.source not in labels:
            near = nearest(pair.source, labels) or f"; it has {', '.join(labels[:8]) or 'no value table'}"
            yield f"{path} is mapped from {pair.source!r}, which {places[0]} never is{near}"


def _gates(path: str, options: Mapping[str, object], places: Sequence[Place]) -> tuple[Gate, ...]:
    items = options.get("multiplexer", [])
    if not isinstance(items, list):
        raise MappingError(f"the multiplexer of {path} is {items!r:.60}; it takes a list of signal and value")
    gates = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("signal"), str) or not _is_whole(item.get("value")):
            raise MappingError(f"the multiplexer of {path} has {item!r:.80}; it takes signal and a whole value")
        name = item["signal"].rpartition(".")[2]
        for place in places:
            if name not in place.message.by_name:
                near = nearest(name, list(place.message.by_name))
                raise MappingError(f"the multiplexer of {path}: message {place.message.name} has no {name!r}{near}")
        gates.append(Gate(name, item["value"]))
    return tuple(gates)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Upwards

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
        self.received: int = 0
        self.published: int = 0
        self.throttled: int = 0
        self.unchanged: int = 0
        self.refused: Counter[Refusal] = Counter()
        self.absent: int = 0
        self.last_received_ns: int | None = None
        self.last_reception: Reception | None = None
        """The last one that was looked at; a throttled frame is not decoded."""
        self.last_published: Publication | None = None
        self.last_refused: Refused | None = None
        self._kernel = kernel
        self._interval_ns: Final = rule.interval_ns
        self._on_change: Final = rule.on_change
        self._due_ns: int = 0
        self._good: bool = False
        """The last value that was looked at could be published, so what is throttled keeps the signal alive."""

    @property
    def balanced(self) -> bool:
        return self.received == self.published + self.throttled + self.unchanged + self.refused.total()

    def receive(self, data: bytes, source: Source) -> None:
        """A payload of one of the rule's messages has come."""
        if len(data) < source.bytes or (source.selective and not source.present(data)):
            self.absent += 1
            return
        self.received += 1
        now = self.last_received_ns = self._kernel.now
        signal = self.signal
        if now < self._due_ns and signal.datapoint.quality is not _STALE:
            self.throttled += 1
            if self._good and signal.timeout_ns:
                signal.refresh()
            return
        self._look(data, source, now)

    def _look(self, data: bytes, source: Source, now: int) -> None:
        value = source.decode(data)
        if value is None:
            self.received -= 1
            self.absent += 1
            return
        self.last_reception = Reception(now, value, source.labels.get(value))
        try:
            converted = source.convert(value)
        except _Unfit as unfit:
            self._refuse(now, unfit)
            return
        self._due_ns = now + self._interval_ns
        self._good = True
        if self._on_change and self._is_same(converted):
            self.unchanged += 1
            self.signal.refresh()
            return
        self.published += 1
        self.last_published = Publication(now, converted)
        self.signal.publish(converted)

    def _is_same(self, value: Value) -> bool:
        last = self.last_published
        return last is not None and last.value == value and self.signal.datapoint.quality is Quality.GOOD

    def _refuse(self, now: int, unfit: _Unfit) -> None:
        if unfit.reason is not Refusal.OUT_OF_RANGE:
            # As the provider: only what is outside the database's range leaves the interval alone.
            self._due_ns = now + self._interval_ns
        self._good = False
        self.refused[unfit.reason] += 1
        self.last_refused = Refused(now, unfit.reason, str(unfit))


class MessageFeed:
    """All rules of one message of one bus: give its `on_frame` to the controller."""

    def __init__(self, bus: str, message: Message) -> None:
        self.bus: Final = bus
        self.message: Final = message
        self._feeds: list[tuple[Callable[[bytes, Source], None], Source]] = []

    def add(self, feed: SignalFeed, source: Source) -> None:
        self._feeds.append((feed.receive, source))

    def on_frame(self, frame: Frame) -> None:
        """Never raises, whatever the frame holds."""
        data = frame.data
        for receive, source in self._feeds:
            receive(data, source)


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
            self.feeds.append(feed)
            for place in rule.places:
                key = (place.bus, place.key)
                if key not in self.messages:
                    self.messages[key] = MessageFeed(place.bus, place.message)
                self.messages[key].add(feed, Source(rule, place))

    def feed(self, path: str) -> SignalFeed | None:
        """The feed of a VSS path; None where nothing on CAN feeds it."""
        return next((feed for feed in self.feeds if feed.rule.leaf.path == path), None)

    @property
    def balanced(self) -> bool:
        return all(feed.balanced for feed in self.feeds)


# Downwards

Send = Callable[[str, Message, dict[str, CanValue]], object]
"""Sends a message: bus, message, values of its signals (those not given have their start value)."""
Defaults = Mapping[Message, Mapping[str, CanValue]]


def load_defaults(path: str | Path, databases: Mapping[str, Database]) -> Defaults:
    """Values by signal for messages that are sent, as in kuksa's dbc_default_values.json: a JSON object.

    MappingError, with all faults, for a signal that no database has and for a value that it cannot have.
    """
    file = str(path)
    try:
        root = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise MappingError(f"is no JSON: {error.msg} (column {error.colno})", file=file, line=error.lineno) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MappingError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=file) from None
    if not isinstance(root, dict):
        raise MappingError("holds no object of signals and their values", file=file)
    loader = _Loader(databases)
    faults: list[MappingError] = []
    defaults: dict[Message, dict[str, CanValue]] = {}
    for name, value in root.items():
        try:
            for place in loader.find("the default values", name):
                place.signal.to_raw(value)
                defaults.setdefault(place.message, {})[place.signal.name] = value
        except GatewayError as error:
            faults.append(MappingError(error.sentence, file=file))
    raise_faults(faults)
    return defaults


class Command:
    """One downward rule at work: its counts, and the last value that went out or was refused."""

    def __init__(self, rule: DownwardRule) -> None:
        self.rule: Final = rule
        self.sent: int = 0
        self.refused: int = 0
        self.last_sent: CanValue | None = None
        self.last_refusal: str = ""


class VssToCan:
    """The downward rules at work: a target value becomes a signal of a message, which is sent with all that is known.

    What was asked for stays in the message for the next time; other signals have their value from `defaults`. Whoever
    asks for a value that cannot be sent gets the SignalError.
    """

    def __init__(
        self, rules: Iterable[DownwardRule], store: SignalStore, send: Send, defaults: Defaults | None = None
    ) -> None:
        self.commands: Final = [Command(rule) for rule in rules]
        self._send = send
        self._values: dict[tuple[str, Message], dict[str, CanValue]] = {}
        for command in self.commands:
            place = command.rule.place
            self._values.setdefault((place.bus, place.message), dict((defaults or {}).get(place.message, {})))
            store.declare(command.rule.leaf.path).listen_target(partial(self._actuate, command))

    def values(self, bus: str, message: Message) -> Mapping[str, CanValue]:
        """What the next frame of the message is made of."""
        return self._values.get((bus, message), {})

    def _actuate(self, command: Command, signal: VssSignal) -> None:
        value = signal.target.value
        assert value is not None
        place = command.rule.place
        try:
            wanted = command.rule.to_can(value)
            values = {**self._values[place.bus, place.message], place.signal.name: wanted}
            try:
                self._send(place.bus, place.message, _active(place, values))
            except EncodeError as error:
                raise SignalError(f"{signal.path} cannot be {value!r}: {error.sentence}") from None
        except SignalError as error:
            command.refused += 1
            command.last_refusal = error.sentence
            raise
        self._values[place.bus, place.message] = values
        command.sent += 1
        command.last_sent = wanted


def _active(place: Place, values: Mapping[str, CanValue]) -> dict[str, CanValue]:
    """The values that are in the payload together with the signal; the multiplexer is set for it where it must be."""
    message = place.message
    raws = {name: message.by_name[name].to_raw(value) for name, value in values.items()}
    chosen = dict(values)
    signal = place.signal
    while signal.multiplexer_signal is not None:
        selector = message.by_name[signal.multiplexer_signal]
        if raws.get(selector.name, selector.initial_raw) not in signal.multiplexer_ids:
            raws[selector.name] = signal.multiplexer_ids[0]
            chosen[selector.name] = selector.to_physical(signal.multiplexer_ids[0])
        signal = selector

    def is_active(name: str) -> bool:
        own = message.by_name[name]
        while own.multiplexer_signal is not None:
            selector = message.by_name[own.multiplexer_signal]
            if raws.get(selector.name, selector.initial_raw) not in own.multiplexer_ids:
                return False
            own = selector
        return True

    return {name: value for name, value in chosen.items() if is_active(name)}
