"""Saves the pictures of docs/web.md and the README from a run of the demo vehicle: `python tests/system/ui/picture.py`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chromium import browser
from pages import ROOT, serve_page

IMAGES = ROOT / "docs" / "images"
CLOCK = "parseFloat(document.getElementById('clock').innerText)"
DRIVEN_S = 42


async def main() -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "needs chromium: apt-get install chromium"
    with tempfile.TemporaryDirectory() as folder:
        async with serve_page("run", "--no-serve") as served, browser(chromium, Path(folder)) as page:
            await page.open(served.url, scale=2)
            await page.until("document.querySelectorAll('#plot-list .plot').length >= 3")
            for seconds in (DRIVEN_S // 2, DRIVEN_S):
                await page.until(f"{CLOCK} >= {seconds}")
            await page.key("/")
            await page.type("chassis")
            await page.click("#pane-messages tr[data-number='18']")
            await page.until("document.getElementById('selected').innerText.includes('BrakeStatus')")
            await page.until("document.querySelector('#story svg')?.ariaLabel.includes('BrakeStatus')")
            await asyncio.sleep(3)
            (IMAGES / "web.png").write_bytes(await page.screenshot())
            await page.key("Escape")
            await page.click("#tab-trace")
            await asyncio.sleep(2)
            await page.click("#pane-trace tr[data-serial]:nth-last-child(6)")
            await page.until("document.querySelector('#pane-trace .chips .v')?.innerText !== '–'")
            (IMAGES / "web-trace.png").write_bytes(await page.screenshot())
            await page.look(width=1280, height=800, scheme="dark", scale=2)
            await page.key("Escape")
            await page.key("Escape")
            await page.click("#map .node[data-name=ESP]")
            await page.click("#tab-faults")
            await page.click("[data-kind=kill]")
            await page.click("#inject")
            await page.click("#map .node[data-name=body]")
            await page.click("[data-kind=short]")
            await page.click("#inject")
            await page.click("#clear")
            await page.click("#tab-signals")
            await asyncio.sleep(8)
            (IMAGES / "web-faults.png").write_bytes(await page.screenshot())


if __name__ == "__main__":
    asyncio.run(main())
