"""The page's files over HTTP, and who may ask for them.

A page of another site must not reach the vehicle through the browser of somebody who watches it. So the host that the
browser thinks it talks to has to be an address, `localhost` or the name that was asked for (against names that are
bound to another address afterwards, DNS rebinding), and what opens a WebSocket has to come from this page (`Origin`,
RFC 6455, 10.2).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

FEED: Final = "/feed"
"""Where the WebSocket is."""
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS: Final = (
    ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-cache"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer over HTTP."""

    status: int
    reason: str
    kind: str
    body: bytes


def read_pages() -> dict[str, Page]:
    """All files of the page by path, read once: nothing else can be asked for."""
    found = {}
    for file in files("gateway.ui").joinpath("web").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            path = "/" if file.name == "index.html" else f"/{file.name}"
            found[path] = Page(200, "OK", kind, file.read_bytes())
    return found


def refusal(status: int, reason: str, sentence: str) -> Page:
    return Page(status, reason, "text/plain; charset=utf-8", f"{sentence}\n".encode())


def allowed_host(host: str | None, asked_for: str) -> bool:
    """Whether a `Host` header names this machine as the user would."""
    name = host_name(host)
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost") or name == asked_for.lower():
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a WebSocket comes from the page itself. Programs other than browsers send no `Origin`."""
    if origin is None:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and host is not None and parts.netloc.lower() == host.lower()


def host_name(host: str | None) -> str | None:
    """The name of a `Host` header, without its port; None for what is none."""
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None
