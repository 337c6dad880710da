"""Why something did not come, in a line or two: the head of a failed expectation's explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.explain import ExplainError, Fault, Scene, names_of, recording_of, why
from gateway.hil.pattern import Pattern
from gateway.hil.story import nearest_of, seconds
from gateway.sim import NS_PER_S, duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_ASKED: Final = 20_000
"""So many of the latest frames are asked why something does not come."""
_EARLY_NS: Final = 2 * NS_PER_S
"""A frame as wanted that came at most so long before it was expected is told."""
_BOOTING_NS: Final = NS_PER_S // 20


def cause_lines(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int, until_ns: int) -> list[str]:
    """In a line or two why no frame as wanted came between two times: what is wrong upstream, or what the nearest lacks."""
    came = vehicle.history.of_message(pattern.bus, pattern.key, since_ns, until_ns)
    if came:
        misses = pattern.misses(nearest_of(pattern, came)[2])
        what = "the one that came" if len(came) == 1 else f"the nearest of {len(came)} that came"
        found = [f"why: in {what}, {' and '.join(misses)}"] if misses else []
    else:
        found = why_lines(vehicle, f"{pattern.bus}.{pattern.name}") or _too_short(vehicle, pattern, since_ns, until_ns)
    return [*found, *_came_before(vehicle, pattern, since_ns)]


def _too_short(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int, until_ns: int) -> list[str]:
    """That the message comes less often than the time that was given."""
    before = vehicle.history.of_message(pattern.bus, pattern.key, 0, since_ns)[-2:]
    if len(before) < 2 or before[1][0] - before[0][0] <= until_ns - since_ns:
        return []
    gap, waited = duration_text(before[1][0] - before[0][0]), duration_text(until_ns - since_ns)
    return [f"why: the last two {pattern.bus}.{pattern.name} were {gap} apart, and {waited} is less"]


def _came_before(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int) -> list[str]:
    """That the frame as wanted was there already when it was expected."""
    if not pattern.wanted:
        return []
    before = vehicle.history.of_message(pattern.bus, pattern.key, max(0, since_ns - _EARLY_NS), since_ns)
    found = next((kept for kept in reversed(before) if pattern.matches(kept[2])), None)
    if found is None:
        return []
    early = duration_text(since_ns - found[0])
    return [f"as wanted it last came at {seconds(found[0])}, {early} before this was expected"]


def why_lines(vehicle: VehicleUnderTest, name: str) -> list[str]:
    """The first line of `gateway explain --signal NAME`, where something is wrong; none otherwise."""
    if vehicle.now_ns < _BOOTING_NS:
        return [f"why: the vehicle was switched on {duration_text(vehicle.now_ns)} ago: let it run first"]
    if name.partition(".")[0] not in vehicle.simulated.databases and vehicle.simulated.mapping is None:
        return []
    recording = recording_of(vehicle.simulated, vehicle.history.frames[-_ASKED:], vehicle.seed)
    names = names_of(recording.about, vehicle.simulated)
    try:
        answer = why(Scene(recording.table, names, recording.now_ns), name)
    except ExplainError:
        return []  # of a message or a signal that no file describes
    return [] if answer.cause.fault is Fault.NONE else [f"why: {answer.headline}"]
