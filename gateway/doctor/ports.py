"""The ports that servers here take unless told otherwise, and who has them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.doctor.finding import Area, Finding, Standing


@dataclass(frozen=True, slots=True)
class Port:
    """A well-known port; `instead`: how to take another, `needed`: for what it is."""

    number: int
    what: str
    instead: str
    udp: bool = False


PORTS: Final = (
    Port(30490, "SOME/IP service discovery", "stop the other SOME/IP stack of this machine", udp=True),
    Port(55555, "kuksa.val", "gateway run --sdv 127.0.0.1:PORT"),
    Port(8090, "VISS", "gateway run --viss 127.0.0.1:PORT"),
    Port(40004, "vehicle HAL", "gateway run --aaos 127.0.0.1:PORT"),
    Port(842, "BlueChi's agents", "gateway run --agents 127.0.0.1:PORT"),
    Port(1883, "MQTT", "gateway run --bus mqtt:PORT"),
    Port(29536, "socketcand", "gateway run --socketcand PORT"),
    Port(8080, "the web page", "gateway run --web 127.0.0.1:PORT"),
    Port(9464, "Prometheus metrics", "gateway run --metrics 127.0.0.1:PORT"),
)


def ports(wanted: tuple[Port, ...] = PORTS) -> Iterator[Finding]:
    """Whether each can be had on this machine's loopback address."""
    for port in wanted:
        kind = "udp" if port.udp else "tcp"
        name = f"{port.number}/{kind}"
        code = refusal(port)
        if code is None:
            yield Finding(Area.PORTS, name, Standing.WORKS, f"free, for {port.what}")
        elif code == errno.EADDRINUSE:
            by = holder(port.number, "udp" if port.udp else "tcp")
            text = f"taken{f' by {by}' if by else ''}; {port.what} uses it"
            yield Finding(Area.PORTS, name, Standing.MISSING, text, port.instead)
        else:
            text = f"{os.strerror(code).lower()}, for {port.what}"
            yield Finding(Area.PORTS, name, Standing.MISSING, text, port.instead)


def refusal(port: Port) -> int | None:
    """The error number with which the port is refused; None when it can be had."""
    kind = socket.SOCK_DGRAM if port.udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if not port.udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended hold nothing
        try:
            probe.bind(("127.0.0.1", port.number))
        except OSError as error:
            return error.errno
    return None


def holder(number: int, protocol: str = "tcp") -> str:
    """Who has a port: `mosquitto (process 1234)`; empty when the holder is another user's, or not to be found."""
    inodes = set()
    for version in ("", "6"):
        try:
            table = Path(f"/proc/net/{protocol}{version}").read_text(encoding="ascii")
        except OSError:
            continue
        inodes |= inodes_of(number, table)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            process = link.parts[2]
            name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (process {process})"
    return ""


def inodes_of(number: int, table: str) -> set[str]:
    """The inodes of sockets that listen at a port, or are bound to it, by /proc/net/tcp or udp."""
    found = set()
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and int(words[1].rpartition(":")[2], 16) == number and words[2].endswith(":0000"):
            found.add(words[9])
    return found
