"""A feed's pictures and snapshots as JSON. Rows become arrays in the order of their fields, payloads hexadecimal digits.

Times stay nanoseconds: as a number of JavaScript they are exact for a hundred days.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

from gateway.ui.feed_about import MessageAbout, PathAbout, RouteAbout, VehicleAbout
from gateway.ui.feed_rows import FrameRow, MessageRow, Snapshot, Story

Json = dict[str, Any]


def about_json(about: VehicleAbout) -> Json:
    """The picture of a vehicle."""
    found: Json = _plain({**asdict(about), "routes": [_route(route) for route in about.routes]})
    return found


def _route(route: RouteAbout) -> Json:
    return {**asdict(route), "place": route.place}


def snapshot_json(snapshot: Snapshot) -> Json:
    """A snapshot without its empty parts."""
    found: Json = {"time": snapshot.time_ns, "frames": snapshot.frames}
    if snapshot.lost:
        found["lost"] = snapshot.lost
    if snapshot.new_messages:
        found["new_messages"] = [_about(message) for message in snapshot.new_messages]
    if snapshot.new_paths:
        found["new_paths"] = [_about(path) for path in snapshot.new_paths]
    if snapshot.messages:
        found["messages"] = [_message(row) for row in snapshot.messages]
    for name in ("buses", "routes", "paths", "ecus", "nodes", "services", "events"):
        rows = getattr(snapshot, name)
        if rows:
            found[name] = rows
    return found


def _about(about: MessageAbout | PathAbout) -> Json:
    return asdict(about)


def _message(row: MessageRow) -> list[Any]:
    values = None
    if row.values is not None:
        values = [value if label is None else [value, label] for value, label in row.values]
    return [*row[:5], row.data.hex(), row.changed.hex(), int(row.stale), row.sender, values]


def journeys_json(rows: Iterable[FrameRow]) -> list[Any]:
    return [[*row[:3], row.data.hex(), row.hops] for row in rows]


def story_json(story: Story) -> list[Any]:
    return [story.number, story.first, story.data.hex(), story.hops]


def text_of(document: Mapping[str, Any]) -> str:
    """As JSON has it: a number that it does not know (a float signal may be infinite) becomes null."""
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(document), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """Enums by their values."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
