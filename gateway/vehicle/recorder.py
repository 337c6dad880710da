"""Records what happens on a vehicle's buses into a file.

Beside each frame stands, as a comment, who sent it and how long it waited for the bus; a frame of the gateway names the
route and the frames that it came from. What routes did not forward, and what went wrong on a bus, are events. The head
of the file tells about the vehicle (`about`). `gateway.explain` reads all of this.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from gateway.can import BusEvent, Controller, Frame
from gateway.routing import Journey
from gateway.sim import Kernel
from gateway.trace import TraceWriter, open_writer
from gateway.vehicle.about import describe
from gateway.vehicle.lin import bus_info, lin_fault
from gateway.vehicle.notes import EventNote, Notes
from gateway.vehicle.vehicle import Vehicle

EventListener = Callable[[BusEvent], object]
_EVERY_NS: Final = 100_000_000
"""Frames are kept in memory for so long at most."""


class Recorder:
    """Writes a vehicle's frames to a file, from `start` to `close`."""

    def __init__(self, vehicle: Vehicle, path: str | Path, seed: int) -> None:
        self._vehicle = vehicle
        self._frames: list[tuple[int, int, Frame, Controller, int, int]] = []
        self._notes = Notes(vehicle)
        self._events: list[EventNote] = []
        infos = [bus_info(bus) for bus in vehicle.buses.values()]
        self._writer: TraceWriter = open_writer(path, infos, describe(vehicle, seed).as_json())
        self.frames = 0
        self._closed = False
        self._listening: list[tuple[list[EventListener], EventListener]] = []

    def start(self) -> None:
        for bus in self._vehicle.buses.values():
            bus.record = self._frames
            listener = partial(self._bus_event, bus.name)
            bus.event_listeners.append(listener)
            self._listening.append((bus.event_listeners, listener))
        self._vehicle.gateway.journeys.on_journey = self._journey
        self._again()

    def close(self) -> None:
        """Write what is still in memory, and end the file. TraceError when it cannot be written."""
        if self._closed:
            return
        self._closed = True
        for bus in self._vehicle.buses.values():
            bus.record = None
        for listeners, listener in self._listening:
            listeners.remove(listener)
        self._vehicle.gateway.journeys.on_journey = None
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
        position = 0
        write = self._writer.write
        for time_ns, bus, frame, sender, requested_ns, start_ns in self._frames:
            while position < len(events) and events[position][0] < time_ns:
                self._writer.write_event(*events[position])
                position += 1
            write(time_ns, bus, frame, self._notes.comment(bus, frame, sender.name, start_ns - requested_ns))
        for event in events[position:]:
            self._writer.write_event(*event)
        self.frames += len(self._frames)
        self._frames.clear()
        events.clear()

    def _journey(self, journey: Journey) -> None:
        note = self._notes.decision(journey, self._vehicle.kernel.now)
        if note is not None:
            self._events.append(note)

    def _bus_event(self, bus: str, event: BusEvent) -> None:
        fault = lin_fault(self._vehicle.buses[bus], event)
        if fault is not None:
            self._frames.append(fault)
        self._events.append(self._notes.bus_event(bus, event))
