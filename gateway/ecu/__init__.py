"""Virtual ECUs: power, behaviours, inputs, the rest bus. Knows `com` and below."""

from gateway.ecu.behaviour import every, on, task
from gateway.ecu.ecu import Ecu, Power
from gateway.ecu.errors import EcuError
from gateway.ecu.failure import Failure
from gateway.ecu.inputs import Input, InputValue, Track
from gateway.ecu.port import NOBODY, Port, senders

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
