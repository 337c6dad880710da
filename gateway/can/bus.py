"""The bus: arbitration, exact times, errors (ISO 11898-1).

One frame is in flight at a time. When the bus becomes idle, the lowest identifier among all that wait wins. A frame
that has been chosen but has not begun (its start of frame is still ahead, or is this very instant) can be displaced by
a better one: so everything that is requested in the same instant, or within the intermission, competes, in whatever
order the requests come.

A bus is calm while nothing is wrong: no disturbance on it, no error counter above zero, no controller off, at least two
of them. Then the next end of frame is known at its start. Otherwise `errors` decides how a frame ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

from gateway.can import errors
from gateway.can.bits import priority
from gateway.can.controller import TRANSMIT_QUEUE, Controller, Receiver
from gateway.can.disturbance import Disturbance
from gateway.can.events import BusEvent, BusEventKind
from gateway.can.frame import BRS, FD, KEY_MASK, Frame
from gateway.can.timing import BitRates, FrameTimes
from gateway.sim import Kernel

_KEPT_EVENTS: Final = 1000
_REMEMBERED_PRIORITIES: Final = 10_000
_BASE_FORMAT: Final = 0x800
"""Headers below are plain data frames with 11 bits: their identifier alone is their rank."""


Waiting = tuple[int, int, Frame, Controller, int]
"""Rank in arbitration, order of request, frame, sender, time of request."""


class Bus:
    """A CAN or CAN FD bus with exact times.

    `frames`, `errors`: good frames and error frames so far; `busy_ns`: time taken by both, intermission included.
    """

    def __init__(self, kernel: Kernel, name: str, rates: BitRates, *, index: int = 0, fd: bool = False) -> None:
        self.kernel: Final = kernel
        self.name: Final = name
        self.index: int = index
        self.rates: Final = rates
        self.fd: Final = fd
        self.polled: bool = False
        """Nobody sends by itself here: the bus asks for frames when their time has come (LIN)."""
        self.times: Final = FrameTimes(rates)
        self.controllers: list[Controller] = []
        self.disturbances: list[Disturbance] = []
        self.events: deque[BusEvent] = deque(maxlen=_KEPT_EVENTS)
        self.event_listeners: list[Callable[[BusEvent], object]] = []
        """Called with each event, besides keeping it in `events`."""
        self.power_listeners: list[Callable[[Controller], object]] = []
        """Called with each controller that is switched off, or on again."""
        self.event_counts: dict[BusEventKind, int] = {}
        self.record: list[tuple[int, int, Frame, Controller, int, int]] | None = None
        """Where each good frame is noted, in the order of `Passage`'s fields."""
        self.taps: list[Callable[[int, Frame, Controller], object]] = []
        """Called with (end of frame, frame, sender) for each good frame: test instruments, which take no part."""
        self.tapped_requested_ns: int = 0
        self.tapped_start_ns: int = 0
        """Of the frame that taps are told of, its request and its start; both 0 where frames do not wait (LIN)."""
        self.frames: int = 0
        self.errors: int = 0
        self.busy_ns: int = 0
        self._calm: bool = False
        self._subscribers: dict[int, list[tuple[Controller, Receiver]]] = {}
        self._subscribers_of_all: list[tuple[Controller, Receiver]] = []
        self._priorities: dict[int, int] = {}
        self._queue: list[Waiting] = []
        self._requests: int = 0
        self._idle_ns: int = 0
        self._ifs_ns: Final = self.times.intermission_ns
        self._frame: Frame | None = None
        self._sender: Controller | None = None
        self._requested_ns: int = 0
        self._start_ns: int = 0
        self._end_ns: int = 0
        self._outcome: errors.Outcome | None = None
        # Bound once: a method that is looked up for each frame costs as much as a frame's arithmetic.
        self._ended: Final = self._end
        self._duration_ns: Final = self.times.duration_ns

    def attach(self, name: str) -> Controller:
        """A new participant called `name`."""
        controller = Controller(self, name)
        self.controllers.append(controller)
        self.assess()
        return controller

    def detach(self, controller: Controller) -> None:
        """Take a participant off the bus for good: what it has queued is lost, and it hears nothing any more."""
        controller.switch_off()
        self.controllers.remove(controller)
        for key, subscribers in list(self._subscribers.items()):
            self._subscribers[key] = [entry for entry in subscribers if entry[0] is not controller]
            if not self._subscribers[key]:
                del self._subscribers[key]
        self._subscribers_of_all = [entry for entry in self._subscribers_of_all if entry[0] is not controller]
        self.assess()

    def subscribe(self, controller: Controller, key: int, receiver: Receiver) -> None:
        self._subscribers.setdefault(key, []).append((controller, receiver))

    def subscribe_all(self, controller: Controller, receiver: Receiver) -> None:
        self._subscribers_of_all.append((controller, receiver))

    def disturb(self, disturbance: Disturbance) -> None:
        self.disturbances.append(disturbance)
        self.assess()

    def undisturb(self, disturbance: Disturbance) -> None:
        self.disturbances.remove(disturbance)
        self.assess()

    def recover(self, controller: Controller) -> None:
        errors.recover(self, controller)

    def assess(self) -> None:
        """Find out whether the bus is calm; to be called when anything that decides it has changed."""
        participants = 0
        counters = 0
        for controller in self.controllers:
            if controller.takes_part:
                participants += 1
            counters += controller.tec + controller.rec
        all_there = participants == len(self.controllers)
        self._calm = participants >= 2 and all_there and counters == 0 and not self.disturbances

    @property
    def load(self) -> float:
        """Share of the time so far that the bus was taken, 0 to 1."""
        return self.busy_so_far_ns / self.kernel.now if self.kernel.now else 0.0

    @property
    def busy_so_far_ns(self) -> int:
        """As `busy_ns`, to this very moment: with the frame in flight, without an intermission that is still ahead."""
        now = self.kernel.now
        if self._frame is not None and self._start_ns < now:
            return self.busy_ns + now - self._start_ns
        return self.busy_ns - max(0, self._idle_ns - now)

    @property
    def waiting(self) -> int:
        """Frames that wait for the bus."""
        return len(self._queue)

    # Sending

    def send(self, controller: Controller, frame: Frame) -> bool:
        """Take a frame for sending. False when it was refused, which is counted and told."""
        if self._frame is None and self._calm:
            # As `_next`, in place: many frames of most vehicles find the bus idle.
            kernel = self.kernel
            now = kernel.now
            start = now if now > self._idle_ns else self._idle_ns
            self._end_ns = end = start + self._duration_ns(frame)
            self._frame = frame
            self._sender = controller
            self._requested_ns = now
            self._start_ns = start
            kernel.at(end, self._ended)
            return True
        if not self._calm:
            if not controller.takes_part:
                return self._refuse(controller, frame, f"the controller is {controller.state.value}")
            if self.disturbances:
                return errors.disturbed_request(self, controller, frame)
        return self.request(controller, frame)

    def request(self, controller: Controller, frame: Frame) -> bool:
        """As `send`, past the disturbances."""
        if controller.queued >= TRANSMIT_QUEUE:
            return self._refuse(controller, frame, f"{TRANSMIT_QUEUE} frames wait already")
        now = self.kernel.now
        start = now if now > self._idle_ns else self._idle_ns
        header = frame.header
        rank = header << 21 if header < _BASE_FORMAT else self._rank(header)
        self._requests += 1
        controller.queued += 1
        heappush(self._queue, (rank, self._requests, frame, controller, now))
        if self._frame is None:
            self._next(start)
        elif start <= self._start_ns:
            self._compete(start, rank, controller)
        return True

    def _refuse(self, controller: Controller, frame: Frame, reason: str) -> bool:
        controller.refused += 1
        self.tell(BusEventKind.REFUSED, controller, frame, reason)
        return False

    def _rank(self, header: int) -> int:
        rank = self._priorities.get(header)
        if rank is None:
            if len(self._priorities) > _REMEMBERED_PRIORITIES:
                self._priorities.clear()
            rank = self._priorities[header] = priority(header)
        return rank

    def _compete(self, start: int, rank: int, rival: Controller) -> None:
        """Let a new request of `rival` compete with the chosen frame, which has not begun."""
        frame, controller = self._frame, self._sender
        assert frame is not None and controller is not None
        chosen = self._rank(frame.header)
        if start == self._start_ns and (rank > chosen or (rank == chosen and rival is controller)):
            return
        self.put_back(controller, frame, self._requested_ns)
        self._outcome = None
        self._next(start)

    def _next(self, start: int) -> None:
        """Choose the winner among all that wait."""
        queue = self._queue
        if self._calm:
            entry = heappop(queue)
            if not queue or queue[0][0] != entry[0] or not self._contended(entry):
                frame = entry[2]
                entry[3].queued -= 1
                self._frame = frame
                self._sender = entry[3]
                self._requested_ns = entry[4]
                self._start_ns = start
                self._end_ns = end = start + self._duration_ns(frame)
                self.kernel.at(end, self._ended)
                return
            heappush(queue, entry)
        entry, start = errors.choose(queue, start)
        entry[3].queued -= 1
        self._begin_checked(entry, start)

    def _contended(self, chosen: Waiting) -> bool:
        """Whether another controller waits with the identifier of the chosen frame."""
        return any(entry[0] == chosen[0] and entry[3] is not chosen[3] for entry in self._queue)

    def _begin_checked(self, entry: Waiting, start: int) -> None:
        """Begin a frame on a bus where something may go wrong with it."""
        _, _, frame, controller, requested_ns = entry
        self._frame = frame
        self._sender = controller
        self._requested_ns = requested_ns
        self._start_ns = start
        self._outcome = errors.outcome(self, controller, frame, start)
        self._end_ns = self._outcome.end_ns
        self.kernel.at(self._end_ns, self._ended)

    # The end of a frame

    def _end(self) -> None:
        now = self.kernel.now
        frame, sender = self._frame, self._sender
        if now != self._end_ns or frame is None or sender is None:
            return  # of a frame that was displaced before it began
        requested_ns, start = self._requested_ns, self._start_ns
        good = True
        outcome = self._outcome
        if outcome is not None:
            # What is requested meanwhile (an event may be answered by a frame) waits, because a frame is still there.
            good = errors.settle(self, outcome, frame, sender, requested_ns)
            self._outcome = None
        idle = now + self._ifs_ns
        self._idle_ns = idle
        self.busy_ns += idle - start
        self._frame = None
        if self._queue:
            self._next(idle)
        if good:
            self.frames += 1
            sender.sent += 1
            if self.record is not None:
                self.record.append((now, self.index, frame, sender, requested_ns, start))
            if self.taps:
                self.tapped_requested_ns, self.tapped_start_ns = requested_ns, start
                self.tap(now, frame, sender)
            if sender.on_sent is not None:
                sender.on_sent(frame, requested_ns, start)
            if self._calm and outcome is None:
                self._deliver(frame, sender)
            else:
                errors.deliver_disturbed(self, frame, sender, outcome)

    def inject(self, controller: Controller, frame: Frame) -> None:
        """Deliver a frame that was on a real wire and ends this moment, as a recording or an interface has it.

        It has won its arbitration already: it is not delayed, and nothing that is simulated collides with it. It takes
        its exact length of the bus's time, and what is sent next waits for its intermission.
        """
        now = self.kernel.now
        start = max(0, now - self._duration_ns(frame))
        idle = now + self._ifs_ns
        self.busy_ns += idle - start
        if self._frame is None:
            self._idle_ns = idle
        self.frames += 1
        controller.sent += 1
        if self.record is not None:
            self.record.append((now, self.index, frame, controller, start, start))
        if self.taps:
            self.tapped_requested_ns = self.tapped_start_ns = start
            self.tap(now, frame, controller)
        if self._calm:
            self._deliver(frame, controller)
        else:
            errors.deliver_disturbed(self, frame, controller, None)

    def _deliver(self, frame: Frame, sender: Controller) -> None:
        subscribers = self._subscribers.get(frame.header & KEY_MASK)
        if subscribers is not None:
            for controller, receiver in subscribers:
                if controller is not sender:
                    receiver(frame)
        if self._subscribers_of_all:
            for controller, receiver in self._subscribers_of_all:
                if controller is not sender:
                    receiver(frame)

    def tap(self, time_ns: int, frame: Frame, sender: Controller) -> None:
        """Tell those who only look on."""
        for tap in tuple(self.taps):
            tap(time_ns, frame, sender)

    # For the other files of this room

    def subscribers(self, frame: Frame) -> list[tuple[Controller, Receiver]]:
        return [*self._subscribers.get(frame.header & KEY_MASK, []), *self._subscribers_of_all]

    def twins(self, controller: Controller, frame: Frame, start_ns: int) -> list[tuple[Controller, Frame]]:
        """What other controllers send at `start_ns` with the identifier of `frame`: the first such frame of each."""
        rank = self._rank(frame.header)
        firsts: dict[int, tuple[Controller, Frame]] = {}
        for entry in sorted(entry for entry in self._queue if entry[0] == rank):
            if entry[3] is not controller and entry[3].suspended_until_ns <= start_ns:
                firsts.setdefault(id(entry[3]), (entry[3], entry[2]))
        return list(firsts.values())

    def put_back(self, controller: Controller, frame: Frame, requested_ns: int) -> None:
        """Queue a frame again that did not get through, before its sender's later frames of the same identifier."""
        controller.queued += 1
        self._requests += 1
        heappush(self._queue, (self._rank(frame.header), -self._requests, frame, controller, requested_ns))

    def remove_queued(self, controller: Controller) -> None:
        """Forget what a controller has queued; a frame in flight is cut off when it has not begun."""
        lost = [entry[2] for entry in sorted(self._queue) if entry[3] is controller]
        self._queue = [entry for entry in self._queue if entry[3] is not controller]
        heapify(self._queue)
        controller.queued = 0
        if self._sender is controller and self._frame is not None and self._start_ns >= self.kernel.now:
            lost.insert(0, self._frame)
            self._frame = None
            self._outcome = None
            if self._queue:
                self._next(max(self.kernel.now, self._idle_ns))
        for frame in lost:
            controller.lose(frame)

    def twin_sent(self, controller: Controller, frame: Frame) -> None:
        """Take a waiting frame out of the queue, because it went out together with another's equal one."""
        for position, entry in enumerate(self._queue):
            if entry[3] is controller and entry[2] is frame:
                del self._queue[position]
                heapify(self._queue)
                controller.queued -= 1
                controller.sent += 1
                if controller.on_sent is not None:
                    controller.on_sent(frame, entry[4], self._start_ns)
                return

    def tell(self, kind: BusEventKind, controller: Controller, frame: Frame | None, text: str) -> None:
        self.event_counts[kind] = self.event_counts.get(kind, 0) + 1
        event = BusEvent(self.kernel.now, kind, controller.name, frame, text)
        self.events.append(event)
        for listener in tuple(self.event_listeners):
            listener(event)

    def accepts(self, frame: Frame) -> bool:
        """Whether this bus has the format of `frame`: CAN FD frames need a CAN FD bus."""
        return self.fd or frame.header & (FD | BRS) == 0
