"""The way of one frame in full: on its bus, through the routes, on the other buses. Told by the page's process.

What the gateway decided, and when what came of it was through, comes from the vehicle; the frames themselves are found
among those that have passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from gateway.can import KEY_MASK
from gateway.sim import NS_PER_S
from gateway.ui.feed_about import VehicleAbout
from gateway.ui.feed_ledger import Entry, Noted
from gateway.ui.feed_rows import FrameRow, Hop, Passing, Story, StoryHop

KEPT: Final = 65_536
"""Frames that are remembered: some seconds of a busy vehicle."""
_SEARCHED_NS: Final = NS_PER_S
"""So long before it was received is a frame looked for."""


class Storyteller:
    """Remembers frames and tells stories of them. `entry`: of a message, by index of its bus and key.

    `receivers`: who receives what, by bus and message; `latencies`: of the gateway, for each route.
    """

    def __init__(
        self,
        about: VehicleAbout,
        buses: Mapping[int, str],
        receivers: Mapping[str, Mapping[str, Sequence[str]]],
        latencies: Sequence[int],
        entry: Callable[[int, int], Entry | None],
    ) -> None:
        self._about: Final = about
        self._buses: Final = buses
        self._indices: Final = {name: index for index, name in buses.items()}
        self.receivers = receivers
        self._latencies: Final = latencies
        self._entry: Final = entry
        self._frames: Final[deque[Noted]] = deque(maxlen=KEPT)
        self.remembered = 0
        """So many frames have come; the latest `KEPT` of them are there."""

    def remember(self, noted: Sequence[Noted]) -> None:
        self._frames.extend(noted)
        self.remembered += len(noted)

    def latest(self, count: int) -> list[Noted]:
        """So many of the latest frames, in their order."""
        return list(islice(reversed(self._frames), max(0, count)))[::-1]

    def forget(self) -> None:
        self._frames.clear()

    def tell(self, row: FrameRow, bus: int, key: int) -> Story | None:
        """The story of a frame with this key on this bus; None when it is not remembered any more."""
        first = next((each for each in self._backwards(row.time_ns, row.time_ns - _SEARCHED_NS)
                      if each[1] == bus and each[2].header & KEY_MASK == key), None)  # fmt: skip
        passing = None if first is None else self._passing(first)
        if passing is None:
            return None
        return Story(row.number, passing, row.data, tuple(map(self._hop, row.hops)))

    def _hop(self, hop: Hop) -> StoryHop:
        out = None
        if hop.sent_ns is not None:
            target = self._indices.get(self._about.routes[hop.route].target_bus)
            found = next((each for each in self._backwards(hop.sent_ns, hop.sent_ns) if each[1] == target), None)
            out = None if found is None else self._passing(found)
        latency_ns = self._latencies[hop.route] if hop.route < len(self._latencies) else 0
        return StoryHop(hop.route, hop.decision, hop.reason, latency_ns, out)

    def _backwards(self, latest_ns: int, earliest_ns: int) -> Iterator[Noted]:
        """Frames that ended in this time, the latest first. Those of several buses are in order but for moments."""
        for each in reversed(self._frames):
            if each[0] < earliest_ns - NS_PER_S:
                return
            if earliest_ns <= each[0] <= latest_ns:
                yield each

    def _passing(self, noted: Noted) -> Passing | None:
        end_ns, bus, frame, sender, requested_ns, start_ns = noted
        entry = self._entry(bus, frame.header & KEY_MASK)
        if entry is None:
            return None
        receivers = self.receivers.get(self._buses[bus], {}).get(entry.about.name, ())
        others = tuple(name for name in receivers if name != sender.name)
        requested_ns, start_ns = min(requested_ns, end_ns), min(start_ns, end_ns)
        return Passing(self._buses[bus], entry.about.number, sender.name, requested_ns, start_ns, end_ns, others)
