"""A turnstile for streams: so many go on in a while, so that the vehicle's time is kept and newcomers are let in."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

PASSES: Final = 8
WHILE_S: Final = 0.002
"""Messages begun in so many seconds: about half of what one core can do."""


class Turnstile:
    """First come, first served. However many streams have something to say, the loop has time for all else."""

    def __init__(self, passes: int = PASSES, while_s: float = WHILE_S) -> None:
        self._passes = passes
        self._while_s = while_s
        self._passed = 0
        self._turning = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Go on, now or in a while."""
        if self._passed >= self._passes or self._waiting:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
            return
        self._pass()

    def _pass(self) -> None:
        self._passed += 1
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_later(self._while_s, self._turn)

    def _turn(self) -> None:
        self._passed = 0
        self._turning = False
        while self._waiting and self._passed < self._passes:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._pass()
