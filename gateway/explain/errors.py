"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class ExplainError(GatewayError):
    """A question that cannot be understood, or that the recording has no answer to."""
