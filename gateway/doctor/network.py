"""The network interfaces of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.doctor.finding import Area, Finding, Standing
from gateway.vcan.interfaces import CANFD_MTU, is_up

ARPHRD_CAN: Final = 280
"""linux/if_arp.h; what /sys/class/net/NAME/type says of a CAN interface."""
_SYSTEM: Final = Path("/sys/class/net")


def interfaces(system: Path = _SYSTEM) -> Iterator[Finding]:
    """CAN interfaces one by one, and the others together."""
    can: list[str] = []
    others: list[str] = []
    for _, name in socket.if_nameindex():
        (can if _number(system / name / "type") == ARPHRD_CAN else others).append(name)
    for name in can:
        yield can_interface(name, up=is_up(name), mtu=_number(system / name / "mtu"))
    if not can:
        text = "no CAN interface; simulated buses need none"
        remedy = "gateway vcan -- COMMAND, or sudo ip link add dev vcan0 type vcan && sudo ip link set vcan0 mtu 72 up"
        yield Finding(Area.INTERFACES, "CAN", Standing.MISSING, text, remedy)
    told = ", ".join(f"{name} {'up' if is_up(name) else 'down'}" for name in others)
    yield Finding(Area.INTERFACES, "network", Standing.WORKS if others else Standing.MISSING, told or "none")


def can_interface(name: str, *, up: bool, mtu: int) -> Finding:
    """One interface, with what it carries."""
    carries = "CAN FD" if mtu >= CANFD_MTU else "classic CAN only"
    if not up:
        remedy = f"sudo ip link set {name} up (a real bus wants its bit rate first: type can bitrate 500000)"
        return Finding(Area.INTERFACES, name, Standing.MISSING, f"down; {carries}", remedy)
    fd = (
        ""
        if mtu >= CANFD_MTU
        else f"for CAN FD on vcan: sudo ip link set {name} down mtu 72 && sudo ip link set {name} up"
    )
    return Finding(Area.INTERFACES, name, Standing.WORKS, f"up; {carries}", fd)


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
