"""How a gateway takes part in a Zenoh network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from gateway.services.errors import ServiceError
from gateway.services.rules import Rules

LOCAL: Final = "tcp/127.0.0.1:0"
"""Where peers of this machine find us; others only when they are told to be let in."""


@dataclass(frozen=True, slots=True)
class ZenohOptions:
    """`listen` and `connect`: Zenoh's endpoints; `config`: a file of Zenoh's own instead of these; `take`: VSS paths
    whose values come from other gateways."""

    name: str | None = None
    prefix: str = "vss"
    mode: Literal["peer", "client", "router"] = "peer"
    connect: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    config: Path | None = None
    take: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def settings(self) -> dict[str, object]:
        """Zenoh's configuration by its keys. Without an endpoint, gateways of one machine find each other over lo."""
        settings: dict[str, object] = {"mode": self.mode, "connect/endpoints": list(self.connect)}
        if self.mode != "client":
            settings["listen/endpoints"] = list(self.listen) or [LOCAL]
        if self.connect or self.listen:
            settings["scouting/multicast/enabled"] = False
        else:
            settings["scouting/multicast/interface"] = "lo"
        return settings


def endpoint(text: str) -> str:
    """What stands behind `zenoh:`. ServiceError for what is no endpoint."""
    protocol, slash, place = text.partition("/")
    if not protocol.isalnum() or not slash or ":" not in place:
        raise ServiceError(f"{text!r} is no endpoint of Zenoh: write it like tcp/10.0.0.1:7447")
    return text
