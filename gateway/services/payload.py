"""Datapoints and requests as JSON: `{"value": 12.5, "time": "2026-11-24T07:55:17.726748Z", "quality": "good"}`."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NoReturn

from gateway.routing import Datapoint, Quality, Value, VssLeaf
from gateway.routing.digits import meant
from gateway.routing.vss import FLOATS
from gateway.services.errors import RequestError
from gateway.sim import NS_PER_S

LARGEST: Final = 65536
"""Bytes of a request; the longest string of a vehicle is far shorter."""
_QUALITIES: Final = {quality.value: quality for quality in Quality}
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(point: Datapoint, epoch_ns: int) -> bytes:
    """A datapoint for others. `epoch_ns`: nanoseconds since 1970 at the vehicle's time zero.

    A number that JSON does not have (not a number, infinity) is null. Numbers are written as short as they are meant: 0.3
    for three steps of 0.1.
    """
    value = point.value
    text = _encode(_plain(value) if isinstance(value, float | list) else value)
    return (
        f'{{"value":{text},"time":"{timestamp(epoch_ns + point.time_ns)}","quality":"{point.quality.value}"}}'.encode()
    )


def _plain(value: Value) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return meant(value)


def timestamp(time_ns: int) -> str:
    """ISO 8601 in UTC with microseconds."""
    seconds, nanoseconds = divmod(time_ns, NS_PER_S)
    return f"{_second(seconds)}.{nanoseconds // 1000:06}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def decode(data: bytes) -> tuple[object, Quality]:
    """Value and quality of a datapoint that another gateway tells. RequestError for what is none."""
    found = _json(data)
    if not isinstance(found, dict) or "value" not in found:
        raise RequestError('is no datapoint: expected is {"value": ..., "time": ..., "quality": ...}')
    quality = _QUALITIES.get(found.get("quality", "good")) if isinstance(found.get("quality", "good"), str) else None
    if quality is None:
        raise RequestError(f"there is no quality {found['quality']!r:.40}; there are {', '.join(_QUALITIES)}")
    return found["value"], quality


def wished(data: bytes, leaf: VssLeaf) -> object:
    """The value that a set request asks for: JSON, or `{"value": JSON}`, or plain text for a leaf that is text.

    RequestError for what is neither.
    """
    try:
        found = _json(data)
    except RequestError:
        if leaf.element != "string" or leaf.is_array or len(data) > LARGEST:
            raise
        return _text(data)
    if isinstance(found, dict):
        if "value" not in found:
            raise RequestError('is an object without a value: write the value alone, or {"value": ...}')
        return found["value"]
    if leaf.datatype == "string" and not isinstance(found, str):
        return _text(data)
    return found


def answer(refusal: str, request: bytes) -> bytes:
    """What a set request is answered with: that it was accepted, or why not; and its `id`, where it has one."""
    found: dict[str, object] = {"ok": not refusal}
    if refusal:
        found["reason"] = refusal
    if (request_id := _id(request)) is not None:
        found["id"] = request_id
    return _encode(found).encode()


def _id(request: bytes) -> str | int | None:
    if not request.lstrip().startswith(b"{"):
        return None
    try:
        found = _json(request).get("id")
    except RequestError:
        return None
    return found if isinstance(found, str | int) else None


def typed(value: object, leaf: VssLeaf) -> object:
    """A wished value of the leaf's own type, as kuksa.val takes it: nothing is rounded or read as a truth value.

    RequestError for another type. A list is looked at item by item; whether the leaf takes one is left to the leaf.
    """
    for item in value if isinstance(value, list) else [value]:
        if not _is_of(leaf.element, item):
            raise RequestError(f"{leaf.path} cannot be {item!r:.80}: it takes {leaf.range_text}")
    return value


def _is_of(datatype: str, value: object) -> bool:
    """Whether a value of JSON is of a datatype of VSS; 30.0 is a whole number, true is none."""
    if datatype == "boolean" or isinstance(value, bool):
        return datatype == "boolean" and isinstance(value, bool)
    if datatype == "string" or isinstance(value, str):
        return datatype == "string" and isinstance(value, str)
    if isinstance(value, float) and datatype not in FLOATS:
        return value.is_integer()
    return isinstance(value, int | float)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"is not text in UTF-8 (byte {error.start})") from None


def _json(data: bytes) -> Any:
    if len(data) > LARGEST:
        raise RequestError(f"{len(data)} bytes are more than {LARGEST}")
    try:
        return json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise RequestError("is JSON nested too deep") from None
    except ValueError as error:
        raise RequestError(f"is no JSON: {error}") from None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
