"""What is asked with --frame."""

from __future__ import annotations

import pytest

from gateway.can import EXTENDED
from gateway.database import Database, Message
from gateway.explain import ExplainError, FrameQuestion, Names, parse_question

BUSES = ("powertrain", "body")
NAMES = Names(databases={"body": Database("body", "body.dbc", (Message(name="Speed", arbitration_id=0x123),), ())})


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("body/0x3A0@12.5s", FrameQuestion("body", 0x3A0, 12_500_000_000)),
        ("body/3A0@10ms", FrameQuestion("body", 0x3A0, 10_000_000)),
        ("body/0x3A0", FrameQuestion("body", 0x3A0)),
        ("body/0x18DAF110x@1s", FrameQuestion("body", 0x18DAF110 | EXTENDED, 1_000_000_000)),
        ("body/Speed@0.1s", FrameQuestion("body", 0x123, 100_000_000)),
    ],
)
def test_questions(text: str, question: FrameQuestion) -> None:
    assert parse_question(text, BUSES, NAMES) == question


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0x3A0@12.5s", "names no frame: write BUS/ID@TIME, like body/0x3A0@12.5s"),
        ("body/@12.5s", "names no frame"),
        ("/0x3A0", "names no frame"),
        ("body/0x3A0@", "names no frame"),
        ("", "names no frame"),
        ("body/0x3A0@12.5", "'12.5' is not a duration: a number and one of ns, us, ms, s"),
        ("bodi/0x3A0", "the recording has no bus 'bodi' (did you mean 'body'?)"),
        ("lin/0x3A0", "the recording has no bus 'lin' (there are powertrain, body)"),
        ("body/0x800", "0x800 is above 0x7FF; 29 bits are written 0x800x"),
        ("body/0x20000000x", "is above 0x1FFFFFFF"),
        ("body/Sped", "there is no message of that name on body (did you mean 'Speed'?)"),
        ("powertrain/Speed", "powertrain has no message Speed: ask for body/Speed"),
        ("body/0x-1", "is no identifier"),
        ("body/x", "is no identifier"),
    ],
)
def test_what_cannot_be_understood(text: str, sentence: str) -> None:
    with pytest.raises(ExplainError) as caught:
        parse_question(text, BUSES, NAMES)
    assert sentence in caught.value.sentence
