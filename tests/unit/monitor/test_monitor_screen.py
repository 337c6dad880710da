"""The monitor with textual's pilot: what is on the screen, and what keys do."""

from __future__ import annotations

import html
import re

import pytest
from monitor_film import FilmLink
from textual.events import Key
from textual.widgets import Input

from gateway.can import Frame
from gateway.ui.feed_rows import Part
from gateway.ui.monitor_app import MonitorApp
from gateway.ui.monitor_grid import Grid
from gateway.ui.monitor_screens import Answer
from gateway.ui.monitor_state import Pane


def screen_of(app: MonitorApp) -> str:
    """The text that is on the screen."""
    svg = app.export_screenshot()
    pieces = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return "".join(html.unescape(piece) for piece in pieces).replace("\xa0", " ")


@pytest.mark.parametrize("size", [(80, 24), (132, 40), (40, 12)])
async def test_each_pane_has_its_lines_at_every_size(link: FilmLink, size: tuple[int, int]) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        for key, word in zip("12345", ("powertrain", "VehicleSpeed", "Vehicle.Speed", "r1", "ESP"), strict=True):
            await pilot.press(key)
            await pilot.pause()
            if key == "2":
                app.grid.select(
                    next(a.number for a in app.state.message_abouts if a.title == "powertrain.VehicleSpeed")
                )
                await pilot.pause()
            if key == "5":
                app.grid.select("ESP")
                await pilot.pause()
            assert word in screen_of(app), key
        await pilot.press("6")
        await pilot.pause()
        assert "no nodes and units" in screen_of(app)


@pytest.mark.parametrize("size", [(39, 24), (80, 9)])
async def test_a_terminal_that_is_too_small_gets_a_sentence(link: FilmLink, size: tuple[int, int]) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert f"This terminal has {size[0]} columns and {size[1]} lines" in " ".join(screen_of(app).split())
        await pilot.resize_terminal(90, 30)
        await pilot.pause()
        assert "VehicleSpeed" in screen_of(app)


async def test_typing_filters_and_escape_shows_all(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("slash", *"body light")
        await pilot.pause()
        shown = screen_of(app)
        assert "LightCommand" in shown
        assert "TorqueRequest" not in shown
        await pilot.press("enter", "down")
        assert app.grid.has_focus
        await pilot.press("escape", "home")
        await pilot.pause()
        assert "TorqueRequest" in screen_of(app)
        await pilot.press("slash", *"nonsense", "enter")
        await pilot.pause()
        assert "nothing fits 'nonsense'" in screen_of(app)


@pytest.mark.parametrize(("opens", "purpose"), [("slash", "filter"), ("f", "find"), ("s", "send")])
async def test_keys_in_one_burst_go_into_the_line_that_the_first_of_them_opens(
    link: FilmLink, opens: str, purpose: str
) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("5")
        for key in (opens, *"q5sfe/np"):
            app.post_message(Key("slash" if key == "/" else key, key if len(key) == 1 else "/"))
        await pilot.pause()
        assert app.query_one("#typed", Input).value == "q5sfe/np"
        assert (app.pane, app.query_one("#typed", Input).placeholder.split(":")[0]) == (Pane.ECUS, purpose)
        assert len(app.screen_stack) == 1


async def test_each_pane_keeps_its_own_filter_and_selection(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("slash", *"chassis", "enter", "down", "down")
        chosen = app.grid.selected
        await pilot.press("tab")
        assert app.pane is Pane.SIGNALS
        assert app.filter == ""
        await pilot.press("shift+tab")
        assert (app.filter, app.grid.selected) == ("chassis", chosen)


async def test_find_goes_to_the_next_line_with_a_word_and_round(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        found = []
        await pilot.press("f", *"wheelspeeds", "enter")
        for _ in range(3):
            await pilot.pause()
            assert isinstance(app.grid.selected, int)
            found.append(app.state.message_abouts[app.grid.selected].title)
            await pilot.press("n")
        assert set(found) >= {"powertrain.WheelSpeeds", "chassis.WheelSpeeds"}
        await pilot.press("f", *"zzz", "enter")
        await pilot.pause()
        assert "is nowhere in Messages" in screen_of(app)


async def test_only_what_is_selected_is_decoded_and_only_what_is_shown_is_asked_for(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("down", "down")
        await pilot.pause()
        assert link.shown[-1].decoded == {app.grid.selected}
        assert link.shown[-1].parts == {Part.BUSES, Part.MESSAGES}
        await pilot.press("4")
        await pilot.pause()
        assert link.shown[-1].parts == {Part.BUSES, Part.ROUTES}
        assert link.shown[-1].decoded == frozenset()


async def test_one_key_explains_the_selected_line(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4", "e")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert link.asked == ["signal chassis.MotorStatus"]
        assert "it comes: nothing is wrong with it" in screen_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, Answer)
        await pilot.press("f", *"Lamp", "enter", "e")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "nobody knows" in screen_of(app)


async def test_a_frame_is_sent_and_what_is_none_is_told(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("s", "ctrl+u", *"body 290#01", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert link.sent == [("body", Frame(0x290, b"\x01"))]
        assert "sent on body: 290#01" in screen_of(app)
        await pilot.press("s", "ctrl+u", *"bod 1#", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "there is no bus 'bod'" in screen_of(app)


async def test_pause_holds_the_screen_and_a_stopped_vehicle_is_told(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("space")
        await pilot.pause()
        held = app.state.time_ns
        app._taken(link.snapshots[0])
        assert "PAUSED" in screen_of(app)
        assert app.state.time_ns == held
        link.stopped.set()
        await pilot.pause()
        assert "the vehicle has stopped" in screen_of(app)


async def test_the_mouse_selects_lines_and_the_keys_are_explained(link: FilmLink) -> None:
    app = MonitorApp(link)  # type: ignore[arg-type]
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.click(Grid, offset=(5, 4))
        assert app.grid.selected == app.state.keys(Pane.MESSAGES)[3]
        await pilot.press("end")
        assert app.grid.selected == app.state.keys(Pane.MESSAGES)[-1]
        await pilot.press("home", "pagedown", "pageup")
        assert app.grid.selected == app.state.keys(Pane.MESSAGES)[0]
        await pilot.press("question_mark")
        await pilot.pause()
        assert "explain the selected line" in screen_of(app)
