"""One browser: what it has on its screen, what it is sent, what it asks for. Knows no socket and no clock.

Feed it with `receive`; `turn` is called thirty times a second, and gives what to send. A browser that does not take
what it is sent is not asked again until it has: snapshots are skipped, never queued.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from gateway.errors import GatewayError
from gateway.ui.desk import Desk
from gateway.ui.errors import UiError
from gateway.ui.feed import Feed
from gateway.ui.feed_json import about_json, snapshot_json, text_of
from gateway.ui.feed_rows import Part, Rows, Visible

TABLES_EVERY: Final = 6
"""Tables are sent with each sixth snapshot: nobody reads numbers that change more often."""
STORIES_EVERY: Final = 12
ALL_EVERY: Final = 30
"""Rows that are not on the screen are sent once a second, for filters and for what has come anew."""
ANSWERS: Final = 32
"""Answers that wait for a browser; one that does not take them is not listened to."""
MOST_SHOWN: Final = 4096
"""Rows that a browser can name."""
_CHANGING: Final = frozenset({Part.MESSAGES, Part.SIGNALS})


class WebSession:
    """The protocol of one browser."""

    def __init__(self, feed: Feed, desk: Desk, title: str = "") -> None:
        self._feed: Final = feed
        self._desk: Final = desk
        self._title: Final = title
        self._subscription: Final = feed.subscribe(Visible(rows=Rows.CHANGED))
        self._wanted = Visible(rows=Rows.CHANGED)
        self._answers: deque[str] = deque()
        self._turn = 0
        self._greeted = False
        self._at_once = True

    @property
    def full(self) -> bool:
        """So much waits for it that nothing more is to be received."""
        return len(self._answers) >= ANSWERS

    @property
    def urgent(self) -> bool:
        """There is something to send that need not wait for its turn, and may come while time stands still."""
        return bool(self._answers) or self._at_once

    def receive(self, text: str | bytes) -> None:
        """A message of the browser. What is wrong with it is answered; nothing is raised."""
        number: object = None
        try:
            message = _document(text)
            if "show" in message:
                self._wanted = visible_of(message["show"])
                self._at_once = True
            if "do" in message:
                number = message.get("id")
                self._desk.do(_mapping(message["do"]))
                self._answer(number, None)
        except GatewayError as error:
            self._answer(number, str(error))

    def turn(self) -> list[str]:
        """What to send now."""
        texts = []
        if not self._greeted:
            self._greeted = True
            texts.append(text_of(self._hello()))
        texts += self._answers
        self._answers.clear()
        texts.append(self._snapshot())
        return texts

    def _answer(self, number: object, problem: str | None) -> None:
        plain = number if isinstance(number, int) else None
        self._answers.append(text_of({"answer": plain, "problem": problem}))
        self._at_once = True

    def _hello(self) -> dict[str, Any]:
        faults = self._desk.faults
        kinds = () if faults is None else faults.kinds
        return {
            "hello": about_json(self._feed.about),
            "title": self._title,
            "faults": [
                {**asdict(kind), "arguments": [(one.name, one.takes.value, *one[2:]) for one in kind.arguments]}
                for kind in kinds
            ],
        }

    def _snapshot(self) -> str:
        turn, tables = self._turn, self._at_once or self._turn % TABLES_EVERY == 0
        self._subscription.visible = self._of_turn(turn, tables=tables, at_once=self._at_once)
        self._turn += 1
        self._at_once = False
        found = snapshot_json(self._subscription.snapshot())
        if tables:
            found["whole"] = 1
            if self._desk.faults is not None:
                found["faults"] = self._desk.faults.active
        if self._desk.playback is not None:
            found["playback"] = self._desk.playback.row()
        return text_of(found)

    def _of_turn(self, turn: int, *, tables: bool, at_once: bool) -> Visible:
        """What of the screen is due: plotted values always, tables now and then, what is not on it seldom."""
        wanted = self._wanted
        if not tables:
            only = wanted.decoded if Part.MESSAGES in wanted.parts else frozenset()
            paths = wanted.paths if wanted.paths is not None else frozenset()
            return replace(wanted, parts=wanted.parts & _CHANGING, messages=only, paths=paths, story=None)
        if turn % ALL_EVERY == 0:
            return replace(wanted, messages=None)
        if wanted.messages is not None:
            wanted = replace(wanted, messages=wanted.messages | wanted.decoded)
        if turn % STORIES_EVERY and not at_once:
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


def _numbers(wanted: Mapping[str, Any], name: str) -> frozenset[int] | None:
    values = wanted.get(name)
    if values is None:
        return None
    if not isinstance(values, Collection) or len(values) > MOST_SHOWN or not all(map(_is_number, values)):
        raise UiError(f"{name} are numbers of rows, {MOST_SHOWN} at most")
    return frozenset(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
