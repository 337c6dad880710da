"""How long headers, responses and whole frames take (LIN 2.2A, 2.3.2).

A frame is a header (break, break delimiter, sync byte, protected identifier), a response space and a response (data and
checksum, each byte of 10 bits). All times are counted in bits from the start of the break and rounded once, so that
frames do not drift from their bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.can import Frame
from gateway.database.lin import BYTE_BITS, longest_ns, nominal_bits
from gateway.lin.errors import LinError
from gateway.sim import NS_PER_S

SLOWEST: Final = 1_000
FASTEST: Final = 20_000
BREAK_BITS: Final = 13
DELIMITER_BITS: Final = 1
LONGEST_DATA: Final = 8


@dataclass(frozen=True, slots=True)
class Spaces:
    """What a commander and its responders take beyond the least: bits of break, delimiter, and spaces between bytes.

    `between`: in header and response, before each byte but the first; `response`: between header and response.
    """

    break_bits: int = BREAK_BITS
    delimiter: int = DELIMITER_BITS
    between: int = 0
    response: int = 0


class LinTimes:
    """Exact times of a bus of `bit_rate` bit/s. LinError for a rate or spaces that LIN does not have."""

    def __init__(self, bit_rate: int, spaces: Spaces | None = None) -> None:
        spaces = Spaces() if spaces is None else spaces
        if not SLOWEST <= bit_rate <= FASTEST:
            raise LinError(f"a bit rate of {bit_rate} bit/s is outside LIN's 1 to 20 kbit/s")
        if spaces.break_bits < BREAK_BITS or spaces.delimiter < DELIMITER_BITS:
            raise LinError(f"a break has {BREAK_BITS} bits at least, and a delimiter of one, not {spaces}")
        if spaces.between < 0 or spaces.response < 0:
            raise LinError(f"a space cannot be shorter than nothing: {spaces}")
        self.bit_rate: Final = bit_rate
        self.spaces: Final = spaces
        self.header_bits: Final = spaces.break_bits + spaces.delimiter + 2 * BYTE_BITS + spaces.between
        self.header_ns: Final = self.bits_ns(self.header_bits)
        self.frame_ns: Final = tuple(self.bits_ns(self.frame_bits(length)) for length in range(LONGEST_DATA + 1))
        """From the start of the break to the end of the checksum, by number of data bytes."""
        self.longest_ns: Final = tuple(longest_ns(length, bit_rate) for length in range(LONGEST_DATA + 1))
        """T_Frame_Maximum by number of data bytes: who has not answered by then has not answered."""
        for length in range(1, LONGEST_DATA + 1):
            if self.frame_ns[length] > self.longest_ns[length]:
                raise LinError(f"with {spaces} a frame of {length} bytes takes longer than 1.4 times the nominal time")

    def bits_ns(self, bits: int) -> int:
        """Nanoseconds, rounded, of so many bits."""
        return (bits * NS_PER_S + self.bit_rate // 2) // self.bit_rate

    def duration_ns(self, frame: Frame) -> int:
        """Of a whole frame. ValueError for a length that no LIN frame has."""
        if not 1 <= len(frame.data) <= LONGEST_DATA:
            raise ValueError(f"a LIN frame has 1 to {LONGEST_DATA} bytes, not {len(frame.data)}")
        return self.frame_ns[len(frame.data)]

    def response_bits(self, length: int) -> int:
        """Data and checksum, without the space before them."""
        return BYTE_BITS * (length + 1) + self.spaces.between * length

    def frame_bits(self, length: int) -> int:
        """A whole frame; `nominal_bits` of the specification when there are no spaces."""
        return self.header_bits + self.spaces.response + self.response_bits(length)


__all__ = ["BREAK_BITS", "DELIMITER_BITS", "LinTimes", "Spaces", "longest_ns", "nominal_bits"]
