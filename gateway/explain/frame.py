"""The explanation of one frame: where it came from, how it got onto its bus, what each route made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.explain.explanation import Explanation, Step, StepKind
from gateway.explain.names import Names, key_of
from gateway.explain.notes import FrameNote, SourceNote, note_of
from gateway.explain.outcomes import Outcomes
from gateway.explain.recording import Window
from gateway.explain.surroundings import LISTED, Surroundings, by, rule_text
from gateway.explain.transform import route_of, routed_text
from gateway.sim import duration_text
from gateway.trace import Recorded
from gateway.vehicle import AboutRule

_DEEPEST: Final = 5
"""Gateways that are followed back from a frame."""


def explain_frame(window: Window, names: Names) -> Explanation:
    """What happened to `window.records[window.target]`. Says in its notes what cannot be known."""
    frame = _Frame(window, names)
    record = frame.record
    steps = (*frame.origins(frame.note, _DEEPEST), *frame.passage(), *Outcomes(window, names).steps())
    title = f"{names.title(record.bus, record.frame)} at {frame.time(record.time_ns)}: {record.frame}"
    return Explanation(title, record.time_ns, steps, tuple(_notes(frame)))


def _notes(frame: Surroundings) -> Iterator[str]:
    if not frame.record.comment:
        yield (
            "the recording does not say who sent the frame and how long it waited"
            " (`gateway run --trace FILE.pcapng` records that)"
        )
    if frame.names.about is None:
        yield "no routes are known: the recording names none, and no vehicle file was given"
    if frame.window.problem is not None:
        yield f"the recording is damaged: {frame.window.problem}"


class _Frame(Surroundings):
    """Looks back from a frame, and at the frame itself."""

    # Back: where a gateway's frame came from

    def origins(self, note: FrameNote, depth: int) -> Iterator[Step]:
        """The frames on other buses that it came from."""
        for source in note.sources:
            rule = self.names.rule(source.rule)
            origin = self._at_source(source, rule)
            by = f"by {rule_text(rule, source.rule)}"
            if origin is None:
                text = f"from {source.source}, received at {self.time(source.received_ns)}, {by}"
                yield Step(StepKind.ORIGIN, source.received_ns, text, rule=source.rule)
                continue
            own = note_of(origin.comment)
            if depth:
                yield from self.origins(own, depth - 1)
            sender = f" from {own.sender}" if own.sender else ""
            text = f"from {self.names.title(origin.bus, origin.frame)}{sender}, {by}"
            made = routed_text(route_of(self.names.vehicle, rule), origin.frame.data)
            signal = (made,) if made else self._signal_of(source.source, origin)
            details = signal or tuple(self.names.signals(origin.bus, origin.frame))
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
        return tuple(self.names.signals(origin.bus, origin.frame, name[0])) if name else ()

    # Here: how it got onto its bus

    def passage(self) -> Iterator[Step]:
        """Its way onto its bus."""
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
            text = f"on {record.bus} from {self.time(start_ns)} on, for {duration_text(duration_ns or 0)}"
            yield Step(StepKind.ON_BUS, record.time_ns, text, details)

    def _waiting(self, requested_ns: int, start_ns: int) -> Step:
        ahead, errors = self.ahead(self.record.bus, requested_ns, start_ns)
        text = f"waits {duration_text(start_ns - requested_ns)}"
        if ahead:
            text += f" for {len(ahead)} frame{'s' if len(ahead) > 1 else ''} on {self.record.bus}"
        elif errors:
            text += f" while {self.record.bus} is disturbed"
        else:
            text += f" for {self.record.bus}: the intermission, or a frame before the recording's first"
        shown = [f"{self.names.label(r.bus, r.frame)}{by(r)}, through {self.time(r.time_ns)}" for r in ahead]
        more = [f"and {len(shown) - LISTED} more"] if len(shown) > LISTED else []
        return Step(StepKind.WAITED, requested_ns, text, (*shown[:LISTED], *more, *errors))
