"""What a client may do: kuksa's scopes, `read:Vehicle.Speed actuate:Vehicle.Cabin provide:Vehicle.** create`.

A scope is an action, or an action and a path: a signal, a branch (with all below it), or one with `*` for a level and
`**` for any number of them. Whoever may actuate, provide or create may read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.domains.errors import Code, DomainError


class Action(Enum):
    """What a scope allows."""

    READ = "read"
    ACTUATE = "actuate"
    PROVIDE = "provide"
    CREATE = "create"


_SCOPE: Final = re.compile(r"(read|actuate|provide|create)(?::([A-Za-z0-9_*]+(?:\.[A-Za-z0-9_*]+)*))?")


@dataclass(frozen=True, slots=True)
class Permissions:
    """`patterns`: by action, what paths must match. `expires_s`: seconds since 1970; None for never."""

    patterns: Mapping[Action, tuple[re.Pattern[str], ...]] = field(default_factory=dict)
    expires_s: float | None = None

    def allows(self, action: Action, path: str) -> bool:
        actions = tuple(Action) if action is Action.READ else (action,)
        return any(pattern.fullmatch(path) for one in actions for pattern in self.patterns.get(one, ()))

    def check(self, action: Action, path: str) -> None:
        """DomainError, PERMISSION_DENIED, for what is not allowed."""
        if not self.allows(action, path):
            raise DomainError(Code.PERMISSION_DENIED, f"the token has no scope {action.value}:{path}")

    def check_time(self, now_s: float) -> None:
        """DomainError, UNAUTHENTICATED, once the token has expired."""
        if self.expires_s is not None and now_s >= self.expires_s:
            raise DomainError(Code.UNAUTHENTICATED, "the token has expired; ask for a new one")


EVERYTHING: Final = Permissions({action: (re.compile(r".*"),) for action in Action})
"""For a broker without a key: everybody may do everything."""


def parse_scopes(text: str, expires_s: float | None = None) -> Permissions:
    """The permissions of a token's `scope`. DomainError, UNAUTHENTICATED, for what is no scope."""
    patterns: dict[Action, list[re.Pattern[str]]] = {}
    for word in text.split():
        found = _SCOPE.fullmatch(word)
        if found is None:
            raise DomainError(
                Code.UNAUTHENTICATED, f"the token's scope {word!r:.80} is none: it is like read:Vehicle.Speed"
            )
        patterns.setdefault(Action(found[1]), []).append(path_pattern(found[2] or "**"))
    return Permissions({action: tuple(found) for action, found in patterns.items()}, expires_s)


def path_pattern(pattern: str) -> re.Pattern[str]:
    """What a path with wildcards matches: itself and all below it."""
    levels = _levels(pattern.split("."))
    return re.compile(f"{levels}(?:\\..+)?")


def _levels(names: Iterable[str]) -> str:
    text = ""
    for index, name in enumerate(names):
        dot = r"\." if index else ""
        if name == "**":
            text += rf"(?:{dot}[^.]+)*" if index else r"[^.]+(?:\.[^.]+)*"
        else:
            text += dot + re.escape(name).replace(r"\*", "[^.]*")
    return text
