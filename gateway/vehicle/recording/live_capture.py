"""What happens in a vehicle as one pcapng stream while it drives: all buses, Ethernet, and what the gateway has to say.

A packet has its sender as a comment, and where it is the gateway's the route and the frame that it came from; what
routes did not forward and what went wrong on a bus are events, as in a recording. Whoever reads slowly loses packets
and is told how many.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from gateway.can import Bus, BusEvent, Controller, Frame
from gateway.ethernet import Segment
from gateway.routing import Journey
from gateway.trace import CaptureWriter, Interface, LinkType, Severity
from gateway.vehicle.assembly.lin import bus_info, lin_fault
from gateway.vehicle.recording.notes import EventNote, Notes
from gateway.vehicle.vehicle import Vehicle

ROOM: Final = 65_536
"""Packets that are kept between two calls of `outgoing`."""


class LiveCapture:
    """A capture for one reader, from its making to `close`. `lost`: packets that had no room.

    `epoch_ns`: nanoseconds since 1970 at the vehicle's time zero; packets have absolute times, as Wireshark shows them.
    """

    def __init__(self, vehicle: Vehicle, epoch_ns: int, room: int = ROOM) -> None:
        self.lost = 0
        self._vehicle = vehicle
        self._epoch_ns = epoch_ns
        self._room = room
        self._held = 0
        self._untold = 0
        self._notes = Notes(vehicle)
        self._buffer = io.BytesIO()
        # Short: dumpcap 4.0 reads a pipe's first block into 2048 bytes, and goes wrong when it is longer.
        comment = f"{vehicle.name[:200]}, live, seed {vehicle.streams.seed}"
        self._writer = CaptureWriter(self._buffer, [bus_info(bus) for bus in vehicle.buses.values()], comment)
        self._ends: list[Callable[[], object]] = []
        for bus in vehicle.buses.values():
            self._listen(bus)
        segment = vehicle.ethernet
        if segment is not None:
            index = self._writer.add_interface(Interface(segment.name, LinkType.ETHERNET, _speed(segment)))
            self._add(segment.listeners, partial(self._ethernet, index))
        self._join_journeys()

    def receive(self, data: bytes) -> None:
        """A reader has nothing to say. Raises ValueError."""
        raise ValueError("a capture takes no input")

    def outgoing(self) -> bytes:
        """All packets since the last time, as whole blocks; with the first, the head of the stream."""
        if self._untold:
            text = f"{self._untold} packets were lost here, because they were not read in time"
            self._writer.write_event(self._now, text, Severity.WARNING)
            self._untold = 0
        self._writer.flush()
        data = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        self._held = 0
        return data

    def close(self) -> None:
        """Listen to nothing any more."""
        for end in self._ends:
            end()
        self._ends.clear()

    @property
    def _now(self) -> int:
        return self._epoch_ns + self._vehicle.kernel.now

    def _listen(self, bus: Bus) -> None:
        self._add(bus.taps, partial(self._frame, bus.index))
        self._add(bus.event_listeners, partial(self._event, bus))
        self._add(bus.power_listeners, self._power)

    def _add(self, listeners: list[Any], listener: Callable[..., object]) -> None:
        listeners.append(listener)
        self._ends.append(partial(listeners.remove, listener))

    def _has_room(self) -> bool:
        if self._held >= self._room:
            self.lost += 1
            self._untold += 1
            return False
        self._held += 1
        return True

    def _frame(self, bus: int, time_ns: int, frame: Frame, sender: Controller) -> None:
        if self._has_room():
            self._writer.write(self._epoch_ns + time_ns, bus, frame, self._notes.comment(bus, frame, sender.name, 0))

    def _ethernet(self, interface: int, time_ns: int, frame: bytes) -> None:
        if self._has_room():
            self._writer.packet(interface, self._epoch_ns + time_ns, frame)

    def _event(self, bus: Bus, event: BusEvent) -> None:
        fault = lin_fault(bus, event)
        if fault is not None:
            time_ns, _, frame, sender, *_ = fault
            self._frame(bus.index, time_ns, frame, sender)
        self._tell(self._notes.bus_event(bus.name, event))

    def _power(self, controller: Controller) -> None:
        if not self._vehicle.stopping:
            self._tell(self._notes.power(controller))

    def _tell(self, note: EventNote | None) -> None:
        if note is not None and self._has_room():
            self._writer.write_event(self._epoch_ns + note.time_ns, note.text, note.severity)

    def _join_journeys(self) -> None:
        """Hear of each journey besides whoever hears of them already: a recording has the same listener."""
        journeys = self._vehicle.gateway.journeys
        before = journeys.on_journey
        heard = [self._journey]

        def tell(journey: Journey) -> None:
            if before is not None:
                before(journey)
            for listener in heard:
                listener(journey)

        def leave() -> None:
            heard.clear()
            if journeys.on_journey is tell:
                journeys.on_journey = before

        journeys.on_journey = tell
        self._ends.append(leave)

    def _journey(self, journey: Journey) -> None:
        self._tell(self._notes.decision(journey, self._vehicle.kernel.now))


def _speed(segment: Segment) -> str:
    return f"Ethernet {segment.bit_rate / 1_000_000:g} Mbit/s"
