"""Faults as plain values: made anywhere (in `parametrize`, too), put into a vehicle with `vehicle.fault(...)`.

Chance in them comes from the vehicle's seed, from a stream named after the fault. Each is taken out as it was put in.
Messages are named `bus.Message`, and `bus` alone means all of its frames.
"""

from __future__ import annotations

from gateway.hil.bus_faults import BusCut, BusShorted, GatewayOverload
from gateway.hil.ecu_faults import Babbling, BusOff, Hung, Killed
from gateway.hil.fault import Fault
from gateway.hil.lin_faults import (
    HeaderNoise,
    LateResponse,
    NoResponse,
    SecondResponder,
    SilentCommander,
    StuckBus,
    WrongChecksum,
)
from gateway.hil.node_faults import NodeCut, NodeOff
from gateway.hil.protection_faults import ChecksumWrong, CounterStuck
from gateway.hil.wire_faults import (
    BitErrors,
    Corrupted,
    Delayed,
    Duplicated,
    Lost,
    Reordered,
    WireFault,
    WrongLength,
)

__all__ = [
    "Babbling",
    "BitErrors",
    "BusCut",
    "BusOff",
    "BusShorted",
    "ChecksumWrong",
    "Corrupted",
    "CounterStuck",
    "Delayed",
    "Duplicated",
    "Fault",
    "GatewayOverload",
    "HeaderNoise",
    "Hung",
    "Killed",
    "LateResponse",
    "Lost",
    "NoResponse",
    "NodeCut",
    "NodeOff",
    "Reordered",
    "SecondResponder",
    "SilentCommander",
    "StuckBus",
    "WireFault",
    "WrongChecksum",
    "WrongLength",
]
