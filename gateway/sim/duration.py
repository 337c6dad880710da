"""Durations as people write them: `10ms`, `1.5 s`, `10min`, `200us`."""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import GatewayError

NS_PER_S: Final = 1_000_000_000
UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": NS_PER_S,
    "min": 60 * NS_PER_S,
    "h": 3600 * NS_PER_S,
}
_PATTERN: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-zµμ]+)\s*")


class DurationError(GatewayError):
    """Not a duration."""


def duration_ns(text: str) -> int:
    """Nanoseconds of a text like `10ms`. DurationError for anything else, a number without a unit included."""
    found = _PATTERN.fullmatch(text)
    if found is None or found[2] not in UNITS:
        raise DurationError(f"{text!r} is not a duration: a number and one of ns, us, ms, s, min, h, like 10ms or 1.5s")
    whole, _, fraction = found[1].partition(".")
    scale = UNITS[found[2]]
    # In integers: 0.1 has no exact float, and a nanosecond more or less is a different run.
    return int(whole or "0") * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)


def duration_text(ns: int) -> str:
    """The shortest text that names `ns` to three decimals: `12.3 ms`."""
    for unit in ("s", "ms", "us"):
        if abs(ns) >= UNITS[unit]:
            return f"{ns / UNITS[unit]:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{ns} ns"
