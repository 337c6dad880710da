"""What a monitor lays over its panes: an explanation, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from gateway.ui.monitor_cells import FAINT

_KEYS: Final = (
    ("1 to 8, tab", "choose a pane"),
    ("up, down, page, home, end", "choose a line (j, k, g, G too; the mouse as well)"),
    ("/", "filter by typing: only lines with all these words; Esc shows all"),
    ("f, n", "find the next line with a word, once more"),
    ("e", "explain the selected line: why it does not come, and what happened to it"),
    ("space", "hold the screen, the vehicle drives on; once more: go on"),
    ("s", "send a frame: BUS ID#DATA; begins with the selected message"),
    ("d", "without details, and with them again"),
    ("p", "a picture of this screen into gateway-monitor.svg"),
    ("q", "leave; the vehicle is stopped where this monitor has started it"),
)


class Sheet(ModalScreen[None]):
    """Text over the panes; any of these keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e,enter,question_mark", "dismiss", "Close"),
        Binding("p", "app.picture", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet"):
            yield Static(self.text(), id="text")

    def on_mount(self) -> None:
        self.query_one("#sheet").focus()

    def text(self) -> Text:
        return Text()


class Help(Sheet):
    """The keys."""

    def text(self) -> Text:
        width = max(len(keys) for keys, _ in _KEYS)
        lines = [Text.assemble((f"{keys:<{width}}", "bold"), f"  {what}") for keys, what in _KEYS]
        return Text("\n").join([*lines, Text("\nEsc closes this.", FAINT)])


class Answer(Sheet):
    """What `explain` tells about a line."""

    def __init__(self, asked: str) -> None:
        super().__init__()
        self._asked = asked
        self._told: Text | None = None

    def text(self) -> Text:
        if self._told is not None:
            return self._told
        return Text.assemble((self._asked, "bold"), ("\n\nasking the vehicle ...", FAINT))

    def tell(self, lines: Sequence[str]) -> None:
        """The answer has come: its first line says it all."""
        first = lines[0] if lines else ""
        rest = "".join("\n" + each for each in lines[1:])
        self._told = Text.assemble((first, "bold"), rest, ("\n\nEsc closes this.", FAINT))
        for shown in self.query("#text").results(Static):
            shown.update(self._told)
