"""Questions as text and answers as documents: the same for a recording, a running vehicle, and over a socket.

A question is `signal NAME[@TIME]`, `frame BUS/ID[@TIME]` or `all`; an answer is lines for people and a document for
programs. Over the socket a question is a line of at most QUESTION_MAX bytes, and its answer one line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

from gateway.errors import GatewayError
from gateway.explain.errors import ExplainError
from gateway.explain.frame import explain_frame
from gateway.explain.names import Names
from gateway.explain.question import FrameQuestion, parse_question
from gateway.explain.recording import Recording, find_window, nearness
from gateway.explain.scene import Scene
from gateway.explain.summary import records_for, summarize
from gateway.explain.text import answer_lines, explanation_lines, summary_lines
from gateway.explain.why import parse_signal, why
from gateway.sim import NS_PER_S

STREAM: Final = "explain"
"""What a client of a running vehicle asks for."""
QUESTION_MAX: Final = 1024
_WAITING_MAX: Final = 8


class Told(NamedTuple):
    """An answer."""

    lines: list[str]
    document: dict[str, Any]
    damaged: bool = False
    """The recording could not be read as a whole; the lines tell where."""


def asked(recording: Recording, names: Names, question: str) -> Told:
    """The answer to one question. ExplainError, or another GatewayError, for what cannot be answered."""
    strange = _strange(recording, names)
    try:
        told = _answered(recording, names, question)
    except ExplainError as error:
        raise ExplainError(f"{error.sentence}; {strange}", file=error.file) if strange else error from None
    lines = [*told.lines, *([f"note: {strange}"] if strange else [])]
    return told._replace(lines=lines, damaged=recording.table.problem is not None)


def _strange(recording: Recording, names: Names) -> str:
    """Buses of another program's recording that the vehicle does not know, and what to do about it; mostly empty."""
    vehicle = names.vehicle
    if vehicle is None or recording.path is None or recording.about is not None:
        return ""
    strange = [bus for bus in recording.buses if bus not in vehicle.buses]
    missing = [bus for bus in vehicle.buses if bus not in recording.buses]
    if not strange or not missing:
        return ""
    return (
        f"{vehicle.name} has no bus {', '.join(strange)}: --map {strange[0]}={missing[0]} says which of its buses it is"
    )


def _answered(recording: Recording, names: Names, question: str) -> Told:
    kind, _, rest = question.strip().partition(" ")
    if kind == "signal":
        wanted = parse_signal(rest)
        now_ns, notes = _moment(recording, wanted.time_ns)
        answer = why(Scene(recording.table, names, now_ns, origin_ns=recording.origin_ns), wanted.name)
        problem = recording.table.problem
        damage = () if problem is None else (f"the recording is damaged: {problem}",)
        answer = replace(answer, notes=(*answer.notes, *notes, *damage))
        return Told(list(answer_lines(answer, recording.origin_ns)), answer.as_json())
    if kind == "frame":
        frame = parse_question(rest, recording.buses, names)
        return _one(recording, names, frame) if frame.time_ns is not None else _all(recording, names, frame)
    if kind == "all":
        return _all(recording, names, None)
    raise ExplainError(f"{question!r} is no question: signal NAME[@TIME], frame BUS/ID[@TIME] or all")


def _moment(recording: Recording, time_ns: int | None) -> tuple[int, tuple[str, ...]]:
    """The moment that is asked about, and a note where it is the end instead. ExplainError for one far behind it."""
    end_ns = recording.now_ns
    if time_ns is None or time_ns + recording.origin_ns <= end_ns:
        return (end_ns if time_ns is None else time_ns + recording.origin_ns), ()
    end = f"{(end_ns - recording.origin_ns) / NS_PER_S:.3f} s"
    text = f"the vehicle is at {end}" if recording.path is None else f"the recording ends at {end}"
    if time_ns + recording.origin_ns - end_ns > NS_PER_S:
        raise ExplainError(f"{text}: ask for a time before that")
    return end_ns, (f"{text}, and this is told of then",)


def _one(recording: Recording, names: Names, question: FrameQuestion) -> Told:
    window = find_window(recording, question)
    explanation = explain_frame(window, names)
    far = nearness(question, window)
    lines = [*explanation_lines(explanation, window.origin_ns), *([f"note: {far}"] if far is not None else [])]
    return Told(lines, explanation.as_json())


def _all(recording: Recording, names: Names, question: FrameQuestion | None) -> Told:
    table = recording.table
    if question is not None and not len(table.rows(question.bus, question.key)):
        find_window(recording, question)  # tells what there is instead
    only = None if question is None else (question.bus, question.key)
    summary = summarize(records_for(table, names, only), names, only)
    summary.problem = table.problem
    return Told(list(summary_lines(summary, names)), summary.as_json(names))


class Answers:
    """One client's questions to a running vehicle; a `StreamSource` of `gateway.links`. Knows no socket.

    `ask` answers one question. More than a few questions that wait, or a long one, end the conversation.
    """

    def __init__(self, ask: Callable[[str], Told]) -> None:
        self._ask = ask
        self._unread = b""
        self._waiting: list[str] = []

    def receive(self, data: bytes) -> None:
        """Bytes of the client. ValueError for what is no question."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        self._waiting += [line.decode() for line in lines]
        if max(map(len, (*lines, self._unread))) > QUESTION_MAX or len(self._waiting) > _WAITING_MAX:
            raise ValueError("too long, or too many at once")

    def outgoing(self) -> bytes:
        """The answer to the next question; one at a time, so that the vehicle is not held up for long."""
        if not self._waiting:
            return b""
        try:
            told = self._ask(self._waiting.pop(0))
            answer: dict[str, Any] = {"lines": told.lines, "document": told.document}
        except GatewayError as error:
            answer = {"error": str(error)}
        return json.dumps(answer).encode() + b"\n"

    def close(self) -> None:
        """The client has gone."""
        self._waiting.clear()
