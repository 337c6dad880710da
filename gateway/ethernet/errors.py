"""What is wrong with an address or with something on a segment."""

from __future__ import annotations

from gateway.errors import GatewayError


class EthernetError(GatewayError):
    """An address that is none, a port in use, a datagram that does not fit into a frame."""
