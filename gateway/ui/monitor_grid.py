"""The table of a monitor: draws the lines that are on the screen and no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gateway.ui.monitor_cells import COLUMNS, Line, shown_columns
from gateway.ui.monitor_state import Key, Pane

_GAP: Final = Text("  ")


class Grid(Widget, can_focus=True):
    """Lines named by keys, one of them selected. `lines` gives the cells of a key when it is drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"grid--head", "grid--selected"}
    DEFAULT_CSS = """
    Grid > .grid--head { color: $text-muted; text-style: bold; }
    Grid > .grid--selected { background: $primary-muted; }
    Grid:focus > .grid--selected { background: $primary 40%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "end(0)", show=False),
        Binding("end,G", "end(-1)", show=False),
    ]

    class Selected(Message):
        """Another line is selected."""

    def __init__(self, lines: Callable[[Key], Line]) -> None:
        super().__init__()
        self._lines = lines
        self._pane = Pane.MESSAGES
        self._keys: Sequence[Key] = ()
        self._places: dict[Key, int] = {}
        self._top = 0
        self.selected: Key | None = None
        self.nothing = ""
        """What stands where there is no line."""

    def show(self, pane: Pane, keys: Sequence[Key], selected: Key | None) -> None:
        """These lines from now on; the selected one stays selected where it is among them."""
        before = self.selected
        place = self._place if pane is self._pane else 0
        self._pane, self._keys = pane, keys
        self._places = {key: number for number, key in enumerate(keys)}
        if selected in self._places:
            self.selected = selected
        else:
            self.selected = keys[min(place, len(keys) - 1)] if keys else None
        self._keep_in_sight()
        self.refresh()
        if self.selected != before:
            self.post_message(self.Selected())

    def select(self, key: Key) -> None:
        """Select a line, and scroll to it."""
        if key in self._places and key != self.selected:
            self.selected = key
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Selected())

    @property
    def _place(self) -> int:
        return self._places.get(self.selected, 0) if self.selected is not None else 0

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 1)

    def _keep_in_sight(self) -> None:
        place = self._place
        self._top = max(place - self._room + 1, min(self._top, place))
        self._top = max(0, min(self._top, len(self._keys) - self._room))

    def action_move(self, by: int) -> None:
        if self._keys:
            self.select(self._keys[max(0, min(len(self._keys) - 1, self._place + by))])

    def action_page(self, by: int) -> None:
        self.action_move(by * self._room)

    def action_end(self, place: int) -> None:
        if self._keys:
            self.select(self._keys[place])

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_move(-3)

    def on_click(self, event: events.Click) -> None:
        place = self._top + event.y - 1
        if event.y > 0 and 0 <= place < len(self._keys):
            self.select(self._keys[place])

    def on_resize(self, event: events.Resize) -> None:
        self._keep_in_sight()

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        columns = COLUMNS[self._pane]
        if y == 0:
            heads = [Text(columns[place].title) for place in range(len(columns))]
            return self._strip(heads, width, "grid--head")
        place = self._top + y - 1
        if place >= len(self._keys):
            text = Text(self.nothing if y == 1 and not self._keys else "", "dim")
            return self._drawn(text, width, None)
        key = self._keys[place]
        return self._strip(self._lines(key), width, "grid--selected" if key == self.selected else None)

    def _strip(self, cells: Sequence[Text], width: int, component: str | None) -> Strip:
        line = Text(end="")
        columns = COLUMNS[self._pane]
        for number, (place, room) in enumerate(shown_columns(self._pane, width - 2)):
            cell = cells[place].copy()
            cell.truncate(room, overflow="ellipsis")
            line.append_text(_GAP if number else Text(" "))
            padding = Text(" " * (room - cell.cell_len))
            for part in (padding, cell) if columns[place].right else (cell, padding):
                line.append_text(part)
        return self._drawn(line, width, component)

    def _drawn(self, line: Text, width: int, component: str | None) -> Strip:
        line.end = ""
        base = self.rich_style if component is None else self.get_component_rich_style(component)
        strip = Strip(list(line.render(self.app.console))).adjust_cell_length(width)
        return strip.apply_style(base)
