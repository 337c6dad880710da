"""The whole look at the machine."""

from __future__ import annotations

from gateway.doctor.finding import Finding
from gateway.doctor.machine import kernel, permissions, vcan
from gateway.doctor.multicast import multicast
from gateway.doctor.network import interfaces
from gateway.doctor.packages import extras, versions
from gateway.doctor.ports import ports
from gateway.doctor.tools import tools


def examine() -> tuple[Finding, ...]:
    """All findings, in the order of `Area`. Changes nothing and boots nothing; takes well under a second."""
    parts = (versions, kernel, permissions, vcan, interfaces, multicast, ports, extras, tools)
    return tuple(finding for part in parts for finding in part())
