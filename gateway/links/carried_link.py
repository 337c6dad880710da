"""A bus that something carries which confirms nothing and arbitrates nothing: what datagrams and streams have alike.

Frames that are handed over are gathered, go out, and count as sent then. Those that come are handed on if the bus can
carry them and somebody wants them.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from gateway.can import ERROR, FD, KEY_MASK, Frame
from gateway.can.events import BusEventKind
from gateway.links.gathering import Gathered, Gathering
from gateway.links.link import Arbiter, LinkUser
from gateway.links.wall_time import wall_time_loop
from gateway.sim import NS_PER_S, SimulationLoop


class CarriedLink(ABC):
    """One bus. Counted: `wrong` datagrams or streams, with `last_wrong` as the reason, and `unfit` frames that the bus
    cannot carry. `urgent`: identifiers that do not wait for others."""

    def __init__(self, name: str, gathering: Gathering[Frame], *, fd: bool, urgent: frozenset[int]) -> None:
        self.name = name
        self.arbiter = Arbiter.ADAPTER
        self.wrong = self.unfit = 0
        self.last_wrong = ""
        self._gathering: Final = gathering
        self._fd: Final = fd
        self._urgent: Final = urgent
        self._wanted: frozenset[int] | None = None
        self._sent: list[Frame] = []
        self._open = False
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _write(self, gathered: Gathered[Frame]) -> None:
        """Let it go out, and tell `_went` or `_refuse` what became of its frames; it may be empty."""

    def want(self, keys: frozenset[int] | None) -> None:
        self._wanted = keys

    def _begin(self, user: LinkUser) -> None:
        """LinkError in virtual time."""
        self._loop: SimulationLoop = wall_time_loop(self.name)
        self._user = user
        self._open = True

    def _end(self) -> None:
        """Send what still waits, and tell nothing from then on."""
        self._write(self._gathering.take())
        self._confirm()
        self._open = False
        if self._timer is not None:
            self._timer.cancel()

    # Out

    def _gather(self, part: bytes, frame: Frame) -> None:
        now = self._loop.kernel.now
        for gathered in self._gathering.add(part, frame, now, urgent=frame.header & KEY_MASK in self._urgent):
            self._write(gathered)
        deadline = self._gathering.deadline
        if deadline is not None and (self._timer is None or self._timer.when() <= self._loop.time()):
            self._timer = self._loop.call_later(max(0, deadline - now) / NS_PER_S, self._due)

    def _due(self) -> None:
        # Whatever the time: timers ring to the turn of the loop, which may be a little early.
        self._write(self._gathering.take())

    def _went(self, frames: list[Frame]) -> None:
        """These are on their way."""
        # Not now: the bus notes a frame as handed over when `send` has returned.
        self._sent += frames
        self._loop.call_soon(self._confirm)

    def _refuse(self, frames: list[Frame], why: str) -> None:
        """These will never be."""
        self._loop.call_soon(self._reject, frames, f"{self.name}{why}")

    def _confirm(self) -> None:
        frames, self._sent = self._sent, []
        if self._open:
            now = self._loop.pace.time_ns()
            for frame in frames:
                self._user.confirmed(frame, now)

    def _reject(self, frames: list[Frame], why: str) -> None:
        if self._open:
            for frame in frames:
                self._user.rejected(frame, why)

    # In

    def _complain(self, sentence: str) -> None:
        """What came was none of ours."""
        self.wrong += 1
        self.last_wrong = sentence
        self._user.trouble(BusEventKind.ERROR, f"{self.name} got {sentence}")

    def _receive(self, frames: Iterable[Frame]) -> int:
        """How many of them somebody wanted."""
        now = self._loop.pace.time_ns()
        count = 0
        for frame in frames:
            header = frame.header
            if header & ERROR or (header & FD and not self._fd):
                self.unfit += 1
            elif self._wanted is None or header & KEY_MASK in self._wanted:
                self._user.received(frame, now)
                count += 1
        return count
