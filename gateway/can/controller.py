"""One ECU's CAN controller: its error counters and state (ISO 11898-1, 12.1.4), and what it receives."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from gateway.can.frame import KEY_MASK, Frame

if TYPE_CHECKING:
    from gateway.can.bus import Bus

Receiver = Callable[[Frame], object]
SentCallback = Callable[[Frame, int, int], object]
Supplier = Callable[[], Frame | None]

TRANSMIT_QUEUE = 64
"""Frames that one controller holds for sending; one more is refused and counted."""


class ControllerState(Enum):
    """Error state, or off when its ECU is not powered or cut from the bus."""

    ERROR_ACTIVE = "error-active"
    ERROR_PASSIVE = "error-passive"
    BUS_OFF = "bus-off"
    OFF = "off"


class Controller:
    """A participant of one bus.

    `tec`, `rec`: transmit and receive error counters; `refused`: frames not taken for sending because the queue was
    full or the controller was bus-off or off.
    """

    def __init__(self, bus: Bus, name: str) -> None:
        self.bus = bus
        self.name = name
        self.tec: int = 0
        self.rec: int = 0
        self.state = ControllerState.ERROR_ACTIVE
        self.queued: int = 0
        self.sent: int = 0
        self.refused: int = 0
        self.suspended_until_ns: int = 0
        """An error-passive sender leaves the bus to others for 8 bits after its own frame (suspend transmission)."""
        self.bus_offs: int = 0
        """How often it went bus-off."""
        self.recovers: bool = True
        """After bus-off, take part again when the bus has shown 128 times 11 recessive bits."""
        self.on_sent: SentCallback | None = None
        """Called with (frame, time of request, start of frame) when a frame of this controller is through."""
        self.on_lost: Receiver | None = None
        """Called with each frame that was taken for sending and is lost, because the controller has left the bus."""
        self.switched_ns: int = 0
        """When it was switched off or on last."""
        self.polled: bool = False
        """The bus asks for frames when their time has come (LIN); a controller need not send them by itself."""

    def supply(self, header: int, supplier: Supplier) -> None:
        """Where a bus that asks for frames finds those of an identifier. A CAN bus never asks."""

    def send(self, frame: Frame) -> bool:
        """Hand a frame to the bus; False when the controller refused it."""
        return self.bus.send(self, frame)

    def lose(self, frame: Frame) -> None:
        """Tell that a frame that was taken for sending will not be sent."""
        if self.on_lost is not None:
            self.on_lost(frame)

    def receive(self, header: int, receiver: Receiver) -> None:
        """Call `receiver` with each frame of this identifier (`header` without the CAN FD flags) that others send."""
        self.bus.subscribe(self, header & KEY_MASK, receiver)

    def receive_all(self, receiver: Receiver) -> None:
        """Call `receiver` with every frame that others send."""
        self.bus.subscribe_all(self, receiver)

    @property
    def takes_part(self) -> bool:
        """It acknowledges and may send."""
        return self.state is ControllerState.ERROR_ACTIVE or self.state is ControllerState.ERROR_PASSIVE

    def switch_off(self) -> None:
        """As when its ECU loses power: what was queued is lost."""
        was_on = self.state is not ControllerState.OFF
        self.state = ControllerState.OFF
        self.bus.assess()
        self.bus.remove_queued(self)
        if was_on:
            self.tell_power()

    def switch_on(self) -> None:
        """As after a reset: counters at zero, on the bus."""
        was_off = self.state is ControllerState.OFF
        self.tec = self.rec = 0
        self.state = ControllerState.ERROR_ACTIVE
        self.bus.assess()
        if was_off:
            self.tell_power()

    def tell_power(self) -> None:
        """It has been switched off or on: note when, and tell who listens."""
        self.switched_ns = self.bus.kernel.now
        for listener in tuple(self.bus.power_listeners):
            listener(self)

    def recover(self) -> None:
        """Begin to recover from bus-off, as after a reset by software: it takes 128 times 11 recessive bits."""
        self.bus.recover(self)

    def __repr__(self) -> str:
        return f"<{self.name} on {self.bus.name}, {self.state.value}, TEC {self.tec}, REC {self.rec}>"
