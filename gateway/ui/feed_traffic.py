"""What is on the buses, by identifier: counted, timed, and the latest frame of each.

The buses' lists are emptied into the counts several times a second, and nothing is decoded here.
"""

from __future__ import annotations

from typing import Final

from gateway.can import KEY_MASK
from gateway.com import header_of
from gateway.ui.feed_frames import FrameList
from gateway.ui.feed_ledger import Entry, Ledger
from gateway.vehicle import Vehicle


class Traffic:
    """All identifiers of a vehicle's buses. `attach` begins, `detach` ends it and leaves nothing on the buses."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.ledger: Final = ledger_of(vehicle)
        self._lists: Final = {name: FrameList([bus]) for name, bus in vehicle.buses.items()}
        self._known: Final[dict[str, dict[int, Entry]]] = {name: {} for name in vehicle.buses}

    def attach(self) -> None:
        for each in self._lists.values():
            each.attach()

    def detach(self) -> None:
        self.drain()
        for each in self._lists.values():
            each.detach()

    def drain(self) -> None:
        """Take what the buses have noted since the last time."""
        for bus, each in self._lists.items():
            noted = each.take()
            if noted:
                self.ledger.count(bus, self._known[bus], noted)

    def forget(self) -> None:
        """Begin all counts and times anew; numbers stay."""
        self.drain()
        self.ledger.forget()


def ledger_of(vehicle: Vehicle) -> Ledger:
    """A ledger with what the databases know, in their order."""
    found = Ledger()
    for bus in vehicle.buses.values():
        for message in vehicle.databases[bus.name].messages:
            found.add(bus.name, header_of(message) & KEY_MASK, message)
    return found
