"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class ComError(GatewayError):
    """A message or signal that is asked for in a way that its database does not allow."""
