"""The clients of simulated buses: CAN tools over a socket, python-can, socketcand, cannelloni. Knows `can` and `sim`."""

from gateway.links.errors import LinkError, RecordError
from gateway.links.participant import Participant
from gateway.links.places import place_for
from gateway.links.server import BusServer, serve

__all__ = ["BusServer", "LinkError", "Participant", "RecordError", "place_for", "serve"]
