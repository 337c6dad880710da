"""Runs a command with vcan buses, on whichever kernel can give them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.vcan import host, uml
from gateway.vcan.availability import Kernel, available, missing_for_uml, remedy, why_not_host
from gateway.vcan.command import resolved
from gateway.vcan.errors import VcanError
from gateway.vcan.folders import memory_bytes
from gateway.vcan.interfaces import check_names
from gateway.vcan.streams import Streams, fill_closed

STANDARD = Streams()
"""The caller's own standard input, output and error."""


def run(
    command: Sequence[str],
    *,
    names: Sequence[str] = ("vcan0", "vcan1"),
    memory: str = "1G",
    timeout_s: float | None = None,
    kernel: Kernel | None = None,
    streams: Streams = STANDARD,
) -> int:
    """The exit code of the command (128 + n when signal n ended it), run in this folder with this environment.

    `names`: the buses, CAN FD capable and up; `memory`: of the User-Mode Linux kernel, as 512M or 2G; `timeout_s`:
    the limit for all of it, the boot included; `kernel`: None takes the machine's own when it will do. Errors, with
    their exit codes: CommandNotFoundError 127, CommandNotExecutableError 126, CommandTimedOutError 124,
    KernelFailedError 99, VcanError 2.
    """
    names = tuple(names)
    check_names(names)
    size = memory_bytes(memory)
    if timeout_s is not None and timeout_s <= 0:
        raise VcanError("a time limit must be more than nothing")
    real = resolved(command)
    fill_closed()
    if _chosen(kernel, names) is Kernel.HOST:
        return host.run(real, names, timeout_s, streams)
    return uml.run(real, names, size, timeout_s, streams)


def _chosen(kernel: Kernel | None, names: Sequence[str]) -> Kernel:
    if kernel is Kernel.HOST and (reason := why_not_host(names)):
        raise VcanError(f"the machine's own kernel will not do: {reason}; leave the choice to --kernel auto")
    if kernel is Kernel.UML and (missing := missing_for_uml()):
        raise VcanError(f"there is no {' and no '.join(missing)}: {remedy()}")
    if kernel is not None:
        return kernel
    found = available(names)
    if found.kind is Kernel.NONE:
        raise VcanError(f"no kernel with SocketCAN: {found.reason}. {found.remedy}")
    return found.kind
