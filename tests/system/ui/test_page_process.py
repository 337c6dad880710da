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
from pages import descriptors, page_of
from websockets.asyncio.client import ClientConnection, connect

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
        await served.said.until(
            "the process of the web page was killed by signal 9; the vehicle drives on without the page"
        )
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


async def test_a_vehicle_that_runs_gets_a_page_when_somebody_wants_one(start, tmp_path) -> None:
    """Faults go there and back, time is held, and the page ends with the vehicle."""
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    async with start("run", environment=environment) as vehicle:
        await vehicle.said.until("CAN tools find demo-ev")
        async with start("web", "--at", "0", environment=environment) as page:
            await page.said.until("demo-ev is at http://")
            async with connect(f"ws://{page.said.address()}/feed", compression=None) as browser:
                hello = json.loads(await browser.recv())
                assert hello["hello"]["name"] == "demo-ev"
                assert "kill" in {kind["name"] for kind in hello["faults"]}
                for number, command in enumerate(({"fault": "kill", "arguments": {"ecu": "ESP"}}, {"pause": True})):
                    await browser.send(json.dumps({"id": number, "do": command}))
                    async with asyncio.timeout(LIMIT_S):
                        while (found := json.loads(await browser.recv())).get("answer") != number:
                            pass
                    assert found["problem"] is None
                times = {json.loads(await browser.recv())["time"] for _ in range(3)}
                assert len(times) == 1
            vehicle.process.terminate()
            await page.said.until("demo-ev has stopped")
            assert await asyncio.wait_for(page.process.wait(), LIMIT_S) == 0
        assert await asyncio.wait_for(vehicle.process.wait(), LIMIT_S) == 0


async def test_all_pages_of_a_vehicle_list_all_its_faults(start, tmp_path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    async with start("run", "--web", "0", environment=environment) as vehicle:
        await vehicle.said.until("demo-ev is at http://")
        async with start("web", "--at", "0", environment=environment) as page:
            await page.said.until("demo-ev is at http://")
            feeds = [f"ws://{each.said.address()}/feed" for each in (vehicle, page)]
            async with (
                asyncio.timeout(LIMIT_S),
                connect(feeds[0], compression=None) as one,
                connect(feeds[1], compression=None) as other,
            ):
                await one.send(json.dumps({"id": 1, "do": {"fault": "kill", "arguments": {"ecu": "ESP"}}}))
                fault = await first_fault(other)
                assert fault[1:3] == ["kill", "ESP"]
                assert await first_fault(one) == fault
                await other.send(json.dumps({"id": 2, "do": {"undo": fault[0]}}))
                while json.loads(await one.recv()).get("faults") != []:
                    pass


async def first_fault(browser: ClientConnection) -> list[object]:
    """The first that a page lists in a snapshot; the picture before it has the kinds."""
    while True:
        found = json.loads(await browser.recv())
        if "time" in found and found.get("faults"):
            row: list[object] = found["faults"][0]
            return row


async def test_without_a_vehicle_there_is_a_sentence(start, tmp_path) -> None:
    async with start("web", environment={"XDG_RUNTIME_DIR": str(tmp_path)}) as page:
        await page.said.until(
            "gateway: no vehicle runs: `gateway run vehicle.yaml --web` drives this one with its page"
        )
        assert await asyncio.wait_for(page.process.wait(), LIMIT_S) == 2
