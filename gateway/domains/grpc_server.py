"""What the gRPC servers of both domains share: a service's handlers from its descriptor, codes, addresses.

Handlers are methods named as the calls are, in snake case. What they answer may be bytes already: then a message that
goes to many clients is made once.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from gateway.domains.errors import Code, DomainError, ServeError
from gateway.domains.pem import pem
from gateway.links.addresses import Address
from gateway.links.errors import LinkError
from gateway.links.wall_time import wall_time_loop
from gateway.sim import SimulationLoop

CODES: Final = {code: grpc.StatusCode[code.name] for code in Code}
MESSAGE_LIMIT: Final = 64 * 1024 * 1024
GRACE_S: Final = 0.5
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")

Context = Any
"""`grpc.aio.ServicerContext`."""


def loop_for(what: str) -> SimulationLoop:
    """The running loop. ServeError unless it keeps wall time."""
    try:
        return wall_time_loop(what)
    except LinkError as error:
        raise ServeError(error.sentence) from None


def new_server() -> grpc.aio.Server:
    """A server without an address yet. It does not share its port with others, and takes many clients."""
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", MESSAGE_LIMIT),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ]
    return grpc.aio.server(options=options)


def add_service(server: grpc.aio.Server, service: ServiceDescriptor, servicer: object) -> None:
    """Let `servicer` answer the calls of a service; what it has no method for is unimplemented."""
    handlers = {}
    for method in service.methods:
        behaviour = getattr(servicer, _WORD.sub("_", method.name).lower(), None)
        if behaviour is not None:
            handlers[method.name] = _handler(method, behaviour)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))


def credentials(
    certificate: Path | None, private_key: Path | None, client_ca: Path | None = None
) -> grpc.ServerCredentials | None:
    """TLS with these PEM files; None without any. With `client_ca` a client must have a certificate of it.

    ServeError for half a pair, and for a file that cannot be read or is none.
    """
    if certificate is None and private_key is None and client_ca is None:
        return None
    if certificate is None or private_key is None:
        raise ServeError("TLS needs both: the server's certificate and its private key")
    pair = [(pem(private_key), pem(certificate))]
    if client_ca is None:
        return grpc.ssl_server_credentials(pair)
    return grpc.ssl_server_credentials(pair, pem(client_ca), require_client_auth=True)


async def listen(
    server: grpc.aio.Server, what: str, address: Address, credentials: grpc.ServerCredentials | None
) -> Address:
    """Begin to serve; the address with its port. ServeError when it cannot be had."""
    target = f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
    try:
        if credentials is None:
            port = server.add_insecure_port(target)
        else:
            port = server.add_secure_port(target, credentials)
    except RuntimeError:
        port = 0
    if port == 0:
        raise ServeError(f"{what} cannot listen at {target}: the address is in use or not of this machine")
    await server.start()
    return Address(address.host, port)


def _handler(method: MethodDescriptor, behaviour: Callable[..., Any]) -> Any:
    request = message_factory.GetMessageClass(method.input_type)
    unary = behaviour if method.server_streaming else _refusing(behaviour)
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    answer = _refusing_stream(behaviour) if method.server_streaming else unary
    return make(answer, request_deserializer=request.FromString, response_serializer=_serialize)


def _serialize(message: Any) -> bytes:
    return message if message.__class__ is bytes else message.SerializeToString()


def _refusing(behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except DomainError as error:
            return await context.abort(CODES[error.code], error.sentence)

    return call


def _refusing_stream(
    behaviour: Callable[[Any, Context], AsyncGenerator[Any, None]],
) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async with contextlib.aclosing(behaviour(request, context)) as answers:
                async for answer in answers:
                    yield answer
        except DomainError as error:
            await context.abort(CODES[error.code], error.sentence)

    return call
