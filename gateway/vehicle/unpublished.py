"""Signals that have not come as they should: values that the mapping refused, and signals without any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.routing import NEVER
from gateway.vehicle.vehicle import Vehicle

_NAMES_TOLD: Final = 5


def refused_values(vehicle: Vehicle) -> Iterator[str]:
    """A sentence for each signal and reason: how many of its values were not published, and the last of them."""
    for feed in vehicle.can_to_vss.feeds if vehicle.can_to_vss is not None else ():
        for reason, count in feed.refused.items():
            last = feed.last_refused
            text = f"{feed.rule.leaf.path}: {count} of {feed.received} values were not published: {reason.value}"
            if last is not None and last.reason is reason:
                text += f" (the last one: {last.sentence})"
            yield text


def never_came(vehicle: Vehicle) -> Iterator[str]:
    """A sentence about the signals that the mapping feeds and that have had no value; none of a part of a vehicle."""
    if vehicle.can_to_vss is None or not (vehicle.whole and vehicle.has_gateway):
        return
    silent = [
        feed.rule.leaf.path for feed in vehicle.can_to_vss.feeds if feed.signal.datapoint is NEVER and not feed.refused
    ]
    if not silent:
        return
    names = ", ".join(silent[:_NAMES_TOLD])
    more = f" and {len(silent) - _NAMES_TOLD} more" if len(silent) > _NAMES_TOLD else ""
    what = "1 signal has" if len(silent) == 1 else f"{len(silent)} signals have"
    yield f"{what} never come: {names}{more}; `gateway explain --signal {silent[0]}` says why"
