"""Virtual ECUs: power, behaviours, inputs, the rest bus. Knows `com` and below."""

from gateway.ecu.behaviour import every, on, task
from gateway.ecu.ecu import NOBODY, Ecu, Failure, Port, Power, senders
from gateway.ecu.errors import EcuError
from gateway.ecu.inputs import Input, InputValue, Track

__all__ = [
    "NOBODY",
    "Ecu",
    "EcuError",
    "Failure",
    "Input",
    "InputValue",
    "Port",
    "Power",
    "Track",
    "every",
    "on",
    "senders",
    "task",
]
