"""The frames one after the other, as a trace window has them: what has come since the last look, for one browser."""

from __future__ import annotations

from typing import Any, Final

from gateway.can import KEY_MASK
from gateway.ui.feed_rows import SignalValue
from gateway.ui.feed_subscription import values
from gateway.ui.page_sight import PageSight

MOST_ROWS: Final = 500
"""Rows of one look; of more, the latest."""


class Trace:
    """One browser's trace, from when it is first looked at."""

    def __init__(self, sight: PageSight) -> None:
        self._sight: Final = sight
        self._seen = sight.passed
        self._times: dict[int, int] = {}
        """Of the last frame of each message, by its number."""

    def rows(self, wanted: frozenset[int] | None) -> dict[str, Any]:
        """Frames of these messages (None: all) since the last look, and how many more there were.

        A row is time, message, payload in hexadecimal digits, sender, time since the message's last frame or None.
        """
        sight = self._sight
        found = []
        for end_ns, bus, frame, sender, _, _ in sight.passed_since(self._seen):
            entry = sight.entry(bus, frame.header & KEY_MASK)
            if entry is None:
                continue
            number = entry.about.number
            before, self._times[number] = self._times.get(number), end_ns
            if wanted is None or number in wanted:
                gap = None if before is None else end_ns - before
                found.append((end_ns, number, frame.data.hex(), sender.name, gap))
        self._seen = sight.passed
        return {"rows": found[-MOST_ROWS:], "skipped": max(0, len(found) - MOST_ROWS)}


def decoded(sight: PageSight, number: int, data: bytes) -> list[Any]:
    """The signals of any payload of a message, as the page has them."""
    entries = sight.entries
    found: tuple[SignalValue, ...] = values(entries[number], data) if number < len(entries) else ()
    return [value if label is None else [value, label] for value, label in found]
