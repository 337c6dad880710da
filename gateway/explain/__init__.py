"""What happened to a frame, and why: from a recording to steps for people. Knows `vehicle` and below."""

from gateway.explain.errors import ExplainError
from gateway.explain.explanation import Explanation, Step, StepKind
from gateway.explain.frame import explain_frame
from gateway.explain.names import Names, names_of
from gateway.explain.notes import Decided, FrameNote, SourceNote, decided_in, note_of
from gateway.explain.question import FrameQuestion, parse_question
from gateway.explain.recording import Recording, Window, find_window, nearness, open_recording
from gateway.explain.summary import RuleSummary, StreamSummary, Summary, summarize
from gateway.explain.text import explanation_lines, summary_lines

__all__ = [
    "Decided",
    "ExplainError",
    "Explanation",
    "FrameNote",
    "FrameQuestion",
    "Names",
    "Recording",
    "RuleSummary",
    "SourceNote",
    "Step",
    "StepKind",
    "StreamSummary",
    "Summary",
    "Window",
    "decided_in",
    "explain_frame",
    "explanation_lines",
    "find_window",
    "names_of",
    "nearness",
    "note_of",
    "open_recording",
    "parse_question",
    "summarize",
    "summary_lines",
]
