"""What the service discovery has to tell whoever uses it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from gateway.ethernet import Endpoint


class Instance(NamedTuple):
    """A service and which instance of it."""

    service: int
    instance: int

    def __str__(self) -> str:
        return f"{self.service:04X}." + ("any" if self.instance == 0xFFFF else f"{self.instance:04X}")


class Gone(Enum):
    """Why something is not there any more."""

    STOPPED = "taken back"
    EXPIRED = "its time to live ran out"
    REBOOTED = "the peer has started anew"
    MOVED = "it is offered with other addresses now"


class Found(NamedTuple):
    """A service instance that somebody offers. `host`: who sent the offer."""

    instance: Instance
    major: int
    minor: int
    host: str
    udp: Endpoint | None = None
    tcp: Endpoint | None = None


class Available(NamedTuple):
    """A service that we look for is there."""

    found: Found


class Unavailable(NamedTuple):
    """It is not there any more."""

    found: Found
    why: Gone


class Subscriber(NamedTuple):
    """Who has subscribed to an eventgroup of ours, and where its events go. `counter` tells parallel ones apart."""

    host: str
    udp: Endpoint | None = None
    tcp: Endpoint | None = None
    counter: int = 0

    def __str__(self) -> str:
        return " and ".join(
            f"{name} {endpoint}" for name, endpoint in (("UDP", self.udp), ("TCP", self.tcp)) if endpoint is not None
        )


class Subscribed(NamedTuple):
    """An acknowledgement is on its way; the initial events come right after it. Not told for renewals."""

    instance: Instance
    eventgroup: int
    subscriber: Subscriber


class Unsubscribed(NamedTuple):
    """No more events to this one."""

    instance: Instance
    eventgroup: int
    subscriber: Subscriber
    why: Gone


class Refused(NamedTuple):
    """A subscription to us that was not acknowledged."""

    instance: Instance
    eventgroup: int
    host: str
    reason: str


class Acknowledged(NamedTuple):
    """Our subscription holds. `multicast`: where events may come besides our own address."""

    instance: Instance
    eventgroup: int
    multicast: Endpoint | None = None


class NotAcknowledged(NamedTuple):
    """Our subscription was refused; it is tried again with the next offer."""

    instance: Instance
    eventgroup: int
    host: str


class Rebooted(NamedTuple):
    """A peer has started anew: what it had said holds no more."""

    host: str


class StrangerOffer(NamedTuple):
    """Somebody offers what is another's: ours, what has an owner, or what was offered by another first. It is ignored."""

    instance: Instance
    host: str
    owner: str


class Malformed(NamedTuple):
    """Bytes that cannot be, and what is wrong with them."""

    source: Endpoint
    sentence: str


SdEvent = (
    Available
    | Unavailable
    | Subscribed
    | Unsubscribed
    | Refused
    | Acknowledged
    | NotAcknowledged
    | Rebooted
    | StrangerOffer
    | Malformed
)
