"""The page's process lives as long as its vehicle, however either ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator

import pytest

pytest.importorskip("websockets")
from conftest import descriptors, page_of
from websockets.asyncio.client import connect

LIMIT_S = 30


@contextlib.contextmanager
def ends(pid: int) -> Iterator[asyncio.Event]:
    """An event that is set when a process has ended."""
    descriptor, event, loop = os.pidfd_open(pid), asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(descriptor, event.set)
    try:
        yield event
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def test_a_page_ends_with_its_vehicle_however_that_ends(serve) -> None:
    with contextlib.ExitStack() as stack:
        async with serve("run", "--no-serve") as served:
            ended = stack.enter_context(ends(page_of(served.process.pid)))
            browser = await connect(f"ws://{served.address}/feed")
            await browser.recv()
        await asyncio.wait_for(ended.wait(), LIMIT_S)
        browser.transport.abort()
    async with serve("run", "--no-serve", killed=True) as served:
        with ends(page_of(served.process.pid)) as ended:
            async with connect(f"ws://{served.address}/feed") as browser:
                await browser.recv()
                served.process.kill()
                await asyncio.wait_for(ended.wait(), LIMIT_S)


async def test_a_vehicle_drives_on_without_its_page_and_says_so(serve) -> None:
    async with serve("run", "--no-serve") as served:
        page = page_of(served.process.pid)
        os.kill(page, signal.SIGKILL)
        await served.told("the process of the web page was killed by signal 9; the vehicle drives on without the page")
        assert served.process.returncode is None
        with pytest.raises(ProcessLookupError):
            os.kill(page, 0)


async def test_a_page_that_hangs_does_not_hold_up_the_end(serve) -> None:
    async with serve("run", "--no-serve") as served:
        page = page_of(served.process.pid)
        async with connect(f"ws://{served.address}/feed") as browser:
            await browser.recv()
            os.kill(page, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(page, 0)


async def test_many_browsers_are_one_page_to_the_vehicle(serve) -> None:
    show = json.dumps({"show": {"parts": ["messages", "buses"], "decoded": list(range(30))}})
    async with serve("run", "--no-serve") as served:
        browsers = [await connect(f"ws://{served.address}/feed", compression=None) for _ in range(5)]
        for browser in browsers:
            await browser.send(show)
        for browser in browsers:
            async with asyncio.timeout(30):
                while not any(row[9] for row in json.loads(await browser.recv()).get("messages", ())):
                    pass
        assert descriptors(served.process.pid) < 30
        for browser in browsers:
            await browser.close()
