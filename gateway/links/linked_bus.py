"""A bus that is not simulated: who sends when is decided by a kernel or an adapter, and this only takes part.

What an ECU or the gateway sends goes to the link. It is through when the link says so, at the link's time: then the
other participants in this process get it, as they would from a wire, and it is recorded. What others send comes from
the controller that bears the link's name. Frames have no simulated duration, collisions or errors here; what the
interface reports of those are events. The load is computed from the frames' exact lengths at the file's bit rates.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.can.bus import Bus
from gateway.can.controller import TRANSMIT_QUEUE, Controller, Receiver
from gateway.can.disturbance import Disturbance
from gateway.can.events import BusEventKind
from gateway.can.frame import KEY_MASK, Frame
from gateway.can.timing import BitRates
from gateway.links.arrivals import AHEAD_NS, Arrivals
from gateway.links.errors import LinkError
from gateway.links.link import Link
from gateway.sim import NS_PER_S, Kernel

MOST_WANTED: Final = 256
"""Identifiers that an interface is asked to filter; with more of them all frames are taken."""
IN_FLIGHT: Final = 1024
"""Frames that the link has taken and not confirmed; more wait in their controllers."""
_FORGOTTEN_NS: Final = NS_PER_S
"""A frame that the link has taken and not confirmed for so long, while later ones were, will not be."""

Sending = tuple[Frame, Controller, int]
"""A frame, who sends it, and since when it wants to."""


class LinkedBus(Bus):
    """A bus with a link; wall time only. `lost_frames`: frames from outside that nobody here could read in time."""

    def __init__(
        self, kernel: Kernel, name: str, rates: BitRates, link: Link, *, index: int = 0, fd: bool = False
    ) -> None:
        super().__init__(kernel, name, rates, index=index, fd=fd)
        self.link: Final = link
        self.lost_frames: int = 0
        self.unconfirmed: int = 0
        """Frames that the link has taken and never confirmed."""
        self.filtered: bool = False
        """Only the frames that somebody here wants are taken."""
        self._wanted: set[int] = set()
        self._up: bool = False
        self._all_take_part: bool = True
        self._waiting: deque[Sending] = deque()
        self._in_flight: deque[Sending] = deque()
        self._arrivals: Final = Arrivals(kernel)
        self.outside: Final = self.attach(link.name)

    @property
    def is_up(self) -> bool:
        """The link works, as far as it knows."""
        return self._up

    def open(self) -> None:
        """Let the link begin. LinkError with the reason when it cannot."""
        self._up = True
        self.link.open(self)

    def drain(self) -> int:
        """Take some of what the link has got already, and what waits for its time; how many frames that was."""
        count = max(self.link.drain(), len(self._arrivals))
        self._arrivals.flush()
        return count

    def close(self) -> None:
        self.link.close()
        self._up = False

    def take_wanted_only(self) -> None:
        """Leave in the kernel what nobody here receives; the load is then that of the frames that were taken."""
        self.filtered = self.record is None
        self._wanted = set(self._subscribers)
        self._filter()

    def subscribe(self, controller: Controller, key: int, receiver: Receiver) -> None:
        super().subscribe(controller, key, receiver)
        if self.filtered and key not in self._wanted:
            self._want(key)

    def subscribe_all(self, controller: Controller, receiver: Receiver) -> None:
        super().subscribe_all(controller, receiver)
        if self.filtered:
            self._filter()

    def _want(self, key: int) -> None:
        self._wanted.add(key)
        self._filter()

    def _filter(self) -> None:
        if self._subscribers_of_all or len(self._wanted) > MOST_WANTED:
            self.filtered = False
        self.link.want(frozenset(self._wanted) if self.filtered else None)

    # What a simulated bus decides itself

    def assess(self) -> None:
        self._all_take_part = all(controller.takes_part for controller in self.controllers)

    def disturb(self, disturbance: Disturbance) -> None:
        raise LinkError(f"bus {self.name} is linked to {self.link.name}: a real bus cannot be disturbed from here")

    def inject(self, controller: Controller, frame: Frame) -> None:
        """On a real bus a frame from elsewhere has to be sent like any other."""
        self.send(controller, frame)

    @property
    def busy_so_far_ns(self) -> int:
        return self.busy_ns

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    # Out

    def send(self, controller: Controller, frame: Frame) -> bool:
        """Hand a frame to the link, or keep it until the link takes it. False when refused, which is counted."""
        if not controller.takes_part:
            return self._refuse(controller, frame, f"the controller is {controller.state.value}")
        if not self._up:
            return self._refuse(controller, frame, f"{self.link.name} is down")
        if self.filtered and frame.header & KEY_MASK not in self._wanted:
            self._want(frame.header & KEY_MASK)  # what is filtered out is not confirmed either
        sending = (frame, controller, self.kernel.now)
        if not self._waiting and self._hand_over(sending):
            return True
        if controller.queued >= TRANSMIT_QUEUE:
            return self._refuse(controller, frame, f"{TRANSMIT_QUEUE} frames wait already")
        controller.queued += 1
        self._waiting.append(sending)
        return True

    def request(self, controller: Controller, frame: Frame) -> bool:
        return self.send(controller, frame)

    def _hand_over(self, sending: Sending) -> bool:
        if len(self._in_flight) >= IN_FLIGHT or not self.link.send(sending[0]):
            return False
        self._in_flight.append(sending)
        return True

    def remove_queued(self, controller: Controller) -> None:
        """Forget what a controller has queued; what the link has taken already goes out."""
        lost = [sending[0] for sending in self._waiting if sending[1] is controller]
        self._waiting = deque(sending for sending in self._waiting if sending[1] is not controller)
        controller.queued -= len(lost)
        for frame in lost:
            controller.lose(frame)

    # From the link

    def received(self, frame: Frame, time_ns: int) -> None:
        if self._arrivals or time_ns > self.kernel.now + AHEAD_NS:
            self._arrivals.add(frame, time_ns, self._receive)
        else:
            self._receive(frame, time_ns)

    def _receive(self, frame: Frame, time_ns: int) -> None:
        self._distribute(frame, self.outside)
        # What it has led to at once (a route without latency) goes out now: counting can wait, and so can the next one.
        self.kernel.run(self.kernel.now)
        duration_ns = self._duration_ns(frame)
        start_ns = time_ns - duration_ns
        self.busy_ns += duration_ns
        self._pass(frame, self.outside, start_ns, start_ns, time_ns)

    def confirmed(self, frame: Frame, time_ns: int) -> None:
        if self._arrivals:
            self._arrivals.add(frame, time_ns, self._confirm)
        else:
            self._confirm(frame, min(time_ns, self.kernel.now))  # when we are late, our own frames are not later still

    def _confirm(self, frame: Frame, time_ns: int) -> None:
        sending = self._take(frame)
        if sending is None:
            self._receive(frame, time_ns)  # given up before: told as lost or unconfirmed
            return
        if self._waiting:
            self.ready()
        ours, controller, requested_ns = sending
        duration_ns = self._duration_ns(ours)
        start_ns = max(requested_ns, time_ns - duration_ns)
        self.busy_ns += duration_ns
        self._pass(ours, controller, requested_ns, start_ns, time_ns)
        if controller.on_sent is not None:
            controller.on_sent(ours, requested_ns, start_ns)
        self._distribute(ours, controller)

    def rejected(self, frame: Frame, reason: str) -> None:
        sending = self._take(frame)
        if sending is not None:
            self._lose(sending)
            self.tell(BusEventKind.REFUSED, sending[1], sending[0], reason)

    def ready(self) -> None:
        while self._waiting and self._hand_over(self._waiting[0]):
            self._waiting.popleft()[1].queued -= 1

    def lost(self, frames: int) -> None:
        self.lost_frames += frames
        self.tell(BusEventKind.LINK_LOST, self.outside, None, f"{frames} frames came faster than they were read")
        self.kernel.after(_FORGOTTEN_NS, self._give_up)  # what confirms our own frames may be among them

    def trouble(self, kind: BusEventKind, text: str) -> None:
        if kind is BusEventKind.ERROR or kind is BusEventKind.NO_ACK:
            self.errors += 1
        self.tell(kind, self.outside, None, text)

    def down(self, reason: str) -> None:
        self._up = False
        lost = [*self._in_flight, *self._waiting]
        for sending in self._waiting:
            sending[1].queued -= 1
        self._in_flight.clear()
        self._waiting.clear()
        self.tell(BusEventKind.LINK_DOWN, self.outside, None, reason)
        for sending in lost:
            self._lose(sending)

    def up(self) -> None:
        self._up = True
        self.tell(BusEventKind.LINK_UP, self.outside, None, f"{self.link.name} is back")

    # Frames that are through

    def _pass(self, frame: Frame, sender: Controller, requested_ns: int, start_ns: int, time_ns: int) -> None:
        """Count and record."""
        self.frames += 1
        sender.sent += 1
        self.busy_ns += self._ifs_ns
        if self.record is not None:
            self.record.append((time_ns, self.index, frame, sender, requested_ns, start_ns))
        if self.taps:
            self.tap(time_ns, frame, sender)

    def _distribute(self, frame: Frame, sender: Controller) -> None:
        if self._all_take_part:
            self._deliver(frame, sender)
            return
        for controller, receiver in self.subscribers(frame):
            if controller is not sender and controller.takes_part:
                receiver(frame)

    def _take(self, frame: Frame) -> Sending | None:
        """Take a frame that the link is through with out of those in flight; an adapter may reorder them."""
        in_flight = self._in_flight
        key = frame.header & KEY_MASK
        for position, sending in enumerate(in_flight):
            if sending[0].header & KEY_MASK == key and sending[0].data == frame.data:
                del in_flight[position]
                if position:
                    self._give_up()
                return sending
        return None

    def _give_up(self) -> None:
        """Forget frames whose confirmation is overdue."""
        late = self.kernel.now - _FORGOTTEN_NS
        while self._in_flight and self._in_flight[0][2] < late:
            self.unconfirmed += 1
            self._lose(self._in_flight.popleft())

    def _lose(self, sending: Sending) -> None:
        frame, controller, _ = sending
        controller.lose(frame)
