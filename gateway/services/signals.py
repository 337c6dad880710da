"""What every transport of signals shares: which signals there are, and how a client's wish becomes an actuation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

from gateway.routing import NotSentError, SignalError, SignalStore, VssLeaf, VssSignal, VssTree
from gateway.routing.vss import Kind
from gateway.services.errors import RequestError
from gateway.services.payload import typed, wished
from gateway.sim import Kernel


class Told(Enum):
    """What a transport did not do."""

    REQUEST_REFUSED = "request refused"
    HELD_BACK = "held back"


Tell = Callable[[Told, str, str], object]
"""Takes what was not done, the signal's path, and why."""


class Signals:
    """All leaves of a tree over the signals of a store. Leaves with a default have it from the start.

    `accepted`, `refused`: set requests so far. `tell` hears of each that was refused, and of values held back.
    """

    def __init__(self, kernel: Kernel, store: SignalStore, tree: VssTree, tell: Tell | None = None) -> None:
        self._tell: Final = tell
        self.kernel: Final = kernel
        self.tree: Final = tree
        self.store: Final = store
        self.by_path: Final[dict[str, VssSignal]] = {}
        self.accepted = 0
        self.refused = 0
        for path, leaf in tree.items():
            signal = self.by_path[path] = store.declare(path)
            if leaf.default is not None and signal.datapoint.value is None:
                signal.publish(leaf.default)

    def set(self, path: str, request: bytes) -> None:
        """Ask an actuator for what a request holds. RequestError, with the sentence for the client, when it cannot be."""
        try:
            self._actuate(self.tree.leaf(path), request)
        except (SignalError, RequestError) as error:
            self.refused += 1
            if self._tell is not None and path in self.by_path:
                self._tell(Told.REQUEST_REFUSED, path, error.sentence)
            raise RequestError(error.sentence) from None
        self.accepted += 1

    def held_back(self, path: str, why: str) -> None:
        """A transport's policy keeps a value back: `why` as `EventPolicy.sentence` has it."""
        if self._tell is not None:
            self._tell(Told.HELD_BACK, path, why)

    def _actuate(self, leaf: VssLeaf, request: bytes) -> None:
        if leaf.kind is not Kind.ACTUATOR:
            raise RequestError(f"{leaf.path} is {_a(leaf.kind)}, no actuator: it can only be read")
        signal = self.by_path[leaf.path]
        if not signal.actuated:
            raise RequestError(f"nobody drives {leaf.path}")
        try:
            value = wished(request, leaf)
        except RequestError as error:
            raise RequestError(f"what {leaf.path} is asked for {error.sentence}") from None
        try:
            signal.actuate(leaf.coerce(typed(value, leaf)))
        except NotSentError as error:
            raise RequestError(f"{leaf.path}: {error.sentence}") from None


def path_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """What paths with wildcards match: `*` one level (or a part of it), `**` any number; a branch all below it."""
    return re.compile("|".join(f"(?:{_levels(pattern)})" for pattern in patterns))


def _levels(pattern: str) -> str:
    text = ""
    for index, name in enumerate(pattern.split(".")):
        dot = r"\." if index else ""
        if name == "**":
            text += rf"(?:{dot}[^.]+)*" if index else r"[^.]+(?:\.[^.]+)*"
        else:
            text += dot + re.escape(name).replace(r"\*", "[^.]*")
    return rf"{text}(?:\..+)?"


def _a(kind: Kind) -> str:
    return f"an {kind.value}" if kind is not Kind.SENSOR else f"a {kind.value}"
