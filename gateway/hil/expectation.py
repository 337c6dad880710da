"""Something that a test expects: it is watched for from its creation on, and judged when it is awaited.

An expectation is no coroutine. What nobody awaits is found out at the end of the test, and one that is used as if it
were a result (`assert vehicle.signal(...).becomes(True)`) says so: it cannot pass by mistake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from gateway.hil.arguments import place
from gateway.hil.errors import ExpectationError, ForgottenAwaitError
from gateway.sim import FOREVER, duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

T = TypeVar("T")
Story = Callable[[], list[str]]


class Expectation(Generic[T]):
    """One expectation. `within_ns` counts on the vehicle's clock, from now; awaiting gives what came.

    Who makes one says what ends it: `fulfil`, `break_` or, when the time is over, the result of `expired`.
    """

    def __init__(self, vehicle: VehicleUnderTest, text: str, within_ns: int) -> None:
        self.vehicle: Final = vehicle
        self.text: Final = text
        self.place: Final = place()
        self.created_ns: Final = vehicle.now_ns
        self.within_ns: Final = within_ns
        self.ended_ns: int = FOREVER
        self.awaited: bool = False
        self._result: T | None = None
        self._failure: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._cleaners: list[Callable[[], object]] = []
        self._error: ExpectationError | None = None
        vehicle.expectations.append(self)
        if within_ns != FOREVER:
            vehicle.kernel.after(within_ns, self._due)

    @property
    def done(self) -> bool:
        return self.ended_ns != FOREVER

    @property
    def failed(self) -> bool:
        return self._failure is not None

    @property
    def reason(self) -> str:
        """Why it has failed; empty when it has not."""
        return self._failure or ""

    # For those who watch

    def fulfil(self, result: T) -> None:
        """It has happened."""
        if not self.done:
            self._result = result
            self._end()

    def break_(self, reason: str) -> None:
        """It cannot happen any more, or what must not happen has happened."""
        if not self.done:
            self._failure = reason
            self._end()

    def expired(self) -> None:
        """The time is over: fulfil it or break it. By default it has failed."""
        self.break_(f"not within {duration_text(self.within_ns)}")

    def cause(self) -> list[str]:
        """Why it did not happen, as far as that can be known, in a line or two."""
        return []

    def story(self) -> list[str]:
        """What came instead, as lines for people."""
        return []

    def on_end(self, cleaner: Callable[[], object]) -> None:
        """Call this when nothing has to be watched any more."""
        if self.done:
            cleaner()
        else:
            self._cleaners.append(cleaner)

    def _due(self) -> None:
        # Once more at the end of this very instant: what happens at the last moment is in time.
        if not self.done:
            self.vehicle.kernel.after(0, self._over)

    def _over(self) -> None:
        if not self.done:
            self.expired()

    def _end(self) -> None:
        self.ended_ns = self.vehicle.now_ns
        for cleaner in self._cleaners:
            cleaner()
        self._cleaners.clear()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def drop(self) -> None:
        """Watch for it no longer; nobody will ask."""
        if not self.done:
            self.break_("given up")

    # For the test

    def __await__(self) -> Generator[Any, None, T]:
        __tracebackhide__ = True
        self.awaited = True
        if not self.done:
            yield from self.vehicle.host.run(self._wait).__await__()
        return self.result()

    async def _wait(self) -> None:
        if not self.done:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def result(self) -> T:
        """What came. ExpectationError with the whole story when it did not; HilError for what went wrong before."""
        __tracebackhide__ = True
        self.vehicle.raise_late()
        if self._failure is not None:
            if self._error is None:
                self._error = ExpectationError(self.vehicle.failed(self, self._failure))
            raise self._error
        return self._result  # type: ignore[return-value]

    def __bool__(self) -> bool:
        raise ForgottenAwaitError(
            f"{self.place}: `{self.text}` has no truth before it is awaited: write `await` before it"
        )

    def __repr__(self) -> str:
        return f"<{self.text}, expected in {self.place}>"


def forgotten(expectations: list[Expectation[Any]]) -> ForgottenAwaitError | None:
    """The error for those that nobody awaited."""
    left = [expectation for expectation in expectations if not expectation.awaited]
    if not left:
        return None
    places = "; ".join(f"{expectation.place}: {expectation.text}" for expectation in left)
    what = "an expectation was" if len(left) == 1 else f"{len(left)} expectations were"
    return ForgottenAwaitError(f"{what} never awaited, so nothing was checked: {places}: write `await` before it")
