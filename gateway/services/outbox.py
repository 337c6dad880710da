"""What waits for one receiver: each signal at most once, always with its newest datapoint.

A receiver that is slow, or away, costs a place for each signal and nothing else: values in between are overwritten
(and counted), the last one of a signal never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gateway.routing import Quality, VssSignal
from gateway.services.policy import EventPolicy, Pacer
from gateway.sim import Kernel, Timer

OnKeptBack = Callable[[str, str], object]
"""Takes the path of a signal whose value does not go out, and why: once until the next one that does."""
PolicyOf = Callable[[str], EventPolicy]
"""The policy of a path."""


class Outbox:
    """The signals of a store for one receiver. `on_ready` is called when something can be taken that could not before.

    `taken`, `overwritten`: values so far. `close` it at the end.
    """

    def __init__(
        self,
        kernel: Kernel,
        signals: Iterable[VssSignal],
        policy_of: PolicyOf,
        on_kept_back: OnKeptBack | None = None,
    ) -> None:
        self.on_kept_back: Final = on_kept_back
        self.on_ready: Callable[[], object] | None = None
        self.taken = 0
        self.overwritten = 0
        self._kernel: Final = kernel
        self._waiting: dict[VssSignal, None] = {}
        self._lanes: Final = [_Lane(self, kernel, signal, policy_of(signal.path)) for signal in signals]
        self.again()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> VssSignal | None:
        """The signal that has waited longest; its datapoint is to be told as it is now. None while there is none."""
        waiting = self._waiting
        if not waiting:
            return None
        signal = next(iter(waiting))
        del waiting[signal]
        self.taken += 1
        return signal

    def put(self, signal: VssSignal) -> None:
        """It is to go out."""
        waiting = self._waiting
        if signal in waiting:
            self.overwritten += 1
            return
        waiting[signal] = None
        if len(waiting) == 1 and self.on_ready is not None:
            self.on_ready()

    def again(self) -> None:
        """Everything that has a value goes out once more: the receiver is new."""
        self._waiting.clear()
        for lane in self._lanes:
            lane.again()

    def close(self) -> None:
        """Nothing more."""
        for lane in self._lanes:
            lane.close()
        self._waiting.clear()


class _Lane:
    """One signal's way into the outbox."""

    def __init__(self, outbox: Outbox, kernel: Kernel, signal: VssSignal, policy: EventPolicy) -> None:
        self._outbox = outbox
        self._kernel = kernel
        self._signal = signal
        self._policy = policy
        self._pacer = Pacer(policy)
        self._timer = Timer(kernel, self._wake) if policy.cycle_ns or policy.interval_ns else None
        self._stop = signal.listen(self._changed)

    def _changed(self, signal: VssSignal) -> None:
        pacer = self._pacer
        before = pacer.kept_back
        if pacer.changed(signal.datapoint, self._kernel.now):
            self._outbox.put(signal)
        elif before is None and (why := pacer.kept_back) is not None and self._outbox.on_kept_back is not None:
            self._outbox.on_kept_back(signal.path, self._policy.sentence(why))
        self._set_timer()

    def _wake(self) -> None:
        if self._pacer.wake(self._signal.datapoint, self._kernel.now):
            self._outbox.put(self._signal)
        self._set_timer()

    def _set_timer(self) -> None:
        timer, deadline = self._timer, self._pacer.deadline
        if timer is None:
            return
        if deadline is None:
            timer.cancel()
        elif timer.due != deadline:
            timer.set(deadline)

    def again(self) -> None:
        self._pacer.again()
        if self._signal.datapoint.quality is not Quality.ABSENT:
            self._changed(self._signal)

    def close(self) -> None:
        self._stop()
        if self._timer is not None:
            self._timer.cancel()
