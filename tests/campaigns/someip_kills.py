"""A pysomeip server killed (kill -9) and started again, many times: our subscription is back, nothing stale is fresh.

    python tests/campaigns/someip_kills.py --kills 100

The time counts from when the new server is ready to its being subscribed to. Needs pysomeip; no other rights.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
# This folder has files named like packages (can.py, someip.py) and, being the script's, comes first where Python looks.
sys.path.sort(key=lambda entry: Path(entry or ".").resolve() == Path(__file__).resolve().parent)
sys.path.insert(0, str(ROOT))

from gateway.routing import Quality  # noqa: E402
from gateway.services.someip.sockets import SocketNetwork  # noqa: E402
from gateway.sim import Clock, Kernel, SimulationLoop, run, wall_clock_ns  # noqa: E402
from gateway.vehicle import build, read_vehicle  # noqa: E402

PEER = ROOT / "tests" / "system" / "someip" / "pysomeip_peer.py"
DATA = ROOT / "tests" / "data" / "someip"
LIMIT_S = 3.0
NAME = "Vehicle.Route.Name"


async def told(process: asyncio.subprocess.Process, what: str) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if json.loads(line)["what"] == what:
            return
    raise AssertionError(f"the server ended before it was {what}")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a signal has listeners, but no events of asyncio
            await asyncio.sleep(0.005)


async def campaign(kills: int, folder: Path) -> list[float]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    for path in DATA.iterdir():
        shutil.copy(path, folder)
    file = folder / "vehicle.yaml"
    file.write_text(file.read_text().replace("10.0.0.1", "127.0.0.1").replace("10.0.0.2", "127.0.0.2"))
    vehicle = build(read_vehicle(file), loop.kernel)
    vehicle.network = network = SocketNetwork(loop, "127.0.0.1")
    vehicle.start()
    signal = vehicle.gateway.store[NAME]
    times: list[float] = []
    for _ in range(kills):
        command = [sys.executable, "-u", str(PEER), "server", "127.0.0.2"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        await told(process, "ready")
        began = wall_clock_ns()
        async with asyncio.timeout(60):
            await told(process, "subscribed")
        times.append((wall_clock_ns() - began) / 1e9)
        await until(lambda: signal.datapoint.value == "nowhere" and signal.datapoint.quality is Quality.GOOD)
        process.kill()
        await process.wait()
        await asyncio.sleep(0.05)
    # The last one does not come back: when its time to live is over, what it told is stale.
    await until(lambda: signal.datapoint.quality is Quality.STALE)
    vehicle.stop()
    await network.close()
    return times


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=10)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = run(campaign(given.kills, Path(folder)), Kernel(), Clock.WALL)
    late = sum(time > LIMIT_S for time in times)
    sys.stdout.write(
        f"{len(times)} kills: subscribed again within {max(times):.2f} s, {late} later than {LIMIT_S:g} s\n"
    )
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
