"""Plain tables and the words in them, as all reports of this room have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.can import EXTENDED, ID_MASK
from gateway.sim import NS_PER_S

NS_PER_MS = 1_000_000


def id_text(key: int) -> str:
    """`0x3A0`, or `0x18DAF110x` for 29 bits: as the vehicle file writes identifiers."""
    return f"0x{key & ID_MASK:X}x" if key & EXTENDED else f"0x{key & ID_MASK:03X}"


def ms_text(ns: float | None) -> str:
    """Milliseconds with as many digits as say something: `9.98`, `0.013`, `1000`; `-` for None."""
    if ns is None:
        return "-"
    value = ns / NS_PER_MS
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"


def seconds_text(ns: int) -> str:
    """Seconds to the microsecond, or to the nanosecond where there are any: `12.501234`."""
    whole, rest = divmod(abs(ns), NS_PER_S)
    digits = f"{rest:09d}"
    return f"{'-' if ns < 0 else ''}{whole}.{digits[:6] if digits.endswith('000') else digits}"


def percent_text(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.1f}%"


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ()) -> Iterator[str]:
    """A head and a line a row, columns two spaces apart; those named in `left` begin, the others end in line."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (
            cell.ljust(width) if name in left else cell.rjust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        )
        yield "  ".join(cells).rstrip()
