"""kuksa.val.v1 over gRPC: entries with current value, target value and metadata, chosen by views and fields."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, NamedTuple

from kuksa.val.v1 import types_pb2, val_pb2

from gateway.domains.errors import Code, DomainError
from gateway.domains.grpc_server import Context
from gateway.domains.sdv.access import Access, now_s
from gateway.domains.sdv.broker import Broker
from gateway.domains.sdv.changes import Key, Message
from gateway.domains.sdv.entry import Aspect, Entry, good
from gateway.domains.sdv.kuksa_v2 import NAME, authorization
from gateway.domains.sdv.metadata_v1 import METADATA_FIELDS, put_metadata
from gateway.domains.sdv.permissions import EVERYTHING, Action, Permissions
from gateway.domains.sdv.wire import put, put_time, taken
from gateway.domains.turnstile import Turnstile
from gateway.routing import Datapoint
from gateway.version import __version__

SERVICE: Final = val_pb2.DESCRIPTOR.services_by_name["VAL"]
_REASONS: Final = {
    Code.NOT_FOUND: (404, "not_found"),
    Code.INVALID_ARGUMENT: (400, "bad_request"),
    Code.UNAUTHENTICATED: (401, "unauthorized"),
    Code.PERMISSION_DENIED: (403, "forbidden"),
    Code.ALREADY_EXISTS: (409, "conflict"),
    Code.UNAVAILABLE: (503, "unavailable"),
}
_ALL: Final = frozenset({types_pb2.FIELD_VALUE, types_pb2.FIELD_ACTUATOR_TARGET, types_pb2.FIELD_METADATA})
_VIEWS: Final = {
    types_pb2.VIEW_UNSPECIFIED: frozenset({types_pb2.FIELD_VALUE}),
    types_pb2.VIEW_CURRENT_VALUE: frozenset({types_pb2.FIELD_VALUE}),
    types_pb2.VIEW_TARGET_VALUE: frozenset({types_pb2.FIELD_ACTUATOR_TARGET}),
    types_pb2.VIEW_METADATA: frozenset({types_pb2.FIELD_METADATA}),
    types_pb2.VIEW_FIELDS: frozenset[int](),
    types_pb2.VIEW_ALL: _ALL,
}
_ASPECTS: Final = {types_pb2.FIELD_VALUE: Aspect.VALUE, types_pb2.FIELD_ACTUATOR_TARGET: Aspect.TARGET}


class _Wanted(NamedTuple):
    """A request's entries and which fields of them."""

    entries: list[Entry]
    fields: frozenset[int]


class KuksaV1:
    """The calls of the service. `epoch_ns`: nanoseconds since 1970 at the vehicle's time zero."""

    def __init__(self, broker: Broker, access: Access, epoch_ns: int) -> None:
        self._broker = broker
        self._access = access
        self._epoch_ns = epoch_ns
        self._turnstile = Turnstile()

    async def get(self, request: Any, context: Context) -> Any:
        may = self._permissions(context)
        if not request.entries:
            raise DomainError(Code.INVALID_ARGUMENT, "a request for no entry")
        response = val_pb2.GetResponse()
        for one in request.entries:
            try:
                wanted = self._wanted(one)
                for entry in wanted.entries:
                    may.check(Action.READ, entry.path)
                    self._put(response.entries.add(), entry, wanted.fields)
            except DomainError as error:
                _add_error(response, one.path, error)
        return response

    async def set(self, request: Any, context: Context) -> Any:
        may = self._permissions(context)
        response = val_pb2.SetResponse()
        for update in request.updates:
            try:
                self._update(update, may)
            except DomainError as error:
                _add_error(response, update.entry.path, error)
        return response

    async def streamed_update(self, requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        may = self._permissions(context)
        async for request in requests:
            may.check_time(now_s())
            response = val_pb2.StreamedUpdateResponse()
            for update in request.updates:
                try:
                    self._update(update, may)
                except DomainError as error:
                    _add_error(response, update.entry.path, error)
            yield response

    async def subscribe(self, request: Any, context: Context) -> AsyncIterator[Any]:
        may = self._permissions(context)
        wanted = [self._wanted(one) for one in request.entries]
        keys = _keys(wanted)
        described = [(entry, one.fields) for one in wanted if one.fields & METADATA_FIELDS for entry in one.entries]
        for entry, _ in described:
            may.check(Action.READ, entry.path)
        if described:
            yield self._described(described)
        if not keys:
            if not described:
                raise DomainError(Code.INVALID_ARGUMENT, "a subscription to no field of any signal")
            await asyncio.get_running_loop().create_future()  # metadata does not change, the stream stays
        subscription = self._broker.subscribe(keys, may)
        ready = asyncio.Event()
        subscription.on_ready = ready.set
        try:
            while True:
                if subscription.waiting:
                    await self._turnstile.enter()
                    may.check_time(now_s())
                    yield self._response(subscription.take())
                else:
                    ready.clear()
                    await ready.wait()
        finally:
            subscription.close()

    async def get_server_info(self, _request: Any, context: Context) -> Any:
        if authorization(context):
            self._permissions(context)
        return val_pb2.GetServerInfoResponse(name=NAME, version=__version__)

    # Messages

    def _response(self, message: Message | None) -> bytes:
        """A `SubscribeResponse`, made once for all readers of the message."""
        if message is None:
            return b""
        made = message.wire.get(KuksaV1)
        if made is None:
            made = message.wire[KuksaV1] = self._updates(message).SerializeToString()
        return made

    def _updates(self, message: Message) -> Any:
        response = val_pb2.SubscribeResponse()
        updates: dict[Entry, Any] = {}
        for (entry, aspect), datapoint in message.items():
            if entry not in updates:
                updates[entry] = response.updates.add()
                updates[entry].entry.path = entry.path
            update = updates[entry]
            if aspect is Aspect.VALUE:
                update.fields.append(types_pb2.FIELD_VALUE)
                self._put_point(update.entry.value, entry, datapoint)
            else:
                update.fields.append(types_pb2.FIELD_ACTUATOR_TARGET)
                if good(datapoint) is not None:
                    self._put_point(update.entry.actuator_target, entry, datapoint)
        return response

    def _described(self, described: list[tuple[Entry, frozenset[int]]]) -> Any:
        response = val_pb2.SubscribeResponse()
        for entry, fields in described:
            update = response.updates.add(fields=sorted(fields & METADATA_FIELDS))
            update.entry.path = entry.path
            put_metadata(update.entry.metadata, entry.leaf, fields)
        return response

    def _put(self, message: Any, entry: Entry, fields: frozenset[int]) -> None:
        message.path = entry.path
        if types_pb2.FIELD_VALUE in fields and good(entry.datapoint()) is not None:
            self._put_point(message.value, entry, entry.datapoint())
        if types_pb2.FIELD_ACTUATOR_TARGET in fields and good(entry.datapoint(Aspect.TARGET)) is not None:
            self._put_point(message.actuator_target, entry, entry.datapoint(Aspect.TARGET))
        if fields & METADATA_FIELDS:
            put_metadata(message.metadata, entry.leaf, fields)

    def _put_point(self, message: Any, entry: Entry, datapoint: Datapoint) -> None:
        """A datapoint; without a value where it is absent or stale."""
        if datapoint.value is not None:
            put_time(message.timestamp, self._epoch_ns + datapoint.time_ns)
        value = good(datapoint)
        if value is not None:
            put(message, entry.leaf, value)

    # Requests

    def _permissions(self, context: Context) -> Permissions:
        return EVERYTHING if self._access.open else self._access.permissions(authorization(context))

    def _wanted(self, request: Any) -> _Wanted:
        view = _VIEWS.get(request.view)
        if view is None:
            raise DomainError(Code.INVALID_ARGUMENT, f"there is no view {request.view}")
        return _Wanted(list(self._broker.below(request.path or "-")), view | frozenset(request.fields))

    def _update(self, update: Any, may: Permissions) -> None:
        """Do what an `EntryUpdate` says in the fields that it names, or in those that are there."""
        entry = self._broker.entry(update.entry.path)
        given = update.entry
        fields = set(update.fields) or {
            number
            for number, name in ((types_pb2.FIELD_VALUE, "value"), (types_pb2.FIELD_ACTUATOR_TARGET, "actuator_target"))
            if given.HasField(name)
        }
        if fields & METADATA_FIELDS:
            may.check(Action.CREATE, entry.path)
            raise DomainError(Code.INVALID_ARGUMENT, f"the metadata of {entry.path} is that of the vehicle's VSS file")
        if types_pb2.FIELD_VALUE in fields:
            may.check(Action.PROVIDE, entry.path)
            self._broker.publish(entry, taken(given.value, "value", entry.leaf), may)
        if types_pb2.FIELD_ACTUATOR_TARGET in fields:
            may.check(Action.ACTUATE, entry.path)
            self._broker.set_target(entry, taken(given.actuator_target, "value", entry.leaf), may)


def _keys(wanted: Iterable[_Wanted]) -> list[Key]:
    return [
        (entry, aspect)
        for one in wanted
        for field, aspect in _ASPECTS.items()
        if field in one.fields
        for entry in one.entries
    ]


def _add_error(response: Any, path: str, error: DomainError) -> None:
    """Tell an error of one entry; the first one is that of the whole request."""
    code, reason = _REASONS[error.code]
    told = types_pb2.Error(code=code, reason=reason, message=error.sentence)
    if not response.HasField("error"):
        response.error.CopyFrom(told)
    response.errors.add(path=path).error.CopyFrom(told)
