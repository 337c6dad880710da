"""Values and times as VISS writes them."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, Final

from gateway.domains.errors import Code, DomainError
from gateway.routing import Value, VssLeaf
from gateway.routing.digits import meant

NS_PER_S: Final = 1_000_000_000


def timestamp(time_ns: int) -> str:
    """ISO 8601 in UTC with microseconds."""
    seconds, nanoseconds = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds // 1000:06}Z"


def dp(value: Value | None, time_ns: int) -> dict[str, Any]:
    """A datapoint; without a value where there is none."""
    point: dict[str, Any] = {"ts": timestamp(time_ns)}
    if value is not None:
        point["value"] = [text(item) for item in value] if isinstance(value, list) else text(value)
    return point


def text(value: object) -> str:
    """A single value: booleans as JSON has them, text as it is, a number with the digits that are meant."""
    if isinstance(value, str):
        return value
    return json.dumps(meant(value) if isinstance(value, float) and math.isfinite(value) else value)


def value_of(leaf: VssLeaf, value: Any) -> object:
    """What a `set` holds: text, or JSON of the right kind. DomainError for what is neither."""
    if leaf.is_array:
        if not isinstance(value, list):
            raise DomainError(Code.INVALID_ARGUMENT, f"{leaf.path} takes a list ({leaf.datatype})")
        return [_scalar(leaf, item) for item in value]
    return _scalar(leaf, value)


def _scalar(leaf: VssLeaf, value: Any) -> object:
    if leaf.element == "string" and not isinstance(value, str):
        raise DomainError(Code.INVALID_ARGUMENT, f"{leaf.path} is text; {value!r:.40} is not")
    if leaf.element == "boolean" and str(value).lower() not in ("true", "false"):
        raise DomainError(Code.INVALID_ARGUMENT, f"{leaf.path} is true or false; {value!r:.40} is not")
    if leaf.element in ("string", "boolean"):
        return value if leaf.element == "string" else str(value).lower() == "true"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DomainError(Code.INVALID_ARGUMENT, f"{leaf.path} is a number; {value!r:.40} is not")
    return value
