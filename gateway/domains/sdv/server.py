"""kuksa.val over gRPC, v1 and v2 at one port, as long as a context lasts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gateway.domains.errors import need_extra
from gateway.domains.sdv.access import Access
from gateway.domains.sdv.broker import Broker
from gateway.links.addresses import Address
from gateway.links.wall_time import epoch_ns_of

try:
    from gateway.domains.grpc_server import GRACE_S, add_service, credentials, listen, loop_for, new_server
    from gateway.domains.sdv import kuksa_v1, kuksa_v2
except ImportError as error:
    raise need_extra("The SDV domain (--sdv)", "sdv", error) from None


@dataclass(frozen=True, slots=True)
class SdvOptions:
    """Where, and for whom. `key`: public key of tokens; `certificate` and `private_key`: of the server, for TLS."""

    address: Address
    key: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None


@contextlib.asynccontextmanager
async def serve_kuksa(broker: Broker, options: SdvOptions, *, epoch_ns: int | None = None) -> AsyncIterator[Address]:
    """Serve a broker; yields the address. ServeError when it cannot be: virtual time, address, key, certificate."""
    loop = loop_for("kuksa.val")
    access = Access.of_file(options.key)
    epoch_ns = epoch_ns_of(loop) if epoch_ns is None else epoch_ns
    server = new_server()
    add_service(server, kuksa_v2.SERVICE, kuksa_v2.KuksaV2(broker, access, epoch_ns))
    add_service(server, kuksa_v1.SERVICE, kuksa_v1.KuksaV1(broker, access, epoch_ns))
    address = await listen(server, "kuksa.val", options.address, credentials(options.certificate, options.private_key))
    try:
        yield address
    finally:
        await server.stop(GRACE_S)
