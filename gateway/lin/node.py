"""A participant of a LIN bus: what it answers to which header, its address, its error bit.

A frame has the identifier that the LDF gives it, its definition. Node configuration may give it another one on the
wire, or none; so a node knows for each definition where it is on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can import Controller, Frame
from gateway.can.controller import ControllerState, Supplier
from gateway.database.lin import Responder
from gateway.lin.configuration import Configuration
from gateway.lin.errors import LinError
from gateway.lin.responder_diagnostics import ResponderDiagnostics

if TYPE_CHECKING:
    from gateway.lin.bus import LinBus

WAKE_UP_NS: Final = 500_000
"""Of the pulse, by default; LIN allows 250 µs to 5 ms."""


class ErrorBit(NamedTuple):
    """Where a node tells that something went wrong with one of its responses: the `response_error` of the LDF."""

    frame_id: int
    byte: int
    mask: int


class LinNode(Controller):
    """Commander, responder, or one that only listens.

    `updated`: frames with news, for event-triggered and sporadic frames; `error_seen`: a response of this node, or one
    that it receives, was not good since it last told so.
    """

    def __init__(self, bus: LinBus, name: str, responder: Responder | None) -> None:
        super().__init__(bus, name)
        self.polled = True
        self.lin: Final = bus
        self.suppliers: dict[int, Supplier] = {}
        self.updated: set[int] = set()
        self.error_bit: ErrorBit | None = None
        self.error_seen: bool = False
        self.moved: dict[int, int | None] = {}
        """Definitions whose identifier on the wire is another, or none."""
        self.configurable: list[int] = []
        """Definitions in the order of AssignFrameIdRange."""
        self.configuration: Configuration | None = None
        self.diagnostics: ResponderDiagnostics | None = None
        self.stands_in: bool = False
        """A test instrument: what it sends is answered once, instead of what the publisher has."""
        self.held: dict[int, Frame] = {}
        """Frames that were handed over to wait for their headers."""
        if responder is not None:
            self.configuration = Configuration(responder, self.assign)
            self.diagnostics = ResponderDiagnostics(bus.kernel, self.configuration, responder)

    def supply(self, header: int, supplier: Supplier) -> None:
        """Answer to the header of this definition with what `supplier` gives; nothing while it gives None."""
        if not self.stands_in:
            self.suppliers[header & 0x3F] = supplier
            self.lin.assess()

    def hold(self, frame: Frame) -> None:
        """Answer with this frame from now on."""
        frame_id = frame.header
        self.held[frame_id] = frame
        if frame_id not in self.suppliers:
            self.supply(frame_id, lambda: self.held.get(frame_id))

    def withdraw(self, frame_id: int) -> None:
        """Answer no more to the header of this definition."""
        self.suppliers.pop(frame_id, None)
        self.held.pop(frame_id, None)
        self.lin.assess()

    def assign(self, index: int, pid: int | None) -> None:
        """Give a configurable frame another protected identifier on the wire; None takes it away."""
        if not 0 <= index < len(self.configurable):
            raise LinError(f"{self.name} has no configurable frame {index}")
        definition = self.configurable[index]
        wire = None if pid is None else pid & 0x3F
        if wire == definition:
            self.moved.pop(definition, None)
        else:
            self.moved[definition] = wire
        self.lin.assess()

    def wire_id(self, definition: int) -> int | None:
        """Where a definition is on the wire for this node."""
        return self.moved.get(definition, definition)

    def definition(self, wire_id: int) -> int | None:
        """The definition that this node has under an identifier on the wire."""
        for definition, wire in self.moved.items():
            if wire == wire_id:
                return definition
        return None if wire_id in self.moved else wire_id

    def wake_up(self, pulse_ns: int = WAKE_UP_NS) -> None:
        """Wake the bus up if it is asleep. LinError for a pulse that LIN does not have."""
        self.lin.sleeping.wake_up(self, pulse_ns)

    def switch_off(self) -> None:
        was_on = self.takes_part
        self.state = ControllerState.OFF
        self.updated.clear()
        self.error_seen = False
        self.lin.assess()
        self.lin.switched(self)
        if was_on:
            self.tell_power()

    def switch_on(self) -> None:
        was_on = self.takes_part
        self.tec = self.rec = 0
        self.state = ControllerState.ERROR_ACTIVE
        self.lin.assess()
        if not was_on:
            self.lin.switched(self)
            self.tell_power()

    def __repr__(self) -> str:
        return f"<{self.name} on {self.bus.name}, {self.state.value}>"
