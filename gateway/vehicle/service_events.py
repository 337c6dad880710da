"""What the service bus of a vehicle did not do: requests that it refused, values that a policy held back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

_KEPT: Final = 1_000


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

    def tell(self, event: ServiceEvent) -> None:
        self.kept.append(event)
        for listener in tuple(self.listeners):
            listener(event)
