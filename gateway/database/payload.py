"""The payload of a message from values of its signals.

A payload is put together as two integers, one for the signals of either byte order, that begin with all start values in
them. Which start values those are depends on what the multiplexers select, and is kept for each selection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gateway.database import encoding
from gateway.database.codegen import field_encoder
from gateway.database.errors import EncodeError
from gateway.errors import nearest

if TYPE_CHECKING:
    from gateway.database.message import Message
    from gateway.database.signal import Signal

Raws = Mapping[str, int | float]
SELECTIONS = 256
"""Selections of one message whose start values are kept."""


class _Field(NamedTuple):
    bits: Callable[[int | float | str], int]
    """From a physical value or a label to the bits in their place."""
    others: int
    """Mask of all bits but the field's."""
    big_endian: bool
    shift: int


class _Start(NamedTuple):
    """What a payload starts from: the signals that are active, and their start values in both integers."""

    active: frozenset[str]
    little: int
    big: int


class Encoder:
    """The encoder of one message. What does not depend on values is computed once."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.length = message.length
        size = 8 * message.length
        self.fields = {signal.name: _field(signal, size) for signal in message.signals if signal.end_bit <= size}
        self.selectors = _selectors(message)
        self.crossing = _crosses(message, self.fields)
        self.starts: dict[tuple[int | float, ...], _Start] = {}

    def encode(self, values: Mapping[str, int | float | str]) -> bytes:
        """The payload for physical values and labels; see `Message.encode`."""
        start = self._start(self._selection(values)) if self.selectors else self._start(())
        little, big = start.little, start.big
        fields, active = self.fields, start.active
        for name, value in values.items():
            if name not in active:
                self._refuse(name, values)
            bits, others, big_endian, _ = fields[name]
            if big_endian:
                big = big & others | bits(value)
            else:
                little = little & others | bits(value)
        if self.crossing:
            return self._in_order(start, {name: encoding.to_raw(self._signal(name), values[name]) for name in values})
        return self._joined(little, big)

    def encode_raw(self, values: Raws) -> bytes:
        """The payload for raw values; see `Message.encode_raw`."""
        checked = {name: encoding.checked_raw(self._signal(name), value) for name, value in values.items()}
        start = self._start(self._selected(checked))
        for name in checked:
            if name not in start.active:
                self._refuse(name, values)
        if self.crossing:
            return self._in_order(start, checked)
        little, big = start.little, start.big
        for name, raw in checked.items():
            field = self.fields[name]
            bits = encoding.bits_of(self._signal(name), raw) << field.shift
            if field.big_endian:
                big = big & field.others | bits
            else:
                little = little & field.others | bits
        return self._joined(little, big)

    def _joined(self, little: int, big: int) -> bytes:
        if not big:
            return little.to_bytes(self.length, "little")
        if little:
            big |= int.from_bytes(little.to_bytes(self.length, "little"), "big")
        return big.to_bytes(self.length, "big")

    def _in_order(self, start: _Start, raws: Raws) -> bytes:
        """Where signals of both byte orders overlap: start values first, so that what is given counts."""
        data = bytes(self.length)
        active = [signal for signal in self.message.signals if signal.name in start.active]
        for signal in active:
            if signal.name not in raws:
                data = encoding.insert(signal, data, signal.initial_raw)
        for signal in active:
            if signal.name in raws:
                data = encoding.insert(signal, data, raws[signal.name])
        return data

    # -- multiplexing -------------------------------------------------------------------------------------------------

    def _selection(self, values: Mapping[str, int | float | str]) -> tuple[int | float, ...]:
        """The raw value of each multiplexer. EncodeError for a given one that selects nothing."""
        raws = {}
        for selector, ids in self.selectors.items():
            if selector in values:
                signal = self._signal(selector)
                raws[selector] = raw = encoding.to_raw(signal, values[selector])
                if raw not in ids:
                    known = encoding.listed(sorted(ids))
                    raise EncodeError(f"{signal} cannot be {values[selector]!r}: it selects nothing ({known} do)")
        return self._selected(raws)

    def _selected(self, raws: Raws) -> tuple[int | float, ...]:
        by_name = self.message.by_name
        return tuple(raws.get(selector, by_name[selector].initial_raw) for selector in self.selectors)

    def _start(self, selection: tuple[int | float, ...]) -> _Start:
        found = self.starts.get(selection)
        if found is None:
            if len(self.starts) >= SELECTIONS:
                self.starts.clear()
            found = self.starts[selection] = self._made_start(dict(zip(self.selectors, selection, strict=True)))
        return found

    def _made_start(self, selected: Raws) -> _Start:
        active = [
            signal
            for signal in self.message.signals
            if signal.name in self.fields and self._is_active(signal, selected)
        ]
        little = big = 0
        for signal in active:
            field = self.fields[signal.name]
            raw = selected.get(signal.name, signal.initial_raw)
            bits = encoding.bits_of(signal, raw) << field.shift
            if field.big_endian:
                big |= bits
            else:
                little |= bits
        return _Start(frozenset(signal.name for signal in active), little, big)

    def _is_active(self, signal: Signal, selected: Raws) -> bool:
        while signal.multiplexer_signal is not None:
            if selected[signal.multiplexer_signal] not in signal.multiplexer_ids:
                return False
            signal = self.message.by_name[signal.multiplexer_signal]
        return True

    # -- errors -------------------------------------------------------------------------------------------------------

    def _signal(self, name: str) -> Signal:
        signal = self.message.by_name.get(name)
        if signal is None:
            near = nearest(str(name), list(self.message.by_name))
            raise EncodeError(f"message {self.message.name} has no signal {name!r}{near}")
        return signal

    def _refuse(self, name: str, values: Mapping[str, int | float | str]) -> None:
        """The reason why a signal cannot be in the payload. EncodeError always."""
        signal = self._signal(name)
        if name not in self.fields:
            raise EncodeError(f"{signal} lies past the end of its message of {self.length} bytes")
        selector = self.message.by_name[str(signal.multiplexer_signal)]
        now = values.get(selector.name, encoding.to_physical(selector, selector.initial_raw))
        ids = encoding.listed(signal.multiplexer_ids)
        raise EncodeError(f"{signal} is not in the payload while {selector.name} is {now!r}; it is there for {ids}")


def _field(signal: Signal, size: int) -> _Field:
    shift = size - signal.end_bit if signal.big_endian else signal.start
    mask = ((1 << signal.length) - 1) << shift
    return _Field(field_encoder(signal, shift), ((1 << size) - 1) & ~mask, signal.big_endian, shift)


def _selectors(message: Message) -> dict[str, frozenset[int]]:
    """The multiplexers and the values that they may have: those that select a signal or have a name."""
    ids: dict[str, set[int]] = {}
    for signal in message.signals:
        if signal.multiplexer_signal is not None:
            ids.setdefault(signal.multiplexer_signal, set()).update(signal.multiplexer_ids)
    for name, known in ids.items():
        known.update(message.by_name[name].choices or ())
    return {name: frozenset(known) for name, known in ids.items()}


def _crosses(message: Message, fields: Mapping[str, _Field]) -> bool:
    """Whether signals of different byte orders share bits, so that the two integers cannot simply be joined."""
    everything = (1 << 8 * message.length) - 1
    taken = {True: 0, False: 0}
    for field in fields.values():
        taken[field.big_endian] |= everything & ~field.others
    little = int.from_bytes(taken[False].to_bytes(message.length, "little"), "big")
    return little & taken[True] != 0
