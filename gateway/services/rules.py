"""Which signals go out, how often, and how surely: rules by path, the first that matches counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.services.policy import EventPolicy
from gateway.services.signals import path_pattern
from gateway.sim import NS_PER_S

DEFAULT_POLICY: Final = EventPolicy(cycle_ns=10 * NS_PER_S)
"""On change, and again every ten seconds: who has not heard of a signal for longer knows that it is not told any more."""


@dataclass(frozen=True, slots=True)
class SignalRule:
    """`paths`: VSS paths with `*` and `**`; `qos`: MQTT's quality of service."""

    paths: tuple[str, ...]
    policy: EventPolicy = field(default=DEFAULT_POLICY)
    qos: int = 0


_REST: Final = SignalRule(("**",))


class Rules:
    """The rule of each path; what none is for goes out on change, every ten seconds, at most once (QoS 0)."""

    def __init__(self, rules: Sequence[SignalRule] = ()) -> None:
        self._rules: Final = [(path_pattern(rule.paths), rule) for rule in rules]
        self._known: Final[dict[str, SignalRule]] = {}

    def of(self, path: str) -> SignalRule:
        """The rule of a path."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = next((rule for what, rule in self._rules if what.fullmatch(path)), _REST)
        return found

    def policy_of(self, path: str) -> EventPolicy:
        """When the signal of a path goes out."""
        return self.of(path).policy
