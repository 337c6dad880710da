"""What is outside: real buses to link to, and the clients of simulated ones. Knows `can` and `sim`."""

from gateway.links.errors import LinkError, RecordError
from gateway.links.link import Arbiter, Link, LinkAddress, LinkRates, parse_address
from gateway.links.linked_bus import LinkedBus
from gateway.links.opening import open_link
from gateway.links.participant import Participant
from gateway.links.places import place_for
from gateway.links.server import BusServer, serve

__all__ = [
    "Arbiter",
    "BusServer",
    "Link",
    "LinkAddress",
    "LinkError",
    "LinkRates",
    "LinkedBus",
    "Participant",
    "RecordError",
    "open_link",
    "parse_address",
    "place_for",
    "serve",
]
