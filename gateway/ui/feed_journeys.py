"""The ways of recent frames: what the gateway decided about each, and one of them told in full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.can import KEY_MASK, Frame
from gateway.routing import NOT_YET, Journey, RoutedFrame
from gateway.ui.feed_rows import FrameRow, Hop, Passing, Story, StoryHop, Visible
from gateway.ui.feed_traffic import Noted, Traffic
from gateway.vehicle import Vehicle

SHOWN: Final = 40
"""Frames in a snapshot."""
_LOOKED_AT: Final = 4000
"""Journeys that are looked through for them."""
_REMEMBERED: Final = 2000
"""Frames with a number."""


class JourneyBook:
    """Gives recent frames their numbers, so that a viewer can come back to one."""

    def __init__(self, vehicle: Vehicle, traffic: Traffic) -> None:
        self._vehicle = vehicle
        self._traffic = traffic
        self._next = 1
        self._numbers: OrderedDict[int, tuple[int, list[Journey]]] = OrderedDict()
        """By identity of the frame: its number, and its journeys (which keep the frame, and so the identity)."""
        self._by_number: dict[int, int] = {}
        self._stories: OrderedDict[int, Story] = OrderedDict()

    def recent(self, visible: Visible) -> tuple[FrameRow, ...]:
        """The latest frames that a viewer wants to see, the newest first."""
        found: dict[int, list[Journey]] = {}
        for _, journey in zip(range(_LOOKED_AT), reversed(self._vehicle.gateway.journeys.kept), strict=False):
            key = id(journey.frame)
            if key in found:
                found[key].append(journey)
            elif self._wanted(journey, visible):
                if len(found) >= SHOWN:
                    break
                found[key] = [journey]
        return tuple(row for journeys in found.values() if (row := self._row(journeys[::-1])) is not None)

    def story(self, number: int) -> Story | None:
        """The way of the frame with this number, as far as it has got; None for one that is too long ago."""
        key = self._by_number.get(number)
        if key is None:
            return self._stories.get(number)
        story = self._tell(number, self._numbers[key][1])
        if story is not None:
            self._stories[number] = story
            while len(self._stories) > SHOWN:
                self._stories.popitem(last=False)
            return story
        return self._stories.get(number)

    def forget(self) -> None:
        self._numbers.clear()
        self._by_number.clear()
        self._stories.clear()

    def _wanted(self, journey: Journey, visible: Visible) -> bool:
        if visible.routes_of is not None and journey.route not in visible.routes_of:
            return False
        if visible.frames_of is None:
            return True
        source, target = self._ends(journey)
        return source in visible.frames_of or target in visible.frames_of

    def _ends(self, journey: Journey) -> tuple[int | None, int | None]:
        """Numbers of the message that came and of the one that it led to."""
        rule = self._vehicle.gateway.routes[journey.route].rule
        own = journey.frame.header & KEY_MASK
        came = self._traffic.find(rule.source.partition(".")[0], own)
        key = rule.target_key if rule.target_key is not None else own
        went = self._traffic.find(rule.target.partition(".")[0], key)
        return None if came is None else came.about.number, None if went is None else went.about.number

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

    # One frame in full

    def _tell(self, number: int, journeys: Sequence[Journey]) -> Story | None:
        frame = journeys[0].frame
        first = next((noted for noted in self._traffic.backwards() if noted[2] is frame), None)
        if first is None:
            return None
        passing = self._passing(first)
        if passing is None:
            return None
        outs = _outs(journeys, self._traffic.backwards())
        hops = []
        for journey in journeys:
            noted = outs.get(id(journey))
            latency_ns = self._latency(journey)
            out = None if noted is None else self._passing(noted)
            hops.append(StoryHop(journey.route, journey.decision.value, journey.reason, latency_ns, out))
        return Story(number, passing, frame.data, tuple(hops))

    def _latency(self, journey: Journey) -> int:
        lane = getattr(self._vehicle.gateway.routes[journey.route], "lane", None)
        return 0 if lane is None else int(lane.latency_ns)

    def _passing(self, noted: Noted) -> Passing | None:
        end_ns, index, frame, sender, requested_ns, start_ns = noted
        bus = next((bus for bus in self._vehicle.buses.values() if bus.index == index), None)
        entry = None if bus is None else self._traffic.find(bus.name, frame.header)
        if bus is None or entry is None:
            return None
        if start_ns >= end_ns:  # noted without its start
            start_ns = max(0, end_ns - bus.times.duration_ns(frame))
            requested_ns = min(requested_ns, start_ns)
        receivers = tuple(self._receivers(bus.name, entry.about.name, sender.name))
        return Passing(bus.name, entry.about.number, sender.name, requested_ns, start_ns, end_ns, receivers)

    def _receivers(self, bus: str, message: str, sender: str) -> Iterable[str]:
        for name, ecu in self._vehicle.ecus.items():
            port = ecu.ports.get(bus)
            if port is not None and name != sender and message and message in port.rx:
                yield name


def _outs(journeys: Sequence[Journey], backwards: Iterable[Noted]) -> dict[int, Noted]:
    """By identity of the journey: the frame of the gateway that it came onto its other bus with."""
    since_ns = journeys[0].received_ns
    wanted = {id(journey): journey for journey in journeys}
    found: dict[int, Noted] = {}
    for noted in backwards:
        if noted[0] < since_ns:
            break
        frame: Frame = noted[2]
        if isinstance(frame, RoutedFrame):
            for source in frame.sources:
                if id(source) in wanted and noted[0] == source.sent_ns:
                    found[id(source)] = noted
    return found
