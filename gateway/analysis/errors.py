"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class AnalysisError(GatewayError):
    """A recording, a signal or a file that does not fit to what is asked of it."""
