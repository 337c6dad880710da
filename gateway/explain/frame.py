"""The explanation of one frame: where it came from, how it got onto its bus, what each route made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.explain.explanation import Explanation, Step, StepKind
from gateway.explain.names import Names, key_of, seconds_text
from gateway.explain.notes import Decided, FrameNote, SourceNote, decided_in, note_of
from gateway.explain.recording import Window
from gateway.sim import duration_text
from gateway.trace import Event, Recorded
from gateway.vehicle import AboutRule

_DEEPEST: Final = 5
"""Gateways that are followed back from a frame."""
_LISTED: Final = 6


def explain_frame(window: Window, names: Names) -> Explanation:
    """What happened to `window.records[window.target]`. Says in its notes what cannot be known."""
    return _Frame(window, names).explanation()


class _Frame:
    """One frame among the records around it."""

    def __init__(self, window: Window, names: Names) -> None:
        record = window.records[window.target]
        assert isinstance(record, Recorded)
        self.record = record
        self.window = window
        self.names = names
        self.note = note_of(record.comment)
        self.notes: list[str] = []

    def explanation(self) -> Explanation:
        record = self.record
        steps = [*self._origins(self.note, _DEEPEST), *self._passage(), *self._routes()]
        if not record.comment:
            self.notes.append(
                "the recording does not say who sent the frame and how long it waited"
                " (`gateway run --trace FILE.pcapng` records that)"
            )
        if self.names.about is None:
            self.notes.append("no routes are known: the recording names none, and no vehicle file was given")
        if self.window.problem is not None:
            self.notes.append(f"the recording is damaged: {self.window.problem}")
        return Explanation(
            f"{self.names.title(record.bus, record.frame)} at {self._time(record.time_ns)}: {record.frame}",
            record.time_ns,
            tuple(steps),
            tuple(self.notes),
        )

    def _time(self, time_ns: int) -> str:
        return seconds_text(time_ns - self.window.origin_ns)

    # Back: where a gateway's frame came from

    def _origins(self, note: FrameNote, depth: int) -> Iterator[Step]:
        for source in note.sources:
            rule = self.names.rule(source.rule)
            origin = self._at_source(source, rule)
            by = f"by {_rule_text(rule, source.rule)}"
            if origin is None:
                text = f"from {source.source}, received at {self._time(source.received_ns)}, {by}"
                yield Step(StepKind.ORIGIN, source.received_ns, text, rule=source.rule)
                continue
            own = note_of(origin.comment)
            if depth:
                yield from self._origins(own, depth - 1)
            sender = f" from {own.sender}" if own.sender else ""
            text = f"from {self.names.title(origin.bus, origin.frame)}{sender}, {by}"
            details = self._signal_of(source.source, origin) or tuple(self.names.signals(origin.bus, origin.frame))
            yield Step(StepKind.ORIGIN, source.received_ns, text, details, source.rule)

    def _at_source(self, source: SourceNote, rule: AboutRule | None) -> Recorded | None:
        bus = source.source.partition(".")[0]
        for record in self.window.records:
            if record.time_ns != source.received_ns or not isinstance(record, Recorded) or record.bus != bus:
                continue
            if rule is None or rule.takes(bus, key_of(record.frame)):
                return record
        return None

    def _signal_of(self, source: str, origin: Recorded) -> tuple[str, ...]:
        """The one signal that a route took out of a frame."""
        name = source.split(".")[2:]
        return tuple(text for text in self.names.signals(origin.bus, origin.frame) if name and text.split(" = ")[0] == name[0])

    # Here: how it got onto its bus

    def _passage(self) -> Iterator[Step]:
        record, note = self.record, self.note
        duration_ns = self.names.duration_ns(record.bus, record.frame)
        start_ns = None if duration_ns is None else record.time_ns - duration_ns
        if note.sender and note.waited_ns is not None and start_ns is not None:
            requested_ns = start_ns - note.waited_ns
            yield Step(StepKind.SENT, requested_ns, f"{note.sender} hands it to its controller on {record.bus}")
            if note.waited_ns:
                yield self._waiting(requested_ns, start_ns)
        elif note.sender:
            waited = f", after waiting {duration_text(note.waited_ns)}" if note.waited_ns else ""
            yield Step(StepKind.SENT, None, f"{note.sender} sent it{waited}")
        details = tuple(self.names.signals(record.bus, record.frame))
        if start_ns is None:
            yield Step(StepKind.ON_BUS, record.time_ns, f"through on {record.bus}", details)
        else:
            text = f"on {record.bus} from {self._time(start_ns)} on, for {duration_text(duration_ns or 0)}"
            yield Step(StepKind.ON_BUS, record.time_ns, text, details)

    def _waiting(self, requested_ns: int, start_ns: int) -> Step:
        ahead, errors = self._ahead(self.record.bus, requested_ns, start_ns)
        text = f"waits {duration_text(start_ns - requested_ns)}"
        if ahead:
            text += f" for {len(ahead)} frame{'s' if len(ahead) > 1 else ''} on {self.record.bus}"
        elif errors:
            text += f" while {self.record.bus} is disturbed"
        else:
            text += f" for {self.record.bus}: the intermission, or a frame before the recording's first"
        shown = [f"{self.names.label(r.bus, r.frame)}{_by(r)}, through {self._time(r.time_ns)}" for r in ahead]
        more = [f"and {len(shown) - _LISTED} more"] if len(shown) > _LISTED else []
        return Step(StepKind.WAITED, requested_ns, text, (*shown[:_LISTED], *more, *errors))

    def _ahead(self, bus: str, requested_ns: int, start_ns: int) -> tuple[list[Recorded], list[str]]:
        """The frames that were on a bus between request and start, and what the bus told meanwhile."""
        ahead, told = [], []
        for record in self.window.records:
            if not requested_ns < record.time_ns <= start_ns:
                continue
            if isinstance(record, Event):
                if record.text.startswith(f"{bus}: "):
                    told.append(f"{self._time(record.time_ns)} {record.text.removeprefix(f'{bus}: ')}")
            elif record.bus == bus:
                ahead.append(record)
        return ahead, told

    # Forward: what became of it in the gateway

    def _routes(self) -> Iterator[Step]:
        record = self.record
        about = self.names.about
        if about is not None and self.note.sender and self.note.sender == about.gateway:
            return  # the gateway does not receive what it sends
        key = key_of(record.frame)
        rules = [rule for rule in self.names.rules if rule.takes(record.bus, key)]
        for rule in rules:
            yield self._outcome(rule)
        known = {rule.name for rule in rules}
        for name, carried in self._carriers().items():
            if name not in known and self.names.rule(name) is None:
                yield self._forwarded(name, None, carried)
        if about is not None and not rules:
            yield Step(StepKind.NO_ROUTE, None, f"no route takes it from {record.bus}: it stays there")

    def _carriers(self) -> dict[str, Recorded]:
        """By route, the first frame of the gateway that names this frame as one that it came from."""
        found: dict[str, Recorded] = {}
        for record in self.window.records[self.window.target :]:
            if isinstance(record, Recorded) and "; r" in record.comment:
                for source in note_of(record.comment).sources:
                    if source.received_ns == self.record.time_ns and self._is_from_here(source):
                        found.setdefault(source.rule, record)
        return found

    def _is_from_here(self, source: SourceNote) -> bool:
        rule = self.names.rule(source.rule)
        if rule is not None:
            return rule.takes(self.record.bus, key_of(self.record.frame))
        bus, _, name = source.source.partition(".")
        message = self.names.message(bus, self.record.frame)
        return bus == self.record.bus and (not name or message is None or name.split(".")[0] == message.name)

    def _outcome(self, rule: AboutRule) -> Step:
        decided = self._decided(rule)
        if decided is not None:
            return self._refused(rule, *decided)
        carrier = self._carriers().get(rule.name)
        if carrier is not None:
            return self._forwarded(rule.name, rule, carrier)
        return self._open(rule)

    def _decided(self, rule: AboutRule) -> tuple[Event, Decided] | None:
        frame, time_ns = str(self.record.frame), self.record.time_ns
        for record in self.window.records[self.window.target :]:
            if isinstance(record, Event) and record.text.startswith(f"{rule.name} "):
                decided = decided_in(record.text)
                if decided is None or decided.frame != frame:
                    continue
                received = record.time_ns if decided.received_ns is None else decided.received_ns
                if received == time_ns:
                    return record, decided
        return None

    def _refused(self, rule: AboutRule, event: Event, decided: Decided) -> Step:
        kind = StepKind.FILTERED if decided.decision == "filtered" else StepKind.DROPPED
        late = f" {duration_text(event.time_ns - self.record.time_ns)} later" if event.time_ns > self.record.time_ns else ""
        text = f"{_rule_text(rule, rule.name)}: {decided.decision}{late}: {_reason(rule, decided.reason)}"
        return Step(kind, event.time_ns, text, rule=rule.name)

    def _forwarded(self, name: str, rule: AboutRule | None, carrier: Recorded) -> Step:
        total_ns = carrier.time_ns - self.record.time_ns
        title = self.names.title(carrier.bus, carrier.frame)
        text = f"{_rule_text(rule, name)}: forwarded, through as {title} {duration_text(total_ns)} later"
        return Step(StepKind.FORWARDED, carrier.time_ns, text, tuple(self._split(rule, carrier)), name)

    def _split(self, rule: AboutRule | None, carrier: Recorded) -> Iterator[str]:
        """Where the time between the two buses went."""
        note = note_of(carrier.comment)
        duration_ns = self.names.duration_ns(carrier.bus, carrier.frame)
        if duration_ns is None or note.waited_ns is None:
            return
        start_ns = carrier.time_ns - duration_ns
        requested_ns = start_ns - note.waited_ns
        inside_ns = requested_ns - self.record.time_ns
        if rule is not None and 0 <= rule.latency_ns < inside_ns:
            yield f"{duration_text(rule.latency_ns)} gateway latency"
            until = "until the target's next sending" if rule.signal else "in the gateway before it was handed over"
            yield f"{duration_text(inside_ns - rule.latency_ns)} {until}"
        else:
            yield f"{duration_text(inside_ns)} gateway latency"
        ahead, told = self._ahead(carrier.bus, requested_ns, start_ns)
        names = ", ".join(f"{self.names.label(r.bus, r.frame)}{_by(r)}" for r in ahead[:_LISTED])
        more = f" and {len(ahead) - _LISTED} more" if len(ahead) > _LISTED else ""
        if note.waited_ns:
            yield f"{duration_text(note.waited_ns)} waiting for {carrier.bus}" + (f", for {names}{more}" if names else "")
            yield from told
        yield f"{duration_text(duration_ns)} on {carrier.bus}"

    def _open(self, rule: AboutRule) -> Step:
        text = _rule_text(rule, rule.name)
        if rule.signal and self._later(rule):
            text += ": its value was replaced by a newer one before the target message was sent"
        elif self.window.to_end:
            text += ": not through on the other bus when the recording ended"
        else:
            text += ": the recording does not show what became of it"
        return Step(StepKind.OPEN, None, text, rule=rule.name)

    def _later(self, rule: AboutRule) -> bool:
        """Whether the route's target carried something that came after this frame."""
        for record in self.window.records[self.window.target :]:
            if isinstance(record, Recorded) and f"; {rule.name} from " in record.comment:
                for source in note_of(record.comment).sources:
                    if source.rule == rule.name and source.received_ns > self.record.time_ns:
                        return True
        return False


def _by(record: Recorded) -> str:
    sender = note_of(record.comment).sender
    return f" ({sender})" if sender else ""


def _rule_text(rule: AboutRule | None, name: str) -> str:
    if rule is None:
        return name
    return f"{rule}" + (f" ({rule.place})" if rule.place else "")


def _reason(rule: AboutRule, reason: str) -> str:
    """The reason, with what the rule says about it."""
    if reason == "condition not met" and rule.when:
        return f"its condition `{rule.when}` is not met"
    if reason == "rate limit" and rule.every_ns:
        return f"rate limit: at most one every {duration_text(rule.every_ns)}"
    return reason
