"""Signals over Zenoh: each a key with its datapoint; a query gets the values of now; `.../set` asks for one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from gateway.links.errors import LinkError
from gateway.links.wall_time import epoch_ns_of, wall_time_loop
from gateway.routing import Quality, VssSignal
from gateway.services.errors import RequestError, ServiceError
from gateway.services.inlet import Inlet
from gateway.services.outbox import Outbox
from gateway.services.payload import answer, encode
from gateway.services.signals import Signals
from gateway.services.topics import ANSWER, SET, Topics
from gateway.services.zenoh_options import ZenohOptions
from gateway.services.zenoh_others import OtherGateways, zenoh
from gateway.sim import SimulationLoop

Tell = Callable[[str], object]

ROOM: Final = 10_000
"""What may wait to be taken from Zenoh's threads."""
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
"""Between attempts to join."""
_NOBODY: Final = "Unable to connect to any of"
AT_ONCE: Final = 64
"""Values in a row before others of this program get their turn."""
_JSON: Final = zenoh.Encoding.APPLICATION_JSON


class ZenohBus:
    """The signals on a Zenoh network, and the `others` on it. Counted: `published`, `requests`."""

    def __init__(
        self, signals: Signals, options: ZenohOptions, name: str, loop: SimulationLoop, epoch_ns: int, tell: Tell
    ) -> None:
        self.topics: Final = Topics(options.prefix, signals.tree)
        self.name: Final = name
        self.token: Final = self.topics.gateway(name)
        self.published = self.requests = 0
        self.attempted: Final = asyncio.Event()
        """The first attempt to join has been made."""
        self.joined: Final = asyncio.Event()
        self._signals: Final = signals
        self._options: Final = options
        self._epoch_ns: Final = epoch_ns
        self._tell: Final = tell
        self._inlet: Final[Inlet[Callable[[], object]]] = Inlet(loop, lambda work: work(), ROOM)
        self.others: Final = OtherGateways(signals, options, self.topics, name, self._inlet, tell)
        own = {path: signal for path, signal in signals.by_path.items() if path not in self.others.paths}
        self._keys: Final = {path: zenoh.KeyExpr(self.topics.of[path]) for path in own}
        self._outbox: Final = Outbox(signals.kernel, own.values(), options.rules.policy_of, signals.held_back)
        self._publishers: Final[dict[VssSignal, zenoh.Publisher]] = {}
        self._ready: Final = asyncio.Event()
        self._session: zenoh.Session | None = None
        self._declared: list[object] = []
        """Kept, because what Zenoh declares ends with its object."""

    # Beginning and end

    async def run(self) -> None:
        """Join the network and serve, until cancelled. ServiceError with Zenoh's reason for what will not do."""
        self._session = await self._join()
        self._declare(self._session)
        self.joined.set()
        self.attempted.set()
        await self._publish()

    async def _join(self) -> zenoh.Session:
        """A client waits for who lets it in; once it has been, Zenoh itself finds its way back."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await asyncio.to_thread(_open, self._options)
            except zenoh.ZError as error:
                reason = _sentence(error)
            if not reason.startswith(_NOBODY):
                raise ServiceError(f"Zenoh cannot begin: {reason}")
            if not self.attempted.is_set():
                self._tell(f"Zenoh: nobody is at {', '.join(self._options.connect)} yet; trying again")
                self.attempted.set()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _declare(self, session: zenoh.Session) -> None:
        put, prefix = self._inlet.put, self.topics.prefix
        self._declared = [
            session.declare_subscriber(f"{prefix}/**{SET}", lambda sample: put(partial(self._wish, sample))),
            session.declare_queryable(
                f"{prefix}/**", lambda query: put(partial(self._query, query)), allowed_origin=zenoh.Locality.REMOTE
            ),
            *self.others.join(session),
            session.liveliness().declare_token(self.token),
        ]

    async def close(self) -> None:
        """Tell that nothing is fresh any more, and leave."""
        self._inlet.close()
        self.others.leave()
        self._outbox.close()
        session, self._session = self._session, None
        if session is None:
            return
        for signal, publisher in self._publishers.items():
            point = signal.datapoint
            if point.quality is Quality.GOOD:
                publisher.put(encode(point._replace(quality=Quality.STALE), self._epoch_ns), attachment=self.name)
        await asyncio.to_thread(session.close)

    # Out

    async def _publish(self) -> None:
        outbox = self._outbox
        outbox.on_ready = self._ready.set
        outbox.again()
        self._ready.set()
        while True:
            await self._ready.wait()
            self._ready.clear()
            while (signal := outbox.take()) is not None:
                self._put(signal)
                if self.published % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _put(self, signal: VssSignal) -> None:
        publisher = self._publishers.get(signal)
        if publisher is None:
            assert self._session is not None
            # A network that is too slow loses values; the vehicle does not wait for it.
            publisher = self._publishers[signal] = self._session.declare_publisher(
                self.topics.of[signal.path], encoding=_JSON, congestion_control=zenoh.CongestionControl.DROP
            )
        publisher.put(encode(signal.datapoint, self._epoch_ns), attachment=self.name)
        self.published += 1

    # Wishes and questions

    def _wish(self, sample: zenoh.Sample) -> None:
        key = str(sample.key_expr)
        request = sample.payload.to_bytes()
        refusal = self._set(key, request)
        if refusal is not None and self._session is not None:
            self._session.put(key.removesuffix(SET) + ANSWER, answer(refusal, request), encoding=_JSON)

    def _set(self, key: str, request: bytes) -> str | None:
        """Ask an actuator; the reason where it cannot be, empty where it can. None: others are meant."""
        path = self.topics.path(key)
        if path in self.others.paths or path not in self._signals.by_path:
            return None
        self.requests += 1
        try:
            self._signals.set(path, request)
        except RequestError as error:
            return error.sentence
        return ""

    def _query(self, query: zenoh.Query) -> None:
        with query:
            key = str(query.key_expr)
            if key.endswith(SET):
                self._answer(query, key)
                return
            for path in self._matching(query.key_expr):
                point = self._signals.by_path[path].datapoint
                if point.quality is not Quality.ABSENT:
                    data = encode(point, self._epoch_ns)
                    query.reply(self._keys[path], data, encoding=_JSON, attachment=self.name)

    def _answer(self, query: zenoh.Query, key: str) -> None:
        request = b"" if query.payload is None else query.payload.to_bytes()
        refusal = self._set(key, request)
        if refusal:
            query.reply_err(refusal)
        elif refusal is not None:
            query.reply(key, answer(refusal, request), encoding=_JSON)

    def _matching(self, key: zenoh.KeyExpr) -> list[str]:
        path = self.topics.path(str(key))
        if path in self._keys:
            return [path]
        return [path for path, own in self._keys.items() if key.intersects(own)]


@contextlib.asynccontextmanager
async def serve_zenoh(
    signals: Signals, options: ZenohOptions, name: str, tell: Tell, *, epoch_ns: int | None = None
) -> AsyncIterator[ZenohBus]:
    """Take part in a Zenoh network as long as the context lasts. `name`: of this gateway, when the options give none.

    ServiceError in virtual time, and for settings that Zenoh does not take; a router that is not there (yet) is told, and
    tried again.
    """
    try:
        loop = wall_time_loop("Zenoh")
    except LinkError as error:
        raise ServiceError(error.sentence) from None
    epoch_ns = epoch_ns_of(loop) if epoch_ns is None else epoch_ns
    bus = ZenohBus(signals, options, options.name or name, loop, epoch_ns, tell)
    task = asyncio.create_task(bus.run(), name="zenoh")
    attempted = asyncio.create_task(bus.attempted.wait(), name="zenoh attempt")
    try:
        await asyncio.wait((task, attempted), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield bus
    finally:
        for one in (attempted, task):
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError, ServiceError):
                await one
        await bus.close()


def _open(options: ZenohOptions) -> zenoh.Session:
    """ZError for what Zenoh does not like."""
    if options.config is not None:
        return zenoh.open(zenoh.Config.from_file(options.config))
    config = zenoh.Config()
    for key, value in options.settings().items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


def _sentence(error: Exception) -> str:
    """Zenoh's words without its places in its own source."""
    return " ".join(str(error).partition(" at /")[0].split()).rstrip("!")
