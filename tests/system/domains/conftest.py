"""`gateway run` and `gateway replay` with their domains, as processes of their own; servers in this process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.sim import Clock, Kernel, run
from gateway.vehicle import Vehicle, build, read_vehicle

if TYPE_CHECKING:
    from .keys import Keys

ROOT = Path(__file__).parents[3]
WITHIN_S = 60


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    from .keys import make_keys  # what it imports comes with [sdv]

    return make_keys(tmp_path_factory.mktemp("keys"))


class Gateway:
    """A `gateway` process and the ports that it has told."""

    def __init__(self, words: list[str]) -> None:
        command = [sys.executable, "-m", "gateway", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        self.told: list[str] = []
        self._heard = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def port(self, what: str) -> int:
        """Where `what` is served; AssertionError with all that it said when it does not say."""

        def found() -> re.Match[str] | None:
            return next((m for line in self.told if (m := re.match(rf"{what} .* at .*:(\d+)$", line.strip()))), None)

        with self._heard:
            self._heard.wait_for(lambda: found() is not None or self.process.poll() is not None, WITHIN_S)
        match = found()
        assert match is not None, "".join(self.told)
        return int(match[1])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN_S)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.told.append(line)
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Gateway]]:
    """`start("run", ...)` starts a `gateway` process; all are ended with the module."""
    running: list[Gateway] = []

    def begin(*words: str | Path) -> Gateway:
        gateway = Gateway([str(word) for word in words])
        running.append(gateway)
        return gateway

    yield begin
    for gateway in running:
        if gateway.process.poll() is None:
            gateway.stop()
        assert gateway.process.stderr is not None
        gateway.process.stderr.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo vehicle without its drive cycle: nothing moves but what applications ask for."""
    folder = tmp_path_factory.mktemp("standing")
    text = (ROOT / "vehicle.yaml").read_text(encoding="utf-8")
    (folder / "vehicle.yaml").write_text(re.sub(r"(?m)^drive:.*$", "", text), encoding="utf-8")
    for name in ("dbc", "ecus"):
        os.symlink(ROOT / name, folder / name)
    return folder / "vehicle.yaml"


def documented(page: str, word: str) -> str:
    """The Python program of a page of the documentation that has a word in it."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (found,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in block]
    return str(found)


def in_wall_time(main: Callable[[Vehicle], Coroutine[Any, Any, None]], file: Path) -> None:
    """Drive a vehicle in this process, in wall time, while `main` runs."""
    kernel = Kernel()
    vehicle = build(read_vehicle(file), kernel)

    async def drive() -> None:
        vehicle.start()
        try:
            await asyncio.wait_for(main(vehicle), WITHIN_S)
        finally:
            vehicle.stop()

    run(drive(), kernel, Clock.WALL)


@pytest.fixture(scope="session")
def wall_time() -> Callable[[Callable[[Vehicle], Coroutine[Any, Any, None]], Path], None]:
    return in_wall_time
