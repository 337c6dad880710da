"""Keys and certificates in files."""

from __future__ import annotations

from pathlib import Path

from gateway.domains.errors import ServeError


def pem(path: Path) -> bytes:
    """The content of a PEM file. ServeError, with the file, for one that cannot be read or is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ServeError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if b"-----BEGIN" not in content:
        raise ServeError("is no PEM file", file=str(path))
    return content
