"""SOME/IP as protocol objects: messages, TP, payloads, calls, service discovery. Knows no socket and no clock.

Knows `sim` (nanoseconds, random streams) and `ethernet` (addresses).
"""

from gateway.someip.client import Answer, Calls
from gateway.someip.discovery import SD_GROUP, SD_GROUP_V6, SD_PORT, ServiceDiscovery
from gateway.someip.errors import CallError, MessageError, PayloadError, SdError, SomeIpError
from gateway.someip.message import EVENT_FLAG, TP_FLAG, Message, MessageType, ReturnCode, code_text, messages, parse
from gateway.someip.payload import Basic, ByteOrder, Layout, Tree
from gateway.someip.payload_compound import EMPTY, Array, Struct
from gateway.someip.payload_text import Encoding, Text
from gateway.someip.payload_types import parse_type
from gateway.someip.sd_events import (
    Acknowledged,
    Available,
    Found,
    Gone,
    Instance,
    Malformed,
    NotAcknowledged,
    Rebooted,
    Refused,
    SdEvent,
    StrangerOffer,
    Subscribed,
    Subscriber,
    Unavailable,
    Unsubscribed,
)
from gateway.someip.sd_finds import Finds, Standing, Wanted
from gateway.someip.sd_message import ANY_INSTANCE, ANY_MAJOR, ANY_MINOR, Entry, EntryType, SdMessage, parse_sd
from gateway.someip.sd_offers import Offer, OfferedGroup, Offers
from gateway.someip.sd_options import (
    ConfigurationOption,
    EndpointKind,
    EndpointOption,
    LoadBalancingOption,
    UnknownOption,
)
from gateway.someip.sd_outbox import Datagram
from gateway.someip.sd_timing import Phase, SdTiming
from gateway.someip.server import Served, Server
from gateway.someip.sessions import Cast, RebootWatch, Session, SessionCounter
from gateway.someip.stream import MessageStream
from gateway.someip.tp import Reassembler, TpFault, segments

__all__ = [
    "ANY_INSTANCE",
    "ANY_MAJOR",
    "ANY_MINOR",
    "EMPTY",
    "EVENT_FLAG",
    "SD_GROUP",
    "SD_GROUP_V6",
    "SD_PORT",
    "TP_FLAG",
    "Acknowledged",
    "Answer",
    "Array",
    "Available",
    "Basic",
    "ByteOrder",
    "CallError",
    "Calls",
    "Cast",
    "ConfigurationOption",
    "Datagram",
    "Encoding",
    "EndpointKind",
    "EndpointOption",
    "Entry",
    "EntryType",
    "Finds",
    "Found",
    "Gone",
    "Instance",
    "Layout",
    "LoadBalancingOption",
    "Malformed",
    "Message",
    "MessageError",
    "MessageStream",
    "MessageType",
    "NotAcknowledged",
    "Offer",
    "OfferedGroup",
    "Offers",
    "PayloadError",
    "Phase",
    "Reassembler",
    "RebootWatch",
    "Rebooted",
    "Refused",
    "ReturnCode",
    "SdError",
    "SdEvent",
    "SdMessage",
    "SdTiming",
    "Served",
    "Server",
    "ServiceDiscovery",
    "Session",
    "SessionCounter",
    "SomeIpError",
    "Standing",
    "StrangerOffer",
    "Struct",
    "Subscribed",
    "Subscriber",
    "Text",
    "TpFault",
    "Tree",
    "Unavailable",
    "UnknownOption",
    "Unsubscribed",
    "Wanted",
    "code_text",
    "messages",
    "parse",
    "parse_sd",
    "parse_type",
    "segments",
]
