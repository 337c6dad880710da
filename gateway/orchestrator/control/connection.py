"""One end of a connection: who asked what, and the answers that have not come. Knows no socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from gateway.orchestrator.control.messages import DBUS_ERROR, Answered, Call, Failure, Message, Return, Signal
from gateway.sim import NS_PER_S, Kernel

CALL_TIMEOUT_NS: Final = 30 * NS_PER_S


class Peer(Protocol):
    """Who listens at one end."""

    def called(self, connection: Connection, call: Call) -> None:
        """Answer it with `connection.send`, now or later."""

    def signalled(self, connection: Connection, signal: Signal) -> None: ...
    def lost(self, connection: Connection) -> None: ...


class Connection:
    """Sends through `transmit`; the driver feeds `receive`, and `close` when the other end has gone."""

    def __init__(
        self,
        kernel: Kernel,
        peer: Peer,
        transmit: Callable[[Message], None],
        hang_up: Callable[[], None],
        *,
        peer_ip: str = "",
    ) -> None:
        self.kernel: Final = kernel
        self.peer_ip: Final = peer_ip
        self._peer = peer
        self._transmit = transmit
        self._hang_up = hang_up
        self._serial = 0
        self._waiting: dict[int, Answered] = {}
        self.open = True

    def send(self, message: Message) -> None:
        if self.open:
            self._transmit(message)

    def signal(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> None:
        self.send(Signal(path, interface, member, signature, body))

    def call(
        self, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...], answered: Answered
    ) -> None:
        """Ask; `answered` gets the reply, or a failure when none comes in time or the connection ends."""
        self._serial = serial = self._serial + 1
        if not self.open:
            answered(Failure(serial, f"{DBUS_ERROR}.Disconnected", "the connection is closed"))
            return
        self._waiting[serial] = answered
        self.kernel.after(CALL_TIMEOUT_NS, lambda: self._answer(_late(serial, member)))
        self.send(Call(serial, path, interface, member, signature, body))

    def receive(self, message: Message) -> None:
        """A message has come."""
        if not self.open:
            return
        if isinstance(message, Return | Failure):
            self._answer(message)
        elif isinstance(message, Call):
            self._peer.called(self, message)
        else:
            self._peer.signalled(self, message)

    def _answer(self, reply: Return | Failure) -> None:
        answered = self._waiting.pop(reply.serial, None)
        if answered is not None:
            answered(reply)

    def close(self) -> None:
        """End it: all that waits gets a failure, the peer is told, the other end as well where it can be."""
        if not self.open:
            return
        self.open = False
        waiting, self._waiting = self._waiting, {}
        self._hang_up()
        # First that the other end is gone: who gets no answer must not take that for a refusal.
        self._peer.lost(self)
        for serial, answered in waiting.items():
            answered(Failure(serial, f"{DBUS_ERROR}.NoReply", "the connection was closed before an answer came"))


def _late(serial: int, member: str) -> Failure:
    return Failure(serial, f"{DBUS_ERROR}.Timeout", f"{member} was not answered within 30 s")
