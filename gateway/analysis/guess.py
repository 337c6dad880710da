"""What the frames of an unknown car may mean: periods, constant bytes, counters, checksums, multiplexers, switches, and
numbers with their byte order. Guesses, from one recording: a first database to edit, not one to rely on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.analysis.guess_bits import Field, FieldKind, Payloads, payloads_of
from gateway.analysis.guess_checksums import checksum
from gateway.analysis.guess_counters import counters, followers, lossy_counters
from gateway.analysis.guess_fields import fields
from gateway.analysis.guess_multiplexers import multiplexer
from gateway.analysis.source import Source
from gateway.analysis.stats import Periods, periods_of
from gateway.can import EXTENDED, ID_MASK
from gateway.vehicle.logs.decode import groups

_CHECKSUMS_MAX: Final = 1
"""Fields that change with a counter alone and may be its checksum."""


@dataclass(frozen=True, slots=True)
class MessageGuess:
    """One identifier on one bus; `payloads` are those of its usual length."""

    bus: str
    key: int
    name: str
    """From a database, where there is one that knows it."""
    frames: int
    lengths: tuple[int, ...]
    periods: Periods | None
    cyclic: bool
    payloads: Payloads
    fields: tuple[Field, ...]
    """In the order of the bytes; they do not overlap."""

    @property
    def constant_bytes(self) -> tuple[int, ...]:
        """Bytes that never change."""
        return tuple(at for at, values in enumerate(self.payloads.values) if values == 1)

    def of_kind(self, kind: FieldKind) -> list[Field]:
        return [field for field in self.fields if field.kind is kind]


def guess(source: Source) -> list[MessageGuess]:
    """All messages of a recording, by bus and identifier."""
    found = [_message(source, bus, key, rows) for bus, key, rows in groups(source.log)]
    buses = source.log.buses
    return sorted(found, key=lambda message: (buses.index(message.bus), message.key))


def _message(source: Source, bus: str, key: int, rows: NDArray[np.int64]) -> MessageGuess:
    log = source.log
    payloads = payloads_of(log, key, rows)
    periods, cyclic = periods_of(np.diff(log.times[rows]))
    database = source.databases.get(bus)
    known = None if database is None else database.by_id(key & ID_MASK, key & EXTENDED != 0)
    lengths = tuple(np.unique(log.length[rows]).tolist())
    return MessageGuess(
        bus,
        key,
        "" if known is None else known.name,
        len(rows),
        lengths,
        periods,
        cyclic,
        payloads,
        tuple(fields_of(payloads)),
    )


def fields_of(payloads: Payloads) -> list[Field]:
    """All fields of one message."""
    if len(payloads) < 2:
        return []
    taken = _protected(payloads, counters(payloads))
    if not any(field.kind is FieldKind.COUNTER for field in taken):
        counted = lossy_counters(payloads, taken)
        taken = [*counted, *taken] if taken else _protected(payloads, counted)
    selector = multiplexer(payloads, taken)
    if selector is not None:
        taken = [field for field in taken if not field.bits & selector.bits] + [selector]
    return sorted([*taken, *fields(payloads, taken)], key=lambda field: field.order)


def _protected(payloads: Payloads, counted: list[Field]) -> list[Field]:
    """Counters with their checksum; with what changes with them alone, where no scheme fits."""
    sealed = checksum(payloads, counted)
    if sealed is not None:
        return [*counted, sealed]
    following = followers(payloads, counted)
    if len(following) <= _CHECKSUMS_MAX:
        return [*counted, *following]
    # More than a checksum goes round with it: it says which page of something this frame is.
    return [replace(field, kind=FieldKind.MULTIPLEXER) if field is counted[0] else field for field in counted]
