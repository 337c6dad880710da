"""What a recording says beside its frames: who sent one, what it came from, what routes and buses had to tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import BusEvent, Controller, Frame
from gateway.ecu import Failure
from gateway.routing import Command, Decision, Journey, Quality, RoutedFrame, VssSignal
from gateway.sim import NS_PER_S
from gateway.trace import Severity
from gateway.vehicle.service_events import ServiceEvent
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.orchestrator.events import FleetEvent


class EventNote(NamedTuple):
    """An event as a recording has it."""

    time_ns: int
    text: str
    severity: Severity


class Notes:
    """Writes the notes of one vehicle. `gateway.explain` reads them."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._routes: Final = vehicle.gateway.routes
        self._units: Final = vehicle.units
        self._bit_ns: Final = [bus.rates.duration_ns(1) for bus in vehicle.buses.values()]

    def comment(self, bus: int, frame: Frame, sender: str, waited_ns: int) -> str:
        """Beside a frame: its sender, how long it waited for the bus, and the frames that a gateway's came from."""
        text = sender
        if waited_ns >= self._bit_ns[bus]:
            text = f"{sender}, waited {waited_ns / 1000:.3f} us"
        if isinstance(frame, RoutedFrame):
            sources = "; ".join(self._source(journey) for journey in frame.sources)
            text = f"{text}; {sources}" if sources else text
        return text

    def _source(self, journey: Journey) -> str:
        rule = self._routes[journey.route].rule
        return f"{rule.name} from {rule.source} at {journey.received_ns / NS_PER_S:.9f}"

    def decision(self, journey: Journey, now_ns: int) -> EventNote | None:
        """What a route did not forward, told at `now_ns`; None for what it did."""
        if journey.decision is Decision.FORWARDED:
            return None
        rule = self._routes[journey.route].rule
        severity = Severity.INFO if journey.decision is Decision.FILTERED else Severity.WARNING
        # What was forwarded and is lost later says when it came; the rest came now.
        late = "" if journey.received_ns == now_ns else f" received at {journey.received_ns / NS_PER_S:.9f}"
        text = f"{rule} {journey.decision.value}: {journey.reason}; {journey.frame}{late}"
        return EventNote(now_ns, text, severity)

    def power(self, controller: Controller) -> EventNote:
        """A controller that has been switched off or on, and the unit that runs its ECU, where one does."""
        unit = self._units.get(controller.name)
        has = "has power" if controller.takes_part else "has no power"
        by = f"; it is run by unit {unit}" if unit else ""
        state = "on" if controller.takes_part else "off"
        text = f"{controller.bus.name}: {state}: {controller.name}: it {has}{by}"
        return EventNote(controller.switched_ns, text, Severity.NOTICE)

    @staticmethod
    def failure(failure: Failure) -> EventNote:
        """An ECU whose behaviour has raised an error."""
        place = f"{Path(failure.file).name}:{failure.line}"
        return EventNote(failure.time_ns, f"{failure.ecu}: failed: {place}: {failure.error}", Severity.ERROR)

    @staticmethod
    def quality(signal: VssSignal, now_ns: int) -> EventNote:
        """A signal that has become stale, or good again."""
        severity = Severity.WARNING if signal.datapoint.quality is Quality.STALE else Severity.NOTICE
        return EventNote(now_ns, f"{signal.path}: {signal.datapoint.quality.value}", severity)

    @staticmethod
    def fleet_event(event: FleetEvent) -> EventNote:
        """A node, a unit or a migration that is in another state."""
        return EventNote(event.time_ns, str(event), Severity.ERROR if event.bad else Severity.NOTICE)

    @staticmethod
    def refusal(command: Command, now_ns: int) -> EventNote:
        """A target value that could not be sent."""
        return EventNote(now_ns, f"{command.rule.leaf.path}: target refused: {command.last_refusal}", Severity.WARNING)

    @staticmethod
    def service_event(event: ServiceEvent) -> EventNote:
        """A request that the service bus refused, or a value that its policy held back."""
        what = "request refused" if event.refused else "held back"
        text = f"{event.path}: {what}: {event.by}: {event.why}"
        return EventNote(event.time_ns, text, Severity.WARNING if event.refused else Severity.INFO)

    @staticmethod
    def bus_event(bus: str, event: BusEvent) -> EventNote:
        frame = f" {event.frame}" if event.frame is not None else ""
        text = f"{bus}: {event.kind.value}: {event.controller}{frame}: {event.text}"
        return EventNote(event.time_ns, text, Severity.WARNING)
