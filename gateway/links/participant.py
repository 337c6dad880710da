"""A program outside as a participant of a simulated bus: a controller of its own, like any ECU's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.can import Bus, BusEvent, Controller, ControllerState, Frame
from gateway.can.controller import TRANSMIT_QUEUE
from gateway.links.error_frames import error_frame
from gateway.sim import NS_PER_S

_LINGER_NS: Final = NS_PER_S
"""What a participant that leaves has handed over may still be sent for so long."""

Hear = Callable[[Frame], object]


def free_name(bus: Bus, wanted: str) -> str:
    """`wanted-N` with the first N that nobody on the bus has."""
    taken = {controller.name for controller in bus.controllers}
    number = 1
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


class Participant:
    """One program on one bus.

    `hear` is called with each frame of others, and with error frames, at the time they end; `echo` with its own frames
    when they are through; `changed` when its controller's error state is another; `room_again` when `room` has come
    back. `not_sent` counts frames that were taken or refused and did not get onto the bus.
    """

    def __init__(
        self,
        bus: Bus,
        name: str,
        hear: Hear,
        *,
        echo: Hear | None = None,
        changed: Callable[[], object] | None = None,
        room_again: Callable[[], object] | None = None,
    ) -> None:
        self.bus: Final = bus
        self.controller: Final[Controller] = bus.attach(free_name(bus, name))
        self.not_sent = 0
        self._hear = hear
        self._echo = echo
        self._changed = changed
        self._room_again = room_again
        self._state = self.controller.state
        self._open = 0
        self._waited = False
        self._left = False
        self.controller.on_sent = self._sent
        self.controller.on_lost = self._lost
        self.controller.receive_all(self._received)
        bus.event_listeners.append(self._event)

    @property
    def room(self) -> bool:
        """Whether the controller takes a frame now; if not, `room_again` is called when it does."""
        free = self.controller.takes_part and self.controller.queued < TRANSMIT_QUEUE
        self._waited = not free
        return free

    def send(self, frame: Frame) -> bool:
        """Hand a frame to the controller; False when it did not take it."""
        self._open += 1
        taken = self.controller.send(frame)
        if not taken:
            self._open -= 1
            self.not_sent += 1
        return taken

    def leave(self) -> None:
        """Hear nothing any more, and leave the bus when all that was handed over is sent."""
        if self._left:
            return
        self._left = True
        self._hear = _deaf
        self._echo = self._changed = self._room_again = None
        self.bus.kernel.after(_LINGER_NS, self._detach)
        self._go()

    def _go(self) -> None:
        if self._left and self._open <= 0:
            # Not now: the bus may be in the middle of telling everyone about a frame.
            self.bus.kernel.after(0, self._detach)

    def _detach(self) -> None:
        if self.controller in self.bus.controllers:
            self.bus.event_listeners.remove(self._event)
            self.bus.detach(self.controller)

    def _received(self, frame: Frame) -> None:
        self._look()
        self._hear(frame)

    def _sent(self, frame: Frame, _requested_ns: int, _start_ns: int) -> None:
        self._open -= 1
        self._look()
        if self._echo is not None:
            self._echo(frame)
        self._done()

    def _lost(self, _frame: Frame) -> None:
        self._open -= 1
        self.not_sent += 1
        self._done()

    def _done(self) -> None:
        if self._left:
            self._go()
        elif self._waited and self._room_again is not None and self.room:
            self._room_again()

    def _event(self, event: BusEvent) -> None:
        frame = error_frame(event, self.controller)
        if frame is not None:
            self._look()
            self._hear(frame)
        if self._waited and self._room_again is not None and self.room:
            self._room_again()

    def _look(self) -> None:
        state: ControllerState = self.controller.state
        if state is not self._state:
            self._state = state
            if self._changed is not None:
                self._changed()


def _deaf(_frame: Frame) -> None:
    """Hears nothing."""
