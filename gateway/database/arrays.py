"""Whole logs at once: the payloads of one message as a matrix, decoded with NumPy signal by signal.

Every result is float64, with NaN where a signal is not there (a short payload, another multiplexer value); so integers
are exact up to 2**53. Where a signal is there, its value is that of `Message.decode` to the last bit.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from gateway.database.errors import DatabaseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gateway.database.message import Message
    from gateway.database.signal import Signal

    Column = NDArray[Any]
    Unsigned = NDArray[np.uint32] | NDArray[np.uint64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

WORD = 8
BLOCK = 32768
"""Rows at a time: what is between payload and value then stays in the processor's cache."""
_FLOATS = {16: (np.uint16, np.float16), 32: (np.uint32, np.float32), 64: (np.uint64, np.float64)}


def decode_array(
    message: Message, payloads: NDArray[np.uint8], lengths: NDArray[np.integer] | None = None
) -> dict[str, Floats]:
    """The physical values of all signals in many payloads of one message, each an array of `n`.

    `payloads`: uint8 of shape (n, L), shorter payloads filled up with anything; `lengths`: how many bytes of each are
    valid, where not all L are. What is beyond the message's length is ignored. DatabaseError for another shape or type.
    """
    payloads = np.asarray(payloads)
    if payloads.ndim != 2 or payloads.dtype != np.uint8:
        raise DatabaseError(f"payloads must be uint8 of shape (n, L), not {payloads.dtype} of shape {payloads.shape}")
    if lengths is not None and np.shape(lengths) != payloads.shape[:1]:
        raise DatabaseError(f"there are {payloads.shape[0]} payloads, but lengths of shape {np.shape(lengths)}")
    count = len(payloads)
    matrix = np.empty((len(message.signals), count))
    values = {signal.name: row for signal, row in zip(message.signals, matrix, strict=True)}
    for at in range(0, count, BLOCK):
        block = slice(at, at + BLOCK)
        decoder = _Decoder(message, payloads[block], None if lengths is None else np.asarray(lengths)[block])
        for signal in message.signals:
            decoder.fill(signal, values[signal.name][block])
    return values


class _Decoder:
    """The words and multiplexer values of one block, kept because signals share them."""

    def __init__(self, message: Message, payloads: NDArray[np.uint8], lengths: NDArray[np.integer] | None) -> None:
        self.message = message
        self.payloads = payloads
        self.lengths = lengths
        self.count, self.width = payloads.shape
        self.words: dict[tuple[int, bool], NDArray[np.uint64]] = {}
        self.selectors: dict[str, Column] = {}

    def fill(self, signal: Signal, value: Floats) -> None:
        """Set `value` to the physical values of the signal."""
        if not self._reaches(signal):
            value[:] = np.nan
            return
        if signal.length > 8 * WORD:
            value[:] = self._one_by_one(signal)
            return
        value[:] = self._raw(signal)
        with np.errstate(over="ignore", invalid="ignore"):
            if signal.scale != 1:
                value *= float(signal.scale)
            if signal.offset != 0:
                value += float(signal.offset)
        there = self._there(signal)
        if there is not None:
            value[~there] = np.nan

    def _reaches(self, signal: Signal) -> bool:
        return signal.end_bit <= 8 * min(int(self.width), self.message.length)

    def _there(self, signal: Signal) -> Bools | None:
        """In which payloads the signal is; None for all."""
        there: Bools | None = None
        if self.lengths is not None:
            there = self.lengths >= -(-signal.end_bit // 8)
        while signal.multiplexer_signal is not None:
            selector = self.message.by_name[signal.multiplexer_signal]
            if not self._reaches(selector):
                return np.zeros(self.count, dtype=np.bool_)
            selected = np.isin(self._raw(selector), np.array(signal.multiplexer_ids))
            if self.lengths is not None:
                selected &= self.lengths >= -(-selector.end_bit // 8)
            there = selected if there is None else there & selected
            signal = selector
        return there

    def _raw(self, signal: Signal) -> Column:
        if not signal.is_multiplexer:
            return self._made_raw(signal)
        if signal.name not in self.selectors:
            self.selectors[signal.name] = self._made_raw(signal)
        return self.selectors[signal.name]

    def _made_raw(self, signal: Signal) -> Column:
        bits = self._bits(signal)
        if signal.is_float:
            unsigned, floating = _FLOATS[signal.length]
            return bits.astype(unsigned).view(floating)
        narrow = signal.length < 32
        number: Column = bits.view(np.int32 if narrow else np.int64) if narrow or signal.signed else bits
        if signal.signed:
            unused = (32 if narrow else 64) - signal.length
            number = number << unused >> unused
        return number

    def _bits(self, signal: Signal) -> Unsigned:
        """The field as unsigned numbers, from the word of eight bytes that holds it; uint32 below 32 bits.

        The narrow ones are for speed: processors turn int32 into floats several at a time.
        """
        first, last = signal.first_bit // 8, (signal.end_bit - 1) // 8
        if last - first >= WORD:
            return self._bits_of_nine_bytes(signal, first)
        at = 0 if last < WORD else first
        word = self._word(at, signal.big_endian)
        shift = 8 * (at + WORD) - signal.end_bit if signal.big_endian else signal.start - 8 * at
        if shift:
            word = word >> np.uint64(shift)
        if signal.length < 32:
            return word.astype(np.uint32) & np.uint32((1 << signal.length) - 1)
        return word if shift + signal.length == 8 * WORD else word & np.uint64((1 << signal.length) - 1)

    def _bits_of_nine_bytes(self, signal: Signal, first: int) -> NDArray[np.uint64]:
        """Fields of up to 64 bits that lie across nine bytes."""
        word, ninth = self._word(first, signal.big_endian), self.payloads[:, first + WORD].astype(np.uint64)
        if signal.big_endian:
            shift = 8 * (first + WORD + 1) - signal.end_bit
            joined = word << np.uint64(8 - shift) | ninth >> np.uint64(shift)
        else:
            shift = signal.start % 8
            joined = word >> np.uint64(shift) | ninth << np.uint64(8 * WORD - shift)
        return joined if signal.length == 8 * WORD else joined & np.uint64((1 << signal.length) - 1)

    def _word(self, at: int, big_endian: bool) -> NDArray[np.uint64]:
        """Eight bytes from `at` on as one number, zeros where the payloads end before."""
        key = (at, big_endian)
        if key not in self.words:
            chunk = self.payloads[:, at : at + WORD]
            if chunk.shape[1] < WORD:
                chunk = np.pad(chunk, ((0, 0), (0, WORD - chunk.shape[1])))
            words = np.ascontiguousarray(chunk).view(np.uint64)[:, 0]
            swap = big_endian == (sys.byteorder == "little")
            self.words[key] = words.byteswap() if swap else words
        return self.words[key]

    def _one_by_one(self, signal: Signal) -> Floats:
        """Fields of more than 64 bits, which NumPy has no number for."""
        ends = [self.width] * self.count if self.lengths is None else self.lengths.tolist()
        rows = (bytes(row[:end]) for row, end in zip(self.payloads, ends, strict=True))
        values = (signal.decode(row) for row in rows)
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
