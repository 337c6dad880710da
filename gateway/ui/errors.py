"""What can be wrong with what is shown to people, and with what they ask for."""

from __future__ import annotations

from gateway.errors import GatewayError


class UiError(GatewayError):
    """Something that cannot be shown or done; the sentence says what to do instead."""
