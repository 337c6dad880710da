"""Real sockets as a node's network, in an asyncio loop.

UDP is read in batches without a task of its own. A group has a socket of its own, bound to its address, so that what
was sent to it is told from what was sent to us. What a socket cannot take at once is lost, as UDP is; a TCP peer that
does not read loses its own events only, beyond a bounded buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from gateway.ethernet import Endpoint, EthernetError, Packet, is_multicast
from gateway.services.someip.network import Receive
from gateway.services.someip.socket_options import (
    endpoint,
    join_group,
    named,
    place,
    prepare_multicast,
    scope_of,
    udp_socket,
)
from gateway.services.someip.socket_streams import SocketListening, SocketStream

BATCH: Final = 64
"""Datagrams read in one go, so that others have their turn."""
LARGEST: Final = 65_536


class Watch(Protocol):
    """Sees what is sent and received, for a recording; a simulated segment does."""

    def observe(self, packet: Packet) -> None: ...
    def observe_stream(self, source: Endpoint, target: Endpoint, data: bytes) -> None: ...


class SocketPort:
    """A UDP port on one address."""

    def __init__(self, network: SocketNetwork, port: int, receive: Receive) -> None:
        self._network = network
        self._receive = receive
        self._socket = udp_socket(network.address, port, network.scope)
        self._sendto = self._socket.sendto if ":" not in network.address else self._send_scoped
        self.local: Final = endpoint(self._socket.getsockname())
        self._groups: list[GroupPort] = []
        prepare_multicast(self._socket, network.address, network.scope)
        network.read(self._socket, self.local, receive)

    def send(self, payload: bytes, target: Endpoint) -> bool:
        try:
            self._sendto(payload, target)
        except OSError as error:  # unreachable, a full buffer: as if it were lost on the way
            self._network.counts[f"not sent: {error.strerror}"] += 1
            return False
        if self._network.watch is not None:
            self._network.watch.observe(Packet(self.local, target, payload))
        return True

    def send_all(self, payload: bytes, targets: Sequence[Endpoint]) -> list[Endpoint]:
        """The same to many; what cannot be sent costs the others nothing."""
        if self._network.watch is not None:
            return [target for target in targets if not self.send(payload, target)]
        failed: list[Endpoint] = []
        sendto = self._sendto
        for target in targets:
            try:
                sendto(payload, target)
            except OSError as error:
                self._network.counts[f"not sent: {error.strerror}"] += 1
                failed.append(target)
        return failed

    def join(self, group: str) -> None:
        """Hear a multicast group on the network's interface. EthernetError when that cannot be."""
        self._groups.append(GroupPort(self._network, group, self.local.port, self._receive, self.local))

    def close(self) -> None:
        for group in self._groups:
            group.close()
        self._groups.clear()
        self._network.stop_reading(self._socket)

    def _send_scoped(self, payload: bytes, target: Endpoint) -> int:
        return self._socket.sendto(payload, place(*target, self._network.scope))


class GroupPort:
    """Hears one multicast group at a port. `own`: the address whose datagrams, coming back, are not shown again."""

    def __init__(
        self, network: SocketNetwork, group: str, port: int, receive: Receive, own: Endpoint | None = None
    ) -> None:
        if not is_multicast(group):
            raise EthernetError(f"{group} is no multicast address: those are 224.0.0.0 to 239.255.255.255 and ff00::/8")
        self._network = network
        self._socket = udp_socket(group, port, network.scope)
        try:
            join_group(self._socket, group, network.address, network.scope)
        except OSError as error:
            self._socket.close()
            raise EthernetError(
                f"{network.address} cannot join the multicast group {group}: {error.strerror};"
                " is it an address of this machine, of an interface that has multicast?"
            ) from None
        network.read(self._socket, Endpoint(group, port), receive, own)

    def close(self) -> None:
        self._network.stop_reading(self._socket)


class SocketNetwork:
    """The network of this machine, by one of its addresses. Close it when the node is closed.

    `watch` sees what goes over UDP and TCP, `counts` what could not; `scope`: the index of an IPv6 address's interface.
    EthernetError for an interface that is not there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, watch: Watch | None = None) -> None:
        self.loop: Final = loop
        self.address: Final = address
        self.scope: Final = scope_of(address)
        self.watch: Final = watch
        self.counts: Final[Counter[str]] = Counter()
        self.streams: Final[set[SocketStream]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def open_udp(self, port: int, receive: Receive) -> SocketPort:
        return SocketPort(self, port, receive)

    def open_group(self, group: str, port: int, receive: Receive) -> GroupPort:
        """Only hear a group, beside whoever has the port. EthernetError when that cannot be."""
        return GroupPort(self, group, port, receive)

    def listen(self, port: int, accept: Callable[[Any], object]) -> SocketListening:
        return SocketListening(self, port, accept)

    def connect(self, target: Endpoint) -> SocketStream:
        stream = SocketStream(self, target, None)
        self.spawn(self._connect(stream, target), f"SOME/IP TCP to {target}")
        return stream

    def read(self, opened: socket.socket, target: Endpoint, receive: Receive, own: Endpoint | None = None) -> None:
        """Hand over what comes at a socket, in batches, until `stop_reading`."""

        def ready() -> None:
            for _ in range(BATCH):
                try:
                    data, sender = opened.recvfrom(LARGEST)
                except (BlockingIOError, InterruptedError):
                    return
                except OSError as error:  # an answer of ICMP to what was sent before
                    self.counts[f"told by the network: {error.strerror}"] += 1
                    return
                source = endpoint(sender)
                if self.watch is not None and source != own:
                    self.watch.observe(Packet(source, target, data))
                receive(data, source, target)
                if opened.fileno() < 0:
                    return

        self.loop.add_reader(opened, ready)

    def stop_reading(self, opened: socket.socket) -> None:
        """Close a socket that was read."""
        if opened.fileno() >= 0:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self.loop.remove_reader(opened)
            opened.close()

    def spawn(self, work: Any, name: str) -> None:
        """Run a coroutine as a task that `close` ends."""
        task = self.loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for stream in list(self.streams):
            stream.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, stream: SocketStream, target: Endpoint) -> None:
        try:
            where, own = named(target.host, self.scope), named(self.address, self.scope)
            await self.loop.create_connection(lambda: stream, where, target.port, local_addr=(own, 0))
        except OSError as error:
            self.counts[f"TCP to {target}: {error.strerror or error}"] += 1
            stream.lost()
