"""A browser's session over the demo vehicle, without a socket."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.ui.errors import UiError
from gateway.ui.web_session import ALL_EVERY, ANSWERS, TABLES_EVERY, WebSession, traced_of

if TYPE_CHECKING:
    from tests.vehicle.ui.conftest import Watched

SHOW = {"parts": ["buses", "messages", "signals", "routes", "ecus", "journeys"], "decoded": [0], "paths": [0]}


class Browser:
    """A session, and the page that it is of."""

    def __init__(self, watched: Watched, title: str = "") -> None:
        self.page = watched.page(title=title)
        self.session = WebSession(self.page.sight)
        self.turns = itertools.count()

    def turn(self) -> list[dict[str, Any]]:
        self.page.ask(self.session.shown)
        return [json.loads(text) for text in self.session.turn(next(self.turns))]


def test_a_browser_is_told_the_vehicle_then_what_it_shows(watched) -> None:
    browser = Browser(watched, "demo")
    watched.run(1)
    browser.session.receive(json.dumps({"show": SHOW}))
    hello, snapshot = browser.turn()
    assert hello["hello"]["name"] == "demo-ev"
    assert hello["title"] == "demo"
    route = hello["hello"]["routes"][0]
    assert route["place"] == f"{route['file']}:{route['line']}"
    assert {"buses", "messages", "paths", "routes", "ecus", "journeys", "new_messages"} <= snapshot.keys()
    assert snapshot["messages"][0][9] is not None


def test_tables_come_less_often_than_what_is_plotted(watched) -> None:
    browser = Browser(watched)
    browser.session.receive(json.dumps({"show": SHOW}))
    turns = []
    for _ in range(ALL_EVERY):
        watched.run(1 / 30)
        turns.append(browser.turn()[-1])
    assert sum("buses" in found for found in turns) == ALL_EVERY // TABLES_EVERY
    plotted = [found for found in turns if any(row[0] == 0 for row in found.get("messages", ()))]
    assert len(plotted) >= ALL_EVERY - 1
    assert any(len(found.get("messages", ())) > 20 for found in turns)


def test_what_is_wrong_is_answered_and_nothing_else_happens(watched) -> None:
    browser = Browser(watched)
    browser.turn()
    for text in ("", "[]", "{", '{"show": 1}', '{"do": 3, "id": 5}', '{"do": {"undo": 1}, "id": 6}', "[" * 100_000):
        browser.session.receive(text)
        answers = [found for found in browser.turn() if "answer" in found]
        assert len(answers) == 1
        assert answers[0]["problem"]


def test_a_browser_that_takes_no_answers_is_not_listened_to(watched) -> None:
    browser = Browser(watched)
    for _ in range(ANSWERS):
        assert not browser.session.full
        browser.session.receive("nonsense")
    assert browser.session.full
    browser.turn()
    assert not browser.session.full


def test_a_trace_has_the_frames_one_after_the_other(watched) -> None:
    browser = Browser(watched)
    number = watched.number("powertrain.MotorStatus")
    watched.run(1)
    browser.session.receive(json.dumps({"show": {**SHOW, "trace": {"of": [number]}}}))
    browser.turn()
    watched.run(1 / 5)
    traces = [found["trace"] for _ in range(TABLES_EVERY) if "trace" in (found := browser.turn()[-1])]
    (trace,) = traces
    assert trace["skipped"] == 0
    assert len(trace["rows"]) == 20
    assert {row[1] for row in trace["rows"]} == {number}
    assert {row[3] for row in trace["rows"]} == {"Inverter"}
    assert [row[4] for row in trace["rows"][1:]] == [
        after[0] - before[0] for before, after in itertools.pairwise(trace["rows"])
    ]


def test_a_row_of_a_trace_is_decoded(watched) -> None:
    browser = Browser(watched)
    number = watched.number("powertrain.VcuStatus")
    watched.run(1)
    data = watched.feed.subscribe().snapshot().messages[0].data.hex()
    browser.session.receive(json.dumps({"show": {**SHOW, "trace": {"of": None, "row": [number, data]}}}))
    values = browser.turn()[-1]["row"]
    about = watched.feed.messages[number]
    assert len(values) == len(about.signals)


@pytest.mark.parametrize(
    "trace", [1, [], {"of": "12"}, {"row": [1]}, {"row": [-1, ""]}, {"row": [1, "zz"]}, {"row": ["1", "00"]}]
)
def test_what_is_no_trace_is_refused(trace: object) -> None:
    with pytest.raises(UiError):
        traced_of({"trace": trace})
