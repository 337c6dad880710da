"""A vehicle of its own process with a web page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_LIMIT_S = 60


class Said:
    """What a process has said on standard error, line by line."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.lines: list[str] = []
        self.more = asyncio.Condition()
        self._stream = stream

    async def read(self) -> None:
        """To the end."""
        async for line in self._stream:
            async with self.more:
                self.lines.append(line.decode().rstrip())
                self.more.notify_all()
        async with self.more:
            self.more.notify_all()

    async def ended(self) -> None:
        """Wait until nothing more can come."""
        async with self.more:
            await self.more.wait_for(self._stream.at_eof)

    async def until(self, text: str) -> None:
        """Wait until this has been said."""
        async with asyncio.timeout(_LIMIT_S), self.more:
            await self.more.wait_for(lambda: any(text in line for line in self.lines) or self._stream.at_eof())
        assert any(text in line for line in self.lines), self.lines

    def address(self) -> str | None:
        found = re.search(r"http://(\S+)/", "\n".join(self.lines))
        return None if found is None else found[1]


@dataclass
class Served:
    """`address` of the page, as HOST:PORT."""

    process: asyncio.subprocess.Process
    address: str
    said: Said

    @property
    def url(self) -> str:
        return f"http://{self.address}/"


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@dataclass
class Started:
    process: asyncio.subprocess.Process
    said: Said


@contextlib.asynccontextmanager
async def start_gateway(*words: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Started]:
    """`gateway WORDS` as long as the context lasts, however it ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *words),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = Said(process.stderr)
    reading = asyncio.create_task(said.read())
    try:
        yield Started(process, said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


@contextlib.asynccontextmanager
async def serve_page(*words: str, killed: bool = False) -> AsyncIterator[Served]:
    """`gateway WORDS --web 0` until the context is left; then it must end by itself, and well, unless it was killed."""
    async with start_gateway(*words, "--web", "0") as started:
        process, said = started.process, started.said
        assert process.stderr is not None
        async with asyncio.timeout(_LIMIT_S), said.more:
            await said.more.wait_for(lambda: said.address() or process.stderr.at_eof())
        address = said.address()
        assert address is not None, said.lines
        yield Served(process, address, said)
        if not killed:
            process.terminate()
        async with asyncio.timeout(_LIMIT_S):
            await said.ended()
            assert await process.wait() == (-signal.SIGKILL if killed else 0), said.lines
        assert not any("Traceback" in line for line in said.lines), said.lines


def page_of(vehicle: int) -> int:
    """The process id of a vehicle's page."""
    (child,) = Path(f"/proc/{vehicle}/task/{vehicle}/children").read_text().split()
    return int(child)


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
