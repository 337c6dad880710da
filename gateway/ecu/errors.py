"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class EcuError(GatewayError):
    """An ECU asks for something that its vehicle does not have."""
