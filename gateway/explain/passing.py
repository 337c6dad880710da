"""What a route made of the frames that came to it: the decision that kept the latest of them back."""

from __future__ import annotations

from typing import NamedTuple

from gateway.com import label_of
from gateway.database import Message, Signal
from gateway.explain.cause import Cause, Fault, Stage
from gateway.explain.notes import Decided
from gateway.explain.scene import Scene, data_of, place_of, short
from gateway.explain.surroundings import rule_text
from gateway.explain.transform import route_of, routed_text
from gateway.routing import SignalRoute
from gateway.sim import duration_text
from gateway.vehicle import AboutRule

_FAULTS = {
    "condition not met": Fault.CONDITION,
    "condition cannot be told from this payload": Fault.CONDITION_UNDECIDED,
    "rate limit": Fault.RATE_LIMIT,
    "unchanged": Fault.UNCHANGED,
    "queue full": Fault.QUEUE_FULL,
    "target bus has no CAN FD": Fault.NEEDS_FD,
    "value out of range": Fault.OUT_OF_RANGE,
    "value not in map": Fault.NOT_MAPPED,
    "payload too short": Fault.WRONG_LENGTH,
    "end-to-end check failed": Fault.E2E_REFUSED,
}


class Passed(NamedTuple):
    """What a route did: a stage of the way, and why it let nothing through lately, if it did not."""

    stage: Stage
    cause: Cause | None
    unchanged: Cause | None = None
    """That the latest was no news to the target: why nothing more came, where nothing was to come."""


def passing(scene: Scene, rule: AboutRule, source_key: int) -> Passed:
    """The latest that a route decided. What it forwarded is known from the frames that it led to."""
    last = scene.last(rule.source_bus, source_key)
    decided = scene.decided(rule.name)
    title = rule_text(rule, rule.name)
    if not decided or last is None:
        made = "" if last is None else routed_text(route_of(scene.vehicle, rule), last.frame.data)
        return Passed(Stage(None, f"{title}: has kept nothing back" + (f", the last {made}" if made else "")), None)
    told_ns, latest = decided[-1]
    received_ns = told_ns if latest.received_ns is None else latest.received_ns
    text = f"{title}: {latest.decision}: {latest.reason}, {len(decided)} in all, {latest.frame} the last"
    stage = Stage(told_ns, text)
    # Frames that came later, and that it has not kept back, it has forwarded.
    later = scene.count(rule.source_bus, source_key, received_ns + 1)
    if later > 1:
        return Passed(stage, None)
    if not _keeps_back(latest):
        return Passed(stage, None, _cause(scene, rule, latest, told_ns))
    return Passed(stage, _cause(scene, rule, latest, told_ns))


def _keeps_back(decided: Decided) -> bool:
    """An unchanged value is where it belongs already."""
    return decided.reason != "unchanged"


def _cause(scene: Scene, rule: AboutRule, decided: Decided, time_ns: int) -> Cause:
    fault = _FAULTS.get(decided.reason, Fault.GATEWAY_OFF if "controller off" in decided.reason else Fault.DROPPED)
    if "bus-off" in decided.reason:
        fault = Fault.BUS_OFF
    unit = "" if scene.vehicle is None else scene.vehicle.units.get(rule.name, "")
    if fault is Fault.CONDITION and not rule.when:
        text = f"unit {unit}, which runs route {rule}, is stopped" if unit else f"route {rule} is switched off"
        return Cause(Fault.UNIT_STOPPED, text, place_of(rule), time_ns)
    message = _source_message(scene, rule)
    data = data_of(decided.frame)
    last = f"last frame at {scene.time(time_ns)} on {rule.source_bus}, "
    text = f"{last}route {rule} {decided.decision} it: {_why(scene, rule, decided, message, data)}"
    protected = None if rule.source_key is None else scene.protected(rule.source_bus, rule.source_key)
    if fault is Fault.E2E_REFUSED and protected is not None:
        return Cause(fault, text, short(protected.file, protected.line), time_ns)
    return Cause(fault, text, place_of(rule), time_ns)


def _why(scene: Scene, rule: AboutRule, decided: Decided, message: Message | None, data: bytes) -> str:
    match decided.reason:
        case "condition not met" | "condition cannot be told from this payload":
            values = _values(rule.when, message, data)
            verb = "is not met" if decided.reason == "condition not met" else "cannot be told from this payload"
            return f"its condition `{rule.when}` {verb}" + (f" ({values})" if values else "")
        case "rate limit":
            return f"rate limit: at most one every {duration_text(rule.every_ns)}"
        case "queue full":
            return f"queue full: too many frames wait towards {rule.target_bus}"
        case "payload too short":
            need = f", and {message.name} has {message.length}" if message is not None else ""
            return f"payload too short: the frame has {len(data)} bytes{need}"
        case "value out of range" | "value not in map":
            return _value(scene, rule, decided.reason, data) or decided.reason
    return decided.reason


def _source_message(scene: Scene, rule: AboutRule) -> Message | None:
    return None if rule.source_key is None else scene.message(rule.source_bus, rule.source_key)


def _values(when: str, message: Message | None, data: bytes) -> str:
    """The signals that a condition names, as they are in a payload."""
    if message is None:
        return ""
    found = message.labels(data)
    shown = [f"{name} = {found[name]}" for name in message.by_name if name in when and name in found]
    return ", ".join(shown)


def _value(scene: Scene, rule: AboutRule, reason: str, data: bytes) -> str:
    """The value that a signal route refused, and what the target takes."""
    route = route_of(scene.vehicle, rule)
    if not isinstance(route, SignalRoute):
        return ""
    value = route.source.decode(data)
    if value is None:
        return ""
    if reason == "value not in map":
        label = label_of(route.source, value) or f"{value:.10g}"
        known = ", ".join(str(key) for key in route.transform.table or {})
        return f"{label} is not in its map, which has {known}"
    result = route.transform.apply(value, None)
    target = route.target.message.definition.signal(rule.target.split(".")[2])
    shown = f"{result:.10g}" if isinstance(result, int | float) else str(result)
    made = f" (made of {value:.10g})" if result != value else ""
    return f"the transform's result {shown}{made} {_beyond(target, result)}"


def _beyond(signal: Signal, value: object) -> str:
    if isinstance(value, int | float):
        if signal.maximum is not None and value > signal.maximum:
            return f"is above max {signal.maximum:.10g} of {signal}"
        if signal.minimum is not None and value < signal.minimum:
            return f"is below min {signal.minimum:.10g} of {signal}"
    return f"does not fit into {signal}"
