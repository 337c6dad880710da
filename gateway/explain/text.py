"""Explanations and summaries as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.explain.cause import Answer
from gateway.explain.explanation import Explanation
from gateway.explain.names import Names, seconds_text
from gateway.explain.summary import RuleSummary, StreamSummary, Summary
from gateway.sim import duration_text


def explanation_lines(explanation: Explanation, origin_ns: int = 0) -> Iterator[str]:
    """One line a step with its time, details indented below."""
    yield explanation.title
    for step in explanation.steps:
        time = "" if step.time_ns is None else seconds_text(step.time_ns - origin_ns)
        yield f"{time:>18}  {step.text}"
        for detail in step.details:
            yield f"{'':20}  {detail}"
    for note in explanation.notes:
        yield f"note: {note}"


def answer_lines(answer: Answer, origin_ns: int = 0) -> Iterator[str]:
    """The cause first, then the way from the CAN frame up."""
    yield answer.headline
    for stage in answer.way:
        time = "" if stage.time_ns is None else seconds_text(stage.time_ns - origin_ns)
        yield f"{time:>18}  {stage.text}"
    for note in answer.notes:
        yield f"note: {note}"


def summary_lines(summary: Summary, names: Names) -> Iterator[str]:
    """One line an identifier, one a route."""
    for stream in sorted(summary.streams.values(), key=lambda stream: (stream.bus, stream.first.arbitration_id)):
        yield _stream_line(stream, names)
    for rule in sorted(summary.rules.values(), key=lambda rule: int(rule.name[1:])):
        yield _rule_line(rule, names)
    if summary.problem is not None:
        yield f"note: the recording is damaged: {summary.problem}"


def _stream_line(stream: StreamSummary, names: Names) -> str:
    parts = [f"{stream.count} frame{'' if stream.count == 1 else 's'}"]
    if stream.mean_ns is not None and stream.shortest_ns is not None and stream.longest_ns is not None:
        low, mean, high = (duration_text(ns) for ns in (stream.shortest_ns, stream.mean_ns, stream.longest_ns))
        parts.append(f"period {mean} ({low} to {high})")
    if stream.senders:
        parts.append("from " + " and ".join(sorted(stream.senders)))
    if stream.mean_wait_ns is not None:
        parts.append(f"waited {duration_text(stream.mean_wait_ns)} (at most {duration_text(stream.longest_wait_ns)})")
    return f"{names.title(stream.bus, stream.first)}: {', '.join(parts)}"


def _rule_line(rule: RuleSummary, names: Names) -> str:
    about = names.rule(rule.name)
    title = rule.name if about is None else f"{about}" + (f" ({about.place})" if about.place else "")
    parts = []
    if rule.carried:
        parts.append(f"{rule.carried} forwarded, within {duration_text(rule.longest_ns)}")
    parts += [f"{count} {reason}" for reason, count in sorted(rule.decisions.items())]
    return f"{title}: {', '.join(parts)}"
