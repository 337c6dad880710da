"""The filters of VISS requests (W3C VISS version 2, Core, filter operations)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gateway.domains.errors import Code, DomainError
from gateway.routing import Value

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_BUFFER: Final = range(2, 10_001)
_PERIOD_MS: Final = range(1, 86_400_001)


class Comparison(NamedTuple):
    """A value stands so to a bound."""

    compare: Callable[[float, float], bool]
    bound: float


class TimeBased(NamedTuple):
    """The current value each so many nanoseconds."""

    period_ns: int


class Range(NamedTuple):
    """Values within bounds only: all of them must hold, or with `any_of` one."""

    bounds: tuple[Comparison, ...]
    any_of: bool = False

    def passes(self, value: Value) -> bool:
        number = _number_of(value)
        if number is None:
            return False
        holds = (bound.compare(number, bound.bound) for bound in self.bounds)
        return any(holds) if self.any_of else all(holds)


class Change(NamedTuple):
    """Values whose difference to the last one that was sent stands so to a bound."""

    difference: Comparison

    def passes(self, value: Value, last: Value | None) -> bool:
        if last is None:
            return True
        number, before = _number_of(value), _number_of(last)
        if number is None or before is None:
            return value != last
        return self.difference.compare(number - before, self.difference.bound)


class CurveLog(NamedTuple):
    """So many values are gathered; sent are those from which the others can be interpolated with at most this error."""

    max_error: float
    size: int


Filter = TimeBased | Range | Change | CurveLog


class Filters(NamedTuple):
    """What a request has: paths relative to its own, and one filter of another kind, as it came."""

    paths: list[str] | None = None
    kind: str | None = None
    parameter: Any = None


def filters_of(spec: Any) -> Filters:
    """One filter, or a list with at most one of `paths` and one of another kind. DomainError for anything else."""
    found = Filters()
    if spec is None:
        return found
    specs = spec if isinstance(spec, list) else [spec]
    for one in specs:
        if not isinstance(one, dict):
            raise DomainError(Code.INVALID_ARGUMENT, "a filter is an object with type and parameter")
        # `type` in version 2, `variant` in later drafts.
        kind, parameter = str(one.get("type", one.get("variant"))), one.get("parameter")
        if kind == "paths" and found.paths is None:
            found = found._replace(paths=_paths(parameter))
        elif kind != "paths" and found.kind is None:
            found = found._replace(kind=kind, parameter=parameter)
        else:
            raise DomainError(Code.INVALID_ARGUMENT, "a request has one filter of paths, and one of another kind")
    return found


def subscription_filter(kind: str, parameter: Any) -> Filter:
    """The filter of a subscription. DomainError for one that is none."""
    if kind == "timebased":
        period = _number(_of(parameter, "period"))
        if int(period) not in _PERIOD_MS:
            raise DomainError(Code.INVALID_ARGUMENT, f"a period of {period:g} ms is not between 1 ms and a day")
        return TimeBased(int(period) * 1_000_000)
    if kind == "range":
        bounds = parameter if isinstance(parameter, list) else [parameter]
        if not 1 <= len(bounds) <= 2:
            raise DomainError(Code.INVALID_ARGUMENT, "a range has one boundary or two")
        combined = any(isinstance(bound, dict) and bound.get("combination-op") == "OR" for bound in bounds)
        return Range(
            tuple(
                Comparison(_op(bound, "boundary-op", "logic-op"), _number(_of(bound, "boundary"))) for bound in bounds
            ),
            combined,
        )
    if kind == "change":
        return Change(Comparison(_op(parameter, "logic-op"), _number(_of(parameter, "diff"))))
    if kind == "curvelog":
        error, size = _number(_of(parameter, "maxerr")), _number(_of(parameter, "bufsize"))
        if error < 0 or size not in _BUFFER:
            raise DomainError(
                Code.INVALID_ARGUMENT, f"a curvelog takes a maxerr from 0 on and a bufsize of 2 to {_BUFFER[-1]}"
            )
        return CurveLog(error, int(size))
    raise DomainError(
        Code.INVALID_ARGUMENT,
        f"there is no filter {kind!r:.40} for a subscription; there are timebased, range, change, curvelog and paths",
    )


def _paths(parameter: Any) -> list[str]:
    paths = [parameter] if isinstance(parameter, str) else parameter
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise DomainError(Code.INVALID_ARGUMENT, "a filter of paths takes a path or a list of them")
    return paths


def _of(parameter: Any, name: str) -> Any:
    if not isinstance(parameter, dict) or name not in parameter:
        raise DomainError(Code.INVALID_ARGUMENT, f"the filter's parameter has no {name}")
    return parameter[name]


def _op(parameter: Any, *keys: str) -> Callable[[float, float], bool]:
    """The comparison at the first of `keys` that is there."""
    key = next((key for key in keys if isinstance(parameter, dict) and key in parameter), keys[0])
    name = _of(parameter, key)
    if not isinstance(name, str) or name not in _COMPARE:
        raise DomainError(Code.INVALID_ARGUMENT, f"there is no {key} {name!r:.40}; there are {', '.join(_COMPARE)}")
    return _COMPARE[name]


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number):
        raise DomainError(Code.INVALID_ARGUMENT, f"{value!r:.40} is no number")
    return number


def _number_of(value: Value) -> float | None:
    return float(value) if isinstance(value, bool | int | float) else None
