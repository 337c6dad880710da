"""CAN and CAN FD: frames, exact bit times, the bus with arbitration and errors. Knows `sim` only."""

from gateway.can.bits import FrameBits, frame_bits, longest_bits, priority, shortest_bits
from gateway.can.bus import Bus
from gateway.can.controller import Controller, ControllerState
from gateway.can.disturbance import BitErrors, Delay, Disturbance, Loss
from gateway.can.events import BusEvent, BusEventKind, Passage
from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, KEY_MASK, LENGTHS, REMOTE, Frame, padded_length
from gateway.can.timing import BitRateError, BitRates, FrameTimes

__all__ = [
    "BRS",
    "ERROR",
    "ESI",
    "EXTENDED",
    "FD",
    "ID_MASK",
    "KEY_MASK",
    "LENGTHS",
    "REMOTE",
    "BitErrors",
    "BitRateError",
    "BitRates",
    "Bus",
    "BusEvent",
    "BusEventKind",
    "Controller",
    "ControllerState",
    "Delay",
    "Disturbance",
    "Frame",
    "FrameBits",
    "FrameTimes",
    "Loss",
    "Passage",
    "frame_bits",
    "longest_bits",
    "padded_length",
    "priority",
    "shortest_bits",
]
