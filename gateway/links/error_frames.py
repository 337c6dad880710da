"""Bus events as SocketCAN's error frames (linux/can/error.h), which CAN tools know."""

from __future__ import annotations

from typing import Final

from gateway.can import ERROR, BusEvent, BusEventKind, Controller, Frame

_CONTROLLER: Final = 0x004
_PROTOCOL: Final = 0x008
_NO_ACK: Final = 0x020
_BUS_OFF: Final = 0x040
_BUS_ERROR: Final = 0x080
_RESTARTED: Final = 0x100
_COUNTERS: Final = 0x200

_RX_PASSIVE: Final = 0x10
_TX_PASSIVE: Final = 0x20
_BIT: Final = 0x01
_SENDING: Final = 0x80
_ACK_SLOT: Final = 0x19
_PASSIVE_ABOVE: Final = 127


def error_frame(event: BusEvent, controller: Controller) -> Frame | None:
    """What the controller of a CAN tool reports of an event; None for what it does not see.

    A broken frame is seen by all; a change of state only by the controller whose state it is.
    """
    own = event.controller == controller.name
    match event.kind:
        case BusEventKind.ERROR | BusEventKind.COLLISION:
            return _frame(_PROTOCOL | _BUS_ERROR, controller, kind=_BIT | (_SENDING if own else 0))
        case BusEventKind.NO_ACK:
            return _frame(_NO_ACK | _BUS_ERROR, controller, place=_ACK_SLOT)
        case BusEventKind.ERROR_PASSIVE if own:
            passive = _TX_PASSIVE if controller.tec > _PASSIVE_ABOVE else _RX_PASSIVE
            return _frame(_CONTROLLER, controller, state=passive)
        case BusEventKind.BUS_OFF if own:
            return _frame(_BUS_OFF, controller)
        case BusEventKind.RECOVERED if own:
            return _frame(_RESTARTED, controller)
        case _:
            return None


def _frame(error_class: int, controller: Controller, *, state: int = 0, kind: int = 0, place: int = 0) -> Frame:
    counters = (min(controller.tec, 255), min(controller.rec, 255))
    return Frame(ERROR | error_class | _COUNTERS, bytes([0, state, kind, place, 0, 0, *counters]))
