"""Datagrams of ours into a capture file that tshark reads, whatever network there is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap


def write_udp(path: Path, datagrams: Iterable[bytes], port: int) -> None:
    wrpcap(
        str(path),
        [
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            / IP(src="10.0.0.1", dst="10.0.0.2")
            / UDP(sport=40000, dport=port)
            / Raw(data)
            for data in datagrams
        ],
    )


def write_ethernet(path: Path, payloads: Iterable[bytes], ethertype: int) -> None:
    head = {"src": "02:00:00:00:00:01", "dst": "91:e0:f0:00:fe:00", "type": ethertype}
    wrpcap(str(path), [Ether(**head) / Raw(data) for data in payloads])


def fields(tshark: str, path: Path, *names: str, decode_as: tuple[str, ...] = ()) -> list[list[list[str]]]:
    """For each packet, for each field, its values as tshark shows them; a malformed packet fails."""
    command = [tshark, "-r", str(path), *(word for rule in decode_as for word in ("-d", rule))]
    words = [word for name in (*names, "_ws.malformed") for word in ("-e", name)]
    shown = subprocess.run(
        [*command, "-T", "fields", "-E", "separator=;", "-E", "occurrence=a", "-E", "aggregator=,", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(";") for line in shown.stdout.splitlines()]
    assert [line for line in lines if line[-1]] == []
    return [[value.split(",") if value else [] for value in line[:-1]] for line in lines]
