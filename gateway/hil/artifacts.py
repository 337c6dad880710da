"""What a failed test leaves behind: the trace of its vehicle, and a plot of the signals around the failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateway.analysis.plot_curve import Curve
from gateway.analysis.plot_figure import figure_of, save
from gateway.com import label_of
from gateway.hil.expectation import Expectation
from gateway.hil.history import Kept
from gateway.hil.messages import MessageExpectation, ResponseTime
from gateway.hil.pattern import Pattern
from gateway.hil.signal import SignalExpectation
from gateway.hil.story import trace_events
from gateway.sim import FOREVER, NS_PER_S
from gateway.trace import Event, Severity, open_writer
from gateway.vehicle import Notes, bus_info, describe, lin_fault

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gateway.hil.handle import Handle
    from gateway.hil.vehicle import VehicleUnderTest

_BEFORE_NS: Final = NS_PER_S
_LEAST_NS: Final = NS_PER_S // 50
_AROUND: Final = 4
"""A plot begins so many times before as long as it was expected, between those two."""
_AFTER_NS: Final = NS_PER_S // 5
_PLOTTED: Final = 6
_FAULT: Final = "#D55E00"


def save_trace(vehicle: VehicleUnderTest, path: Path) -> None:
    """All that is kept of the vehicle's buses, as `gateway run --trace` writes it; the format is that of the ending."""
    simulated = vehicle.simulated
    infos = [bus_info(bus) for bus in simulated.buses.values()]
    notes = Notes(simulated)
    frames = _passages(vehicle)
    told = trace_events(vehicle, frames[0][0] if frames else 0, FOREVER)
    events = sorted([*told, *_of_the_test(vehicle)], key=lambda entry: entry[0])
    position = 0
    with open_writer(path, infos, describe(simulated, vehicle.seed).as_json()) as writer:
        for time_ns, bus, frame, sender, requested_ns, start_ns in frames:
            while position < len(events) and events[position][0] < time_ns:
                writer.write_event(*events[position][1])
                position += 1
            writer.write(time_ns, bus, frame, notes.comment(bus, frame, sender.name, start_ns - requested_ns))
        for _, event in events[position:]:
            writer.write_event(*event)


def _of_the_test(vehicle: VehicleUnderTest) -> list[tuple[int, Event]]:
    """What the test expected in vain, and the faults that are at work: marks in the trace."""
    notes = [
        Event(handle.began_ns, f"test: from here on {handle.text} ({handle.place})", Severity.NOTICE)
        for handle in dict.fromkeys([*vehicle.at_work, *vehicle.handles])
    ]
    for each in vehicle.reported:
        notes.append(
            Event(each.created_ns, f"test: from here on it expects {each.text} ({each.place})", Severity.NOTICE)
        )
        notes.append(Event(each.ended_ns, f"test: it has not got {each.text}: {each.reason}", Severity.ERROR))
    return [(note.time_ns, note) for note in notes]


def _passages(vehicle: VehicleUnderTest) -> list[Kept]:
    """The frames that are kept, with what came to nothing on LIN buses."""
    frames = vehicle.history.frames
    told = vehicle.history.events(frames[0][0] if frames else 0, FOREVER)
    faults = [lin_fault(vehicle.simulated.buses[each.bus], each.event) for each in told]
    lin = [fault for fault in faults if fault is not None]
    return sorted([*frames, *lin], key=lambda kept: kept[0]) if lin else frames


def curves(vehicle: VehicleUnderTest, expectation: Expectation[Any]) -> list[Curve]:
    """The signals that an expectation is about, around its time."""
    lasted_ns = expectation.ended_ns - expectation.created_ns
    since_ns = expectation.created_ns - min(_BEFORE_NS, max(_LEAST_NS, _AROUND * lasted_ns))
    until_ns = expectation.ended_ns + _AFTER_NS
    if isinstance(expectation, ResponseTime):
        return [curve for part in expectation.parts for curve in curves(vehicle, part)][:_PLOTTED]
    if isinstance(expectation, MessageExpectation):
        found = [
            curve for pattern in expectation.patterns for curve in _of_message(vehicle, pattern, since_ns, until_ns)
        ]
        return found[:_PLOTTED]
    if isinstance(expectation, SignalExpectation):
        found = [_of_signal(expectation)]
        for pattern in expectation.sources():
            found += _of_message(vehicle, pattern, since_ns, until_ns)
        return found[:_PLOTTED]
    return []


def _of_message(vehicle: VehicleUnderTest, pattern: Pattern, since_ns: int, until_ns: int) -> list[Curve]:
    message = pattern.message
    if message is None:
        return []
    latest = vehicle.history.latest(pattern.bus, pattern.key, since_ns)  # what was before holds until the next
    frames = vehicle.history.of_message(pattern.bus, pattern.key, latest[0] if latest else since_ns, until_ns)
    if latest and len(frames) == 1:  # it has stopped coming: how it was until then
        frames = vehicle.history.of_message(pattern.bus, pattern.key, latest[0] - _BEFORE_NS // 2, until_ns)
    wanted = list(pattern.wanted) or [signal.name for signal in message.signals]
    found = []
    for name in wanted[:_PLOTTED]:
        signal = message.by_name[name]
        decoded = [(kept[0] / NS_PER_S, signal.decode(kept[2].data)) for kept in frames]
        points = [(time_s, float(value)) for time_s, value in decoded if value is not None]
        names = {value: label_of(signal, value) or f"{value:g}" for _, value in points} if signal.choices else {}
        title = f"{pattern.bus}.{message.name}.{name}" + (f" [{signal.unit}]" if signal.unit else "")
        found.append(_curve(title, points, names))
    return found


def _of_signal(expectation: SignalExpectation) -> Curve:
    points: list[tuple[float, float]] = []
    names: dict[float, str] = {}
    for time_ns, datapoint in expectation.way:
        value = datapoint.value
        if isinstance(value, str):
            value = float(next((key for key, name in names.items() if name == value), len(names)))
            names.setdefault(value, str(datapoint.value))
        if isinstance(value, bool | int | float):
            points.append((time_ns / NS_PER_S, float(value)))
    return _curve(expectation.signal.path, points, names)


def _curve(title: str, points: list[tuple[float, float]], names: dict[float, str]) -> Curve:
    times = np.array([time_s for time_s, _ in points])
    return Curve(title, times, np.array([value for _, value in points]), names=names, held=True)


def save_plot(vehicle: VehicleUnderTest, expectation: Expectation[Any], path: Path) -> bool:
    """A picture of the signals around a failure. False when there is nothing to see, or no matplotlib."""
    found = [curve for curve in curves(vehicle, expectation) if len(curve)]
    if not found:
        return False
    try:
        figure, axes = figure_of(found, title=expectation.text)
    except ImportError:
        return False
    for axis in axes:
        axis.axvspan(expectation.created_ns / NS_PER_S, expectation.ended_ns / NS_PER_S, alpha=0.15)
    for handle in dict.fromkeys([*vehicle.past, *vehicle.at_work, *vehicle.handles]):
        _mark(axes, handle)
    axes[-1].set_xlabel("vehicle's time in s; blue: while it was expected; dotted: what the test has put in")
    save(figure, path)
    return True


def _mark(axes: Sequence[Axes], handle: Handle) -> None:
    """A line with its name where a fault, an override or a stimulus began, if that is to be seen."""
    began_s = handle.began_ns / NS_PER_S
    low, high = axes[0].get_xlim()
    if not low <= began_s <= high:
        return
    for axis in axes:
        axis.axvline(began_s, color=_FAULT, linestyle=":")
    axes[0].annotate(
        handle.text, (began_s, 1), xycoords=("data", "axes fraction"), fontsize="x-small", color=_FAULT, va="bottom"
    )
