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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway.database import Database, Message
from gateway.errors import GatewayError, nearest
from gateway.routing.expression import Expression, ExpressionError, compile_expression
from gateway.routing.rules import (
    DEFAULT_INTERVAL_MS,
    CanValue,
    Defaults,
    DownwardRule,
    Gate,
    Pair,
    Place,
    UpwardRule,
    VssMapping,
)
from gateway.routing.vss import Kind, MappingError, VssLeaf, raise_faults
from gateway.routing.vss_tree import VssTree, load_tree, read_tree


def load_mapping(path: str | Path, databases: Mapping[str, Database], *overlays: str | Path) -> VssMapping:
    """Read a VSS tree with mappings and find its signals in the databases of the buses.

    MappingError, with all faults, where the file is no VSS tree, a signal is unknown or ambiguous, or a rule cannot
    work: bad options, an expression that cannot be read, a target value that leaf or signal does not have.
    """
    tree, faults = _tree(path, overlays)
    loader = _Loader(databases)
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


def _tree(path: str | Path, overlays: Sequence[str | Path]) -> tuple[VssTree, list[MappingError]]:
    """The tree, and what is wrong with it: the rules of its other leaves are looked at all the same."""
    try:
        return load_tree(path, *overlays), []
    except MappingError:
        return read_tree(path, *overlays)


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
