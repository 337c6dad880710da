"""Real sockets as a node's network, in an asyncio loop.

UDP is read in batches without a task of its own. A group has a socket of its own, bound to its address, so that what
was sent to it is told from what was sent to us. What a socket cannot take at once is lost, as UDP is; a TCP peer that
does not read loses its own events only, beyond a bounded buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from gateway.ethernet import Endpoint, EthernetError, Packet, is_multicast
from gateway.services.someip.network import Receive

BATCH: Final = 64
"""Datagrams read in one go, so that others have their turn."""
LARGEST: Final = 65_536
RECEIVE_BUFFER: Final = 1 << 20
STREAM_BUFFER: Final = 1 << 20
"""Bytes that may wait for a TCP peer to read them."""


class Watch(Protocol):
    """Sees what is sent and received, for a recording; a simulated segment does."""

    def observe(self, packet: Packet) -> None: ...
    def observe_stream(self, source: Endpoint, target: Endpoint, data: bytes) -> None: ...


class SocketPort:
    """A UDP port on one address."""

    def __init__(self, network: SocketNetwork, port: int, receive: Receive) -> None:
        self._network = network
        self._receive = receive
        self._socket = _udp_socket(network.address, port)
        self._sendto = self._socket.sendto
        host, number = self._socket.getsockname()[:2]
        self.local: Final = Endpoint(host, number)
        self._groups: list[GroupPort] = []
        self._prepare_multicast()
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

    def _prepare_multicast(self) -> None:
        address, sending = self._network.address, self._socket
        if ":" in address:
            sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
            sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
        else:
            sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)


class GroupPort:
    """Hears one multicast group at a port. `own`: the address whose datagrams, coming back, are not shown again."""

    def __init__(
        self, network: SocketNetwork, group: str, port: int, receive: Receive, own: Endpoint | None = None
    ) -> None:
        if not is_multicast(group):
            raise EthernetError(f"{group} is no multicast address: those are 224.0.0.0 to 239.255.255.255 and ff00::/8")
        self._network = network
        self._socket = _udp_socket(group, port)
        try:
            _join(self._socket, group, network.address)
        except OSError as error:
            self._socket.close()
            raise EthernetError(
                f"{network.address} cannot join the multicast group {group}: {error.strerror};"
                " is it an address of this machine, of an interface that has multicast?"
            ) from None
        network.read(self._socket, Endpoint(group, port), receive, own)

    def close(self) -> None:
        self._network.stop_reading(self._socket)


class SocketStream(asyncio.Protocol):
    """A TCP connection."""

    def __init__(self, network: SocketNetwork, remote: Endpoint | None, accept: Callable[[Any], object] | None) -> None:
        self.remote = remote or Endpoint("", 0)
        self.local = Endpoint("", 0)
        self.on_open: Callable[[], object] = _nothing
        self.on_data: Callable[[bytes], object] = _ignored
        self.on_close: Callable[[], object] = _nothing
        self._network = network
        self._accept = accept
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.remote = Endpoint(*transport.get_extra_info("peername")[:2])
        self.local = Endpoint(*transport.get_extra_info("sockname")[:2])
        self._network.streams.add(self)
        if self._closed:
            transport.close()
        elif self._accept is not None:
            self._accept(self)
        else:
            self.on_open()

    def data_received(self, data: bytes) -> None:
        if self._network.watch is not None:
            self._network.watch.observe_stream(self.remote, self.local, data)
        self.on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost()

    def lost(self) -> None:
        """It has gone, or never came to be."""
        self._network.streams.discard(self)
        on_close, self.on_close = self.on_close, _nothing
        on_close()

    def send(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > STREAM_BUFFER:
            return False
        transport.write(data)
        if self._network.watch is not None:
            self._network.watch.observe_stream(self.local, self.remote, data)
        return True

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()


class SocketListening:
    """A TCP port that takes connections; it is there at once, they come when the loop runs."""

    def __init__(self, network: SocketNetwork, port: int, accept: Callable[[Any], object]) -> None:
        opened = socket.socket(_family(network.address), socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        try:
            opened.bind((network.address, port))
            opened.listen(64)
        except OSError as error:
            opened.close()
            raise _refused("TCP", network.address, port, error) from None
        self._network = network
        self._server: asyncio.Server | None = None
        self._closed = False
        network.spawn(self._serve(opened, accept), f"SOME/IP TCP {port}")

    async def _serve(self, opened: socket.socket, accept: Callable[[Any], object]) -> None:
        network = self._network
        self._server = await network.loop.create_server(lambda: SocketStream(network, None, accept), sock=opened)
        if self._closed:
            self._server.close()

    def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()


class SocketNetwork:
    """The network of this machine, by one of its addresses. Close it when the node is closed.

    `watch` sees what goes over UDP and TCP, `counts` what could not.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, watch: Watch | None = None) -> None:
        self.loop: Final = loop
        self.address: Final = address
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
                    data, place = opened.recvfrom(LARGEST)
                except (BlockingIOError, InterruptedError):
                    return
                except OSError as error:  # an answer of ICMP to what was sent before
                    self.counts[f"told by the network: {error.strerror}"] += 1
                    return
                source = Endpoint(*place[:2])
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
            await self.loop.create_connection(lambda: stream, *target, local_addr=(self.address, 0))
        except OSError as error:
            self.counts[f"TCP to {target}: {error.strerror or error}"] += 1
            stream.lost()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _udp_socket(address: str, port: int) -> socket.socket:
    """A socket at an address. A group's port is shared with all stacks of this machine; one of our own is not."""
    opened = socket.socket(_family(address), socket.SOCK_DGRAM)
    if is_multicast(address):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.setblocking(False)
    try:
        opened.bind((address, port))
    except OSError as error:
        opened.close()
        raise _refused("UDP", address, port, error) from None
    return opened


def _join(opened: socket.socket, group: str, address: str) -> None:
    if ":" in group:
        membership = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", _interface_of(address))
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    else:
        membership = socket.inet_aton(group) + socket.inet_aton(address)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _interface_of(address: str) -> int:
    """The index of the interface that has an IPv6 address; 0, the system's choice, when it cannot be told."""
    wanted = socket.inet_pton(socket.AF_INET6, address.partition("%")[0]).hex()
    with contextlib.suppress(OSError), open("/proc/net/if_inet6", encoding="ascii") as lines:
        for line in lines:
            number, index = line.split()[:2]
            if number == wanted:
                return int(index, 16)
    return 0


def _refused(protocol: str, address: str, port: int, error: OSError) -> EthernetError:
    hint = "; another gateway? give this one another address with --someip" if error.errno == errno.EADDRINUSE else ""
    return EthernetError(f"{protocol} port {port} of {address} cannot be had: {error.strerror}{hint}")


def _nothing() -> None:
    """Nobody wants to know."""


def _ignored(_data: bytes) -> None:
    """Nobody wants the bytes."""
