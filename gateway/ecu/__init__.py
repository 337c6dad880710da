"""Virtual ECUs: the rest bus, behaviours, inputs, counters and checksums. Knows `can`, `database` and `sim`."""

from gateway.ecu.behaviour import every, on, task
from gateway.ecu.ecu import Ecu, Failure, Port, Power, senders
from gateway.ecu.errors import EcuError
from gateway.ecu.inputs import Input, InputValue, Track
from gateway.ecu.protection import ALGORITHMS, Protection
from gateway.ecu.receive import MISSED_CYCLES, RxMessage, RxSignal
from gateway.ecu.transmit import TransmitTask, TxMessage, TxSignal, header_of

__all__ = [
    "ALGORITHMS",
    "MISSED_CYCLES",
    "Ecu",
    "EcuError",
    "Failure",
    "Input",
    "InputValue",
    "Port",
    "Power",
    "Protection",
    "RxMessage",
    "RxSignal",
    "Track",
    "TransmitTask",
    "TxMessage",
    "TxSignal",
    "every",
    "header_of",
    "on",
    "senders",
    "task",
]
