"""Records what happens on a vehicle's buses into a file.

Beside each frame stands, as a comment, who sent it and how long it waited for the bus; a frame of the gateway names the
route and the frames that it came from. What routes did not forward, and what went wrong on a bus, are events. The head
of the file tells about the vehicle (`about`). `gateway.explain` reads all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import BusEvent, Controller, Frame
from gateway.routing import Command, Journey, Quality, VssSignal
from gateway.sim import Kernel
from gateway.trace import TraceWriter, open_writer
from gateway.vehicle.assembly.lin import bus_info, lin_fault
from gateway.vehicle.recording.about import describe
from gateway.vehicle.recording.notes import EventNote, Notes
from gateway.vehicle.service_events import ServiceEvent
from gateway.vehicle.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.orchestrator.events import FleetEvent

_EVERY_NS: Final = 100_000_000
"""Frames are kept in memory for so long at most."""


class _QualityWatch:
    """Notes when a signal becomes stale, and when it is good again after that."""

    def __init__(self, events: list[EventNote], kernel: Kernel) -> None:
        self._events = events
        self._kernel = kernel
        self._stale = False

    def __call__(self, signal: VssSignal) -> None:
        stale = signal.datapoint.quality is Quality.STALE
        if stale is not self._stale:
            self._stale = stale
            self._events.append(Notes.quality(signal, self._kernel.now))


class _EthernetFrame(NamedTuple):
    time_ns: int
    segment: str
    data: bytes


def _time(item: EventNote | _EthernetFrame) -> int:
    return item[0]


class Recorder:
    """Writes a vehicle's frames to a file, from `start` to `close`."""

    def __init__(self, vehicle: Vehicle, path: str | Path, seed: int) -> None:
        self._vehicle = vehicle
        self._frames: list[tuple[int, int, Frame, Controller, int, int]] = []
        self._notes = Notes(vehicle)
        self._events: list[EventNote] = []
        self._ethernet: list[_EthernetFrame] = []
        infos = [bus_info(bus) for bus in vehicle.buses.values()]
        self._writer: TraceWriter = open_writer(path, infos, describe(vehicle, seed).as_json())
        self.frames = 0
        self._closed = False
        self._ends: list[Callable[[], object]] = []
        self._failures = 0

    def start(self) -> None:
        for bus in self._vehicle.buses.values():
            bus.record = self._frames
            listener = partial(self._bus_event, bus.name)
            bus.event_listeners.append(listener)
            bus.power_listeners.append(self._power)
            self._ends += [
                partial(bus.event_listeners.remove, listener),
                partial(bus.power_listeners.remove, self._power),
            ]
        self._vehicle.gateway.journeys.on_journey = self._journey
        for signal in self._vehicle.gateway.store:
            if signal.timeout_ns:
                self._ends.append(signal.listen(_QualityWatch(self._events, self._vehicle.kernel)))
        if self._vehicle.vss_to_can is not None:
            self._vehicle.vss_to_can.on_refusal = self._refusal
        listeners = self._vehicle.service_events.listeners
        listeners.append(self._service_event)
        self._ends.append(partial(listeners.remove, self._service_event))
        if self._vehicle.fleet is not None:
            self._vehicle.fleet.listeners.append(self._fleet_event)
            self._ends.append(partial(self._vehicle.fleet.listeners.remove, self._fleet_event))
        if self._vehicle.ethernet is not None:
            self._vehicle.ethernet.listeners.append(self._take_ethernet)
            self._ends.append(partial(self._vehicle.ethernet.listeners.remove, self._take_ethernet))
        self._again()

    @property
    def left_out(self) -> dict[str, int]:
        """Frames that the file's format cannot hold, by reason."""
        return dict(self._writer.frames_left_out)

    def close(self) -> None:
        """Write what is still in memory, and end the file. TraceError when it cannot be written."""
        if self._closed:
            return
        self._closed = True
        for bus in self._vehicle.buses.values():
            bus.record = None
        for end in self._ends:
            end()
        self._vehicle.gateway.journeys.on_journey = None
        if self._vehicle.vss_to_can is not None:
            self._vehicle.vss_to_can.on_refusal = None
        try:
            self._write()
        finally:
            self._writer.close()

    def _again(self) -> None:
        if not self._closed:
            self._write()
            kernel: Kernel = self._vehicle.kernel
            kernel.at(kernel.now + _EVERY_NS, self._again)

    def _write(self) -> None:
        events = self._events
        self._add_failures()
        position = 0
        write = self._writer.write
        sources: tuple[Iterable[EventNote | _EthernetFrame], ...] = (events, self._ethernet)
        others = list(merge(*sources, key=_time))
        for time_ns, bus, frame, sender, requested_ns, start_ns in self._frames:
            while position < len(others) and others[position][0] < time_ns:
                self._write_other(others[position])
                position += 1
            write(time_ns, bus, frame, self._notes.comment(bus, frame, sender.name, start_ns - requested_ns))
        for other in others[position:]:
            self._write_other(other)
        self.frames += len(self._frames)
        self._frames.clear()
        events.clear()
        self._ethernet.clear()

    def _write_other(self, other: EventNote | _EthernetFrame) -> None:
        if isinstance(other, _EthernetFrame):
            self._writer.write_ethernet(*other)
        else:
            self._writer.write_event(*other)

    def _take_ethernet(self, time_ns: int, frame: bytes) -> None:
        assert self._vehicle.ethernet is not None
        self._ethernet.append(_EthernetFrame(time_ns, self._vehicle.ethernet.name, frame))

    def _add_failures(self) -> None:
        failures = self._vehicle.failures
        if len(failures) > self._failures:
            self._events += [self._notes.failure(failure) for failure in failures[self._failures :]]
            self._events.sort(key=lambda event: event.time_ns)
            self._failures = len(failures)

    def _power(self, controller: Controller) -> None:
        if not self._vehicle.stopping:
            self._events.append(self._notes.power(controller))

    def _fleet_event(self, event: FleetEvent) -> None:
        if not self._vehicle.stopping:
            self._events.append(self._notes.fleet_event(event))

    def _service_event(self, event: ServiceEvent) -> None:
        self._events.append(self._notes.service_event(event))

    def _refusal(self, command: Command) -> None:
        self._events.append(self._notes.refusal(command, self._vehicle.kernel.now))

    def _journey(self, journey: Journey) -> None:
        note = self._notes.decision(journey, self._vehicle.kernel.now)
        if note is not None:
            self._events.append(note)

    def _bus_event(self, bus: str, event: BusEvent) -> None:
        fault = lin_fault(self._vehicle.buses[bus], event)
        if fault is not None:
            self._frames.append(fault)
        self._events.append(self._notes.bus_event(bus, event))
