"""The page in a browser: open, filter, follow, plot, put a fault in and take it out, hold time, go through a recording.

`python tests/system/ui/picture.py` saves the pictures of the README from such runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("websockets")
from chromium import Browser, browser

from gateway.cli.fault_desk import KINDS

TOUCHING = """[...document.querySelectorAll('#map .node:not(.bus)')].filter((node) => {
    const [box, text] = [node.querySelector('.face'), node.querySelector('text')].map((at) => at.getBoundingClientRect());
    return text.width && (text.left < box.left + 2 || text.right > box.right - 2); }).map((node) => node.dataset.name)"""
"""Nodes of the picture whose name touches the edges of its box."""
ROWS = "[...document.querySelectorAll('#pane-messages tbody tr:not(.signals)')]"


@pytest.fixture
async def page(require_tool, tmp_path: Path) -> AsyncIterator[Browser]:
    async with browser(require_tool("chromium", package="chromium"), tmp_path) as opened:
        yield opened
        assert not opened.errors


def states(name: str) -> str:
    return f"document.querySelector('#map .node[data-name=\"{name}\"]').dataset.state"


async def test_a_visitor_sees_the_vehicle_filters_follows_and_breaks_it(serve, page) -> None:
    async with serve("run", "--no-serve") as served:
        await page.open(served.url)
        # Everybody is there, and the buses are at work.
        await page.until(f"{ROWS}.length > 30")
        names = await page.evaluate("[...document.querySelectorAll('#map .node')].map((at) => at.dataset.name)")
        assert {"GW", "powertrain", "chassis", "body", "doors", "ESP", "DCDC", "VSS"} <= set(names)
        await page.until("document.querySelector('#map .bus[data-name=powertrain]').ariaLabel.includes('percent')")
        await page.until("document.querySelectorAll('#plot-list .plot').length >= 3")
        # Filter by typing.
        await page.key("/")
        await page.type("wheel chassis")
        assert await page.until(f"{ROWS}.length === 1 && {ROWS}[0].innerText.includes('WheelSpeeds')")
        # Open it with the keyboard: its signals are decoded, and the picture shows who has to do with it.
        await page.key("ArrowDown")
        await page.key("Enter")
        await page.until(
            "document.querySelector('.chip .v') && document.querySelector('.chips').innerText.includes('km/h')"
        )
        await page.until("document.querySelector('#map .node[data-name=ESP]').classList.contains('on')")
        assert not await page.evaluate("document.querySelector('#map .node[data-name=OBC]').classList.contains('on')")
        # Its journey is drawn: through route 3 to the powertrain, with the place of the rule.
        await page.until("document.querySelector('#story svg')?.ariaLabel.includes('WheelSpeeds of ESP')")
        told = await page.until("document.querySelector('#story svg').ariaLabel")
        assert "r3 to powertrain forwarded" in told
        # A click closes it again, and opens it.
        await page.click("#pane-messages tr[data-number]")
        await page.until("document.getElementById('selection').hidden && !document.querySelector('.chip')")
        await page.click("#pane-messages tr[data-number]")
        await page.until("document.getElementById('selected').innerText === 'message chassis.WheelSpeeds'")
        # A click plots one of its signals.
        plots = await page.evaluate("document.querySelectorAll('#plot-list .plot').length")
        await page.click(".chip[aria-pressed=false]")
        await page.until(f"document.querySelectorAll('#plot-list .plot').length === {plots + 1}")
        # A click on a route follows it.
        await page.key("Escape")
        await page.evaluate("document.getElementById('filter').value = ''")
        await page.click("#tab-routes")
        await page.until("document.querySelectorAll('#pane-routes tbody tr').length > 20")
        await page.click("#pane-routes tbody tr[data-number='2']")
        await page.until("document.getElementById('selected').innerText === 'route r3'")
        assert await page.evaluate("document.querySelectorAll('#map .way.on').length") == 1
        assert "vehicle.yaml:" in await page.evaluate("document.querySelector('#pane-routes tr.chosen').innerText")
        # Kill an ECU, see it, give it its power back.
        await page.click("#map .node[data-name=ESP]")
        await page.click("#tab-faults")
        await page.click("[data-kind=kill]")
        assert await page.evaluate("document.getElementById('fault-ecu').value") == "ESP"
        await page.click("#inject")
        await page.until(f"{states('ESP')} === 'off'")
        await page.until("document.getElementById('at-work').innerText.includes('kill ESP')")
        await page.click("#tab-messages")
        await page.until(
            f"{ROWS}.some((row) => row.innerText.includes('WheelSpeeds') && row.classList.contains('stale'))"
        )
        await page.click("#at-work button")
        await page.until(f"{states('ESP')} === undefined")
        # A short circuit: the bus is full of errors, and tells them.
        await page.click("#map .node[data-name=body]")
        await page.click("[data-kind=short]")
        await page.click("#inject")
        await page.until("document.querySelector('#map .bus[data-name=body]').dataset.state === 'errors'")
        await page.click("#tab-events")
        await page.until("document.querySelectorAll('#pane-events tbody tr').length > 5")
        await page.click("#at-work button")
        await page.until("document.querySelector('#map .bus[data-name=body]').dataset.state === 'ok'")


async def test_time_can_be_held(serve, page) -> None:
    async with serve("run", "--no-serve") as served:
        await page.open(served.url)
        await page.until(f"{ROWS}.length > 30")
        await page.key(" ")
        await page.until("document.getElementById('play').innerText === '▶'")
        held = await page.evaluate("document.getElementById('clock').innerText")
        # What is asked for while time stands still is shown all the same.
        await page.click("#tab-signals")
        await page.until("document.querySelectorAll('.card').length > 100")
        await page.until(
            "[...document.querySelectorAll('.card .v')].filter((at) => /[0-9]/.test(at.innerText)).length > 8"
        )
        assert await page.evaluate("document.getElementById('clock').innerText") == held
        await page.click("#play")
        await page.until(f"document.getElementById('clock').innerText !== '{held}'")


async def test_a_recording_has_a_slider(serve, page, tmp_path) -> None:
    recording = tmp_path / "drive.pcapng"
    async with serve("run", "--no-serve", "--trace", str(recording)) as served:
        await page.open(served.url)
        await page.until("parseFloat(document.getElementById('clock').innerText) > 3")
    async with serve("replay", str(recording)) as served:
        await page.open(served.url)
        await page.until(f"{ROWS}.length > 30")
        await page.until(
            "+document.getElementById('slider').max > 2500"
        )  # the length in milliseconds, once it is known
        # It stays at its end; from there back to the middle, where all is as it was.
        await page.until("document.getElementById('play').innerText === '▶'")
        move = "const at = document.getElementById('slider'); at.value = 1500; at.dispatchEvent(new Event('input'))"
        await page.evaluate(move)
        clock = "parseFloat(document.getElementById('clock').innerText)"
        await page.until(f"{clock} >= 1.5 && {clock} < 2.5")
        await page.until(
            f"{ROWS}.some((row) => row.innerText.includes('WheelSpeeds') && !row.classList.contains('stale'))"
        )
        assert await page.evaluate("document.getElementById('tab-faults').hidden")


async def test_the_page_is_whole_in_a_small_window_and_in_the_dark(serve, page) -> None:
    domains = ("--sdv", "0", "--viss", "0", "--aaos", "0", "--bus", "mqtt:0", "--bus", "zenoh")
    async with serve("run", "--no-serve", *domains) as served:
        for width, height, scheme in ((1280, 800, "dark"), (900, 600, "light"), (360, 640, "dark")):
            await page.open(served.url, width=width, height=height, scheme=scheme)
            await page.until(f"{ROWS}.length > 30")
            names = await page.evaluate("[...document.querySelectorAll('#map .domain')].map((at) => at.dataset.name)")
            assert names == ["VSS", "kuksa.val", "VISS", "vehicle HAL", "MQTT", "Zenoh"]
            assert await page.evaluate(TOUCHING) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            unnamed = await page.evaluate(
                "[...document.querySelectorAll('button, input, select, [role=button]')].filter((at) => at.offsetParent &&"
                " !(at.ariaLabel || at.innerText?.trim() || at.labels?.length)).map((at) => at.outerHTML.slice(0, 80))"
            )
            assert unnamed == []


def test_each_fault_of_the_page_has_words() -> None:
    for kind in KINDS:
        assert kind.about.text
        assert all(argument.text for argument in kind.about.arguments)
    assert len({kind.about.name for kind in KINDS}) == len(KINDS)
    json.dumps([kind.about.name for kind in KINDS])


async def test_a_trace_shows_each_frame_and_holds_for_who_reads(serve, page) -> None:
    async with serve("run", "--no-serve") as served:
        await page.open(served.url)
        await page.until(f"{ROWS}.length > 30")
        await page.click("#tab-trace")
        await page.key("/")
        await page.type("wheelspeeds chassis")
        await page.key("Enter")
        await page.until("document.querySelectorAll('#pane-trace tr[data-serial]').length > 20")
        rows = "[...document.querySelectorAll('#pane-trace tr[data-serial]')].map((row) => row.innerText)"
        for row in (await page.evaluate(rows))[-10:]:
            since_the_last = re.search(r"([\d.]+) ms", row)
            assert "WheelSpeeds" in row and since_the_last and 8 < float(since_the_last[1]) < 12, row
        # A row that is opened holds the trace, and tells its signals.
        await page.click("#pane-trace tr[data-serial]:nth-last-child(4)")
        await page.until("document.querySelector('#pane-trace .chips')?.innerText.includes('km/h')")
        await page.until("document.getElementById('trace-note').innerText.includes('have come since')")
        held = await page.evaluate(rows)
        await page.until("parseInt(document.getElementById('trace-note').innerText.match(/[0-9]+/)[0]) > 60")
        assert await page.evaluate(rows) == held
        await page.click("#trace-hold")
        await page.until(f"{rows}.at(-1) !== {json.dumps(held[-1])} && !document.querySelector('#pane-trace .chips')")


async def test_nothing_is_printed_over_another_on_a_narrow_screen(serve, page) -> None:
    async with serve("run", "--no-serve") as served:
        await page.open(served.url, width=420, height=900)
        await page.until("document.querySelector('#map .bus[data-name=doors]').ariaLabel?.includes('percent')")
        overlaps = """[...document.querySelectorAll('#map .bus')].filter((bus) => {
            const [left, right] = [...bus.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
            return left.right > right.left; }).map((bus) => bus.dataset.name)"""
        assert await page.evaluate(overlaps) == []
        await page.look(width=1280, height=800, scheme="light")
        await page.until("document.querySelector('#map .bus[data-name=chassis]').textContent.includes('500k/2M')")
        assert await page.evaluate(overlaps) == []


async def test_columns_sort_and_a_load_is_plotted(serve, page) -> None:
    async with serve("run", "--no-serve") as served:
        await page.open(served.url)
        await page.until(f"{ROWS}.length > 30")
        ids = f"{ROWS}.map((row) => parseInt(row.children[1].innerText, 16))"
        for way in ("ascending", "descending"):
            await page.click("#pane-messages th:nth-child(2) button")
            await page.until(f"document.querySelector('#pane-messages th[aria-sort={way}]')")
            found = await page.evaluate(ids)
            assert found == sorted(found, reverse=way == "descending")
        await page.click("#pane-messages th:nth-child(2) button")
        await page.until("!document.querySelector('#pane-messages th[aria-sort]')")
        await page.click("#map .node[data-name=chassis]")
        await page.click("#plot-load")
        await page.until(
            "[...document.querySelectorAll('#plot-list .k')].some((at) => at.innerText.startsWith('chassis load'))"
        )
