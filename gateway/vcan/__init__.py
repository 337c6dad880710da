"""Runs a command under a Linux kernel that has SocketCAN, on machines whose own kernel has none.

Knows only `gateway.errors` and the standard library.
"""

from gateway.vcan.availability import Availability, Kernel, available
from gateway.vcan.errors import (
    CommandNotExecutableError,
    CommandNotFoundError,
    CommandTimedOutError,
    KernelFailedError,
    VcanError,
)
from gateway.vcan.run import run

__all__ = [
    "Availability",
    "CommandNotExecutableError",
    "CommandNotFoundError",
    "CommandTimedOutError",
    "Kernel",
    "KernelFailedError",
    "VcanError",
    "available",
    "run",
]
