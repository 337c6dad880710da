"""What an ECU has on its buses: a place on each, and the names of the messages and signals there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.can import Controller
from gateway.com import RxMessage, TxMessage
from gateway.database import Database, Message
from gateway.ecu.errors import EcuError
from gateway.errors import nearest
from gateway.sim import Kernel

NOBODY: Final = frozenset({"", "Vector__XXX", "VectorXXX", "XXX"})
"""What databases write where they know no sender."""


class Port:
    """An ECU's place on one bus: the controller, and the messages it sends and receives there."""

    def __init__(self, kernel: Kernel, bus: str, controller: Controller, database: Database) -> None:
        self.bus: Final = bus
        self.controller: Final = controller
        self.database: Final = database
        self.tx: dict[str, TxMessage] = {}
        self.rx: dict[str, RxMessage] = {}
        self._kernel = kernel
        self._checks: dict[str, Callable[[bytes], bool]] = {}

    def transmit(self, message: Message) -> TxMessage:
        """The message as this port sends it."""
        if message.name not in self.tx:
            self.tx[message.name] = TxMessage(self._kernel, self.controller, message)
        return self.tx[message.name]

    def receive(self, message: Message) -> RxMessage:
        """The message as this port receives it."""
        if message.name not in self.rx:
            received = self.rx[message.name] = RxMessage(self._kernel, self.controller, message)
            received.check = self._checks.get(message.name)
        return self.rx[message.name]

    def check(self, name: str, check: Callable[[bytes], bool]) -> None:
        """Take the message of this name only when `check` says that its payload may be used."""
        self._checks[name] = check
        if name in self.rx:
            self.rx[name].check = check


class Names:
    """The names that an ECU's behaviour uses, found on its ports. EcuError, with the nearest name, for unknown ones."""

    def __init__(self, ecu: str, ports: Mapping[str, Port]) -> None:
        self._ecu = ecu
        self._ports = ports

    def port(self, bus: str) -> Port:
        """The ECU's place on a bus."""
        port = self._ports.get(bus)
        if port is None:
            raise EcuError(f"{self._ecu} is on no bus {bus!r}{nearest(bus, list(self._ports))}")
        return port

    def message(self, name: str) -> tuple[Port, Message]:
        bus, _, rest = name.partition(".")
        ports = self._ports
        if rest and bus in ports:
            ports, name = {bus: ports[bus]}, rest
        found = [
            (port, message) for port in ports.values() for message in port.database.messages if message.name == name
        ]
        if len(found) == 1:
            return found[0]
        if found:
            where = " and ".join(port.bus for port, _ in found)
            raise EcuError(f"{self._ecu}: message {name!r} is on {where}; write which, like {found[0][0].bus}.{name}")
        known = [message.name for port in ports.values() for message in port.database.messages]
        buses = ", ".join(ports) or "no bus"
        raise EcuError(f"{self._ecu}: there is no message {name!r} on {buses}{nearest(name, known)}")

    def signal(self, name: str) -> tuple[Port, Message, str]:
        path, _, signal = name.rpartition(".")
        if not path:
            raise EcuError(f"{self._ecu}: {name!r} is not a signal's name: write Message.Signal")
        port, message = self.message(path)
        if signal not in message.by_name:
            near = nearest(signal, list(message.by_name))
            raise EcuError(f"{self._ecu}: message {message.name} has no signal {signal!r}{near}")
        return port, message, signal

    def check_sender(self, port: Port, message: Message) -> None:
        known = [sender for sender in message.senders if sender not in NOBODY]
        if known and self._ecu not in known and message.name not in port.tx:
            raise EcuError(f"{self._ecu} does not send {message.name}; in the database its sender is {known[0]}")


def senders(database: Database) -> Mapping[str, list[Message]]:
    """The messages of a database by sender, those without a known sender left out."""
    found: dict[str, list[Message]] = {}
    for message in database.messages:
        for sender in message.senders:
            if sender not in NOBODY:
                found.setdefault(sender, []).append(message)
    return found
