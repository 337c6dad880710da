"""What a look at the machine gives: one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Area(Enum):
    """What a finding is about; in this order they are told."""

    VERSIONS = "versions"
    KERNEL = "kernel"
    PERMISSIONS = "permissions"
    VCAN = "vcan"
    INTERFACES = "interfaces"
    MULTICAST = "multicast"
    PORTS = "ports"
    EXTRAS = "extras"
    TOOLS = "tools"


class Standing(Enum):
    """How it stands with the thing."""

    WORKS = "works"
    MISSING = "missing"
    """Something is not to be had that the base does without."""
    BROKEN = "broken"
    """The base cannot do without it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `text`: how it stands, for people; `remedy`: what to type or change, empty where nothing is to be."""

    area: Area
    name: str
    standing: Standing
    text: str
    remedy: str = ""


def base_works(findings: Iterable[Finding]) -> bool:
    """Whether everything works that `gateway run` needs for a simulated vehicle."""
    return all(finding.standing is not Standing.BROKEN for finding in findings)
