"""Session ids: ours, counted for each peer and for multicast, and theirs, watched for a reboot.

They count from 1 to 0xFFFF and go on with 1. The reboot flag is set until the first time that they begin again
(PRS_SOMEIPServiceDiscovery, 5.1.2.1 and 5.1.3).
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import NamedTuple

LAST = 0xFFFF


class Cast(Enum):
    """How a datagram was addressed."""

    UNICAST = "unicast"
    MULTICAST = "multicast"


class Session(NamedTuple):
    """A session id and whether it is of the first round since the start."""

    number: int
    reboot: bool


class SessionCounter:
    """The ids of what we send."""

    def __init__(self) -> None:
        self._last: dict[Hashable, Session] = {}

    def next(self, peer: Hashable = None) -> Session:
        """The next id towards a peer."""
        number, reboot = self._last.get(peer, Session(0, True))
        session = Session(1, False) if number == LAST else Session(number + 1, reboot)
        self._last[peer] = session
        return session


class RebootWatch:
    """The ids of what peers send, each way for itself. Remembers so many peers at most, the oldest is forgotten."""

    def __init__(self, limit: int = 1024) -> None:
        self._limit = limit
        self._last: dict[tuple[Hashable, Cast], Session] = {}

    def rebooted(self, peer: Hashable, cast: Cast, session: Session) -> bool:
        """Whether this session tells that the peer has started anew since its last one."""
        key = (peer, cast)
        before = self._last.pop(key, None)
        self._last[key] = session
        if len(self._last) > self._limit:
            del self._last[next(iter(self._last))]
        if before is None:
            return False
        if session.reboot and not before.reboot:
            return True
        return session.reboot and before.reboot and session.number <= before.number

    def forget(self, peer: Hashable) -> None:
        """After a reboot, what its other way said is no measure any more."""
        for cast in Cast:
            self._last.pop((peer, cast), None)
