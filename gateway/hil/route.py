"""A route of the gateway under test: `vehicle.route("chassis.CrashStatus -> body")`."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Final

from gateway.errors import nearest
from gateway.hil.arguments import period
from gateway.hil.errors import HilError
from gateway.hil.expectation import Expectation, T
from gateway.hil.story import frame_text, journey_text, route_line, seconds
from gateway.routing import Decision, Journey, Route, RouteCounts
from gateway.sim import duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_SHOWN: Final = 8


class RouteUnderTest:
    """One route, and what it makes of the frames that it receives."""

    def __init__(self, vehicle: VehicleUnderTest, route: Route) -> None:
        self.route: Final = route
        self.name: Final = str(route.rule)
        self._vehicle = vehicle

    @property
    def counts(self) -> RouteCounts:
        """received = forwarded + filtered + dropped, by reason, as they are now: a value, which stays as it is."""
        return deepcopy(self.route.counts)

    @property
    def last(self) -> Journey | None:
        """The latest decision."""
        return self.route.last

    def expect_forwarded(self, *, within: str) -> Expectation[Journey]:
        """The route forwards something."""
        return self._decides(Decision.FORWARDED, None, within)

    def expect_filtered(self, reason: str | None = None, *, within: str) -> Expectation[Journey]:
        """The route leaves something out as its rule says: `condition not met`, `rate limit`, `unchanged`."""
        return self._decides(Decision.FILTERED, reason, within)

    def expect_dropped(self, reason: str | None = None, *, within: str) -> Expectation[Journey]:
        """The route loses something against its purpose: `queue full`, `value out of range` and so on."""
        return self._decides(Decision.DROPPED, reason, within)

    def expect_no_drop(self, *, during: str) -> Expectation[None]:
        """The route loses nothing."""
        return NoDrop(self._vehicle, self.route, f"{self.name} drops nothing during {during}", period(during, "during"))

    def _decides(self, decision: Decision, reason: str | None, within: str) -> Expectation[Journey]:
        why = f" ({reason})" if reason else ""
        text = f"{self.name}: something is {decision.value}{why} within {within}"
        return Decides(self._vehicle, self.route, text, period(within, "within"), (decision, reason))

    def __repr__(self) -> str:
        return f"<route {self.name}>"


class RouteExpectation(Expectation[T]):
    """Watches the decisions of one route."""

    def __init__(self, vehicle: VehicleUnderTest, route: Route, text: str, within_ns: int) -> None:
        super().__init__(vehicle, text, within_ns)
        self.route: Final = route
        self.seen: list[Journey] = []
        self.on_end(vehicle.history.tap_journeys(self._decided))

    def _decided(self, journey: Journey) -> None:
        if journey.route == self.route.rule.index:
            self.seen.append(journey)
            self.look(journey)

    def look(self, journey: Journey) -> None:
        """Judge a decision."""
        raise NotImplementedError

    def story(self) -> list[str]:
        if not self.seen:
            return [route_line(self.route, self.created_ns)]
        bus = self.route.rule.source.partition(".")[0]
        lines = [
            f"  {frame_text(self.vehicle, bus, journey.frame)} {journey_text(journey)}"
            for journey in self.seen[-_SHOWN:]
        ]
        counts = self.route.counts
        reasons = [
            f"{count} {word}: {reason}"
            for word, by_reason in (("filtered", counts.filtered), ("dropped", counts.dropped))
            for reason, count in by_reason.items()
        ]
        times = "once" if len(self.seen) == 1 else f"{len(self.seen)} times"
        return [
            f"{self.route.rule} decided {times} since {seconds(self.created_ns)}, at last:",
            *lines,
            f"in all: {', '.join([f'{counts.received} received', f'{counts.forwarded} forwarded', *reasons])}",
        ]


class Decides(RouteExpectation[Journey]):
    """The route makes a certain decision."""

    def __init__(
        self, vehicle: VehicleUnderTest, route: Route, text: str, within_ns: int, wanted: tuple[Decision, str | None]
    ) -> None:
        self._decision, self._reason = wanted
        super().__init__(vehicle, route, text, within_ns)

    def look(self, journey: Journey) -> None:
        if journey.decision is self._decision and self._reason in {None, journey.reason}:
            self.fulfil(journey)


class NoDrop(RouteExpectation[None]):
    """The route drops nothing."""

    def look(self, journey: Journey) -> None:
        if journey.decision is Decision.DROPPED:
            after = duration_text(self.vehicle.now_ns - self.created_ns)
            self.break_(f"dropped after {after}: {journey.reason}")

    def expired(self) -> None:
        self.fulfil(None)


def find_route(routes: list[Route], name: str) -> Route:
    """A route by `r3`, or by both ends: `chassis.CrashStatus -> body`. HilError with the nearest."""
    wanted = " ".join(name.replace("->", " -> ").split())
    for route in routes:
        if wanted in {route.rule.name, f"{route.rule.source} -> {route.rule.target}", str(route.rule)}:
            return route
    ends = [f"{route.rule.source} -> {route.rule.target}" for route in routes]
    near = nearest(wanted, ends) or f" (there are r1 to r{len(routes)})" if routes else ""
    raise HilError(f"there is no route {name!r}{near}")
