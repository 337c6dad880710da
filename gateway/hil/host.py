"""Where the vehicle's time passes while a test waits.

In the plugin's tests (and under `gateway.hil.run`) the test itself runs in the vehicle's loop. In a plain script or a
notebook another loop runs: then the vehicle's loop is run in a thread, for so long as something is awaited; in between
its time stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from gateway.hil.errors import HilError
from gateway.sim import Clock, Kernel, SimulationLoop

T = TypeVar("T")


class Host:
    """The loop of one vehicle."""

    def __init__(self, clock: Clock) -> None:
        running = asyncio.get_running_loop()
        self._thread: ThreadPoolExecutor | None = None
        if isinstance(running, SimulationLoop):
            self._loop = running
            return
        if clock is Clock.WALL:
            raise HilError(
                "a vehicle in wall time needs the vehicle's own loop, and another one runs here:"
                " start the script with gateway.hil.run(main()) instead of asyncio.run(main())"
            )
        self._loop = SimulationLoop(Kernel(), clock)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vehicle")

    @property
    def loop(self) -> SimulationLoop:
        return self._loop

    async def run(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine that takes the vehicle's time."""
        if self._thread is None:
            return await function()
        running = asyncio.get_running_loop()
        return await running.run_in_executor(self._thread, lambda: self.loop.run_until_complete(function()))

    async def close(self) -> None:
        """End the vehicle's loop, where it is a loop of its own."""
        if self._thread is not None:
            await self.run(self._cancel_all)
            self.loop.close()
            self._thread.shutdown()
            self._thread = None

    @staticmethod
    async def _cancel_all() -> None:
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
