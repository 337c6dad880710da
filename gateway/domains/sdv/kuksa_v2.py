"""kuksa.val.v2 over gRPC: the driver of the broker. Errors are those that its proto file promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

from kuksa.val.v2 import types_pb2, val_pb2

from gateway.domains.errors import Code, DomainError
from gateway.domains.grpc_server import Context
from gateway.domains.sdv.access import Access, now_s
from gateway.domains.sdv.broker import Broker, values_of
from gateway.domains.sdv.changes import Message
from gateway.domains.sdv.entry import Entry, good
from gateway.domains.sdv.metadata_v2 import metadata
from gateway.domains.sdv.permissions import EVERYTHING, Action, Permissions
from gateway.domains.sdv.provider import Provider
from gateway.domains.sdv.subscription import Sampling
from gateway.domains.sdv.wire import delimited, put, put_time, taken, varint
from gateway.domains.turnstile import Turnstile
from gateway.routing import Datapoint
from gateway.version import __version__

NAME: Final = "vehicle-gateway"
SERVICE: Final = val_pb2.DESCRIPTOR.services_by_name["VAL"]
NS_PER_MS: Final = 1_000_000
_ERRORS: Final = {
    Code.NOT_FOUND: types_pb2.ERROR_CODE_NOT_FOUND,
    Code.PERMISSION_DENIED: types_pb2.ERROR_CODE_PERMISSION_DENIED,
}


class KuksaV2:
    """The calls of the service. `epoch_ns`: nanoseconds since 1970 at the vehicle's time zero."""

    def __init__(self, broker: Broker, access: Access, epoch_ns: int) -> None:
        self._broker = broker
        self._access = access
        self._epoch_ns = epoch_ns
        self._turnstile = Turnstile()
        self._encoded: dict[Entry, tuple[Datapoint, bytes]] = {}
        paths = {entry: delimited(1, entry.path.encode()) for entry in broker.entries.values()}
        self._path_key = paths.__getitem__

    # One answer

    async def get_value(self, request: Any, context: Context) -> Any:
        may = self._permissions(context)
        return val_pb2.GetValueResponse(data_point=self._point(self._readable(request.signal_id, may)))

    async def get_values(self, request: Any, context: Context) -> Any:
        may = self._permissions(context)
        if not request.signal_ids:
            raise DomainError(Code.INVALID_ARGUMENT, "a request for no signal")
        entries = [self._readable(signal, may) for signal in request.signal_ids]
        return val_pb2.GetValuesResponse(data_points=[self._point(entry) for entry in entries])

    async def list_metadata(self, request: Any, context: Context) -> Any:
        self._permissions(context)
        return val_pb2.ListMetadataResponse(metadata=[metadata(entry) for entry in self._broker.below(request.root)])

    async def publish_value(self, request: Any, context: Context) -> Any:
        may = self._permissions(context)
        entry = self._entry(request.signal_id)
        may.check(Action.PROVIDE, entry.path)
        self._broker.publish(entry, taken(request.data_point.value, "typed_value", entry.leaf), may)
        return val_pb2.PublishValueResponse()

    async def actuate(self, request: Any, context: Context) -> Any:
        self._actuate([request], self._permissions(context))
        return val_pb2.ActuateResponse()

    async def batch_actuate(self, request: Any, context: Context) -> Any:
        self._actuate(request.actuate_requests, self._permissions(context))
        return val_pb2.BatchActuateResponse()

    async def actuate_stream(self, requests: AsyncIterator[Any], context: Context) -> Any:
        may = self._permissions(context)
        async for request in requests:
            may.check_time(now_s())
            self._actuate([request], may)
        return val_pb2.ActuateResponse()

    async def get_server_info(self, _request: Any, context: Context) -> Any:
        """Also for who has no token yet; one that is sent is looked at, for that is how clients try theirs."""
        if authorization(context):
            self._permissions(context)
        return val_pb2.GetServerInfoResponse(name=NAME, version=__version__)

    # Streams

    def subscribe(self, request: Any, context: Context) -> AsyncIterator[bytes]:
        may = self._permissions(context)
        entries = [self._found(path) for path in request.signal_paths]
        return self._stream(entries, request, may, self._path_key)

    def subscribe_by_id(self, request: Any, context: Context) -> AsyncIterator[bytes]:
        may = self._permissions(context)
        entries = [self._broker.by_number(number) for number in request.signal_ids]
        return self._stream(entries, request, may, _number_key)

    async def open_provider_stream(self, requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        provider = self._broker.provider(self._permissions(context))
        answers: asyncio.Queue[Any] = asyncio.Queue()
        provider.on_ready = lambda: answers.put_nowait(None)
        reading = asyncio.create_task(self._serve_provider(provider, requests, answers), name="kuksa provider")
        try:
            while True:
                answer = await answers.get()
                if answer is None:
                    answer = _asked(provider)
                elif isinstance(answer, DomainError):
                    raise answer
                if answer is _OVER:
                    return
                if answer is not None:
                    yield answer
        finally:
            provider.close()
            reading.cancel()

    async def _serve_provider(
        self, provider: Provider, requests: AsyncIterator[Any], answers: asyncio.Queue[Any]
    ) -> None:
        try:
            async for request in requests:
                provider.permissions.check_time(now_s())
                answer = self._provided(provider, request)
                if answer is not None:
                    answers.put_nowait(answer)
        except DomainError as error:
            answers.put_nowait(error)
        else:
            answers.put_nowait(_OVER)

    def _provided(self, provider: Provider, request: Any) -> Any:
        """The answer to one request of a provider; None where silence is the answer."""
        action = request.WhichOneof("action")
        if action == "provide_actuation_request":
            signals = request.provide_actuation_request.actuator_identifiers
            provider.claim_actuators([self._entry(signal) for signal in signals])
            return val_pb2.OpenProviderStreamResponse(provide_actuation_response=val_pb2.ProvideActuationResponse())
        if action == "provide_signal_request":
            intervals = request.provide_signal_request.signals_sample_intervals
            numbers = sorted(intervals)
            provider.claim_signals(
                {self._broker.by_number(number): intervals[number].interval_ms for number in numbers}
            )
            return val_pb2.OpenProviderStreamResponse(provide_signal_response=val_pb2.ProvideSignalResponse())
        if action == "publish_values_request":
            return self._published(provider, request.publish_values_request)
        return None  # what it says of its own faults, and of requests that are not made here

    def _published(self, provider: Provider, request: Any) -> Any:
        refused = {}
        for number, point in sorted(request.data_points.items()):
            try:
                entry = self._broker.by_number(number)
                self._broker.publish(entry, taken(point.value, "typed_value", entry.leaf), provider.permissions)
            except DomainError as error:
                code = _ERRORS.get(error.code, types_pb2.ERROR_CODE_INVALID_ARGUMENT)
                refused[number] = types_pb2.Error(code=code, message=error.sentence)
        if not refused:
            return None
        status = val_pb2.PublishValuesResponse(request_id=request.request_id, status=refused)
        return val_pb2.OpenProviderStreamResponse(publish_values_response=status)

    async def _stream(
        self, entries: Iterable[Entry], request: Any, may: Permissions, key_of: Callable[[Entry], bytes]
    ) -> AsyncIterator[bytes]:
        subscription = self._broker.subscribe(values_of(entries), may, _sampling(request))
        ready = asyncio.Event()
        subscription.on_ready = ready.set
        try:
            while True:
                if subscription.waiting:
                    await self._turnstile.enter()
                    may.check_time(now_s())
                    yield self._response(subscription.take(), key_of)
                elif subscription.closed:
                    return
                else:
                    ready.clear()
                    await ready.wait()
        finally:
            subscription.close()

    # Messages

    def _response(self, message: Message | None, key_of: Callable[[Entry], bytes]) -> bytes:
        """A `SubscribeResponse`, made once for all readers of the message: its map's entries one after another."""
        if message is None:
            return b""
        made = message.wire.get(key_of)
        if made is None:
            made = message.wire[key_of] = b"".join(
                delimited(1, key_of(entry) + self._encode(entry, datapoint))
                for (entry, _), datapoint in message.items()
            )
        return made

    def _encode(self, entry: Entry, datapoint: Datapoint) -> bytes:
        known = self._encoded.get(entry)
        if known is not None and known[0] is datapoint:
            return known[1]
        data = delimited(2, self._message(entry, datapoint).SerializeToString())
        self._encoded[entry] = (datapoint, data)
        return data

    def _point(self, entry: Entry) -> Any:
        return self._message(entry, entry.signal.datapoint)

    def _message(self, entry: Entry, datapoint: Datapoint) -> Any:
        """The datapoint; without a value where it is absent or stale."""
        point = types_pb2.Datapoint()
        if datapoint.value is not None:
            put_time(point.timestamp, self._epoch_ns + datapoint.time_ns)
        value = good(datapoint)
        if value is not None:
            put(point.value, entry.leaf, value)
        return point

    # Requests

    def _permissions(self, context: Context) -> Permissions:
        return EVERYTHING if self._access.open else self._access.permissions(authorization(context))

    def _entry(self, signal: Any) -> Entry:
        which = signal.WhichOneof("signal")
        if which == "id":
            return self._broker.by_number(signal.id)
        return self._found(signal.path)

    def _found(self, path: str) -> Entry:
        try:
            return self._broker.entry(path)
        except DomainError as error:
            if path not in self._broker.tree.branches:
                raise
            raise DomainError(error.code, f"{error.sentence}; ListMetadata with root={path!r} tells all") from None

    def _readable(self, signal: Any, may: Permissions) -> Entry:
        return self._broker.readable(self._entry(signal), may)

    def _actuate(self, requests: Iterable[Any], may: Permissions) -> None:
        wishes = []
        for request in requests:
            entry = self._entry(request.signal_id)
            may.check(Action.ACTUATE, entry.path)
            wishes.append((entry, taken(request.value, "typed_value", entry.leaf)))
        self._broker.actuate(wishes, may)


_OVER: Final = object()


def authorization(context: Context) -> str | None:
    """The `authorization` that came with a call."""
    return next((str(value) for key, value in context.invocation_metadata() or () if key == "authorization"), None)


def _number_key(entry: Entry) -> bytes:
    return b"\x08" + varint(entry.number)


def _sampling(request: Any) -> Sampling:
    limits = request.filter
    return Sampling(
        buffer=request.buffer_size,
        interval_ns=limits.min_sample_interval.interval_ms * NS_PER_MS,
        duration_ns=limits.duration_ms * NS_PER_MS,
    )


def _asked(provider: Provider) -> Any:
    """What has been asked of a provider, as one request; None when it has been handed over already."""
    actuations = provider.take()
    if not actuations:
        return None
    requests = []
    for entry, wanted in actuations:
        value = types_pb2.Value()
        put(value, entry.leaf, wanted)
        requests.append(val_pb2.ActuateRequest(signal_id=types_pb2.SignalID(id=entry.number), value=value))
    batch = val_pb2.BatchActuateStreamRequest(actuate_requests=requests)
    return val_pb2.OpenProviderStreamResponse(batch_actuate_stream_request=batch)
