"""Why something did not come, in a line or two: the head of a failed expectation's explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.ecu import Power
from gateway.explain import ExplainError, Fault, Scene, names_of, recording_of, why
from gateway.hil.fault_effects import fault_lines, taken
from gateway.hil.pattern import Pattern
from gateway.hil.received import signals_text
from gateway.hil.story import leads_to, nearest_of, seconds, senders
from gateway.sim import NS_PER_S, duration_text

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_ASKED: Final = 20_000
"""So many of the latest frames are asked why something does not come."""
_EARLY_NS: Final = 2 * NS_PER_S
"""A frame as wanted that came at most so long before it was expected is told."""
_MISSED: Final = 3
"""So many cycles without a message are more than jitter."""
_BOOTING_NS: Final = NS_PER_S // 20


def cause_lines(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int, until_ns: int) -> list[str]:
    """In a few lines why no frame as wanted came between two times.

    First what the test itself has done to it, then what is wrong at its sender or on its way, then what the nearest of
    those that came lacks.
    """
    came = vehicle.history.of_message(pattern.bus, pattern.key, since_ns, until_ns)
    found = fault_lines(vehicle, pattern, [each for each in vehicle.handles if each.began_ns <= until_ns])
    silent = not came or _stopped(vehicle, pattern, came[-1][0], until_ns)
    if silent and (_sender_is_off(vehicle, pattern) or not taken(vehicle, pattern)):
        found += why_lines(vehicle, f"{pattern.bus}.{pattern.name}")
    if came:
        misses = pattern.misses(nearest_of(pattern, came)[2])
        what = "the one that came" if len(came) == 1 else f"the nearest of {len(came)} that came"
        found += [f"why: in {what}, {' and '.join(misses)}"] if misses else []
    elif not found:
        found = _too_short(vehicle, pattern, since_ns, until_ns)
    return [*found, *_came_before(vehicle, pattern, since_ns)]


def _stopped(vehicle: VehicleUnderTest, pattern: Pattern, last_ns: int, until_ns: int) -> bool:
    """It came, and no more: its sender is off, or several cycles have passed without it."""
    cycle_ns = pattern.message.cycle_ns if pattern.message is not None else None
    missed = bool(cycle_ns) and until_ns - last_ns > _MISSED * (cycle_ns or 0)
    return missed or _sender_is_off(vehicle, pattern)


def _sender_is_off(vehicle: VehicleUnderTest, pattern: Pattern) -> bool:
    found = [ecu.power for ecu, _ in senders(vehicle, pattern.bus, pattern.name)]
    return bool(found) and Power.ON not in found


def origin_lines(vehicle: VehicleUnderTest, pattern: Pattern, at_ns: int) -> list[str]:
    """In a line who has sent the latest frame of a message, and by which route, for one that should not have come."""
    latest = vehicle.history.latest(pattern.bus, pattern.key, at_ns)
    if latest is None:
        return []
    sender = latest[3].name
    place = (pattern.bus, pattern.key, pattern.name)
    routes = [str(route.rule) for route in vehicle.simulated.gateway.routes if leads_to(route, *place)]
    by = f" by {' and '.join(routes)}" if routes and sender == vehicle.simulated.gateway.name else ""
    return [f"why: {sender} has sent it{by}", *fault_lines(vehicle, pattern, vehicle.handles)]


def source_lines(vehicle: VehicleUnderTest, patterns: list[Pattern], until_ns: int) -> list[str]:
    """In a line for each what a VSS signal was fed with last, where nothing is wrong on the way to it."""
    lines = []
    for pattern in patterns:
        latest = vehicle.history.latest(pattern.bus, pattern.key, until_ns)
        if latest is not None:
            shown = signals_text(pattern.message, latest[2], tuple(pattern.wanted), 1).partition("  and ")[0]
            what = f"{latest[3].name} sends {pattern.bus}.{pattern.name} with {shown}"
            lines.append(f"why: {what}, the last at {seconds(latest[0])}")
    return lines


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
