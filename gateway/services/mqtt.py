"""Signals over MQTT: each a retained topic with its datapoint; `.../set` asks for a value. The driver over aiomqtt.

The connection is made again whenever it breaks; everything is told anew then. Nobody needs to believe what is old: the
last will says that the gateway is gone, a broker of MQTT 5 drops a retained value that is not refreshed, and a
gateway that ends in order tells all it served as stale.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from gateway.links.addresses import Address
from gateway.links.errors import LinkError
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.routing import Datapoint, Quality, VssSignal
from gateway.services.errors import RequestError, ServiceError
from gateway.services.mqtt_client import (
    TIMEOUT_S,
    Expiry,
    Properties,
    aiomqtt,
    correlated,
    hand_over,
    hang_up,
    new_client,
)
from gateway.services.mqtt_options import MqttOptions
from gateway.services.mqtt_requests import SetRequest, set_request
from gateway.services.outbox import Outbox
from gateway.services.payload import answer, encode
from gateway.services.policy import EventPolicy
from gateway.services.signals import Signals
from gateway.services.topics import SET, Topics
from gateway.sim import NS_PER_S

Tell = Callable[[str], object]
"""Takes a line for the user."""

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
"""Between attempts to connect."""
AT_ONCE: Final = 16
"""Messages in a row before others of this program get their turn; with QoS 1 and 2, those not acknowledged yet."""
EXPIRY: Final = 3
"""A retained value is dropped by the broker when it was not refreshed for so many cycles (MQTT 5)."""
_REFUSED: Final = frozenset({4, 5, 134, 135, 138})
"""CONNACK: bad user name or password, not authorised, banned (MQTT 3.1.1, 3.2.2.3; MQTT 5, 3.2.2.2)."""


class MqttBus:
    """The signals at a broker. Counted: `published` messages, `requests`, `dropped` requests, `connections`."""

    def __init__(self, signals: Signals, options: MqttOptions, name: str, epoch_ns: int, tell: Tell) -> None:
        assert options.address is not None
        self.address: Final[Address] = options.address
        self.topics: Final = Topics(options.prefix, signals.tree)
        self.name: Final = name
        self.state_topic: Final = self.topics.gateway(name)
        self.published = self.requests = self.dropped = self.connections = 0
        self.connected: Final = asyncio.Event()
        self.attempted: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        """Done after the first attempt to connect; ServiceError when another would not help."""
        self._signals: Final = signals
        self._options: Final = options
        self._epoch_ns: Final = epoch_ns
        self._tell: Final = tell
        self._tls: Final = None if options.tls is None else options.tls.context()
        self._outbox: Outbox | None = None
        self._missed = False
        self._told: Final[set[VssSignal]] = set()
        self._ready: Final = asyncio.Event()
        self._acknowledged: Final[set[asyncio.Task[None]]] = set()
        self._properties: Final[dict[EventPolicy, Properties]] = {}

    @property
    def waiting(self) -> int:
        """Signals that are still to be told."""
        return 0 if self._outbox is None else len(self._outbox)

    async def run(self) -> None:
        """Serve until cancelled, over as many connections as it takes. ServiceError when the broker does not let us in."""
        pause_s = FIRST_PAUSE_S
        self._outbox = Outbox(
            self._signals.kernel, self._signals.by_path.values(), self._options.rules.policy_of, self._signals.held_back
        )
        self._outbox.on_ready = self._ready.set
        self._ready.set()
        try:
            while True:
                before = self.connections
                error = await self._broken_by(self._outbox)
                self._broken(error, fresh=before == self.connections)
                pause_s = FIRST_PAUSE_S if before != self.connections else min(pause_s * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)
        finally:
            self._outbox.close()

    async def _broken_by(self, outbox: Outbox) -> BaseException:
        """One connection; what it broke by."""
        found: BaseException = aiomqtt.MqttError("it was closed")
        try:
            await self._connection(outbox)
        except* (aiomqtt.MqttError, OSError, ValueError) as broken:
            found = _first(broken)
        return found

    def _broken(self, error: BaseException, *, fresh: bool) -> None:
        """Tell why, the first time; ServiceError for what will be the same next time."""
        reason = str(error.__cause__ or error) or type(error).__name__
        code = getattr(error, "rc", None)
        value = getattr(code, "value", code)
        if fresh and value in _REFUSED:
            raise ServiceError(f"the broker at {self.address} does not let {self.name} in: {reason}")
        if self._missed:
            return
        self._missed = True
        hint = ""
        if self._tls is not None and fresh and "timed out" in reason:
            hint = " (a broker that refuses our certificate looks like that)"
        what = "cannot be reached" if fresh else "is lost"
        self._tell(f"MQTT: the broker at {self.address} {what}: {reason}{hint}; trying again")
        if not self.attempted.done():
            self.attempted.set_result(None)

    async def _connection(self, outbox: Outbox) -> None:
        """One connection, until it breaks."""
        will = self.state_topic, _state("offline")
        client = new_client(self._options, self.name, self._tls, will, self._drop)
        try:
            await self._connected_with(client, outbox)
        finally:
            hang_up(client)

    async def _connected_with(self, client: aiomqtt.Client, outbox: Outbox) -> None:
        async with client:
            self.connections += 1
            granted = await client.subscribe([(topic, 1) for topic in self._set_topics()])
            if any(getattr(code, "value", code) >= 0x80 for code in granted):
                self._tell(f"MQTT: the broker at {self.address} does not let us hear set requests")
            await client.publish(self.state_topic, _state("online"), 1, retain=True)
            outbox.again()
            self._ready.set()
            self.connected.set()
            if self._missed:
                self._tell(f"MQTT: the broker at {self.address} is there")
            self._missed = False
            if not self.attempted.done():
                self.attempted.set_result(None)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._hear(client), name="mqtt requests")
                    tasks.create_task(self._publish(client, outbox), name="mqtt signals")
            except asyncio.CancelledError:
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    await asyncio.wait_for(self._farewell(client), TIMEOUT_S)
                raise
            finally:
                self.connected.clear()
                for task in self._acknowledged:
                    task.cancel()

    def _drop(self) -> None:
        self.dropped += 1

    # Out

    async def _publish(self, client: aiomqtt.Client, outbox: Outbox) -> None:
        rules = self._options.rules
        in_a_row = 0
        while True:
            await self._ready.wait()
            self._ready.clear()
            while (signal := outbox.take()) is not None:
                rule = rules.of(signal.path)
                point = signal.datapoint
                self._told.add(signal)
                in_a_row += 1
                if rule.qos:
                    await self._later(self._send(client, signal, point, rule.qos, rule.policy))
                elif in_a_row % AT_ONCE and len(outbox):
                    # Others follow at once, and one of them is awaited: they all go to the socket together.
                    hand_over(client, *self._message(signal, point, rule.policy))
                    self.published += 1
                else:
                    await self._send(client, signal, point, 0, rule.policy)
                if in_a_row % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _message(
        self, signal: VssSignal, point: Datapoint, policy: EventPolicy
    ) -> tuple[str, bytes, Properties | None]:
        properties = self._expiring(policy) if point.quality is Quality.GOOD else None
        return self.topics.of[signal.path], encode(point, self._epoch_ns), properties

    async def _send(
        self, client: aiomqtt.Client, signal: VssSignal, point: Datapoint, qos: int, policy: EventPolicy
    ) -> None:
        topic, data, properties = self._message(signal, point, policy)
        # Without a limit: a broker that hangs is noticed by the keepalive, and then this is cancelled.
        await client.publish(topic, data, qos, True, properties, timeout=math.inf)
        self.published += 1

    async def _later(self, sending: Any) -> None:
        """Send, but do not wait for its acknowledgement unless too many are missing already."""
        waiting = self._acknowledged
        if len(waiting) >= AT_ONCE:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(sending, name="mqtt acknowledgement")
        waiting.add(task)
        task.add_done_callback(self._acknowledge)

    def _acknowledge(self, task: asyncio.Task[None]) -> None:
        self._acknowledged.discard(task)
        if not task.cancelled():
            task.exception()  # the connection breaks for the others as well, and tells why

    def _expiring(self, policy: EventPolicy) -> Properties | None:
        if self._options.version != aiomqtt.ProtocolVersion.V5 or not policy.cycle_ns:
            return None
        found = self._properties.get(policy)
        if found is None:
            found = self._properties[policy] = Expiry(math.ceil(EXPIRY * policy.cycle_ns / NS_PER_S))
        return found

    async def _farewell(self, client: aiomqtt.Client) -> None:
        """What was told is not fresh from now on."""
        for signal in self._told:
            point = signal.datapoint
            if point.quality is Quality.GOOD:
                stale = encode(point._replace(quality=Quality.STALE), self._epoch_ns)
                await client.publish(self.topics.of[signal.path], stale, 0, retain=True)
        await client.publish(self.state_topic, _state("offline"), 1, retain=True)

    # In

    def _set_topics(self) -> list[str]:
        """Those of all depths: a wish for a signal that is not there gets an answer too."""
        return [f"{self.topics.prefix}/{'+/' * depth}{SET[1:]}" for depth in range(1, self.topics.depth + 2)]

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if message.retain:
                self.dropped += 1  # a wish from long ago
                continue
            self.requests += 1
            request = set_request(message, self.topics)
            data = answer(self._refusal(request), request.data)
            await client.publish(request.answer_topic, data, properties=correlated(request.correlation))

    def _refusal(self, request: SetRequest) -> str:
        """Ask an actuator; why that cannot be, or nothing."""
        try:
            self._signals.set(self.topics.path(request.topic), request.data)
        except RequestError as error:
            return error.sentence
        return ""


@contextlib.asynccontextmanager
async def serve_mqtt(
    signals: Signals, options: MqttOptions, name: str, tell: Tell, *, epoch_ns: int | None = None
) -> AsyncIterator[MqttBus]:
    """Serve signals at a broker as long as the context lasts. `name`: of this gateway, when the options give none.

    ServiceError in virtual time, for options that cannot be, and when the broker does not let us in; one that is not
    there (yet) is told, and tried again.
    """
    try:
        loop = wall_time_loop("MQTT")
    except LinkError as error:
        raise ServiceError(error.sentence) from None
    bus = MqttBus(
        signals, options, options.client_id or name, epoch_ns_of(loop) if epoch_ns is None else epoch_ns, tell
    )
    task = asyncio.create_task(bus.run(), name="mqtt")
    try:
        await asyncio.wait((task, bus.attempted), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield bus
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ServiceError):
            await task


def _state(state: str) -> bytes:
    return f'{{"state":"{state}"}}'.encode()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
