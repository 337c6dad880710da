"""A bus as slow and plain as can be: the rules of arbitration applied to a list of requests. Knows no kernel.

Frame lengths and arbitration bits come from `wire`; nothing is shared with the program.
"""

from __future__ import annotations

from typing import NamedTuple

import wire


class Request(NamedTuple):
    """`order` tells requests of one instant apart: the order in which they come."""

    time: int
    order: int
    sender: str
    number: int
    extended: bool
    remote: bool
    data: bytes

    @property
    def arbitration(self) -> str:
        return wire.arbitration(self.number, extended=self.extended, remote=self.remote)

    @property
    def bits(self) -> int:
        return len(wire.classic(self.number, self.data, extended=self.extended, remote=self.remote).bits)


def simulate(requests: list[Request], bit_ns: int) -> list[tuple[Request, int, int]]:
    """Each request with start and end of its frame, in the order of the bus. One sender for each identifier."""
    waiting = list(requests)
    through = []
    idle = 0
    while waiting:
        start = max(idle, min(request.time for request in waiting))
        contenders = [request for request in waiting if request.time <= start]
        winner = min(contenders, key=lambda request: (request.arbitration, request.time, request.order))
        waiting.remove(winner)
        end = start + winner.bits * bit_ns
        through.append((winner, start, end))
        idle = end + 3 * bit_ns
    return through
