"""The page's server as others meet it: strangers, slow readers, those who go away."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("websockets")
from pages import descriptors, page_of
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

SHOW = json.dumps({"show": {"parts": ["buses", "messages", "ecus", "routes", "journeys"], "decoded": list(range(40))}})


async def ask(address: str, *lines: str) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_strangers_are_turned_away(serve) -> None:
    async with serve("run", "--no-serve") as served:
        page = await ask(served.address, "GET / HTTP/1.1", f"Host: {served.address}")
        assert page.startswith(b"HTTP/1.1 200")
        assert b"frame-ancestors 'none'" in page
        rebound = await ask(served.address, "GET / HTTP/1.1", "Host: evil.example")
        assert rebound.startswith(b"HTTP/1.1 403")
        for path in ("/../cli/app.py", "/..%2f..%2fpyproject.toml", "/web_server.py", "//etc/passwd"):
            assert (await ask(served.address, f"GET {path} HTTP/1.1", f"Host: {served.address}")).startswith(
                b"HTTP/1.1 404"
            )
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{served.address}/feed", origin="http://evil.example")
        assert refused.value.response.status_code == 403
        async with connect(f"ws://{served.address}/feed", origin=f"http://{served.address}") as browser:
            assert "hello" in json.loads(await browser.recv())


async def test_a_browser_that_does_not_read_holds_nobody_up(serve) -> None:
    async with serve("run", "--no-serve") as served:
        slow = await connect(f"ws://{served.address}/feed", max_queue=1)
        await slow.send(SHOW)
        async with connect(f"ws://{served.address}/feed", compression=None) as quick:
            await quick.send(SHOW)
            processes = served.process.pid, page_of(served.process.pid)
            before = [_memory(pid) for pid in processes]
            times = [json.loads(await quick.recv()).get("time", 0) for _ in range(150)]
            assert times[-1] > 3e9
            assert all(_memory(pid) - earlier < 30e6 for pid, earlier in zip(processes, before, strict=True))
        slow.transport.abort()


async def test_those_who_go_away_leave_nothing(serve) -> None:
    async with serve("run", "--no-serve") as served:
        before = None
        for turn in range(6):
            browsers = [await connect(f"ws://{served.address}/feed") for _ in range(8)]
            for browser in browsers:
                await browser.send(SHOW)
                await browser.recv()
            for browser in browsers[:4]:
                browser.transport.abort()
            for browser in browsers[4:]:
                await browser.close()
            async with connect(f"ws://{served.address}/feed") as last:
                async with asyncio.timeout(30):
                    while descriptors(page_of(served.process.pid)) > (before or 1000):
                        await last.recv()
                if turn == 0:
                    before = descriptors(page_of(served.process.pid))


async def test_one_page_too_many_is_told_so(serve) -> None:
    async with serve("run", "--no-serve") as served:
        browsers = [await connect(f"ws://{served.address}/feed") for _ in range(16)]
        for browser in browsers:
            await browser.recv()
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{served.address}/feed")
        assert refused.value.response.status_code == 503
        for browser in browsers:
            await browser.close()


async def test_commands_are_answered_each(serve) -> None:
    async with serve("run", "--no-serve") as served, connect(f"ws://{served.address}/feed") as browser:

        async def command(**what: object) -> str | None:
            await browser.send(json.dumps({"id": 7, "do": what}))
            async with asyncio.timeout(30):
                while (found := json.loads(await browser.recv())).get("answer") != 7:
                    pass
            problem: str | None = found["problem"]
            return problem

        assert await command(fault="kill", arguments={"ecu": "ESP"}) is None
        assert "in already" in (await command(fault="kill", arguments={"ecu": "ESP"}) or "")
        assert "'ESP'" in (await command(fault="kill", arguments={"ecu": "ESPX"}) or "")
        assert "kill" in (await command(fault="kil", arguments={}) or "")
        assert (
            await command(fault="lost", arguments={"frames": "chassis.WheelSpeeds", "probability": "much"}) is not None
        )
        assert await command(undo=1) is None
        assert await command(fault="late", arguments={"frames": "body", "by": "5ms"}, lasting="100ms") is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--clock", "virtual", "--for", "1s", "--web", "0"], "use --clock wall"),
        (["run", "--web", "192.0.2.1:1"], "cannot be at"),
        (["run", "--web=elsewhere"], "is not an address"),
    ],
)
async def test_a_page_that_cannot_be_is_told_in_a_sentence(words: list[str], sentence: str) -> None:
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *words,
        cwd=root,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 2, said
    assert sentence in said.decode()
    assert b"Traceback" not in said


def _memory(pid: int) -> int:
    """Bytes in memory (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
