"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class LinError(GatewayError):
    """Something that a LIN bus cannot do as it is asked for."""
