"""What the service bus of a vehicle did not do: requests that it refused, values that a policy held back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.sim import Kernel

if TYPE_CHECKING:
    from gateway.services.signals import Tell, Told

_KEPT: Final = 1_000
_REFUSED: Final = "request refused"
"""The value of `Told.REQUEST_REFUSED`, whose room is loaded with a transport only."""


class ServiceEvent(NamedTuple):
    """`refused`: a request; otherwise a value was held back. `by`: the transport, like `MQTT`."""

    time_ns: int
    path: str
    refused: bool
    by: str
    why: str


class ServiceEvents:
    """The latest, and who hears of each."""

    def __init__(self) -> None:
        self.kept: Final[deque[ServiceEvent]] = deque(maxlen=_KEPT)
        self.listeners: Final[list[Callable[[ServiceEvent], object]]] = []

    def of(self, kernel: Kernel, by: str) -> Tell:
        """What a transport called `by` tells its events to."""

        def tell(told: Told, path: str, why: str) -> None:
            self.tell(ServiceEvent(kernel.now, path, told.value == _REFUSED, by, why))

        return tell

    def tell(self, event: ServiceEvent) -> None:
        self.kept.append(event)
        for listener in tuple(self.listeners):
            listener(event)
