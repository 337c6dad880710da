"""Two buses, a gateway between them, a sender on one and a receiver on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.can import BitRates, Bus, Frame
from gateway.com import header_of
from gateway.database import Message, Signal
from gateway.routing import Decision, FrameRoute, Gateway, Rule, SendMode, SignalRoute, Transform
from gateway.sim import Kernel

MS = 1_000_000
US = 1_000


class Got(NamedTuple):
    time_ns: int
    frame: Frame


class RoutingBench:
    """Bus `a` has the sender, bus `b` the receiver; `got` is what the receiver got."""

    def __init__(
        self, *, latency_ns: int = 200 * US, limit: int = 64, a_fd: bool = False, b_rate: int = 500_000
    ) -> None:
        self.kernel = Kernel()
        self.a = Bus(self.kernel, "a", BitRates(500_000, 500_000), index=0, fd=a_fd)
        self.b = Bus(self.kernel, "b", BitRates(b_rate, b_rate), index=1)
        self.gateway = Gateway(self.kernel, "GW", latency_ns=latency_ns, limit=limit)
        for bus in (self.a, self.b):
            self.gateway.attach(bus)
        self.sender = self.a.attach("sender")
        self.receiver = self.b.attach("receiver")
        self.got: list[Got] = []
        self.receiver.receive_all(lambda frame: self.got.append(Got(self.kernel.now, frame)))

    @property
    def out(self) -> Any:
        """The gateway's controller on bus b."""
        return self.gateway.controllers["b"]

    def frame_route(
        self, key: int | None = 0x100, *, target_key: int | None = None, latency_ns: int | None = None
    ) -> FrameRoute:
        rule = Rule(len(self.gateway.routes), f"a.{key}", "b", source_key=key, target_key=target_key)
        lane = self.gateway.lane("b", latency_ns)
        route = FrameRoute(self.kernel, rule, self.gateway.journeys, lane, target_key)
        self.gateway.add(route, "a", key)
        return route

    def signal_route(
        self,
        source: Signal,
        target: Message,
        name: str,
        *,
        mode: SendMode = SendMode.EACH,
        scale: float = 1,
        offset: float = 0,
        table: Mapping[Any, Any] | None = None,
        latency_ns: int | None = None,
    ) -> SignalRoute:
        assert source.message is not None
        rule = Rule(len(self.gateway.routes), f"a.{source}", f"b.{target.name}.{name}")
        ends = (source, self.gateway.target("b", target), name)
        route = SignalRoute(self.kernel, rule, self.gateway.journeys, self.gateway.lane("b", latency_ns), ends)
        route.mode = mode
        route.transform = Transform(scale, offset, table)
        self.gateway.add(route, "a", header_of(source.message))
        return route

    def at(self, time_ns: int, action: Callable[[], object]) -> None:
        self.kernel.at(time_ns, action)

    def send_at(self, time_ns: int, data: bytes | str, identifier: int = 0x100) -> None:
        payload = bytes.fromhex(data) if isinstance(data, str) else data
        self.kernel.at(time_ns, lambda: self.sender.send(Frame(identifier, payload)))

    def run(self, until_ns: int) -> list[Got]:
        self.kernel.run(until_ns)
        assert self.gateway.balanced
        return self.got

    @property
    def data(self) -> list[str]:
        return [got.frame.data.hex() for got in self.got]

    def decisions(self, route: FrameRoute | SignalRoute) -> list[tuple[Decision, str]]:
        return [(journey.decision, journey.reason) for journey in self.gateway.journeys.of_route(route.rule.index)]
