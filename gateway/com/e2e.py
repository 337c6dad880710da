"""End-to-end protection of one message: the sender's counter, and what a receiver makes of each message or its absence.

`check` follows the counter supervision of AUTOSAR PRS_E2EProtocol R22-11 (6.6.5 and its siblings): what has a wrong CRC,
length or identifier is an ERROR whatever its counter; otherwise the distance to the last good counter decides, and the
received counter is the one to go on from. `E2EState` is the state machine over a window of such results (6.11).
Both know no clock: the receiver's cycle is whoever calls them.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.com.e2e_profiles import E2EConfig, E2EProfile


class E2EStatus(Enum):
    """What one check found (E2E_PxxStatusType)."""

    OK = "ok"
    OK_SOME_LOST = "ok, some lost"
    REPEATED = "repeated"
    WRONG_SEQUENCE = "wrong sequence"
    NO_NEW_DATA = "no new data"
    ERROR = "error"


GOOD: Final = frozenset({E2EStatus.OK, E2EStatus.OK_SOME_LOST})
"""What may be used."""


class E2EProtector:
    """A sender: each payload gets the next counter. `advance` and `protected` are apart for senders that are stuck."""

    def __init__(self, config: E2EConfig) -> None:
        self.name: Final = f"E2E {config.profile.value}"
        self._profile: Final = E2EProfile(config)
        self._count = -1

    def advance(self) -> None:
        """The next payload is a new one."""
        self._count = (self._count + 1) % self._profile.config.modulo

    def protected(self, data: bytes) -> bytes:
        """The payload with header and CRC. ComError for one that is too short."""
        return self._profile.protect(data, max(self._count, 0))

    def protect(self, data: bytes) -> bytes:
        """A new payload with header and CRC."""
        self.advance()
        return self.protected(data)

    def spoiled(self, data: bytes) -> bytes:
        """A protected payload with a wrong CRC."""
        return self._profile.spoiled(data)


class E2EChecker:
    """A receiver. `status`: of the last check; `counts`: of all; `state`: the state machine over them."""

    def __init__(self, config: E2EConfig, window: E2EWindow | None = None) -> None:
        self.status = E2EStatus.NO_NEW_DATA
        self.counts: Final[Counter[E2EStatus]] = Counter()
        self.lost = 0
        """Messages that were jumped over."""
        self.state: Final = E2EState(window or E2EWindow())
        self._profile: Final = E2EProfile(config)
        self._last: int | None = None

    def check(self, data: bytes | None) -> E2EStatus:
        """A payload that came, or None when none has come in a cycle."""
        status = self.status = self._judge(data)
        self.counts[status] += 1
        self.state.add(status)
        return status

    def accepts(self, data: bytes) -> bool:
        """Check a payload that came; whether it may be used."""
        return self.check(data) in GOOD

    def _judge(self, data: bytes | None) -> E2EStatus:
        if data is None:
            return E2EStatus.NO_NEW_DATA
        profile = self._profile
        if not profile.verify(data):
            return E2EStatus.ERROR
        counter, last, config = profile.counter(data), self._last, profile.config
        self._last = counter
        if last is None:  # whoever joins late cannot know what came before
            return E2EStatus.OK
        delta = (counter - last) % config.modulo
        if delta == 0:
            return E2EStatus.REPEATED
        if delta > config.max_delta:
            return E2EStatus.WRONG_SEQUENCE
        self.lost += delta - 1
        return E2EStatus.OK if delta == 1 else E2EStatus.OK_SOME_LOST


class E2EStateKind(Enum):
    """How far the communication can be relied on (E2E_SMStateType)."""

    NO_DATA = "no data"
    INIT = "init"
    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class E2EWindow:
    """The last results that are looked at, of which so many must be good and so few may be errors, in each state."""

    size: int = 5
    min_ok_init: int = 2
    max_error_init: int = 1
    min_ok_valid: int = 1
    max_error_valid: int = 2
    min_ok_invalid: int = 3
    max_error_invalid: int = 1


class E2EState:
    """The state machine: NO_DATA until something has come, then INIT, VALID, INVALID (PRS_E2EProtocol, 6.11)."""

    def __init__(self, window: E2EWindow) -> None:
        self.kind = E2EStateKind.NO_DATA
        self._window: Final = window
        self._results: Final[deque[E2EStatus]] = deque(maxlen=window.size)

    def add(self, status: E2EStatus) -> None:
        """One more result."""
        if self.kind is E2EStateKind.NO_DATA:
            if status in (E2EStatus.ERROR, E2EStatus.NO_NEW_DATA):
                return
            self.kind = E2EStateKind.INIT
        self._results.append(status)
        good = sum(result in GOOD for result in self._results)
        errors = sum(result is E2EStatus.ERROR for result in self._results)
        self.kind = self._next(good, errors)

    def _next(self, good: int, errors: int) -> E2EStateKind:
        window, kind = self._window, self.kind
        if kind is E2EStateKind.INIT:
            if errors > window.max_error_init:
                return E2EStateKind.INVALID
            return E2EStateKind.VALID if good >= window.min_ok_init else kind
        if kind is E2EStateKind.VALID:
            kept = errors <= window.max_error_valid and good >= window.min_ok_valid
            return kind if kept else E2EStateKind.INVALID
        back = errors <= window.max_error_invalid and good >= window.min_ok_invalid
        return E2EStateKind.VALID if back else kind
