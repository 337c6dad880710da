"""A client for people: gets, sets and follows a field or an event of a service, by its layout in the vehicle file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.errors import nearest
from gateway.services.someip.binding import BoundPayload
from gateway.services.someip.definition import EventDefinition, FieldDefinition, ServiceDefinition
from gateway.services.someip.node import Node
from gateway.services.someip.options import NodeOptions
from gateway.services.someip.sockets import SocketNetwork
from gateway.sim import NS_PER_S, SimulationLoop, Streams
from gateway.someip import Answer, CallError, ReturnCode, SomeIpError, Tree, code_text

WITHIN_S: Final = 5.0
"""Until somebody must have offered the service: longer than the cyclic offers of most are apart."""

ROOM: Final = 1000
"""Values that may wait to be told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. `field` and `event` of one name: a field's value, and its notifier."""

    service: ServiceDefinition
    name: str
    field: FieldDefinition | None = None
    event: EventDefinition | None = None

    def __str__(self) -> str:
        return f"{self.service.name}.{self.name}"


def find_asked(services: list[ServiceDefinition], text: str) -> Asked:
    """What SERVICE.NAME is. SomeIpError, with the nearest name, for what is neither field nor event."""
    own, _, name = text.partition(".")
    known = [f"{each.name}.{one}" for each in services for one in dict.fromkeys(_names(each))]
    for service in services:
        if service.name == own and name in _names(service):
            field = next((one for one in service.fields if one.name == name), None)
            event = next((one for one in service.events if one.name == name), None)
            return Asked(service, name, field, event)
    near = nearest(text, known) or f"; there are {', '.join(known) or 'none'}"
    raise SomeIpError(f"the vehicle file has no field or event {text!r}{near}")


def _names(service: ServiceDefinition) -> list[str]:
    return [*(one.name for one in service.fields), *(one.name for one in service.events)]


async def get(options: NodeOptions, asked: Asked) -> Tree:
    """The value of a field. SomeIpError where it has no getter, is not offered in time, or is refused."""
    if asked.field is None or asked.field.getter is None:
        raise SomeIpError(f"{asked} has no getter" + (": follow its events" if asked.event is not None else ""))
    answer = await _request(options, asked, asked.field.getter, b"")
    return asked.field.payload.layout.decode(answer)


async def put(options: NodeOptions, asked: Asked, value: Any) -> Tree:
    """Set a field; the value that was taken. SomeIpError as for `get`, and for a value that the layout does not have."""
    if asked.field is None or asked.field.setter is None:
        raise SomeIpError(f"{asked} has no setter")
    layout = asked.field.payload.layout
    return layout.decode(await _request(options, asked, asked.field.setter, layout.encode(value)))


async def follow(
    options: NodeOptions, asked: Asked, duration_ns: int | None, told: Callable[[Tree], object]
) -> dict[str, int]:
    """Give each event's value to `told`, so long or until cancelled; what was wrong meanwhile, counted."""
    event = asked.event
    if event is None:
        raise SomeIpError(f"{asked} has no notifier: get it")
    values: asyncio.Queue[Tree] = asyncio.Queue(ROOM)
    own = replace(event, payload=_Told(event.payload.layout, values=values))
    async with _client(options, replace(_bare(asked.service), events=(own,))) as node:
        with suppress(asyncio.CancelledError, TimeoutError):  # Ctrl-C, or its time is over
            await _found(node, asked)
            async with asyncio.timeout(None if duration_ns is None else duration_ns / NS_PER_S):
                while True:
                    told(await values.get())
        return {**node.consumers[0].faults, **node.counts}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told(BoundPayload):
    """Its values go to no signal; who does not take them loses the oldest."""

    values: asyncio.Queue[Tree]

    def decode(self, payload: bytes) -> list[Any]:
        if self.values.full():
            self.values.get_nowait()
        self.values.put_nowait(self.layout.decode(payload))
        return []


def _bare(service: ServiceDefinition) -> ServiceDefinition:
    """The service to be found: whoever offers it."""
    return replace(service, fields=(), methods=(), events=(), owner=None, reliable=service.udp is None)


@asynccontextmanager
async def _client(options: NodeOptions, service: ServiceDefinition) -> AsyncIterator[Node]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    network = SocketNetwork(loop, options.address)
    node = Node(loop.kernel, Streams(0).stream("asking"), options, consumed=[service])
    try:
        node.open(network)
        yield node
    finally:
        node.close()
        await network.close()


async def _found(node: Node, asked: Asked) -> None:
    """Wait until it is offered. SomeIpError when it is not in time."""
    consumer = node.consumers[0]
    found = asyncio.Event()
    consumer.on_found = found.set
    if consumer.found is not None:
        return
    try:
        await asyncio.wait_for(found.wait(), WITHIN_S)
    except TimeoutError:
        where = f"at {node.options.address} within {WITHIN_S:g} s"
        raise SomeIpError(f"{asked}: {asked.service.instance} was not found {where}: {consumer.missing}") from None


async def _request(options: NodeOptions, asked: Asked, method: int, payload: bytes) -> bytes:
    async with _client(options, _bare(asked.service)) as node:
        await _found(node, asked)
        found = node.consumers[0].found
        assert found is not None
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        node.request(found.instance, method, payload, answered.set_result)
        answer = await answered
    if answer.return_code != ReturnCode.OK:
        raise CallError(f"{asked}: {code_text(answer.return_code)} from {found.host}", answer.return_code)
    return answer.payload
