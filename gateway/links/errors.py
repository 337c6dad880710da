"""What is wrong with a link, in a sentence."""

from __future__ import annotations

from gateway.errors import GatewayError


class LinkError(GatewayError):
    """A link that cannot be made or kept: an address in use, no simulation to be found, a peer that talks nonsense."""


class RecordError(LinkError):
    """Bytes that are no record of the protocol, or a record at the wrong moment."""
