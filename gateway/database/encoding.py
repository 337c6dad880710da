"""From physical values to raw ones and to bits, with what is checked on the way; and back."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from struct import pack
from typing import TYPE_CHECKING

from gateway.database.errors import EncodeError
from gateway.errors import nearest

if TYPE_CHECKING:
    from gateway.database.signal import Signal

FLOATS = {16: "e", 32: "f", 64: "d"}
"""Lengths that a float can have, with the codes of `struct`."""
_LARGEST = {16: 65504.0, 32: (2 - 2**-23) * 2.0**127, 64: sys.float_info.max}
"""Greatest finite value of each of them."""
TOLERANCE = 1e-6
"""Part of a scale step that a physical value may be out of its range, for rounding on the way here (as cantools)."""


def to_physical(signal: Signal, raw: int | float) -> int | float:
    """As the generated decoders compute it."""
    scale, offset = signal.scale, signal.offset
    if scale == 1 and offset == 0:
        return raw
    if not signal.is_float and float(scale).is_integer() and float(offset).is_integer():
        return raw * int(scale) + int(offset)
    try:
        return raw * scale + offset
    except OverflowError:
        return math.inf if (raw > 0) == (scale > 0) else -math.inf


def label(signal: Signal, raw: int | float) -> str | None:
    """The name of a raw value, if it has one."""
    if not signal.choices or not math.isfinite(raw):
        return None
    return signal.choices.get(int(raw))


def to_raw(signal: Signal, value: int | float | str) -> int | float:
    """The raw value; checked against the signal's range and its bits. EncodeError."""
    raw: int | float
    if isinstance(value, str):
        raw = _named(signal, value)
    elif isinstance(value, int | float):
        raw = _scaled(signal, value)
        if not (signal.choices and raw in signal.choices):
            _check_range(signal, value)
    else:
        raise EncodeError(f"{signal} takes a number or a label, not {value!r}")
    check_bits(signal, raw, value)
    return raw


def _named(signal: Signal, name: str) -> int:
    """The raw value of a label; the last one in the table where several have it, as in cantools."""
    choices = signal.choices or {}
    found = [raw for raw, known in choices.items() if known == name]
    if found:
        return found[-1]
    if not choices:
        raise EncodeError(f"{signal} has no value table; give a number instead of {name!r}")
    names = list(choices.values())
    raise EncodeError(f"{signal} has no value {name!r}{nearest(name, names) or f' (there are {listed(names)})'}")


def physical_limits(signal: Signal) -> tuple[int | float, int | float]:
    """The least and the greatest physical value that a signal can have, by its bits and by the limits of its file."""
    if signal.is_float:
        most: int | float = _LARGEST[signal.length]
        low, high = sorted((to_physical(signal, -most), to_physical(signal, most)))
    else:
        low, high = sorted(to_physical(signal, raw) for raw in signal.raw_limits)
    if signal.minimum is not None:
        low = max(low, signal.minimum)
    if signal.maximum is not None:
        high = min(high, signal.maximum)
    return low, high


def listed(things: Iterable[object]) -> str:
    """The first few of many, for a sentence."""
    known = [str(thing) for thing in things]
    return ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")


def _scaled(signal: Signal, value: int | float) -> int | float:
    scale: int | float = signal.scale
    offset: int | float = signal.offset
    try:
        if scale == 1 and offset == 0:
            return value if signal.is_float else round(value)
        if signal.is_float:
            return (value - offset) / scale
        if float(scale).is_integer() and float(offset).is_integer():
            shifted: int | float = value - int(offset)
            quotient, rest = divmod(shifted, int(scale))
            return round(quotient) if rest == 0 else round(shifted / int(scale))
        return round((value - offset) / scale)
    except (ValueError, OverflowError, ZeroDivisionError):
        why = "its scale is 0" if scale == 0 else f"allowed is {allowed(signal)}"
        raise EncodeError(f"{signal} cannot be {value!r}: {why}") from None


def _check_range(signal: Signal, value: int | float) -> None:
    slack = abs(signal.scale) * TOLERANCE
    too_small = signal.minimum is not None and value < signal.minimum - slack
    if too_small or (signal.maximum is not None and value > signal.maximum + slack):
        raise EncodeError(f"{signal} cannot be {value!r}: allowed is {allowed(signal)}")


def check_bits(signal: Signal, raw: int | float, value: object) -> None:
    """EncodeError when the raw value does not fit in the bits of the signal; `value` is what the user gave."""
    if signal.is_float:
        try:
            pack(FLOATS[signal.length], raw)
        except (OverflowError, ValueError):
            raise EncodeError(
                f"{signal} cannot be {value!r}: a float of {signal.length} bits does not hold it"
            ) from None
        return
    low, high = signal.raw_limits
    if not low <= raw <= high:
        raise EncodeError(f"{signal} cannot be {value!r}: allowed is {allowed(signal)}")


def allowed(signal: Signal) -> str:
    """The physical range for a message to the user: what bits and limits of the file both allow."""
    if signal.is_float:
        low, high = signal.minimum, signal.maximum
        if low is None or high is None:
            return f"any float of {signal.length} bits"
    else:
        low, high = physical_limits(signal)
    return f"{low:.12g} to {high:.12g}{' ' if signal.unit else ''}{signal.unit}"


def bits_of(signal: Signal, raw: int | float) -> int:
    """The raw value as the unsigned number that its bits are."""
    if not signal.is_float:
        return int(raw) & ((1 << signal.length) - 1)
    return int.from_bytes(pack(">" + FLOATS[signal.length], raw), "big")


def insert(signal: Signal, data: bytes, raw: int | float) -> bytes:
    """The payload with the signal's bits replaced. EncodeError when the raw value or the payload is too small."""
    raw = checked_raw(signal, raw)
    if signal.end_bit > 8 * len(data):
        raise EncodeError(f"{signal} ends with bit {signal.end_bit}; the payload has {len(data)} bytes only")
    order = "big" if signal.big_endian else "little"
    shift = 8 * len(data) - signal.end_bit if signal.big_endian else signal.start
    mask = ((1 << signal.length) - 1) << shift
    number = int.from_bytes(data, order) & ~mask | bits_of(signal, raw) << shift  # type: ignore[arg-type]
    return number.to_bytes(len(data), order)  # type: ignore[arg-type]


def checked_raw(signal: Signal, raw: object) -> int | float:
    if not isinstance(raw, int | float):
        raise EncodeError(f"{signal} takes a raw number, not {raw!r}")
    if not signal.is_float:
        if not math.isfinite(raw) or raw != int(raw):
            raise EncodeError(f"{signal} takes a whole raw number, not {raw!r}")
        raw = int(raw)
        low, high = signal.raw_limits
        if not low <= raw <= high:
            raise EncodeError(f"{signal} cannot be raw {raw}: its {signal.length} bits hold {low} to {high}")
        return raw
    check_bits(signal, raw, raw)
    return raw
