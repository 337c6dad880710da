"""What a monitor tells about the selected line, beside or below the table; and what `explain` is asked about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from rich.text import Text

from gateway.sim import NS_PER_S
from gateway.ui.feed_about import MessageAbout
from gateway.ui.feed_rows import SignalValue
from gateway.ui.monitor_cells import BAD, FAINT, FRESH, NOTE, duration, reasons, stale_of, value_text
from gateway.ui.monitor_state import Key, MonitorState, Pane, UnitKey

_NAME: Final = 22
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_SPARK: Final = 38
"""Seconds of a bus's load that have room in a line."""


def details(state: MonitorState, pane: Pane, key: Key | None) -> Text:
    """The lines about one line of a pane."""
    if key is None:
        return Text("nothing selected", FAINT)
    lines = {
        Pane.BUSES: _bus,
        Pane.MESSAGES: _message,
        Pane.SIGNALS: _path,
        Pane.ROUTES: _route,
        Pane.ECUS: _ecu,
        Pane.NODES: _node,
        Pane.SERVICES: _service,
        Pane.EVENTS: _event,
    }[pane](state, key)
    return Text("\n").join(lines)


def question(state: MonitorState, pane: Pane, key: Key | None) -> str | None:
    """What to ask about a line, as `gateway.explain.asking` understands it; None where there is nothing to ask."""
    if key is None:
        return None
    if pane is Pane.SIGNALS:
        return f"signal {state.path_abouts[cast(int, key)].path}"
    if pane is Pane.MESSAGES:
        return _about_message(state.message_abouts[cast(int, key)])
    if pane is Pane.ROUTES:
        route = state.route(cast(int, key))
        if route.carries == "signal":
            return f"signal {route.target}"
        number = route.target_message if route.target_message is not None else route.source_message
        return None if number is None else _about_message(state.message_abouts[number])
    if pane is Pane.ECUS:
        sent = stale_of(state, str(key)) or [
            about.number for about in state.message_abouts if str(key) in about.senders
        ]
        return _about_message(state.message_abouts[sent[0]]) if sent else None
    return "all" if pane is Pane.BUSES else None


def _about_message(about: MessageAbout) -> str:
    return f"signal {about.title}" if about.name else f"frame {about.bus}/{about.identifier}"


def _fact(name: str, text: str, style: str = "") -> Text:
    return Text.assemble((f"{name:<12}", FAINT), (text, style))


def _bus(state: MonitorState, key: Key) -> Iterator[Text]:
    row = state.buses[str(key)]
    about = next(bus for bus in state.about.buses if bus.name == row.name)
    yield Text(row.name, "bold")
    yield _fact("load", f"{row.load:.1%} of the last second")
    loads = list(state.loads.get(row.name, ()))
    if len(loads) > 1:
        yield _fact("load before", f"least {min(loads):.1%}, most {max(loads):.1%} in {len(loads)} s")
        shown = loads[-_SPARK:]
        yield Text("".join(_LEVELS[round(load * (len(_LEVELS) - 1))] for load in shown), FRESH)
    yield _fact("bit rate", f"{about.bitrate / 1000:g} kbit/s")
    yield _fact("database", about.database or "none")
    if about.link:
        yield _fact("linked to", about.link)
    yield _fact("errors", f"{row.errors} ({row.error_rate:.0f}/s)", BAD if row.error_rate else "")
    if row.events:
        yield _fact("told", reasons(row.events), NOTE)
    on_it = [part.name for part in state.about.parts if row.name in part.buses]
    yield _fact("on it", ", ".join(on_it))


def _message(state: MonitorState, key: Key) -> Iterator[Text]:
    known, about = state.messages.get(cast(int, key)), state.message_abouts[cast(int, key)]
    if known is None:
        yield from _never(about)
        return
    row = known.row
    yield Text.assemble((about.title, "bold"), (f"  {about.identifier}, {len(row.data)} bytes", FAINT))
    if row.stale:
        yield Text(f"STALE: the last came {duration(state.time_ns - row.time_ns)} ago; e tells why", NOTE)
    yield from _values(about, known.values or ())
    cycle = "" if about.cycle_ns is None else f"; its cycle is {duration(about.cycle_ns)}"
    yield _fact("period", f"{duration(row.period_ns or None)} ±{duration(row.jitter_ns)}{cycle}")
    yield _fact("from", row.sender or ", ".join(about.senders))
    if about.receivers:
        yield _fact("to", ", ".join(about.receivers))
    if about.comment:
        yield Text(about.comment, FAINT)


def _never(about: MessageAbout) -> Iterator[Text]:
    yield Text.assemble((about.title, "bold"), (f"  {about.identifier}", FAINT))
    yield Text("NEVER: it has not come at all; e tells why", NOTE)
    yield _fact("cycle", duration(about.cycle_ns))
    yield _fact("from", ", ".join(about.senders))
    yield _fact("signals", ", ".join(signal.name for signal in about.signals))


def _values(about: MessageAbout, values: tuple[SignalValue, ...]) -> Iterator[Text]:
    """The decoded signals, one a line; multiplexed ones only while they are there."""
    if not about.signals:
        yield Text("no database knows this identifier (--database FILE)", FAINT)
    for signal, value in zip(about.signals, values, strict=False):
        if value.value is None and value.label is None:
            continue
        text = Text(f"{signal.name[:_NAME]:<{_NAME}} ", no_wrap=True)
        if value.label is None:
            text.append(value_text(value.value), FRESH).append(f" {signal.unit}", FAINT)
        else:
            text.append(value.label, FRESH).append(f" ({value_text(value.value)})", FAINT)
        yield text


def _path(state: MonitorState, key: Key) -> Iterator[Text]:
    row, about = state.paths[cast(int, key)], state.path_abouts[cast(int, key)]
    yield Text(about.path, "bold")
    yield _fact("value", f"{value_text(row.value)} {about.unit}".strip(), FRESH)
    yield _fact("quality", row.quality, "" if row.quality == "good" else NOTE)
    if row.target is not None:
        yield _fact("asked for", value_text(row.target))
    yield _fact("is", f"{about.kind} of type {about.datatype}" if about.datatype else "not in a tree")
    yield _fact("timeout", duration(about.timeout_ns) if about.timeout_ns else "never stale")
    for source in about.sources:
        yield _fact("from", source)
    for target in about.targets:
        yield _fact("goes to", target)


def _route(state: MonitorState, key: Key) -> Iterator[Text]:
    row, about = state.routes[cast(int, key)], state.route(cast(int, key))
    yield Text.assemble((f"{about.name} ", "bold"), f"{about.source} → {about.target}")
    yield _fact("carries", about.carries)
    if about.when:
        yield _fact("when", about.when)
    if about.every_ns:
        yield _fact("at most", f"one in {duration(about.every_ns)}")
    yield _fact("received", str(row.received))
    yield _fact("forwarded", str(row.forwarded))
    yield _fact("filtered", reasons(row.filtered) or "0")
    yield _fact("dropped", reasons(row.dropped) or "0", BAD if row.dropped else "")
    when = "" if row.last_ns is None else f" at {row.last_ns / NS_PER_S:.3f} s"
    yield _fact("last", f"{row.last_decision or 'nothing yet'}{when}")
    if about.place:
        yield _fact("rule", about.place)


def _ecu(state: MonitorState, key: Key) -> Iterator[Text]:
    row = state.ecus[str(key)]
    part = next((part for part in state.about.parts if part.name == row.name), None)
    yield Text.assemble((row.name, "bold"), (f"  {part.kind.value}" if part is not None else "", FAINT))
    yield _fact("state", row.state, "" if row.state == "running" else NOTE)
    if row.failure:
        yield _fact("failed", row.failure, BAD)
    if part is not None and part.behaviour:
        yield _fact("behaviour", part.behaviour)
    for place in row.places:
        yield _fact("on", f"{place.bus}: {place.state}, {place.tec}/{place.rec} errors, {place.queued} frames wait")
    for number in stale_of(state, row.name):
        yield _fact("stale", state.message_abouts[number].title, NOTE)
    sent = [about.title for about in state.message_abouts if row.name in about.senders]
    if sent:
        yield _fact("sends", ", ".join(sent))


def _node(state: MonitorState, key: Key) -> Iterator[Text]:
    named = cast(UnitKey, key)
    node = state.nodes[named]
    yield Text(named.unit or node.name, "bold")
    yield _fact("node", f"{node.name}, {'online' if node.online else 'offline'}")
    for unit in node.units:
        yield _fact(unit.active, f"{unit.name} ({unit.sub})", "bold" if unit.name == named.unit else "")


def _service(state: MonitorState, key: Key) -> Iterator[Text]:
    row = state.services[str(key)]
    yield Text.assemble((row.name, "bold"), (f"  {row.instance}, {row.role}", FAINT))
    yield _fact("state", row.state, BAD if row.state == "missing" else "")
    yield _fact("where", row.where)
    for one in row.subscribers:
        yield _fact("subscriber" if row.role == "offered" else "subscription", one)
    for name, counted in (("events", row.events), ("answers", row.answers)):
        if counted:
            yield _fact(name, reasons(counted))
    for fault, count in row.faults:
        yield _fact("fault", f"{fault}: {count}", BAD)
    for note in row.lately:
        yield _fact("lately", note, FAINT)


def _event(state: MonitorState, key: Key) -> Iterator[Text]:
    row = state.events[cast(int, key)]
    yield Text(f"{row.bus}: {row.kind}", "bold")
    yield _fact("at", f"{row.time_ns / NS_PER_S:.9f} s")
    yield _fact("who", row.part)
    yield Text(row.text)
