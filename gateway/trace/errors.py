"""The error of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class TraceError(GatewayError):
    """A recording cannot be read or written; `file` is its path."""


def os_sentence(doing: str, fault: OSError) -> str:
    """`cannot be opened: No such file or directory`; `doing` is a participle such as `opened`."""
    return f"cannot be {doing}: {fault.strerror or fault}"
