"""A function of an ECU gets a successor as a service; both compute, and one of them counts.

The ECU goes on to compute and to send its message. While the service counts, its values are put into that message, each
as soon as both sides agree on it: a value on which they do not agree is not sent, and when they do not within the
deadline, the ECU's values count again. So a faulty service costs at most a deadline, and never a wrong command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.com import TxSignal
from gateway.ecu import Ecu
from gateway.errors import nearest
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.migration.report import Difference, FallBack, MigrationReport, Why
from gateway.sim import Kernel, Stream

_MS: Final = 1_000_000
_MOST: Final = 10_000
"""So many differing frames are kept; more are only counted."""


class Mode(StrEnum):
    """Whose output counts."""

    SHADOW = "shadow"
    CANARY = "canary"
    CUT_OVER = "cut-over"
    FALLEN_BACK = "fallen back"


@dataclass(frozen=True, slots=True)
class Limits:
    """`deadline_ns`: so long the two sides may disagree, and the service be silent. `step_ns`: how often it is looked.
    `tolerance`: numbers may differ by so much."""

    deadline_ns: int = 50 * _MS
    step_ns: int = _MS
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Canary:
    """When the service's output counts: in a share of the spans, drawn from a stream, or while a condition holds."""

    share: float = 1.0
    span_ns: int = 1_000 * _MS
    condition: Callable[[], bool] | None = None


class _Pair:
    """A signal on both sides. `agreed`: the last raw value that both had."""

    def __init__(self, old: TxSignal, new: TxSignal, tolerance: float) -> None:
        self.old = old
        self.new = new
        self.agreed: int | float = old.signal.to_raw(old.value)
        self.since_ns: int | None = None
        self.holding = False
        self._tolerance = tolerance

    @property
    def old_raw(self) -> int | float:
        """What the ECU would send."""
        return self.old.signal.to_raw(self.old.value)

    def look(self, now: int) -> None:
        """Note whether they agree, and since when they do not."""
        ours, theirs = self.new.raw, self.old_raw
        scale = abs(float(self.old.signal.scale)) or 1.0
        if abs(ours - theirs) * scale <= self._tolerance:
            self.agreed = ours
            self.since_ns = None
        elif self.since_ns is None:
            self.since_ns = now

    @property
    def still(self) -> bool:
        """The service has not moved since they agreed: it is late rather than wrong."""
        return self.new.raw == self.agreed


class Migration:
    """`message` of the ECU `old`, whose `signals` the service `new` is to compute.

    Make it before both are switched on. The service's own message is never sent. `mode` begins as shadow.
    """

    def __init__(
        self,
        kernel: Kernel,
        old: Ecu,
        new: Ecu,
        message: str,
        signals: tuple[str, ...],
        *,
        limits: Limits | None = None,
        stream: Stream | None = None,
    ) -> None:
        self.kernel: Final = kernel
        self.mode = Mode.SHADOW
        self.canary = Canary()
        self.report: Final = MigrationReport(message)
        self.on_fall_back: Callable[[FallBack], object] | None = None
        self._limits: Final = limits or Limits()
        self._stream = stream
        self._beat_ns = 0
        self._chosen = False
        self._span_ends_ns = 0
        self._pairs: Final = self._pair(old, new, message, signals)
        self._watch_service(new)
        self._tap(old, message)
        kernel.after(self._limits.step_ns, self._step)

    def _pair(self, old: Ecu, new: Ecu, message: str, signals: tuple[str, ...]) -> dict[str, _Pair]:
        """Both sides of each signal. OrchestratorError for a message or a signal that is not there."""
        ports = [port for port in old.ports.values() if message in port.tx]
        if not ports:
            known = [name for port in old.ports.values() for name in port.tx]
            raise OrchestratorError(f"{old.name} does not send {message!r}{nearest(message, known)}")
        port = ports[0]
        if port.bus not in new.ports:
            raise OrchestratorError(f"{new.name} is not on {port.bus}, on which {old.name} sends {message}")
        definition = port.tx[message].definition
        wrong = [name for name in signals if name not in definition.by_name]
        if wrong or not signals:
            near = nearest(wrong[0], list(definition.by_name)) if wrong else ""
            raise OrchestratorError(f"{message} has no signal {wrong[0] if wrong else ''!r}{near}")
        mine = new.ports[port.bus].transmit(definition)
        new.silence(message)
        tolerance = self._limits.tolerance
        return {name: _Pair(port.tx[message].signal(name), mine.signal(name), tolerance) for name in signals}

    def _watch_service(self, new: Ecu) -> None:
        """A sign of life on the service's own schedule: it stops when the service hangs or is off."""
        if not new.has_behaviour:
            raise OrchestratorError(f"{new.name} has no behaviour: there is nothing to migrate to")
        period = f"{max(1, self._limits.deadline_ns // 5 // _MS)}ms"

        def watched(ecu: Ecu) -> None:
            self._beat()
            ecu.every(period, self._beat)

        new.accompany(watched)

    def _beat(self) -> None:
        self._beat_ns = self.kernel.now

    def _tap(self, old: Ecu, message: str) -> None:
        port = next(port for port in old.ports.values() if message in port.tx)
        before = port.controller.on_sent
        key = port.tx[message].definition.arbitration_id

        def sent(frame: object, requested_ns: int, start_ns: int) -> None:
            if before is not None:
                before(frame, requested_ns, start_ns)  # type: ignore[arg-type]
            if getattr(frame, "arbitration_id", None) == key:
                self._frame()

        port.controller.on_sent = sent

    @property
    def signals(self) -> tuple[str, ...]:
        """What the service is to compute."""
        return tuple(self._pairs)

    # Modes

    def shadow(self) -> None:
        """The ECU's output counts; differences are recorded."""
        self._go(Mode.SHADOW)

    def try_out(self, canary: Canary) -> None:
        """The service's output counts for a share or under a condition."""
        self.canary = canary
        self._span_ends_ns = 0
        self._go(Mode.CANARY)

    def cut_over(self) -> None:
        """The service's output counts."""
        self._go(Mode.CUT_OVER)

    def fall_back(self, why: Why, text: str) -> None:
        """The ECU's output counts again, until another mode is asked for."""
        event = FallBack(self.kernel.now, why, text)
        self.report.fall_backs.append(event)
        self._go(Mode.FALLEN_BACK)
        if self.on_fall_back is not None:
            self.on_fall_back(event)

    def _go(self, mode: Mode) -> None:
        self.mode = mode
        self._apply()

    @property
    def service_counts(self) -> bool:
        """Whether the service's output counts now."""
        if self.mode is Mode.CANARY:
            condition = self.canary.condition
            return self._chosen and (condition is None or condition())
        return self.mode is Mode.CUT_OVER

    # What is looked at

    def _step(self) -> None:
        now = self.kernel.now
        for pair in self._pairs.values():
            pair.look(now)
        if self.mode is Mode.CANARY and now >= self._span_ends_ns:
            self._span_ends_ns = now + self.canary.span_ns
            self._chosen = self.canary.share >= 1 or (
                self._stream is not None and self._stream.random() < self.canary.share
            )
        if self.service_counts:
            self._judge(now)
        self._apply()
        self.kernel.after(self._limits.step_ns, self._step)

    def _judge(self, now: int) -> None:
        """Fall back when the service is silent, late or wrong for longer than the deadline."""
        deadline = self._limits.deadline_ns
        if now - self._beat_ns > deadline:
            self.fall_back(Why.SILENT, f"no sign of life for {(now - self._beat_ns) / _MS:.0f} ms")
            return
        for name, pair in self._pairs.items():
            if pair.since_ns is not None and now - pair.since_ns >= deadline:
                why = Why.LATE if pair.still else Why.DIFFERS
                values = f"{name}: ECU {pair.old.value}, service {pair.new.value}"
                self.fall_back(why, f"{values} for {(now - pair.since_ns) / _MS:.0f} ms")
                return

    def _apply(self) -> None:
        """Put what counts into the ECU's message."""
        if self.service_counts:
            for pair in self._pairs.values():
                if pair.old.raw != pair.agreed or not pair.holding:
                    pair.holding = True
                    pair.old.hold(pair.agreed)
        else:
            for pair in self._pairs.values():
                if pair.holding:
                    pair.holding = False
                    pair.old.release()

    def _frame(self) -> None:
        """A frame of the message was sent: was it the service's, and do the two sides differ?"""
        report = self.report
        report.frames += 1
        report.by_service += self.service_counts
        for pair in self._pairs.values():
            pair.look(self.kernel.now)
        differing = {
            name: (pair.old.value, pair.new.value) for name, pair in self._pairs.items() if pair.since_ns is not None
        }
        if differing:
            report.differing += 1
            if len(report.differences) < _MOST:
                sent = {name: self._pairs[name].old.raw for name in differing}
                report.differences.append(Difference(self.kernel.now, report.frames, differing, sent))
