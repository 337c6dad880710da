"""How a behaviour says what it wants: decorators on the methods of a plain class.

    class Bcm:
        def __init__(self, ecu: Ecu) -> None:
            self.button = ecu.rx("HazardSwitch.Pressed")
            self.left = ecu.tx("LightCommand.Left")

        @on("HazardSwitch")
        def hazard(self) -> None:
            self.left.value = self.button.label

        @every("10ms")
        def control(self) -> None: ...

        @task
        async def welcome(self) -> None: ...

`Ecu` looks for them when the ECU is switched on. The constructor takes the ECU, and everything that a method needs is
found there, so that a wrong name is told before the vehicle drives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

from gateway.sim import duration_ns

F = TypeVar("F", bound=Callable[..., Any])
_MARKS: Final = "_gateway_marks"


class Every(NamedTuple):
    """Call it with this period, for the first time `first_ns` after the ECU has started."""

    period_ns: int
    first_ns: int


class On(NamedTuple):
    """Call it each time this message is received."""

    message: str


class Task(NamedTuple):
    """Run this coroutine from the ECU's start on."""


Mark = Every | On | Task


def every(period: str, first: str = "0ms") -> Callable[[F], F]:
    """Call the method periodically: `@every("10ms")`. DurationError for what is no duration."""
    return _marking(Every(duration_ns(period), duration_ns(first)))


def on(message: str) -> Callable[[F], F]:
    """Call the method at each reception of a message: `@on("BrakeStatus")`, or `@on("chassis.BrakeStatus")`.

    The method takes nothing, or the received message.
    """
    return _marking(On(message))


def task(function: F) -> F:
    """Run the coroutine method from the ECU's start on; it is cancelled when the ECU is switched off."""
    return _marking(Task())(function)


def marks(behaviour: object) -> Iterator[tuple[Mark, Callable[..., Any]]]:
    """All marked methods of a behaviour in the order of their definition, base classes first."""
    seen: dict[str, None] = {}
    for cls in reversed(type(behaviour).__mro__):
        seen.update(dict.fromkeys(vars(cls)))
    for name in seen:
        method = inspect.getattr_static(behaviour, name)
        for mark in getattr(method, _MARKS, ()):
            yield mark, getattr(behaviour, name)


def _marking(mark: Mark) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        setattr(function, _MARKS, (*getattr(function, _MARKS, ()), mark))
        return function

    return decorate
