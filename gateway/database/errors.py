"""What can go wrong with a database and with values for it."""

from __future__ import annotations

from gateway.errors import GatewayError


class DatabaseError(GatewayError):
    """A file that is no database, or a name that the database does not have."""


class EncodeError(GatewayError):
    """A value that a signal cannot carry; the sentence names message, signal, value and what would be allowed."""
