"""Python expressions for the values of signals in a payload, and back; the pieces of generated codecs."""

from __future__ import annotations

from enum import Enum
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from gateway.database import encoding

if TYPE_CHECKING:
    from gateway.database.signal import Signal


WORD: Final = 8
"""Bytes that are read as one integer at most."""
_ORDERS: Final = {"n": "little", "b": "big"}


class View(Enum):
    """Which values of the signals a decoder gives."""

    PHYSICAL = "physical"
    RAW = "raw"
    LABELS = "labels"


class Expressions:
    """Python expressions for the values of signals in a payload `d`, and the constants that they need.

    Without `length` the payload may be of any length that holds the signal. With it, up to eight bytes are read as one
    integer, `n` (little endian) or `b` (big endian), and longer ones in blocks of eight: `n_0`, `n_1`, ..., `b_0`, ...
    What the expressions use of these is in `words`; `prelude` sets them.
    """

    def __init__(self, view: View, length: int | None) -> None:
        self.view = view
        self.length = length
        self.blocks = 0 if length is None or length <= WORD else length // WORD
        self.words: set[tuple[str, int]] = set()
        self.namespace: dict[str, Any] = {
            "from_bytes": int.from_bytes,
            "number": _number,
            "linear": _linear,
            "inf": float("inf"),
        }

    def constant(self, prefix: str, value: object) -> str:
        """A name for a value that has no literal."""
        name = f"{prefix}_{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def bits(self, signal: Signal) -> str:
        """The field as a number without sign."""
        first, last = signal.first_bit // 8, (signal.end_bit - 1) // 8
        width = 8 * (last - first + 1)
        order = "big" if signal.big_endian else "little"
        shift = 8 * (last + 1) - signal.end_bit if signal.big_endian else signal.start % 8
        if first == last:
            word = f"d[{first}]"
        elif self.length is not None and self.length <= WORD:
            word = "b" if signal.big_endian else "n"
            self.words.add((word, 0))
            width = 8 * self.length
            shift = width - signal.end_bit if signal.big_endian else signal.start
        elif first // WORD == last // WORD < self.blocks:
            block, width = first // WORD, 8 * WORD
            self.words.add(("b" if signal.big_endian else "n", block))
            word = f"b_{block}" if signal.big_endian else f"n_{block}"
            shift = width * (block + 1) - signal.end_bit if signal.big_endian else signal.start - width * block
        elif last == first + 1:
            word = f"(d[{first}] << 8 | d[{last}])" if signal.big_endian else f"(d[{first}] | d[{last}] << 8)"
        else:
            word = f"from_bytes(d[{first}:{last + 1}], {order!r})"
        if shift:
            word = f"{word} >> {shift}"
        return word if shift + signal.length >= width else f"{word} & {(1 << signal.length) - 1:#x}"

    def prelude(self) -> str:
        """Statements that set the words that the expressions until now use."""
        if self.length is None:
            return ""
        if self.length <= WORD:
            return "".join(f"    {word} = from_bytes(d, {_ORDERS[word]!r})\n" for word, _ in sorted(self.words))
        lines = ""
        for word, order in (("n", "<"), ("b", ">")):
            blocks = sorted(block for known, block in self.words if known == word)
            if blocks:
                layout = "".join("Q" if block in blocks else "8x" for block in range(self.length // WORD))
                unpack = self.constant("unpack", Struct(f"{order}{layout}{self.length % WORD}x").unpack)
                lines += f"    {''.join(f'{word}_{block}, ' for block in blocks)}= {unpack}(d)\n"
        return lines

    def raw(self, signal: Signal) -> str:
        """The raw value, with its sign or as a float."""
        if not signal.is_float:
            if not signal.signed:
                return self.bits(signal)
            half = 1 << (signal.length - 1)
            return f"(({self.bits(signal)}) ^ {half:#x}) - {half:#x}"
        layout = encoding.FLOATS[signal.length]
        if signal.first_bit % 8 == 0:
            unpack = self.constant("unpack", Struct((">" if signal.big_endian else "<") + layout).unpack_from)
            return f"{unpack}(d, {signal.first_bit // 8})[0]"
        unpack = self.constant("unpack", Struct(">" + layout).unpack)
        return f"{unpack}(({self.bits(signal)}).to_bytes({signal.length // 8}, 'big'))[0]"

    def value(self, signal: Signal) -> str:
        """What the view gives for the signal."""
        raw = self.raw(signal)
        if self.view is View.RAW:
            return raw
        if self.view is View.LABELS and signal.choices:
            names = self.constant("names", dict(signal.choices))
            key = f"(k := number(r := {raw}))" if signal.is_float else f"(r := {raw})"
            return f"{names}[{key[1]}] if {key} in {names} else {physical(signal, 'r')}"
        return physical(signal, raw)


def physical(signal: Signal, raw: str) -> str:
    """The expression of the physical value of the expression `raw`.

    Which operations are left out and where the result stays an int is exactly as in cantools' conversions, so that
    values compare equal to the last bit.
    """
    scale, offset = signal.scale, signal.offset
    if scale == 1 and offset == 0:
        return raw
    whole = not signal.is_float and float(scale).is_integer() and float(offset).is_integer()
    if whole:
        scale, offset = int(scale), int(offset)
    elif signal.length > 900 and not signal.is_float:
        return f"linear({raw}, {scale!r}, {offset!r})"
    scaled = f"({raw})" if scale == 1 else f"({raw}) * {scale!r}"
    if offset == 0 and (whole or (scale > 0 and not signal.is_float)):
        return scaled
    return f"{scaled} + {offset!r}" if offset >= 0 else f"{scaled} - {-offset!r}"


def _linear(raw: int, scale: float, offset: float) -> float:
    """For fields of so many bits that the raw value may be beyond any float."""
    try:
        return raw * scale + offset
    except OverflowError:
        return float("inf") if (raw > 0) == (scale > 0) else float("-inf")


def _number(raw: float) -> int | None:
    """The key of a float in a value table; none for what is no number."""
    return int(raw) if abs(raw) < float("inf") else None


def raw_from_physical(signal: Signal) -> str:
    """Statements that set `r` to the raw value of `x`."""
    scale, offset = signal.scale, signal.offset
    if scale == 1 and offset == 0:
        return "r = round(x)"
    if not (float(scale).is_integer() and float(offset).is_integer()):
        return f"r = round((x - {offset!r}) / {scale!r})"
    whole = f"x - {int(offset)!r}" if offset else "x"
    return f"y = {whole}; q, m = divmod(y, {int(scale)}); r = round(y / {int(scale)} if m else q)"
