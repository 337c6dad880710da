"""The vehicle HAL over gRPC, as the reference's `VehicleServer`, as long as a context lasts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.domains.aaos.clients import Client, Clients
from gateway.domains.aaos.dump import dump
from gateway.domains.aaos.hal import SubscribeOptions, VehicleHal
from gateway.domains.aaos.values import Place, StatusCode
from gateway.domains.errors import need_extra
from gateway.domains.turnstile import Turnstile
from gateway.links.addresses import Address

try:
    from gateway.domains.aaos import vehicle_server_pb2 as proto
    from gateway.domains.aaos.wire import (
        config_message,
        number,
        place_of,
        raw_message,
        raw_of,
        value_message,
    )
    from gateway.domains.grpc_server import GRACE_S, Context, add_service, credentials, listen, loop_for, new_server
except ImportError as error:
    raise need_extra("The vehicle HAL (--aaos)", "aaos", error) from None

SERVICE: Final = proto.DESCRIPTOR.services_by_name["VehicleServer"]
IDENTITY: Final = "client-identity"
"""The metadata of a call that says who asks; it counts where the vehicle file gives clients permissions."""
BATCH: Final = 256
"""Values in one message of a stream."""


class Tls(NamedTuple):
    """PEM files; none: in the clear. With `client_ca` clients must have a certificate of it."""

    certificate: Path | None = None
    private_key: Path | None = None
    client_ca: Path | None = None


@contextlib.asynccontextmanager
async def serve_hal(
    hal: VehicleHal, address: Address, clients: Clients | None = None, tls: Tls | None = None
) -> AsyncIterator[Address]:
    """Serve a HAL; yields the address. ServeError when it cannot be: virtual time, no such address, no such file."""
    loop_for("the vehicle HAL")
    server = new_server()
    add_service(server, SERVICE, VehicleServer(hal, clients or Clients()))
    secret = credentials(*(tls or Tls()))
    where = await listen(server, "the vehicle HAL", address, secret)
    try:
        yield where
    finally:
        hal.close()
        await server.stop(GRACE_S)


class VehicleServer:
    """The calls of the service."""

    def __init__(self, hal: VehicleHal, clients: Clients) -> None:
        self._hal = hal
        self._clients = clients
        self._turnstile = Turnstile()

    async def get_all_property_config(self, _request: Any, context: Context) -> AsyncIterator[Any]:
        client = self._client(context)
        for config in self._hal.configs.values():
            if client.may_read(config.prop) or client.may_write(config.prop):
                yield config_message(config)

    async def get_values(self, request: Any, context: Context) -> Any:
        client = self._client(context)
        results = proto.GetValueResults()
        for one in request.requests:
            reading = self._hal.get(place_of(one.value), client)
            result = results.results.add(request_id=one.request_id, status=int(reading.code))
            if reading.value is not None:
                result.value.CopyFrom(value_message(reading.value))
        return results

    async def set_values(self, request: Any, context: Context) -> Any:
        client = self._client(context)
        results = proto.SetValueResults()
        for one in request.requests:
            code = self._hal.set(place_of(one.value), raw_of(one.value), client)
            results.results.add(request_id=one.request_id, status=int(code))
        return results

    async def subscribe(self, request: Any, context: Context) -> Any:
        given = request.options
        options = SubscribeOptions(
            given.prop_id,
            tuple(given.area_ids),
            given.sample_rate,
            given.resolution,
            given.enable_variable_update_rate,
        )
        return _status(self._hal.subscribe(options, self._client(context)))

    async def unsubscribe(self, request: Any, _context: Context) -> Any:
        return _status(self._hal.unsubscribe(request.prop_id, request.area_id))

    async def update_sample_rate(self, request: Any, _context: Context) -> Any:
        return _status(self._hal.update_sample_rate(request.prop, request.area_id, request.sample_rate))

    async def check_health(self, _request: Any, _context: Context) -> Any:
        return _status(StatusCode.OK)

    async def dump(self, request: Any, _context: Context) -> Any:
        return proto.DumpResult(caller_should_dump_state=not request.options, buffer=dump(self._hal, request.options))

    async def start_property_values_stream(self, _request: Any, context: Context) -> AsyncIterator[Any]:
        stream = self._hal.open_stream(self._client(context))
        ready = asyncio.Event()
        stream.on_ready = ready.set
        # What says that the stream is open: who subscribes after it misses nothing.
        await context.send_initial_metadata(())
        try:
            while not stream.closed:
                if not stream.waiting:
                    ready.clear()
                    await ready.wait()
                    continue
                await self._turnstile.enter()
                values = stream.take()
                for start in range(0, len(values), BATCH):
                    yield proto.VehiclePropValues(values=map(value_message, values[start : start + BATCH]))
        finally:
            stream.close()

    async def get_min_max_supported_values(self, request: Any, _context: Context) -> Any:
        results = proto.GetMinMaxSupportedValuesResult()
        for one in request.prop_id_area_id:
            code, area = self._hal.min_max(Place(one.prop_id, one.area_id))
            result = results.result.add(status=int(code))
            if area is not None:
                kind = self._hal.configs[one.prop_id].prop.value_type
                if area.minimum is not None:
                    result.min_supported_value.CopyFrom(raw_message(number(kind, area.minimum)))
                if area.maximum is not None:
                    result.max_supported_value.CopyFrom(raw_message(number(kind, area.maximum)))
        return results

    async def get_supported_values_lists(self, request: Any, _context: Context) -> Any:
        results = proto.GetSupportedValuesListsResult()
        for one in request.prop_id_area_id:
            code, area = self._hal.min_max(Place(one.prop_id, one.area_id))
            result = results.result.add(status=int(code))
            if area is not None:
                kind = self._hal.configs[one.prop_id].prop.value_type
                result.supported_values_list.extend(raw_message(number(kind, value)) for value in area.enum_values)
        return results

    async def start_supported_values_change_stream(self, _request: Any, _context: Context) -> AsyncIterator[Any]:
        """What a property may be does not change while a vehicle drives: an open stream without messages."""
        await asyncio.get_running_loop().create_future()
        yield proto.SupportedValuesChange()

    def _client(self, context: Context) -> Client:
        metadata = context.invocation_metadata() or ()
        return self._clients.client(next((str(value) for key, value in metadata if key == IDENTITY), None))


def _status(code: StatusCode) -> Any:
    return proto.VehicleHalCallStatus(status_code=int(code))  # type: ignore[arg-type]
