"""Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_LIMIT_S = 60


class Browser:
    """One page. `errors`: what it has thrown or logged as an error."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []
        self.session = ""

    async def listen(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if not answer.done():
                    answer.set_result(message)
            elif message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"])[:800])
            elif message.get("method") == "Log.entryAdded":
                entry = message["params"]["entry"]
                # A vehicle that ends leaves its page without a connection: that is no error of the page.
                if entry["level"] == "error" and not (entry["source"] == "network" and "WebSocket" in entry["text"]):
                    self.errors.append(json.dumps(entry)[:400])

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        found = await asyncio.wait_for(self.send(method, **parameters), _LIMIT_S)
        assert "error" not in found, f"{method}: {found['error']}"
        result: dict[str, Any] = found["result"]
        return result

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        document: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            document["sessionId"] = self.session
        await self._connection.send(json.dumps(document))
        return await answer

    async def open(
        self, url: str, *, width: int = 1280, height: int = 800, scheme: str = "light", scale: int = 1
    ) -> None:
        await self.look(width=width, height=height, scheme=scheme, scale=scale)
        found = await self.call("Page.navigate", url=url)
        assert "errorText" not in found, f"{url}: {found['errorText']}"
        await self.until("document.readyState === 'complete'")

    async def look(self, *, width: int, height: int, scheme: str, scale: int = 1) -> None:
        """The size of the window, and whether it is light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; one that is awaited where it is a promise."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, f"{expression}: {found['exceptionDetails']}"
        return found["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is true in the page; its value. The page looks at each of its frames."""
        promise = (
            "new Promise((done) => { const look = () => { let found = null; try { found = ("
            + expression
            + "); } catch {}"
            " if (found) done(found); else setTimeout(look, 20); }; look(); })"
        )
        try:
            async with asyncio.timeout(_LIMIT_S):
                while True:
                    found = await self.send(
                        "Runtime.evaluate", expression=promise, returnByValue=True, awaitPromise=True
                    )
                    if "result" in found:
                        return found["result"]["result"].get("value")
                    await asyncio.sleep(0)  # the page was on its way to another one
        except TimeoutError:
            text = await self.evaluate("document.body.innerText")
            raise AssertionError(f"never in the page: {expression}\n{text[:3000]}\n{self.errors}") from None

    async def key(self, key: str, text: str = "") -> None:
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9, " ": 32}
        code = codes.get(key, ord(key[0].upper()))
        typed = text or ("\r" if key == "Enter" else key if len(key) == 1 else "")
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=typed, windowsVirtualKeyCode=code)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def type(self, text: str) -> None:
        for each in text:
            await self.key(each)

    async def click(self, selector: str) -> None:
        """With the mouse, in the first element of this selector; a wide one may reach out of the window on its right."""
        place = await self.until(
            f"(() => {{ const at = document.querySelector({json.dumps(selector)}); if (!at) return null;"
            " at.scrollIntoView({block: 'nearest'}); const r = at.getBoundingClientRect();"
            " return r.width ? [r.x + Math.min(r.width / 2, 50), r.y + r.height / 2] : null; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    async def screenshot(self) -> bytes:
        """As PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@contextlib.asynccontextmanager
async def browser(chromium: str, folder: Path) -> AsyncIterator[Browser]:
    """A browser with nothing of its own in it, as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        chromium,
        *_OPTIONS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_LIMIT_S):
            while b"ws://" not in (line := await process.stderr.readline()):
                assert line, "the browser has ended"
        drain = asyncio.create_task(process.stderr.read())
        async with connect(line.split()[-1].decode(), max_size=None, compression=None) as connection:
            page = Browser(connection)
            listening = asyncio.create_task(page.listen())
            targets = await page.call("Target.getTargets")
            target = next(one["targetId"] for one in targets["targetInfos"] if one["type"] == "page")
            page.session = (await page.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                await page.call(f"{domain}.enable")
            yield page
            listening.cancel()
        drain.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
