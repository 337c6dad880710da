"""How to reach an MQTT broker, and who we are to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from gateway.links.addresses import LOOPBACK, Address
from gateway.services.errors import ServiceError
from gateway.services.rules import Rules

T = TypeVar("T")
PORT: Final = 1883
TLS_PORT: Final = 8883


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca`: who signed the broker's certificate, None for the system's; `certificate`, `private_key`: ours, where the
    broker wants one. All PEM files."""

    ca: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """ServiceError, with the file, for what cannot be read."""
        if (self.certificate is None) != (self.private_key is None):
            raise ServiceError("a client certificate needs both: `certificate` and its `private_key`")
        context = ssl.create_default_context()
        if self.ca is not None:
            context = _loaded(self.ca, lambda path: ssl.create_default_context(cafile=str(path)))
        if self.certificate is not None:
            key = self.private_key
            _loaded(self.certificate, lambda path: context.load_cert_chain(path, key))
        return context


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """`address`: of the broker; `own`: where a broker of our own is to listen; `version`: 5 or 4 (MQTT 3.1.1)."""

    address: Address | None = None
    own: Address | None = None
    tls: Tls | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    prefix: str = "vss"
    version: int = 5
    keepalive_s: int = 5
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class MqttPlace:
    """What stands in `mqtt://[USER[:PASSWORD]@]HOST[:PORT]`; `mqtts` means TLS."""

    address: Address
    secure: bool
    username: str | None
    password: str | None = field(repr=False)


def mqtt_place(text: str) -> MqttPlace:
    """Where a URL leads to. ServiceError for one that is none."""
    wrong = ServiceError(f"{text!r} is no broker: write mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise wrong
    secure = url.scheme == "mqtts"
    username = None if url.username is None else unquote(url.username)
    password = None if url.password is None else unquote(url.password)
    return MqttPlace(Address(url.hostname, port or (TLS_PORT if secure else PORT)), secure, username, password)


def local_broker(port: int = PORT) -> Address:
    """Where a broker of our own listens unless told otherwise."""
    return Address(LOOPBACK, port)


def _loaded(path: Path, load: Callable[[Path], T]) -> T:
    try:
        return load(path)
    except ssl.SSLError as error:
        raise ServiceError(f"is no PEM file that fits: {error.reason or error}", file=str(path)) from None
    except OSError as error:
        file = error.filename or path
        raise ServiceError(f"cannot be read: {(error.strerror or str(error)).lower()}", file=str(file)) from None
