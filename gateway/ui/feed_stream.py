"""The vehicle's side of one monitor: a source for `gateway.links`, which asks it thirty times a second.

The first line is the picture of the vehicle, each further one a snapshot (`feed_wire`).
"""

from __future__ import annotations

from typing import Final

from gateway.ui.feed import Feed
from gateway.ui.feed_rows import Rows, Visible
from gateway.ui.feed_wire import line_of, of_line

EVERY: Final = 3
"""Of thirty turns a second each third has a snapshot: nobody reads numbers that change more often."""
LINE_MAX: Final = 1 << 20


class FeedStream:
    """One viewer in another process. Knows no socket and no clock."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._subscription = feed.subscribe(Visible(parts=frozenset(), rows=Rows.CHANGED))
        self._unread = b""
        self._turn = 0
        self._asked = False

    def receive(self, data: bytes) -> None:
        """Lines with what the viewer has on its screen; the last counts. ValueError for what is none."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        if len(self._unread) > LINE_MAX:
            raise ValueError("a line too long")
        if lines:
            self._subscription.visible = of_line(Visible, lines[-1])
            self._asked = True

    def outgoing(self) -> bytes:
        """The picture first, then a snapshot in each third turn, and at once when the viewer looks at another thing."""
        self._turn += 1
        if self._turn == 1:
            return line_of(self._feed.about)
        if not self._asked and self._turn % EVERY:
            return b""
        self._asked = False
        return line_of(self._subscription.snapshot())

    def close(self) -> None:
        """The viewer has gone."""
