"""The gateway: a controller on each bus, the routes between them, and the signals above.

It receives what others send, never its own frames; so a frame that it has forwarded does not come back to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.can import Bus, Controller, Frame
from gateway.com import TransmitTask, TxMessage
from gateway.database import Message
from gateway.errors import GatewayError
from gateway.routing.expiry import Watch
from gateway.routing.frame_route import FrameRoute
from gateway.routing.journey import NOT_YET, Journeys, RoutedFrame
from gateway.routing.lane import Lane
from gateway.routing.route import LOST, Route
from gateway.routing.signal_route import SendMode, SignalRoute, TargetMessage
from gateway.routing.store import SignalStore
from gateway.sim import Kernel


class Gateway:
    """Connects buses. `latency_ns`: from the end of a frame to its being handed to the other bus; `limit`: what may
    wait towards one bus."""

    def __init__(self, kernel: Kernel, name: str, *, latency_ns: int = 0, limit: int = 64) -> None:
        self.kernel: Final = kernel
        self.name: Final = name
        self.latency_ns: Final = latency_ns
        self.limit: Final = limit
        self.store: Final = SignalStore(kernel)
        self.journeys: Final = Journeys()
        self.routes: list[Route] = []
        self.controllers: dict[str, Controller] = {}
        self.targets: dict[tuple[str, str], TargetMessage] = {}
        self.commands: dict[tuple[str, str], TxMessage] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._watches: dict[tuple[str, int, int], Watch] = {}

    def attach(self, bus: Bus) -> Controller:
        """Give the gateway a controller on a bus."""
        controller = self.controllers[bus.name] = bus.attach(self.name)
        controller.on_sent = self._sent
        controller.on_lost = self._lost
        return controller

    def lane(self, bus: str, latency_ns: int | None = None) -> Lane:
        """The way to a bus, with the gateway's latency or one of its own."""
        latency_ns = self.latency_ns if latency_ns is None else latency_ns
        if (bus, latency_ns) not in self._lanes:
            self._lanes[bus, latency_ns] = Lane(self.kernel, self.controllers[bus], latency_ns, self.limit)
        return self._lanes[bus, latency_ns]

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All ways to buses."""
        return tuple(self._lanes.values())

    def add(self, route: Route, bus: str, key: int | None) -> None:
        """Let a route take the frames of one identifier of a bus, or all frames."""
        self.routes.append(route)
        if key is None:
            self.controllers[bus].receive_all(route.receive)
        else:
            self.controllers[bus].receive(key, route.receive)
            if isinstance(route, SignalRoute) and route.check is None:
                self._watch(route, bus, key)

    def _watch(self, route: SignalRoute, bus: str, key: int) -> None:
        """Routes of one message that take each of its frames have their source stale at the same time."""
        place = (bus, key, route.timeout_ns)
        if place not in self._watches:
            self._watches[place] = Watch(self.kernel, route.timeout_ns, route.heard_ns)
        watch = self._watches[place]
        route.expiry.watch = lambda: watch

    def target(self, bus: str, message: Message) -> TargetMessage:
        """The message that the gateway composes on a bus from routed signals."""
        key = (bus, message.name)
        if key not in self.targets:
            self.targets[key] = TargetMessage(TxMessage(self.kernel, self.controllers[bus], message))
        return self.targets[key]

    def command(self, bus: str, message: Message) -> TxMessage:
        """The message that carries target values of actuators down to a bus.

        On LIN a frame has one publisher, so the message that routes compose carries them as well. GatewayError on CAN.
        """
        key = (bus, message.name)
        target = self.targets.get(key)
        if target is not None:
            if not target.message.controller.polled:
                text = f"{bus}.{message.name} is the target of a route and of an actuator; it can be one only"
                raise GatewayError(text)
            target.lasts = True
            return target.message
        if key not in self.commands:
            self.commands[key] = TxMessage(self.kernel, self.controllers[bus], message)
        return self.commands[key]

    def routed_signals(self, bus: str, message: Message) -> frozenset[str]:
        """The signals of a message that routes put in."""
        target = self.targets.get((bus, message.name))
        routes = (route for route in self.routes if isinstance(route, SignalRoute))
        return frozenset(route.signal_name for route in routes if route.target is target)

    def start(self) -> None:
        """Begin to send the cyclic messages."""
        cyclic = {
            id(route.target)
            for route in self.routes
            if isinstance(route, SignalRoute) and route.mode is SendMode.CYCLIC
        }
        targets = [target.message for target in self.targets.values() if id(target) in cyclic]
        for message in [*targets, *self.commands.values()]:
            cycle = message.definition.cycle_ns
            if message.controller.polled:
                message.active = True  # on LIN a frame has its start values until something else is known
            elif cycle:
                first = self.kernel.now + message.definition.start_delay_ns
                TransmitTask(self.kernel, cycle, first, [message])

    @property
    def balanced(self) -> bool:
        """For every route: received = forwarded + filtered + dropped."""
        return all(route.counts.balanced for route in self.routes)

    def frame_routes(self) -> Iterable[FrameRoute]:
        return (route for route in self.routes if isinstance(route, FrameRoute))

    def _sent(self, frame: Frame, _requested_ns: int, _start_ns: int) -> None:
        if isinstance(frame, RoutedFrame):
            for journey in frame.sources:
                if journey.sent_ns == NOT_YET:
                    journey.sent_ns = self.kernel.now

    def _lost(self, frame: Frame) -> None:
        if isinstance(frame, RoutedFrame):
            for journey in frame.sources:
                route = self.routes[journey.route]
                carried = isinstance(route, FrameRoute) or (
                    isinstance(route, SignalRoute) and route.is_carried_by_frames
                )
                if carried and journey.sent_ns == NOT_YET:
                    route.lose(journey, LOST)
