"""Recent frames that the gateway decided about, and what each route made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from gateway.can import KEY_MASK
from gateway.routing import NOT_YET, Journey
from gateway.ui.feed_rows import FrameRow, Hop
from gateway.vehicle import Vehicle

SHOWN: Final = 40
"""Frames in a snapshot."""
_LOOKED_AT: Final = 4000
"""Journeys that are looked through for them."""
_REMEMBERED: Final = 2000
"""Frames with a number."""


Numbers = frozenset[int]


class JourneyBook:
    """Gives recent frames their numbers, so that a viewer can come back to one.

    `known`: the number that viewers have for a message, by bus and key; None for one that never came.
    """

    def __init__(self, vehicle: Vehicle, known: Callable[[str, int], int | None]) -> None:
        self._vehicle = vehicle
        self._known = known
        self._next = 1
        self._numbers: OrderedDict[int, tuple[int, list[Journey]]] = OrderedDict()
        """By identity of the frame: its number, and its journeys (which keep the frame, and so the identity)."""
        self._by_number: dict[int, int] = {}

    def recent(self, frames_of: Numbers | None, routes_of: Numbers | None) -> tuple[FrameRow, ...]:
        """The latest frames of these messages through these routes (None: all), the newest first."""
        found: dict[int, list[Journey]] = {}
        for _, journey in zip(range(_LOOKED_AT), reversed(self._vehicle.gateway.journeys.kept), strict=False):
            key = id(journey.frame)
            if key in found:
                found[key].append(journey)
            elif self._wanted(journey, frames_of, routes_of):
                if len(found) >= SHOWN:
                    break
                found[key] = [journey]
        return tuple(row for journeys in found.values() if (row := self._row(journeys[::-1])) is not None)

    def row(self, number: int) -> FrameRow | None:
        """The frame with this number, as far as it has got; None for one that is too long ago."""
        key = self._by_number.get(number)
        return None if key is None else self._row(self._numbers[key][1])

    def forget(self) -> None:
        self._numbers.clear()
        self._by_number.clear()

    def _wanted(self, journey: Journey, frames_of: Numbers | None, routes_of: Numbers | None) -> bool:
        if routes_of is not None and journey.route not in routes_of:
            return False
        if frames_of is None:
            return True
        source, target = self._ends(journey)
        return source in frames_of or target in frames_of

    def _ends(self, journey: Journey) -> tuple[int | None, int | None]:
        """Numbers of the message that came and of the one that it led to."""
        rule = self._vehicle.gateway.routes[journey.route].rule
        own = journey.frame.header & KEY_MASK
        came = self._known(rule.source.partition(".")[0], own)
        key = rule.target_key if rule.target_key is not None else own
        went = self._known(rule.target.partition(".")[0], key)
        return came, went

    def _row(self, journeys: list[Journey]) -> FrameRow | None:
        first = journeys[0]
        source, _ = self._ends(first)
        if source is None:
            return None
        hops = tuple(
            Hop(each.route, each.decision.value, each.reason, None if each.sent_ns == NOT_YET else each.sent_ns)
            for each in journeys
        )
        return FrameRow(self._number(journeys), first.received_ns, source, first.frame.data, hops)

    def _number(self, journeys: list[Journey]) -> int:
        key = id(journeys[0].frame)
        known = self._numbers.get(key)
        if known is not None and known[1][0].frame is journeys[0].frame:
            if len(journeys) > len(known[1]):
                self._numbers[key] = (known[0], journeys)
            return known[0]
        number = self._next
        self._next += 1
        self._numbers[key] = (number, journeys)
        self._by_number[number] = key
        while len(self._numbers) > _REMEMBERED:
            _, (old, _) = self._numbers.popitem(last=False)
            self._by_number.pop(old, None)
        return number
