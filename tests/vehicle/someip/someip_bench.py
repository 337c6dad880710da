"""The SOME/IP test vehicle in virtual time, and a peer beside it that speaks by protocol objects of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from gateway.can import Frame
from gateway.ethernet import Connection, Endpoint, Segment, is_multicast
from gateway.services.someip import Node
from gateway.sim import Kernel, Timer
from gateway.someip import (
    Answer,
    Available,
    Calls,
    Cast,
    Instance,
    Message,
    MessageStream,
    MessageType,
    Offer,
    OfferedGroup,
    SdEvent,
    SdTiming,
    ServiceDiscovery,
    Wanted,
    messages,
    segments,
)
from gateway.vehicle import Vehicle, build, read_vehicle

FOLDER = Path(__file__).parents[2] / "data" / "someip"
MS, S = 1_000_000, 1_000_000_000
COMFORT, NAVIGATION = Instance(0x1234, 1), Instance(0x2222, 1)
GROUP = Endpoint("224.224.224.245", 30490)
QUICK = SdTiming(initial_delay_ns=(0, 0))


class Peer:
    """Another host. `events`: notifications with their times; `calls`: its own calls; `requests` to what it offers."""

    def __init__(self, segment: Segment, name: str, address: str) -> None:
        self.kernel = segment.kernel
        self.host = segment.attach(name, address)
        self.discovery = ServiceDiscovery(Endpoint(address, 30490), GROUP, QUICK, random.Random(name))
        self.events: list[tuple[int, Message]] = []
        self.requests: list[Message] = []
        self.told: list[SdEvent] = []
        self.answers: dict[int, bytes] = {}
        self.groups: list[int] = []
        """Eventgroups that are subscribed to whenever a service appears."""
        self.calls = Calls(0x0200)
        self._timer = Timer(self.kernel, self._wake)
        self._sd = self.host.open_udp(30490, self._hear)
        self._sd.join(GROUP.host)
        self.port = self.host.open_udp(40000, self.take)

    def find(self, service: int) -> None:
        self.discovery.search(Wanted(service), self.kernel.now)
        self._pump()

    def offer(self, instance: Instance, *groups: int, port: int = 40000) -> None:
        place = Endpoint(self.host.addresses[0], port)
        offered = {group: OfferedGroup() for group in groups}
        self.discovery.offer(Offer(instance, 1, 0, place, groups=offered), self.kernel.now)
        self._pump()

    def stop(self) -> None:
        self.discovery.stop(self.kernel.now)
        self._pump()

    def subscribe(self, group: int, instance: Instance = COMFORT, connection: Connection | None = None) -> None:
        udp = None if connection is not None else self.port.local
        tcp = None if connection is None else connection.local
        self.discovery.subscribe(instance, group, self.kernel.now, udp=udp, tcp=tcp)
        self._pump()

    def call(self, method: int, payload: bytes, done: Callable[[Answer], object], service: int = 0x1234) -> None:
        message = self.calls.request(service, method, payload, 1, self.kernel.now + S, done)
        assert message is not None
        self.port.send(message.build(), Endpoint("10.0.0.1", 30501))

    def notify(self, message: Message, *groups: int, instance: Instance = NAVIGATION) -> None:
        """Send an event to who has subscribed to it."""
        for group in groups:
            for subscriber in self.discovery.offers.subscribers(instance, group):
                assert subscriber.udp is not None
                for segment in segments(message):
                    self.port.send(segment.build(), subscriber.udp)

    def take(self, data: bytes, source: Endpoint, target: Endpoint) -> None:
        for message in messages(data):
            self._message(message, source)

    def connect(self) -> Connection:
        connection = self.host.connect(Endpoint("10.0.0.1", 30502))
        stream = MessageStream()

        def data(received: bytes) -> None:
            for message in stream.feed(received):
                self._message(message, connection.remote)

        connection.on_data = data
        return connection

    def _message(self, message: Message, source: Endpoint) -> None:
        if message.type == MessageType.NOTIFICATION:
            self.events.append((self.kernel.now, message))
        elif message.type in (MessageType.RESPONSE, MessageType.ERROR):
            self.calls.receive(message)
        else:
            self.requests.append(message)
            if message.method in self.answers:
                answer = message._replace(type=MessageType.RESPONSE, payload=self.answers[message.method])
                self.port.send(answer.build(), source)

    def _hear(self, data: bytes, source: Endpoint, target: Endpoint) -> None:
        cast = Cast.MULTICAST if is_multicast(target.host) else Cast.UNICAST
        events = list(self.discovery.receive(data, source, self.kernel.now, cast))
        self.told += events
        for event in events:
            if isinstance(event, Available):
                for group in self.groups:
                    self.subscribe(group, event.found.instance)
        self._pump()

    def _wake(self) -> None:
        self.told += self.discovery.wake(self.kernel.now)
        self._pump()

    def _pump(self) -> None:
        for datagram in self.discovery.outgoing():
            self._sd.send(datagram.data, datagram.target)
        deadline = self.discovery.deadline
        if deadline is not None:
            self._timer.set(deadline)


class SomeIpBench:
    """The vehicle, driven by hand."""

    def __init__(self, seed: int = 1) -> None:
        self.kernel = Kernel()
        self.vehicle: Vehicle = build(read_vehicle(FOLDER), self.kernel, seed)
        assert self.vehicle.someip is not None and self.vehicle.ethernet is not None
        self.node: Node = self.vehicle.someip
        self.segment: Segment = self.vehicle.ethernet
        self.frames: list[tuple[int, Frame]] = []
        self.packets: list[tuple[int, bytes]] = []
        bus = self.vehicle.buses["body"]
        self.tester = bus.attach("Tester")
        bus.attach("Tap").receive_all(lambda frame: self.frames.append((self.kernel.now, frame)))
        self.segment.listeners.append(lambda time, frame: self.packets.append((time, frame)))
        self.peer = Peer(self.segment, "HU", "10.0.0.2")

    def start(self) -> None:
        self.vehicle.start()

    def subscribed(self, *groups: int) -> None:
        """The peer has found the service and subscribed to these eventgroups; what came so far is forgotten."""
        self.start()
        self.peer.find(COMFORT.service)
        self.until(lambda: any(isinstance(event, Available) for event in self.peer.told))
        for group in groups:
            self.peer.subscribe(group)
        self.run(20)

    def pedal(self, position: float, pressed: bool = False) -> None:
        self.vehicle.buses["body"].send(self.tester, Frame(0x100, bytes([round(position * 2), pressed])))

    def run(self, ms: float) -> None:
        self.kernel.run(self.kernel.now + round(ms * MS))

    def until(self, condition: Callable[[], bool], within_ms: int = 5000) -> None:
        for _ in range(within_ms):
            if condition():
                return
            self.run(1)
        raise AssertionError("it did not come about")

    def call(self, method: int, payload: bytes = b"") -> Answer:
        """What the gateway answers to the peer's call."""
        answers: list[Answer] = []
        self.peer.call(method, payload, answers.append)
        self.until(lambda: bool(answers))
        return answers[0]

    def sent(self, key: int) -> list[bytes]:
        """The payloads of the frames of an identifier so far."""
        return [frame.data for _, frame in self.frames if frame.header & 0x7FF == key]
