"""The lines of a monitor's panes as cells: texts with styles, for columns that know what they can do without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

from rich.text import Text

from gateway.sim import NS_PER_S
from gateway.ui.feed_about import BusKind, PartKind
from gateway.ui.feed_rows import Counted
from gateway.ui.monitor_state import CHANGE_SHOWN_NS, Key, MonitorState, Pane, UnitKey

GOOD: Final = "#2ca58d"
NOTE: Final = "#e69f00"
BAD: Final = "bold #ff7043"
FRESH: Final = "bold #56b4e9"
FAINT: Final = "dim"
"""Blue, amber, vermilion and green that colour-blind people tell apart; each also has a word or a shape."""
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_BAR: Final = 12


class Column(NamedTuple):
    """A column. `width` 0: what is left; `least`: so narrow it may become before another goes, 0 for its width.

    `rank`: where there is no room, columns of the highest rank go first.
    """

    title: str
    width: int
    rank: int = 0
    right: bool = False
    least: int = 0

    @property
    def narrow(self) -> int:
        return self.least or self.width or 8


Line = tuple[Text, ...]

COLUMNS: Final[Mapping[Pane, tuple[Column, ...]]] = {
    Pane.BUSES: (
        Column("bus", 14),
        Column("load", _BAR + 7),
        Column("frames/s", 9, 1, right=True),
        Column("frames", 10, 3, right=True),
        Column("errors", 7, 0, right=True),
        Column("waiting", 7, 4, right=True),
        Column("state", 7),
        Column("", 0, 2),
    ),
    Pane.MESSAGES: (
        Column("bus", 11, 3),
        Column("id", 10, 2),
        Column("message", 20, least=14),
        Column("count", 8, 5, right=True),
        Column("period", 9, 1, right=True),
        Column("jitter", 9, 4, right=True),
        Column("age", 8, 0, right=True),
        Column("data", 0, 1, least=24),
    ),
    Pane.SIGNALS: (
        Column("signal", 60, least=24),
        Column("value", 12, 0, right=True),
        Column("unit", 9, 2),
        Column("quality", 7),
        Column("age", 8, 1, right=True),
        Column("from", 0, 3),
    ),
    Pane.ROUTES: (
        Column("route", 5),
        Column("from", 36, least=20),
        Column("to", 36, 1, least=16),
        Column("received", 9, 2, right=True),
        Column("forwarded", 9, 3, right=True),
        Column("filtered", 8, 4, right=True),
        Column("dropped", 7, 0, right=True),
        Column("last", 0, 3),
    ),
    Pane.ECUS: (
        Column("ECU", 14),
        Column("state", 13),
        Column("stale", 5, 0, right=True),
        Column("sent", 9, 2, right=True),
        Column("is", 10, 3),
        Column("on (transmit/receive errors)", 0, 1),
    ),
    Pane.NODES: (Column("node", 16), Column("unit", 30), Column("state", 10), Column("", 0, 1)),
    Pane.SERVICES: (
        Column("service", 22, least=12),
        Column("instance", 11, 2),
        Column("is", 9, 1),
        Column("state", 10),
        Column("subscribers", 11, 3, right=True),
        Column("events", 9, 2, right=True),
        Column("faults", 7, 0, right=True),
        Column("where", 0, 1),
    ),
    Pane.EVENTS: (
        Column("time", 12, 0, right=True),
        Column("bus", 12),
        Column("what", 14),
        Column("who", 12, 1),
        Column("", 0, 1),
    ),
}


def shown_columns(pane: Pane, width: int) -> list[tuple[int, int]]:
    """Places and widths of the columns for which `width` columns of a terminal have room.

    Columns of the lowest rank always stay; the widest of them give way where even they are too wide.
    """
    columns = COLUMNS[pane]
    chosen = list(range(len(columns)))
    while _needed(pane, chosen) > width:
        worst = max((columns[place].rank, place) for place in chosen)
        if worst[0] == 0:
            break
        chosen.remove(worst[1])
    widths = {place: columns[place].narrow for place in chosen}
    spare = width - _needed(pane, chosen)
    for place in chosen:
        if 0 < columns[place].least < columns[place].width and spare > 0:
            more = min(columns[place].width - widths[place], spare)
            widths[place] += more
            spare -= more
    flexible = next((place for place in chosen if columns[place].width == 0), None)
    if flexible is not None:
        widths[flexible] += max(0, spare)
    elif spare < 0:
        widest = max(chosen, key=lambda place: widths[place])
        widths[widest] = max(6, widths[widest] + spare)
    return [(place, widths[place]) for place in chosen]


def _needed(pane: Pane, chosen: list[int]) -> int:
    return sum(COLUMNS[pane][place].narrow for place in chosen) + 2 * (len(chosen) - 1)


def line(state: MonitorState, pane: Pane, key: Key) -> Line:
    """The cells of one line."""
    return _LINES[pane](state, key)


def words(state: MonitorState, pane: Pane, key: Key) -> str:
    """What filter and search look in: all that the line says, in small letters."""
    more = ""
    if pane is Pane.MESSAGES and isinstance(key, int):
        about = state.message_abouts[key]
        more = " ".join((about.title, *about.senders, *(signal.name for signal in about.signals)))
        if state.is_missing(key):
            more += " stale"
    return " ".join((more, *(cell.plain for cell in line(state, pane, key)))).lower()


def duration(value_ns: int | None) -> str:
    """`850 us`, `12.3 ms`, `4.2 s`; a dash where there is none."""
    if value_ns is None:
        return "-"
    if value_ns < 1_000_000:
        return f"{value_ns / 1000:.0f} us"
    if value_ns < NS_PER_S:
        return f"{value_ns / 1_000_000:.1f} ms" if value_ns < 99_950_000 else f"{value_ns / 1_000_000:.0f} ms"
    return f"{value_ns / NS_PER_S:.1f} s" if value_ns < 1000 * NS_PER_S else f"{value_ns / NS_PER_S:.0f} s"


def value_text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def bar(share: float) -> Text:
    """A load as a bar and a number."""
    eighths = round(min(1.0, max(0.0, share)) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_BLOCKS[rest] if rest else "")
    style = BAD if share > 0.9 else NOTE if share > 0.7 else GOOD
    return Text.assemble((drawn, style), ("·" * (_BAR - len(drawn)), FAINT), f" {share:6.1%}")


def reasons(counted: Counted) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in counted)


def _bus(state: MonitorState, key: Key) -> Line:
    row = state.buses[str(key)]
    about = next(bus for bus in state.about.buses if bus.name == row.name)
    kind = {BusKind.CAN: "CAN", BusKind.CAN_FD: "CAN FD", BusKind.LIN: "LIN"}[about.kind]
    rate = f"{about.bitrate / 1000:g}k" + (f"/{about.data_bitrate / 1_000_000:g}M" if about.data_bitrate else "")
    marks = {"errors": BAD, "down": BAD, "silent": NOTE}
    return (
        Text(row.name, "bold"),
        bar(row.load),
        Text(f"{row.rate:.0f}"),
        Text(str(row.frames)),
        Text(str(row.errors), BAD if row.error_rate else ""),
        Text(str(row.waiting)),
        Text(row.state, marks.get(row.state, GOOD)),
        Text(f"{kind} {rate}  {about.link or about.database}", FAINT),
    )


def _message(state: MonitorState, key: Key) -> Line:
    number = cast(int, key)
    known, about = state.messages.get(number), state.message_abouts[number]
    if known is None:
        faint = [Text(text, FAINT) for text in (about.bus, about.identifier, about.name, "0", "-", "-")]
        return (*faint, Text("NEVER", NOTE), Text(""))
    row = known.row
    style = FAINT if row.stale else ""
    age = duration(max(0, state.time_ns - row.time_ns))
    return (
        Text(about.bus, style),
        Text(about.identifier, style),
        Text(about.name or "-", FAINT if row.stale or not about.name else "bold"),
        Text(str(row.frames), style),
        Text(duration(row.period_ns or None), style),
        Text(f"±{duration(row.jitter_ns)}" if row.period_ns else "-", style),
        Text("STALE", NOTE) if row.stale else Text(age),
        _data(known.row.data, known.changed_ns, state.time_ns, style),
    )


def _data(data: bytes, changed_ns: list[int], now_ns: int, style: str) -> Text:
    text = Text(style=style)
    for place, byte in enumerate(data):
        fresh = changed_ns[place] and now_ns - changed_ns[place] < CHANGE_SHOWN_NS
        text.append(f"{byte:02X}", FRESH if fresh and not style else "")
        text.append(" ")
    return text


def _path(state: MonitorState, key: Key) -> Line:
    row, about = state.paths[cast(int, key)], state.path_abouts[cast(int, key)]
    quality = {"good": GOOD, "stale": NOTE}.get(row.quality, FAINT)
    style = FAINT if row.quality == "absent" else ""
    return (
        Text(about.path, style),
        Text(value_text(row.value), style or "bold"),
        Text(about.unit, FAINT),
        Text(row.quality, quality),
        Text(duration(state.path_age_ns(cast(int, key))), style),
        Text(", ".join(about.sources), FAINT),
    )


def _route(state: MonitorState, key: Key) -> Line:
    row, about = state.routes[cast(int, key)], state.route(cast(int, key))
    dropped = sum(count for _, count in row.dropped)
    marks = {"dropped": BAD, "filtered": FAINT}
    return (
        Text(about.name, "bold"),
        Text(about.source),
        Text(about.target),
        Text(str(row.received)),
        Text(str(row.forwarded)),
        Text(str(sum(count for _, count in row.filtered))),
        Text(str(dropped), BAD if dropped else ""),
        Text(row.last_decision, marks.get(row.last_decision.partition(":")[0], GOOD)),
    )


def stale_of(state: MonitorState, ecu: str) -> list[int]:
    """The messages that an ECU sends by its database and that do not come, any more or at all."""
    return [about.number for about in state.message_abouts if ecu in about.senders and state.is_missing(about.number)]


def _ecu(state: MonitorState, key: Key) -> Line:
    row = state.ecus[str(key)]
    kind = next((part.kind for part in state.about.parts if part.name == row.name), PartKind.OUTSIDE)
    stale = len(stale_of(state, row.name))
    state_style = GOOD if row.state == "running" else FAINT if row.state in {"off", "recorded"} else BAD
    places = ", ".join(f"{place.bus} {place.tec}/{place.rec}" for place in row.places)
    return (
        Text(row.name, "bold"),
        Text(row.state, state_style),
        Text(str(stale) if stale else "", NOTE),
        Text(str(row.sent)),
        Text(kind.value, FAINT),
        Text(row.failure, BAD) if row.failure else Text(places, FAINT),
    )


def _node(state: MonitorState, key: Key) -> Line:
    named = cast(UnitKey, key)
    node = state.nodes[named]
    if not named.unit:
        return (
            Text(node.name, "bold"),
            Text(""),
            Text("online" if node.online else "offline", GOOD if node.online else NOTE),
            Text(f"{len(node.units)} units", FAINT),
        )
    unit = next((unit for unit in node.units if unit.name == named.unit), None)
    active, sub = ("gone", "") if unit is None else (unit.active, unit.sub)
    style = {"active": GOOD, "failed": BAD}.get(active, FAINT)
    return Text(node.name, FAINT), Text(named.unit), Text(active, style), Text(sub, FAINT)


def _service(state: MonitorState, key: Key) -> Line:
    row = state.services[str(key)]
    marks = {"missing": BAD, "offered": "", "found": GOOD, "subscribed": GOOD}
    faults = sum(count for _, count in row.faults)
    return (
        Text(row.name, "bold"),
        Text(row.instance, FAINT),
        Text(row.role),
        Text(row.state, marks.get(row.state, "")),
        Text(str(len(row.subscribers)) if row.role == "offered" else ""),
        Text(str(sum(count for _, count in row.events))),
        Text(str(faults), BAD if faults else ""),
        Text(row.where, NOTE if row.state == "missing" else FAINT),
    )


def _event(state: MonitorState, key: Key) -> Line:
    row = state.events[cast(int, key)]
    return (
        Text(f"{row.time_ns / NS_PER_S:.6f}"),
        Text(row.bus, "bold"),
        Text(row.kind, NOTE),
        Text(row.part),
        Text(row.text),
    )


_LINES: Final[Mapping[Pane, Callable[[MonitorState, Key], Line]]] = {
    Pane.BUSES: _bus,
    Pane.MESSAGES: _message,
    Pane.SIGNALS: _path,
    Pane.ROUTES: _route,
    Pane.ECUS: _ecu,
    Pane.NODES: _node,
    Pane.SERVICES: _service,
    Pane.EVENTS: _event,
}
