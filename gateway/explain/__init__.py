"""What happened to a frame, and why: from a recording to steps for people. Knows `vehicle` and below."""

from gateway.explain.asking import STREAM, Answers, Told, asked
from gateway.explain.cause import Answer, Cause, Fault, Stage
from gateway.explain.errors import ExplainError
from gateway.explain.explanation import Explanation, Step, StepKind
from gateway.explain.frame import explain_frame
from gateway.explain.living import Journal, happenings, recorded, recording_of
from gateway.explain.names import Names, names_of
from gateway.explain.notes import Decided, FrameNote, SourceNote, decided_in, note_of
from gateway.explain.question import FrameQuestion, parse_question
from gateway.explain.recording import Recording, Window, find_window, nearness, open_recording, renamed
from gateway.explain.scene import Scene
from gateway.explain.summary import RuleSummary, StreamSummary, Summary, summarize
from gateway.explain.text import answer_lines, explanation_lines, summary_lines
from gateway.explain.why import SignalQuestion, parse_signal, why

__all__ = [
    "STREAM",
    "Answer",
    "Answers",
    "Cause",
    "Decided",
    "ExplainError",
    "Explanation",
    "Fault",
    "FrameNote",
    "FrameQuestion",
    "Journal",
    "Names",
    "Recording",
    "RuleSummary",
    "Scene",
    "SignalQuestion",
    "SourceNote",
    "Stage",
    "Step",
    "StepKind",
    "StreamSummary",
    "Summary",
    "Told",
    "Window",
    "answer_lines",
    "asked",
    "decided_in",
    "explain_frame",
    "explanation_lines",
    "find_window",
    "happenings",
    "names_of",
    "nearness",
    "note_of",
    "open_recording",
    "parse_question",
    "parse_signal",
    "recorded",
    "recording_of",
    "renamed",
    "summarize",
    "summary_lines",
    "why",
]
