"""LIN: the bus with commander, responders and schedule tables in exact time. Knows `can`, `database` and `sim`."""

from gateway.database.lin_wire import (
    LAST_ID,
    PROTECTED,
    REQUEST_ID,
    RESPONSE_ID,
    ChecksumModel,
    checksum,
    protected,
    usual_model,
)
from gateway.lin.bus import LinBus
from gateway.lin.commander import Commander
from gateway.lin.configuration import Configuration, Service
from gateway.lin.disturbance import (
    HeaderNoise,
    LateResponse,
    LinDisturbance,
    MatchingId,
    NoResponse,
    Response,
    SecondResponder,
    SilentCommander,
    StuckBus,
    WrongChecksum,
)
from gateway.lin.errors import LinError
from gateway.lin.node import LinNode
from gateway.lin.schedule import Priority, Repeat, Scheduler
from gateway.lin.timing import LinTimes, Spaces
from gateway.lin.transport import Reassembly, TransportFault, TransportMessage, segments

__all__ = [
    "LAST_ID",
    "PROTECTED",
    "REQUEST_ID",
    "RESPONSE_ID",
    "ChecksumModel",
    "Commander",
    "Configuration",
    "HeaderNoise",
    "LateResponse",
    "LinBus",
    "LinDisturbance",
    "LinError",
    "LinNode",
    "LinTimes",
    "MatchingId",
    "NoResponse",
    "Priority",
    "Reassembly",
    "Repeat",
    "Response",
    "Scheduler",
    "SecondResponder",
    "Service",
    "SilentCommander",
    "Spaces",
    "StuckBus",
    "TransportFault",
    "TransportMessage",
    "WrongChecksum",
    "checksum",
    "protected",
    "segments",
    "usual_model",
]
