"""Where a node is on its network, and how its service discovery speaks."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.someip import SD_GROUP, SD_PORT, SdTiming


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """`client`: its client id in calls, `client_port`: where answers and events come; `call_timeout_ns`: for an answer."""

    address: str
    group: str = SD_GROUP
    sd_port: int = SD_PORT
    timing: SdTiming = field(default_factory=SdTiming)
    client: int = 0x0100
    client_port: int = 0
    call_timeout_ns: int = 1_000_000_000
