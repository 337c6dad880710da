"""A vehicle of its own process with a web page, and a browser to look at it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

# The browser's driver is a file beside these tests, and pytest imports tests without adding their folder to the path.
sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[3]
_LIMIT_S = 60


@dataclass
class Served:
    """`address` of the page, as HOST:PORT."""

    process: asyncio.subprocess.Process
    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}/"


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@contextlib.asynccontextmanager
async def serve_page(*words: str) -> AsyncIterator[Served]:
    """`gateway WORDS --web 0` until the context is left; then it must end by itself, and well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *words,
        "--web",
        "0",
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(_LIMIT_S):
            while (found := re.search(rb"http://(\S+)/", said)) is None:
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        rest = asyncio.create_task(process.stderr.read())
        yield Served(process, found[1].decode())
        process.terminate()
        async with asyncio.timeout(_LIMIT_S):
            said += await rest
            assert await process.wait() == 0, said.decode()
        assert b"Traceback" not in said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def serve() -> Serve:
    return serve_page
