"""The terminal monitor: panes of a vehicle that drives, a line's details, filter, search, explanations, sending."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.geometry import Size
from textual.widgets import Footer, Input, Static

from gateway.can import FD
from gateway.errors import GatewayError
from gateway.sim import NS_PER_S
from gateway.ui.feed_about import BusKind
from gateway.ui.feed_rows import Snapshot
from gateway.ui.monitor_cells import BAD, FAINT, FRESH, GOOD, NOTE, line, words
from gateway.ui.monitor_detail import details, question
from gateway.ui.monitor_grid import Grid
from gateway.ui.monitor_link import VehicleLink
from gateway.ui.monitor_screens import Answer, Help
from gateway.ui.monitor_send import as_typed, sending
from gateway.ui.monitor_state import Key, MonitorState, Pane

LEAST_COLUMNS: Final = 40
LEAST_LINES: Final = 10
SIDE_BY_SIDE: Final = 120
"""From so many columns on the details stand beside the table."""
PANES: Final = tuple(Pane)


class MonitorApp(App[None]):
    """One monitor of one vehicle."""

    TITLE = "gateway monitor"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "monitor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"pane({number - 1})", pane.value, show=False, priority=True)
            for number, pane in enumerate(PANES, 1)
        ),
        Binding("tab", "turn(1)", "Pane", key_display="tab", priority=True),
        Binding("shift+tab", "turn(-1)", show=False, priority=True),
        Binding("right,l", "turn(1)", show=False),
        Binding("left,h", "turn(-1)", show=False),
        Binding("slash", "type('filter')", "Filter", priority=True),
        Binding("f", "type('find')", "Find", priority=True),
        Binding("n", "next", show=False),
        Binding("e", "explain", "Explain"),
        Binding("space", "pause", "Pause"),
        Binding("s", "type('send')", "Send", priority=True),
        Binding("d", "details", show=False),
        Binding("p", "picture", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("escape", "clear", show=False),
        Binding("q,ctrl+c", "quit", "Quit", key_display="q"),
    ]

    def __init__(self, link: VehicleLink, note: str = "") -> None:
        super().__init__()
        self.link: Final = link
        self.state: Final = MonitorState(link.about)
        self.pane = Pane.MESSAGES
        self.filters: Final = dict.fromkeys(PANES, "")
        self.sought = ""
        self.paused = False
        self._note = note
        self._typing = ""
        self._selected: dict[Pane, Key | None] = {}
        self._watching: asyncio.Task[None] | None = None

    @property
    def filter(self) -> str:
        """Of the pane that is shown; each has its own."""
        return self.filters[self.pane]

    @filter.setter
    def filter(self, text: str) -> None:
        self.filters[self.pane] = text

    # What is on the screen

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="panes")
        with Container(id="main"):
            yield Grid(lambda key: line(self.state, self.pane, key))
            with VerticalScroll(id="side", can_focus=False):
                yield Static(id="details")
        yield Input(id="typed", compact=True)
        yield Static(id="note")
        yield Footer(compact=True, show_command_palette=False)
        yield Static(id="small")

    async def on_mount(self) -> None:
        self.query_one("#typed").display = False
        self.grid.focus()
        self._fit(self.size)
        self._watching = asyncio.create_task(self._watch(), name="watch")
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread
            loop.add_signal_handler(signal.SIGTERM, self.exit)
        self.redraw()

    async def on_unmount(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    async def _watch(self) -> None:
        why = "the vehicle has stopped; what is shown is its last state"
        try:
            await self.link.watch(self.state.visible(self.pane, None), self._taken)
        except GatewayError as error:
            why = str(error)
        self.state.problem = why
        self.redraw()

    def _taken(self, snapshot: Snapshot) -> None:
        if not self.paused:
            self.state.take(snapshot)
            self.redraw()

    def redraw(self) -> None:
        """Draw what is known."""
        if not self.is_running:
            return
        keys = self.state.keys(self.pane)
        if self.filter:
            parts = self.filter.lower().split()
            keys = [key for key in keys if all(part in words(self.state, self.pane, key) for part in parts)]
        self.grid.nothing = f"nothing fits {self.filter!r}; Esc shows all" if self.filter else _NOTHING[self.pane]
        self.grid.show(self.pane, keys, self._selected.get(self.pane))
        self._selected[self.pane] = self.grid.selected
        self.query_one("#head", Static).update(self._head())
        self.query_one("#panes", Static).update(self._tabs(len(keys)))
        self.query_one("#details", Static).update(details(self.state, self.pane, self.grid.selected))
        self.query_one("#note", Static).update(self._notes())

    def _head(self) -> Text:
        state = self.state
        mark = ("■ ", BAD) if state.problem else ("❚❚ ", NOTE) if self.paused else ("● ", GOOD)
        text = Text.assemble(mark, (state.about.name, "bold"), f"  {state.time_ns / NS_PER_S:.1f} s")
        text.append(f"  {state.rate:.0f} frames/s", FAINT)
        if self.paused:
            text.append("  PAUSED", NOTE)
        loads = "  ".join(f"{row.name} {row.load:.0%}" for row in state.buses.values())
        if self.size.width > text.cell_len + len(loads) + 4:
            text.append(" " * (self.size.width - text.cell_len - len(loads) - 2) + loads, FAINT)
        return text

    def _tabs(self, count: int) -> Text:
        text = Text(no_wrap=True)
        room = self.size.width >= _TABS_WIDTH
        for number, pane in enumerate(PANES, 1):
            here = f" {number} {pane.value} " if room else f" {number} "
            if pane is self.pane:
                here = f" {number} {pane.value} {count} "
            text.append(here, "reverse bold" if pane is self.pane else FAINT)
        return text

    def _notes(self) -> Text:
        if self.state.problem:
            return Text(self.state.problem, BAD)
        if self._note:
            return Text(self._note, NOTE)
        if self.filter:
            return Text.assemble("filter ", (self.filter, FRESH), (" (Esc shows all)", FAINT))
        return Text("")

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Details beside the table or below it; a sentence where nothing else has room."""
        width, height = size
        small = width < LEAST_COLUMNS or height < LEAST_LINES
        self.query_one("#small", Static).update(
            f"This terminal has {width} columns and {height} lines: {LEAST_COLUMNS} and {LEAST_LINES} are needed."
        )
        self.set_class(small, "small")
        self.set_class(width >= SIDE_BY_SIDE, "wide")
        self.redraw()

    def on_grid_selected(self) -> None:
        self._selected[self.pane] = self.grid.selected
        self.link.show(self.state.visible(self.pane, self.grid.selected))
        self.query_one("#details", Static).update(details(self.state, self.pane, self.grid.selected))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters and digits that come before the focused widget does get them are text where text is typed."""
        if action in {"type", "pane"}:
            return not self._typing and len(self.screen_stack) == 1
        return super().check_action(action, parameters)

    def action_pane(self, place: int) -> None:
        self.pane = PANES[place]
        self._note = ""
        self.link.show(self.state.visible(self.pane, self._selected.get(self.pane)))
        self.redraw()

    def action_turn(self, by: int) -> None:
        if len(self.screen_stack) > 1:
            return
        self.action_pane((PANES.index(self.pane) + by) % len(PANES))

    def action_pause(self) -> None:
        self.paused = not self.paused
        self.redraw()

    def action_details(self) -> None:
        self.toggle_class("without-details")

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_picture(self) -> None:
        path = Path("gateway-monitor.svg")
        picture = self.export_screenshot(title=f"gateway monitor {self.state.about.name}")
        path.write_text(_WEB_FONT.sub("", picture), encoding="utf-8")
        self._say(f"a picture of this screen is in {path}")

    def action_clear(self) -> None:
        """Close what is open; else show all."""
        if self._typing:
            self._stop_typing()
        else:
            self.filter = self._note = ""
            self.redraw()

    def action_type(self, purpose: str) -> None:
        """Open the line in which a filter, a word to find, or a frame to send is typed."""
        typed = self.query_one("#typed", Input)
        self._typing = purpose
        typed.placeholder = _PLACEHOLDERS[purpose]
        typed.display = True
        typed.value = {"filter": self.filter, "find": "", "send": self._to_send()}[purpose]
        self.screen.set_focus(typed)  # at once: the next keys are for it, however soon they come

    def _to_send(self) -> str:
        key = self.grid.selected
        if self.pane is not Pane.MESSAGES or not isinstance(key, int):
            return ""
        about, known = self.state.message_abouts[key], self.state.messages.get(key)
        data = bytes(about.length) if known is None else known.row.data
        kind = next(bus.kind for bus in self.state.about.buses if bus.name == about.bus)
        return as_typed(about.bus, about.key & ~FD, data, kind is BusKind.CAN_FD and len(data) > 8)

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._typing == "filter":
            self.filter = event.value.strip()
            self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        purpose, text = self._typing, event.value.strip()
        self._stop_typing()
        if purpose == "find":
            self.sought = text
            self.action_next()
        elif purpose == "send" and text:
            self._send(text)

    def _stop_typing(self) -> None:
        self._typing = ""
        self.query_one("#typed").display = False
        self.grid.focus()

    def action_next(self) -> None:
        """Select the next line with what is sought, in this pane."""
        keys = self.state.keys(self.pane)
        if not self.sought or not keys:
            return
        begin = keys.index(self.grid.selected) + 1 if self.grid.selected in keys else 0
        for key in (*keys[begin:], *keys[:begin]):
            if self.sought.lower() in words(self.state, self.pane, key):
                self.filter = ""
                self._selected[self.pane] = key
                self.redraw()
                self.grid.select(key)
                return
        self._say(f"{self.sought!r} is nowhere in {self.pane.value}")

    def action_explain(self) -> None:
        asked = question(self.state, self.pane, self.grid.selected)
        if asked is None:
            self._say("there is nothing to explain about this line: select a message, a signal, a route or an ECU")
            return
        screen = Answer(asked)
        self.push_screen(screen)
        self._explain(screen, asked)

    @work(group="explain", exclusive=True)
    async def _explain(self, screen: Answer, asked: str) -> None:
        try:
            screen.tell(await asyncio.to_thread(self.link.ask, asked))
        except GatewayError as error:
            screen.tell([str(error)])

    @work(group="send")
    async def _send(self, text: str) -> None:
        try:
            bus, frame = sending(text, [bus.name for bus in self.state.about.buses])
            await asyncio.to_thread(self.link.send, bus, frame)
        except GatewayError as error:
            self._say(str(error))
        else:
            self._say(f"sent on {bus}: {frame}")

    def _say(self, text: str) -> None:
        self._note = text
        self.redraw()


_WEB_FONT: Final = re.compile(r"@font-face\s*\{[^}]*\}")
"""A picture asks nobody for fonts."""
_TABS_WIDTH: Final = 88
_NOTHING: Final = {
    Pane.BUSES: "no bus",
    Pane.MESSAGES: "no message has come yet",
    Pane.SIGNALS: "this vehicle has no VSS signals (gateway: {signals: FILE}); CAN signals stand beside their message",
    Pane.ROUTES: "no routes are known here",
    Pane.ECUS: "no ECUs",
    Pane.NODES: "this vehicle has no nodes and units (domains: {nodes: ...})",
    Pane.SERVICES: "this vehicle has no SOME/IP services (services: ...)",
    Pane.EVENTS: "nothing has gone wrong on a bus",
}
_PLACEHOLDERS: Final = {
    "filter": "filter: words that lines must have, like  body stale  (Enter keeps, Esc closes)",
    "find": "find: the next line with this (n: once more)",
    "send": "send: BUS ID#DATA, like  body 290#01",
}
