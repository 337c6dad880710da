"""What came instead: the explanation of a failed expectation, as lines for people."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from gateway.can import ControllerState, Frame
from gateway.ecu import Ecu, Port, Power
from gateway.explain import (
    StepKind,
    Window,
    explain_frame,
    explanation_lines,
    happenings,
    names_of,
)
from gateway.hil.history import Kept
from gateway.hil.pattern import Pattern
from gateway.hil.received import signals_text
from gateway.routing import NOT_YET, Decision, Journey, Route
from gateway.sim import NS_PER_S, duration_text
from gateway.trace import Event, Recorded
from gateway.vehicle import Notes, describe

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_SHOWN: Final = 6
_BESIDES: Final = 2
"""Signals shown beside those that were asked for."""
_LOOKED_AT: Final = 2_000
"""So many of the latest frames of a message go into its timeline."""
_AROUND_NS: Final = NS_PER_S // 2
"""The explanation of a frame looks at so much before and after it."""
_TELLING: Final = frozenset({StepKind.ORIGIN, StepKind.SENT, StepKind.WAITED, StepKind.ON_BUS, StepKind.DROPPED})


def seconds(time_ns: int) -> str:
    return f"{time_ns / NS_PER_S:.6f} s"


def message_story(
    vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int, until_ns: int, which: str = "the nearest frame"
) -> list[str]:
    """What came of a message between two times, the way of the nearest of it (`which`), and its sender and routes."""
    came = vehicle.history.of_message(pattern.bus, pattern.key, since_ns, until_ns)
    lines = _came(vehicle, pattern, came, since_ns, until_ns)
    if came:
        lines += ["", f"the way of {which}:", *indented(_explanation(vehicle, nearest_of(pattern, came)))]
    senders = _senders(vehicle, pattern)
    routes = _routes(vehicle, pattern, since_ns)
    return [*lines, *(["", *senders] if senders else []), *(["", *routes] if routes else [])]


def power_text(ecu: Ecu) -> str:
    """`has no power`, or that its behaviour has raised, with when."""
    if ecu.failure is not None and ecu.power is Power.FAILED:
        return f"has failed at {seconds(ecu.failure.time_ns)}"
    return "has no power" if ecu.power is Power.OFF else "is on"


def indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def _came(vehicle: VehicleUnderTest, pattern: Pattern, came: list[Kept], since_ns: int, until_ns: int) -> list[str]:
    name = f"{pattern.bus}.{pattern.name}"
    if came:
        return [
            f"{len(came)} {name} came between {seconds(since_ns)} and {seconds(until_ns)}:",
            *_timeline(pattern, came, since_ns),
        ]
    others = len(vehicle.history.of_message(pattern.bus, None, since_ns, until_ns))
    others_text = f"{others} other frames did" if others else f"nothing at all did on {pattern.bus}"
    lines = [f"no {name} came between {seconds(since_ns)} and {seconds(until_ns)}; {others_text}"]
    latest = vehicle.history.latest(pattern.bus, pattern.key, since_ns)
    if latest is None:
        return [*lines, f"  none had come before, from the start at {seconds(0)}"]
    return [*lines, "the latest before:", _line(pattern, latest, since_ns)]


def _timeline(pattern: Pattern, came: list[Kept], since_ns: int) -> list[str]:
    """The latest few of those that came; those one after the other whose signals are the same, as one."""
    runs = [list(same) for _, same in groupby(came[-_LOOKED_AT:], key=lambda kept: (_signals(pattern, kept), kept[3]))]
    shown = runs[-_SHOWN:]
    before = len(came) - sum(map(len, shown))
    lines = [f"  ... and {before} before"] if before else []
    for run in shown:
        lines.append(_line(pattern, run[0], since_ns))
        if len(run) > 1:
            lines.append(f"  ... and {len(run) - 1} more like it, the last at {seconds(run[-1][0])}")
    return lines


def _signals(pattern: Pattern, kept: Kept) -> str:
    wanted = tuple(pattern.wanted)
    return signals_text(pattern.message, kept[2], wanted, len(wanted) + _BESIDES if wanted else _SHOWN)


def _line(pattern: Pattern, kept: Kept, since_ns: int) -> str:
    time_ns, _, frame, sender, _, _ = kept
    text = _signals(pattern, kept)
    misses = pattern.misses(frame)
    judged = f"   <- {', '.join(misses)}" if misses else ""
    return f"  {seconds(time_ns)} ({_relative(time_ns - since_ns)})  {text}  from {sender.name}{judged}"


def _relative(ns: int) -> str:
    return f"{'+' if ns >= 0 else '-'}{duration_text(abs(ns))}"


def nearest_of(pattern: Pattern, came: list[Kept]) -> Kept:
    """Of those that came the one that lacked least, the latest of them."""
    return min(reversed(came), key=lambda kept: len(pattern.misses(kept[2])))


def _explanation(vehicle: VehicleUnderTest, kept: Kept) -> list[str]:
    """As `gateway explain` tells how a frame came there, without its signals and without what became of it elsewhere."""
    records, target = records_around(vehicle, kept)
    names = names_of(describe(vehicle.simulated, vehicle.seed), vehicle.simulated)
    window = Window(records, target, from_start=False, to_end=False, origin_ns=0, problem=None)
    told = explain_frame(window, names)
    steps = tuple(
        replace(step, details=()) if step.kind is StepKind.ON_BUS else step
        for step in told.steps
        if step.kind in _TELLING
    )
    return [line.rstrip() for line in explanation_lines(replace(told, steps=steps))]


def records_around(vehicle: VehicleUnderTest, kept: Kept) -> tuple[list[Recorded | Event], int]:
    """The history around a frame as a recording has it, and the index of the frame in it."""
    notes = Notes(vehicle.simulated)
    names = list(vehicle.simulated.buses)
    low, high = kept[0] - _AROUND_NS, kept[0] + _AROUND_NS
    timed: list[tuple[int, int, Recorded | Event]] = []
    wanted = None
    for entry in vehicle.history.frames:
        time_ns, bus, frame, sender, requested_ns, start_ns = entry
        if low <= time_ns <= high:
            comment = notes.comment(bus, frame, sender.name, start_ns - requested_ns)
            record = Recorded(time_ns, names[bus], frame, comment)
            timed.append((time_ns, 0, record))
            wanted = record if entry is kept else wanted
    timed += [(time_ns, 1, event) for time_ns, event in trace_events(vehicle, low, high)]
    timed.sort(key=lambda entry: entry[:2])
    records = [record for _, _, record in timed]
    return records, next(index for index, record in enumerate(records) if record is wanted)


def trace_events(vehicle: VehicleUnderTest, since_ns: int, until_ns: int) -> list[tuple[int, Event]]:
    """What routes did not forward and what buses told, as a recording has it."""
    return [(event.time_ns, event) for event in happenings(vehicle.simulated, since_ns, until_ns)]


def sends(vehicle: VehicleUnderTest, name: str, bus: str, message: str) -> bool:
    """Whether an ECU, or the gateway by a route that composes it, sends a message."""
    gateway = vehicle.simulated.gateway
    if name == gateway.name:
        return any(route.rule.target.partition(".")[0] == bus for route in gateway.routes)
    return any(ecu.name == name for ecu, _ in senders(vehicle, bus, message))


def senders(vehicle: VehicleUnderTest, bus: str, message: str) -> list[tuple[Ecu, Port]]:
    """The ECUs that send a message by themselves, with the ports that it leaves by."""
    found = [(ecu, ecu.ports.get(bus)) for ecu in vehicle.simulated.ecus.values()]
    return [(ecu, port) for ecu, port in found if port is not None and message in port.tx]


def _senders(vehicle: VehicleUnderTest, pattern: Pattern) -> list[str]:
    """What is wrong with the ECUs that should send the message."""
    lines = []
    for ecu, port in senders(vehicle, pattern.bus, pattern.name):
        message = port.tx[pattern.name]
        if ecu.power is not Power.ON:
            lines.append(f"its sender {ecu.name} {power_text(ecu)}")
        elif port.controller.state is not ControllerState.ERROR_ACTIVE:
            lines.append(f"the controller of its sender {ecu.name} is {port.controller.state.value}")
        elif not message.active and not _is_routed(vehicle, pattern):
            lines.append(f"its sender {ecu.name} does not send it: it was silenced")
    return lines


def _is_routed(vehicle: VehicleUnderTest, pattern: Pattern) -> bool:
    return any(leads_to(route, pattern.bus, pattern.key, pattern.name) for route in vehicle.simulated.gateway.routes)


def leads_to(route: Route, bus: str, key: int, name: str) -> bool:
    """Whether a route brings the message of this identifier or of this name to this bus."""
    rule = route.rule
    target, _, rest = rule.target.partition(".")
    if target != bus:
        return False
    brought = rule.target_key if rule.target_key is not None else rule.source_key
    return brought == key or (bool(rest) and rest.partition(".")[0] == name)


def _routes(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int) -> list[str]:
    """What the gateway did with what the message comes from."""
    routes = vehicle.simulated.gateway.routes
    lines = [route_line(route, since_ns) for route in routes if leads_to(route, pattern.bus, pattern.key, pattern.name)]
    return ["routes that lead to it:", *indented(lines)] if lines else []


def route_line(route: Route, since_ns: int) -> str:
    """A route, and the last that it decided."""
    rule = route.rule
    where = f" ({rule.file.rpartition('/')[2]}:{rule.line})" if rule.file else ""
    if route.last is None:
        return f"{rule}{where}: has received nothing at all"
    return f"{rule}{where}: {journey_text(route.last)}" + (
        "; nothing since the expectation began" if route.last.received_ns < since_ns else ""
    )


def journey_text(journey: Journey) -> str:
    """`received at 1.2 s, filtered: unchanged`."""
    text = f"received at {seconds(journey.received_ns)}, {journey.decision.value}"
    if journey.decision is not Decision.FORWARDED:
        return f"{text}: {journey.reason}"
    return text if journey.sent_ns == NOT_YET else f"{text}, through at {seconds(journey.sent_ns)}"


def bus_lines(vehicle: VehicleUnderTest, since_ns: int, until_ns: int) -> list[str]:
    """What the buses told besides frames, the latest few."""
    happenings = vehicle.history.events(since_ns, until_ns)
    lines = []
    for bus, event in happenings[-_SHOWN:]:
        frame = f" {frame_text(vehicle, bus, event.frame)}" if event.frame is not None else ""
        lines.append(f"{seconds(event.time_ns)}  {bus}: {event.kind.value}: {event.controller}{frame}: {event.text}")
    more = len(happenings) - len(lines)
    return [f"... and {more} before", *lines] if more > 0 else lines


def frame_text(vehicle: VehicleUnderTest, bus: str, frame: Frame) -> str:
    message = vehicle.simulated.databases[bus].by_id(frame.arbitration_id, frame.extended)
    return message.name if message is not None else str(frame)
