"""A turnstile for streams: so many go on in a while, so that the vehicle's time is kept and newcomers are let in.

How many that is it learns: fewer as soon as the loop falls behind, more again while it keeps up. What waits in the
meantime gathers in the streams' own bounded buffers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

WHILE_S: Final = 0.002
LEAST: Final = 2
MOST: Final = 8
"""Messages begun in a while; the most is about half of what one core can do."""


class Turnstile:
    """First come, first served."""

    def __init__(self) -> None:
        self.passes: int = MOST
        self._passed = 0
        self._due_s: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Go on, now or in a while."""
        if self._passed >= self.passes or self._waiting:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
            return
        self._pass()

    def _pass(self) -> None:
        self._passed += 1
        if self._due_s is None:
            loop = asyncio.get_running_loop()
            self._due_s = loop.time() + WHILE_S
            loop.call_at(self._due_s, self._turn)

    def _turn(self) -> None:
        assert self._due_s is not None
        behind = asyncio.get_running_loop().time() - self._due_s > WHILE_S
        self.passes = max(LEAST, self.passes // 2) if behind else min(MOST, self.passes + 1)
        self._passed = 0
        self._due_s = None
        while self._waiting and self._passed < self.passes:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._pass()
