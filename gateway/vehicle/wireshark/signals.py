"""A vehicle's messages as Wireshark's Signal PDU dissector reads them: tables of comma separated values (UAT files).

The dissector takes a payload's signals one after the other, so that gaps are hidden signals here. It counts bits as the
byte order does, and knows one for a message: where both cross bytes, the signals of the rarer one are left out. So are
signals that a multiplexer selects; of a message whose signals overlap only the name is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.can import EXTENDED
from gateway.database import Message, Signal

ANY_INTERFACE: Final = "ffffffff"
_BASES: Final = (8, 16, 32, 64)
_GAP: Final = "_"


@dataclass(frozen=True, slots=True)
class WiresharkBus:
    """A bus as captures name it, with its messages."""

    name: str
    lin: bool
    messages: tuple[Message, ...]


def row(*cells: object) -> str:
    """One line of a table."""
    return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells) + "\n"


def signal_tables(buses: Sequence[WiresharkBus]) -> Mapping[str, str]:
    """By file name: interfaces, messages, signals, value names, and which identifier of which bus is what."""
    names: list[str] = []
    signals: list[str] = []
    values: list[str] = []
    interfaces: dict[bool, list[str]] = {True: [], False: []}
    bindings: dict[bool, list[str]] = {True: [], False: []}
    number = 0
    for place, bus in enumerate(buses, 1):
        interfaces[bus.lin].append(row(ANY_INTERFACE, bus.name, f"{place:x}"))
        for message in bus.messages:
            number += 1
            identifier = message.arbitration_id | (EXTENDED if message.extended else 0)
            names.append(row(f"{number:x}", message.name))
            bindings[bus.lin].append(row(f"{identifier:x}", f"{place:x}", f"{number:x}"))
            rows, named = _signals(number, f"{bus.name}.{message.name}", message)
            signals += rows
            values += named
    tables = {
        "CAN_interface_mapping": interfaces[False],
        "LIN_interface_mapping": interfaces[True],
        "Signal_PDU_identifiers": names,
        "Signal_PDU_signal_list": signals,
        "Signal_PDU_signal_values": values,
        "Signal_PDU_Binding_CAN": bindings[False],
        "Signal_PDU_Binding_LIN": bindings[True],
    }
    return {file: "".join(rows) for file, rows in tables.items()}


def _signals(number: int, title: str, message: Message) -> tuple[list[str], list[str]]:
    """The rows of a message's signals, and of their value names."""
    laid_out = list(fields(message))
    rows, named = [], []
    for position, (length, signal) in enumerate(laid_out):
        rows.append(_signal(number, len(laid_out), position, title, length, signal, _is_big_endian(message)))
        labels = [] if signal is None else _labels(signal)
        for raw, label in labels:
            named.append(row(f"{number:x}", position, len(labels), f"{raw:x}", f"{raw:x}", label))
    return rows, named


def fields(message: Message) -> Iterator[tuple[int, Signal | None]]:
    """What a payload has, from its first bit on: lengths in bits, with the signal or None for a gap.

    Nothing for a message whose signals overlap.
    """
    big_endian = _is_big_endian(message)
    placed = sorted(_placed(message, big_endian), key=lambda each: each[0])
    if any(after[0] < before[0] + before[1].length for before, after in itertools.pairwise(placed)):
        return
    position = 0
    for first, signal in placed:
        yield from ((length, None) for length in _gaps(first - position))
        yield signal.length, signal
        position = first + signal.length
    if placed:
        yield from ((length, None) for length in _gaps(8 * message.length - position))


def _placed(message: Message, big_endian: bool) -> Iterator[tuple[int, Signal]]:
    """The signals that can be told in one byte order, each with its first bit: its own order's, or in one byte."""
    for signal in message.signals:
        if signal.multiplexer_signal is not None:
            continue
        if signal.big_endian is big_endian:
            yield signal.first_bit, signal
        elif _crosses(signal):
            continue
        elif big_endian:
            top = signal.start + signal.length - 1
            yield 8 * (top // 8) + 7 - top % 8, signal
        else:
            yield signal.start - signal.length + 1, signal


def _is_big_endian(message: Message) -> bool:
    """The byte order of most signals that have one: those of more than one byte."""
    crossing = [signal for signal in message.signals if signal.multiplexer_signal is None and _crosses(signal)]
    return 2 * sum(signal.big_endian for signal in crossing) > len(crossing)


def _crosses(signal: Signal) -> bool:
    return signal.first_bit // 8 != (signal.end_bit - 1) // 8


def _gaps(bits: int) -> Iterator[int]:
    while bits > 0:
        yield min(bits, 64)
        bits -= 64


def _signal(
    number: int, count: int, position: int, title: str, length: int, signal: Signal | None, big_endian: bool
) -> str:
    kind, scale, offset = "uint", "1", "0"
    name = text = _GAP if signal is None else signal.name
    if signal is not None and signal.is_float:
        kind = "float"
    elif signal is not None and signal.signed and length not in _BASES:
        text = f"{name} [raw, {length} bits, signed]"  # the dissector of Wireshark 4.0 takes no such lengths
    elif signal is not None:
        kind = "int" if signal.signed else "uint"
        scale, offset = repr(signal.scale), repr(signal.offset)
        text = f"{name} [{signal.unit}]" if signal.unit else name
    base = next(base for base in _BASES if base >= length)
    order = "TRUE" if big_endian else "FALSE"
    multiplexer, hidden = "FALSE", "TRUE" if signal is None else "FALSE"
    field = f"{title}.{name}" if signal is not None else f"{title}.gap"
    return row(
        f"{number:x}", count, position, text, field, kind, order, base, length, scale, offset, multiplexer, -1, hidden
    )


def _labels(signal: Signal) -> list[tuple[int, str]]:
    """Value names of unsigned signals; the dissector has none for others."""
    if signal.signed or signal.is_float or not signal.choices:
        return []
    limit = 1 << signal.length
    return [(raw, label) for raw, label in sorted(signal.choices.items()) if 0 <= raw < limit]


def identifiers(buses: Iterable[WiresharkBus]) -> set[int]:
    """The standard identifiers of all CAN messages."""
    return {message.arbitration_id for bus in buses if not bus.lin for message in bus.messages if not message.extended}
