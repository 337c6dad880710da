"""A processor for one kernel.

User-Mode Linux passes control to and fro between two processes at each system call, and never uses more than one
processor. When both are on the same one that takes 15 us; the machine's scheduler spreads them over two where it has
work for all, and then it takes 35 to 40.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def claimed() -> Iterator[int | None]:
    """A processor that no other kernel of ours has claimed; None when there is none, or this process has but one.

    The claim is a name in the abstract socket space (unix(7)), so that it goes with the process, however that ends.
    """
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    with contextlib.ExitStack() as held:
        claims = ((each, held.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))) for each in allowed)
        yield next((each for each, claim in claims if len(allowed) > 1 and _bound(claim, each)), None)


def _bound(claim: socket.socket, processor: int) -> bool:
    try:
        claim.bind(f"\0vehicle-gateway.vcan.processor-{processor}")
    except OSError:
        return False
    return True


def stay_on(pid: int, processor: int) -> None:
    """Have a process, and what it starts from now on, run on this processor only."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.sched_setaffinity(pid, {processor})
