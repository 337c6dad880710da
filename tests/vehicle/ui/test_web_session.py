"""A browser's session over the demo vehicle, without a socket."""

from __future__ import annotations

import json
from typing import Any

from gateway.ui.desk import Desk
from gateway.ui.web_session import ALL_EVERY, ANSWERS, TABLES_EVERY, WebSession

SHOW = {"parts": ["buses", "messages", "signals", "routes", "ecus", "journeys"], "decoded": [0], "paths": [0]}


def turn(session: WebSession) -> list[dict[str, Any]]:
    return [json.loads(text) for text in session.turn()]


def test_a_browser_is_told_the_vehicle_then_what_it_shows(watched) -> None:
    session = WebSession(watched.feed, Desk(), "demo")
    watched.run(1)
    session.receive(json.dumps({"show": SHOW}))
    hello, snapshot = turn(session)
    assert hello["hello"]["name"] == "demo-ev"
    assert hello["title"] == "demo"
    route = hello["hello"]["routes"][0]
    assert route["place"] == f"{route['file']}:{route['line']}"
    assert {"buses", "messages", "paths", "routes", "ecus", "journeys", "new_messages"} <= snapshot.keys()
    assert snapshot["messages"][0][9] is not None


def test_tables_come_less_often_than_what_is_plotted(watched) -> None:
    session = WebSession(watched.feed, Desk())
    session.receive(json.dumps({"show": SHOW}))
    turns = []
    for _ in range(ALL_EVERY):
        watched.run(1 / 30)
        turns.append(turn(session)[-1])
    assert sum("buses" in found for found in turns) == ALL_EVERY // TABLES_EVERY
    plotted = [found for found in turns if any(row[0] == 0 for row in found.get("messages", ()))]
    assert len(plotted) >= ALL_EVERY - 1
    assert any(len(found.get("messages", ())) > 20 for found in turns)


def test_what_is_wrong_is_answered_and_nothing_else_happens(watched) -> None:
    session = WebSession(watched.feed, Desk())
    turn(session)
    for text in ("", "[]", "{", '{"show": 1}', '{"do": 3, "id": 5}', '{"do": {"undo": 1}, "id": 6}', "[" * 100_000):
        session.receive(text)
        answers = [found for found in turn(session) if "answer" in found]
        assert len(answers) == 1
        assert answers[0]["problem"]


def test_a_browser_that_takes_no_answers_is_not_listened_to(watched) -> None:
    session = WebSession(watched.feed, Desk())
    for _ in range(ANSWERS):
        assert not session.full
        session.receive("nonsense")
    assert session.full
    turn(session)
    assert not session.full
