"""What became of a frame in the gateway: the outcome of each route that takes it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.explain.explanation import Step, StepKind
from gateway.explain.names import key_of
from gateway.explain.notes import Decided, SourceNote, decided_in, note_of
from gateway.explain.surroundings import LISTED, Surroundings, by, rule_text
from gateway.explain.transform import route_of, routed_text
from gateway.sim import duration_text
from gateway.trace import Event, Recorded
from gateway.vehicle import AboutRule


class Outcomes(Surroundings):
    """Looks forward from a frame."""

    def steps(self) -> Iterator[Step]:
        """One step a route, and one when there is none."""
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
        late = (
            f" {duration_text(event.time_ns - self.record.time_ns)} later"
            if event.time_ns > self.record.time_ns
            else ""
        )
        text = f"{rule_text(rule, rule.name)}: {decided.decision}{late}: {_reason(rule, decided.reason)}"
        return Step(kind, event.time_ns, text, rule=rule.name)

    def _forwarded(self, name: str, rule: AboutRule | None, carrier: Recorded) -> Step:
        total_ns = carrier.time_ns - self.record.time_ns
        title = self.names.title(carrier.bus, carrier.frame)
        text = f"{rule_text(rule, name)}: forwarded, through as {title} {duration_text(total_ns)} later"
        return Step(StepKind.FORWARDED, carrier.time_ns, text, tuple(self._split(rule, carrier)), name)

    def _split(self, rule: AboutRule | None, carrier: Recorded) -> Iterator[str]:
        """What was made of it, and where the time between the two buses went."""
        made = routed_text(route_of(self.names.vehicle, rule), self.record.frame.data)
        if made:
            yield made
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
        ahead, told = self.ahead(carrier.bus, requested_ns, start_ns)
        names = ", ".join(f"{self.names.label(r.bus, r.frame)}{by(r)}" for r in ahead[:LISTED])
        more = f" and {len(ahead) - LISTED} more" if len(ahead) > LISTED else ""
        if note.waited_ns:
            yield f"{duration_text(note.waited_ns)} waiting for {carrier.bus}" + (
                f", for {names}{more}" if names else ""
            )
            yield from told
        yield f"{duration_text(duration_ns)} on {carrier.bus}"

    def _open(self, rule: AboutRule) -> Step:
        text = rule_text(rule, rule.name)
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


def _reason(rule: AboutRule, reason: str) -> str:
    """The reason, with what the rule says about it."""
    if reason == "condition not met" and rule.when:
        return f"its condition `{rule.when}` is not met"
    if reason == "rate limit" and rule.every_ns:
        return f"rate limit: at most one every {duration_text(rule.every_ns)}"
    return reason
