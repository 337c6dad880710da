"""One browser: what it has on its screen, what it is sent, what it asks for. Knows no socket and no clock.

Feed it with `receive`; `turn` is called with the numbers of turns, thirty a second, and gives what to send. A browser
that does not take what it is sent is not asked again until it has: snapshots are skipped, never queued.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple

from gateway.errors import GatewayError
from gateway.ui.errors import UiError
from gateway.ui.feed_json import about_json, journeys_json, snapshot_json, story_json, text_of
from gateway.ui.feed_rows import Part, Rows, Visible
from gateway.ui.page_sight import PageSight
from gateway.ui.web_trace import Trace, decoded

TABLES_EVERY: Final = 6
"""Tables are sent with each sixth snapshot: nobody reads numbers that change more often."""
STORIES_EVERY: Final = 12
ALL_EVERY: Final = 30
"""Rows that are not on the screen are sent once a second, for filters and for what has come anew."""
ANSWERS: Final = 32
"""Answers that wait for a browser; one that does not take them is not listened to."""
MOST_SHOWN: Final = 4096
"""Rows that a browser can name."""
_LONGEST_DIGITS: Final = 128
_CHANGING: Final = frozenset({Part.MESSAGES, Part.SIGNALS})


class Shown(Enum):
    """Whether a trace is on the screen."""

    NO = "no"
    YES = "yes"


class Traced(NamedTuple):
    """What of the frames one after the other is on a screen: those of some messages, None for all; one that is open."""

    shown: Shown
    messages: frozenset[int] | None
    row: tuple[int, bytes] | None


_NO_TRACE: Final = Traced(Shown.NO, None, None)


class WebSession:
    """The protocol of one browser."""

    def __init__(self, sight: PageSight) -> None:
        self._sight: Final = sight
        self._subscription: Final = sight.subscribe(Visible(rows=Rows.CHANGED))
        self._wanted = Visible(parts=frozenset(), rows=Rows.CHANGED)
        self._trace = _NO_TRACE
        self._tracing: Trace | None = None
        self._answers: deque[str] = deque()
        self._undone = 0
        self._turn = -1
        """The last one."""
        self._greeted = False
        self._at_once = True

    @property
    def full(self) -> bool:
        """So much waits for it that nothing more is to be received."""
        return len(self._answers) + self._undone >= ANSWERS

    @property
    def shown(self) -> Visible:
        """All that is on its screen."""
        return self._wanted

    def receive(self, text: str | bytes) -> None:
        """A message of the browser. What is wrong with it is answered; nothing is raised."""
        number: object = None
        try:
            message = _document(text)
            if "show" in message:
                self._wanted, self._trace = visible_of(message["show"]), traced_of(message["show"])
                if self._trace.shown is Shown.NO:
                    self._tracing = None
                self._at_once = True
            if "do" in message:
                number = message.get("id")
                self._sight.do(_mapping(message["do"]), partial(self._done, number))
                self._undone += 1
        except GatewayError as error:
            self._answer(number, str(error))

    def turn(self, number: int) -> list[str]:
        """What to send now. Numbers grow; whoever misses some gets what was due in them."""
        texts = []
        if not self._greeted:
            self._greeted = True
            texts.append(text_of(self._hello()))
        texts += self._answers
        self._answers.clear()
        texts.append(self._snapshot(number))
        self._turn = number
        return texts

    def _done(self, number: object, problem: str | None) -> None:
        self._undone -= 1
        self._answer(number, problem)

    def _answer(self, number: object, problem: str | None) -> None:
        plain = number if isinstance(number, int) else None
        self._answers.append(text_of({"answer": plain, "problem": problem}))
        self._at_once = True

    def _hello(self) -> dict[str, Any]:
        sight = self._sight
        return {"hello": about_json(sight.about), "title": sight.title, "faults": sight.kinds or []}

    def _snapshot(self, turn: int) -> str:
        tables = self._at_once or self._is_due(turn, TABLES_EVERY)
        self._subscription.visible = self._of_turn(turn, tables=tables, at_once=self._at_once)
        self._at_once = False
        visible = self._subscription.visible
        found = snapshot_json(self._subscription.snapshot())
        if Part.JOURNEYS in visible.parts:
            found["journeys"] = journeys_json(self._sight.journeys(visible))
        story = None if visible.story is None else self._sight.story(visible.story)
        if story is not None:
            found["story"] = story_json(story)
        if tables:
            found["whole"] = 1
            if self._trace.shown is Shown.YES:
                self._tracing = self._tracing or Trace(self._sight)
                found["trace"] = self._tracing.rows(self._trace.messages)
            if self._trace.row is not None:
                found["row"] = decoded(self._sight, *self._trace.row)
            if self._sight.kinds is not None:
                found["faults"] = self._sight.faults
        if self._sight.playback is not None:
            found["playback"] = self._sight.playback
        return text_of(found)

    def _is_due(self, turn: int, every: int) -> bool:
        """In each `every`th turn, or in the next one after it."""
        return turn // every != self._turn // every

    def _of_turn(self, turn: int, *, tables: bool, at_once: bool) -> Visible:
        """What of the screen is due: plotted values always, tables now and then, what is not on it seldom."""
        wanted = self._wanted
        if not tables:
            only = wanted.decoded if Part.MESSAGES in wanted.parts else frozenset()
            paths = wanted.paths if wanted.paths is not None else frozenset()
            return replace(wanted, parts=wanted.parts & _CHANGING, messages=only, paths=paths, story=None)
        if self._is_due(turn, ALL_EVERY):
            return replace(wanted, messages=None)
        if wanted.messages is not None:
            wanted = replace(wanted, messages=wanted.messages | wanted.decoded)
        if not (at_once or self._is_due(turn, STORIES_EVERY)):
            wanted = replace(wanted, parts=wanted.parts - {Part.JOURNEYS}, story=None)
        return wanted


def _document(text: str | bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        raise UiError("what was sent is no JSON") from None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UiError("what was sent is no JSON object")
    return value


def visible_of(show: object) -> Visible:
    """What a browser says that it shows. UiError for what nobody can."""
    wanted = _mapping(show)
    parts = wanted.get("parts", ())
    known = {part.value: part for part in Part}
    if not isinstance(parts, list) or not all(isinstance(part, str) and part in known for part in parts):
        raise UiError(f"parts are of {', '.join(known)}")
    story = wanted.get("story")
    if story is not None and not _is_number(story):
        raise UiError("a story is the number of a frame")
    return Visible(
        parts=frozenset(known[part] for part in parts),
        rows=Rows.CHANGED,
        messages=_numbers(wanted, "messages"),
        decoded=_numbers(wanted, "decoded") or frozenset(),
        paths=_numbers(wanted, "paths"),
        frames_of=_numbers(wanted, "frames_of"),
        routes_of=_numbers(wanted, "routes_of"),
        story=story,
    )


def traced_of(show: object) -> Traced:
    """What a browser says of its trace: `{"of": NUMBERS or null, "row": [NUMBER, DATA] or null}`. UiError for another."""
    found = _mapping(show).get("trace")
    if found is None:
        return _NO_TRACE
    found = _mapping(found)
    row = found.get("row")
    if row is not None:
        if not (isinstance(row, list) and len(row) == 2 and _is_number(row[0]) and isinstance(row[1], str)):
            raise UiError("a row of the trace is the number of a message and a payload")
        try:
            row = row[0], bytes.fromhex(row[1][:_LONGEST_DIGITS])
        except ValueError:
            raise UiError("a payload is hexadecimal digits") from None
    return Traced(Shown.YES, _numbers(found, "of"), row)


def _numbers(wanted: Mapping[str, Any], name: str) -> frozenset[int] | None:
    values = wanted.get(name)
    if values is None:
        return None
    if not isinstance(values, Collection) or len(values) > MOST_SHOWN or not all(map(_is_number, values)):
        raise UiError(f"{name} are numbers of rows, {MOST_SHOWN} at most")
    return frozenset(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
