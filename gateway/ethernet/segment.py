"""A simulated Ethernet segment: hosts on a switch, each by a full-duplex link, in the kernel's time.

A frame takes its time on the sender's link, waits for nothing else in the switch but `latency_ns`, and takes its time
again on each receiver's link, after what is queued there. Addresses are known without ARP. Multicast goes to the hosts
that have joined the group, as with IGMP snooping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.ethernet.addresses import Endpoint, group_mac, host_mac, is_multicast, packed
from gateway.ethernet.errors import EthernetError
from gateway.ethernet.faults import Faults
from gateway.ethernet.frames import OVERHEAD, Packet, TcpFlags, TcpHead, build
from gateway.ethernet.host import Host
from gateway.ethernet.tcp import SEGMENT
from gateway.sim import NS_PER_S, Kernel, Stream

QUEUE_LIMIT: Final = 1024
"""Frames that may wait for one link; what comes then is dropped and counted."""
FrameListener = Callable[[int, bytes], object]
"""Called with the time and the frame when it is whole at the switch."""


class Link:
    """One direction of a host's link: frames one after the other, each for so long as it has bits."""

    def __init__(self, kernel: Kernel, bit_rate: int) -> None:
        self._kernel = kernel
        self._bit_ns = NS_PER_S / bit_rate
        self._free_ns = 0
        self._waiting = 0

    def send(self, frame: bytes, arrived: Callable[[], object]) -> bool:
        """Call `arrived` when the frame is over; False when too many wait."""
        if self._waiting >= QUEUE_LIMIT:
            return False
        self._waiting += 1
        start = max(self._kernel.now, self._free_ns)
        self._free_ns = start + round((len(frame) + OVERHEAD) * 8 * self._bit_ns)
        self._kernel.at(self._free_ns, partial(self._end, arrived))
        return True

    def _end(self, arrived: Callable[[], object]) -> None:
        self._waiting -= 1
        arrived()


class Segment:
    """Hosts on one switch. `counts`: what became of frames; `listeners` see each frame that reaches the switch."""

    def __init__(
        self,
        kernel: Kernel,
        random: Stream,
        *,
        name: str = "ethernet",
        bit_rate: int = 100_000_000,
        latency_ns: int = 5_000,
    ) -> None:
        self.kernel: Final = kernel
        self.name: Final = name
        self.bit_rate: Final = bit_rate
        self.latency_ns = latency_ns
        self.faults = Faults()
        self.hosts: Final[dict[str, Host]] = {}
        self.listeners: Final[list[FrameListener]] = []
        self.counts: Final[Counter[str]] = Counter()
        self._random = random
        self._up: dict[str, Link] = {}
        self._down: dict[str, Link] = {}
        self._by_address: dict[str, Host] = {}
        self._made_up: dict[str, bytes] = {}
        self._sequences: dict[tuple[Endpoint, Endpoint], int] = {}
        self._observed = 0

    def attach(self, name: str, *addresses: str) -> Host:
        """A new host with these IP addresses. EthernetError for a name or an address that is there already."""
        if name in self.hosts:
            raise EthernetError(f"there is a host {name!r} on {self.name} already")
        for address in addresses:
            if address in self._by_address:
                raise EthernetError(f"{address} is the address of {self._by_address[address].name} already")
            packed(address)
        mac = host_mac(len(self.hosts) + 1)
        host = self.hosts[name] = Host(self.kernel, name, mac, addresses, self._mac_of, partial(self._send, name))
        self._up[name] = Link(self.kernel, self.bit_rate)
        self._down[name] = Link(self.kernel, self.bit_rate)
        self._by_address.update(dict.fromkeys(addresses, host))
        return host

    def observe(self, packet: Packet) -> None:
        """Show listeners a packet that went over a real network, as a frame between made-up MAC addresses."""
        if self.listeners:
            macs = [self._observed_mac(end.host) for end in (packet.source, packet.target)]
            self._observed += 1
            frame = build(packet, macs[0], macs[1], self._observed)
            for listener in self.listeners:
                listener(self.kernel.now, frame)

    def observe_stream(self, source: Endpoint, target: Endpoint, data: bytes) -> None:
        """As `observe`, for bytes of a TCP connection."""
        if not self.listeners:
            return
        for start in range(0, len(data), SEGMENT):
            part = data[start : start + SEGMENT]
            sequence = self._sequences.get((source, target), 1)
            head = TcpHead(sequence, self._sequences.get((target, source), 1), TcpFlags.PSH | TcpFlags.ACK)
            self._sequences[source, target] = (sequence + len(part)) & 0xFFFFFFFF
            self.observe(Packet(source, target, part, head))

    def _observed_mac(self, address: str) -> bytes:
        mac = self._mac_of(address)
        if mac is None:
            mac = self._made_up.setdefault(address, host_mac(0x10000 + len(self._made_up)))
        return mac

    def _mac_of(self, address: str) -> bytes | None:
        if is_multicast(address):
            return group_mac(address)
        host = self._by_address.get(address)
        return None if host is None else host.mac

    def _send(self, name: str, frame: bytes) -> None:
        if name in self.faults.cut:
            self.counts["lost: cable out"] += 1
        elif not self._up[name].send(frame, partial(self._at_switch, name, frame)):
            self.counts["dropped: queue full"] += 1

    def _at_switch(self, sender: str, frame: bytes) -> None:
        self.counts["sent"] += 1
        for listener in self.listeners:
            listener(self.kernel.now, frame)
        mac = frame[:6]
        for name, host in self.hosts.items():
            if name == sender or (mac != host.mac and mac not in host.group_macs):
                continue
            delays = self.faults.delays(self._random)
            if not delays:
                self.counts["lost"] += 1
            for delay in delays:
                self.kernel.after(self.latency_ns + delay, partial(self._to_host, name, frame))

    def _to_host(self, name: str, frame: bytes) -> None:
        if not self._down[name].send(frame, partial(self._deliver, name, frame)):
            self.counts["dropped: queue full"] += 1

    def _deliver(self, name: str, frame: bytes) -> None:
        if name in self.faults.cut:
            self.counts["lost: cable out"] += 1
            return
        self.counts["delivered"] += 1
        self.hosts[name].receive(frame)
