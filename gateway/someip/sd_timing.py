"""When the service discovery says something: initial wait, repetition and main phase (PRS_SOMEIPServiceDiscovery, 5.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.sim import FOREVER, NS_PER_S, Stream

_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SdTiming:
    """Times in nanoseconds; pairs are the least and the most, drawn each time.

    `ttl_s`: for how long an offer or a subscription holds. `find_cyclic_ns`: while a service is missing it is asked for so
    often after the repetitions (0: not any more, as the specification has it).
    """

    initial_delay_ns: tuple[int, int] = (0, 10 * _MS)
    repetition_base_ns: int = 100 * _MS
    repetitions: int = 3
    cyclic_ns: int = NS_PER_S
    response_delay_ns: tuple[int, int] = (0, 0)
    find_cyclic_ns: int = 0
    ttl_s: int = 3


class Phase(Enum):
    """Where an offer or a search is."""

    DOWN = "down"
    INITIAL_WAIT = "initial wait"
    REPETITION = "repetition"
    MAIN = "main"


class Phases:
    """The phases of one offer or one search. Say something whenever `take` is true; call it at `due`."""

    __slots__ = ("_cyclic_ns", "_done", "_random", "_timing", "due", "phase")

    def __init__(self, timing: SdTiming, random: Stream, cyclic_ns: int) -> None:
        self.phase = Phase.DOWN
        self.due = FOREVER
        self._timing = timing
        self._random = random
        self._cyclic_ns = cyclic_ns
        self._done = 0

    def start(self, now: int) -> None:
        self.phase = Phase.INITIAL_WAIT
        self._done = 0
        self.due = now + drawn(self._timing.initial_delay_ns, self._random)

    def stop(self) -> None:
        self.phase = Phase.DOWN
        self.due = FOREVER

    def take(self, now: int) -> bool:
        """Whether it is time to say something; the next time is in `due` then."""
        if now < self.due:
            return False
        if self.phase is not Phase.MAIN and self._done < self._timing.repetitions:
            self.phase = Phase.REPETITION
            self.due += self._timing.repetition_base_ns << self._done
            self._done += 1
        else:
            self.phase = Phase.MAIN
            self.due = self.due + self._cyclic_ns if self._cyclic_ns else FOREVER
        if self.due <= now:  # the loop was held up
            self.due = now + 1
        return True


def drawn(span: tuple[int, int], random: Stream) -> int:
    """A time from a span."""
    low, high = span
    return low if high <= low else random.randint(low, high)
