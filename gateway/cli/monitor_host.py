"""Drives what a monitor shows, in a process of its own: the screen does not slow the vehicle, nor the vehicle the screen.

`hosted` starts it and gives its socket; `main` is what runs there for real buses and recordings.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from gateway.errors import GatewayError
from gateway.links.places import VARIABLE
from gateway.ui.errors import UiError

_READY: Final = "CAN tools find "
_PR_SET_PDEATHSIG: Final = 1
_LAST_LINES: Final = 20
_END_S: Final = 5.0


@contextlib.contextmanager
def hosted(kind: str, target: str, databases: Sequence[str], vehicle: str | None = None) -> Iterator[Path]:
    """The socket of what is watched; what was started for it is stopped afterwards. `vehicle`: that of a recording.

    UiError, with what the process said, when it does not start.
    """
    if kind == "socket":
        yield Path(target)
        return
    with tempfile.TemporaryDirectory(prefix="gateway-monitor.") as folder:
        place = Path(folder) / "vehicle.sock"
        process = _started(_command(kind, target, databases, vehicle), place)
        try:
            _wait(process)
            yield place
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(kind: str, target: str, databases: Sequence[str], vehicle: str | None) -> list[str]:
    if kind == "vehicle":
        return ["-m", "gateway", "run", target, "--clock", "wall", "--serve", "--json"]
    return ["-m", "gateway.cli.monitor_host", kind, target, vehicle or "", *databases]


def _started(words: Sequence[str], place: Path) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, VARIABLE: str(place), "PYTHONPATH": paths, "NO_COLOR": "1"},
        start_new_session=True,  # Ctrl-C is the screen's
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs yet
    )


def _end_with_parent() -> None:
    """Linux ends the process when the monitor is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(process: subprocess.Popen[str]) -> None:
    """Until it listens."""
    assert process.stderr is not None
    said: deque[str] = deque(maxlen=_LAST_LINES)
    for line in process.stderr:
        if line.startswith(_READY):
            threading.Thread(target=_drain, args=(process.stderr,), daemon=True).start()
            return
        said.append(line.removeprefix("gateway: ").rstrip())
    process.wait()
    raise UiError("\n".join(said) or f"what is watched ended at once, with exit code {process.returncode}")


def _drain(stream: IO[str]) -> None:
    with contextlib.suppress(ValueError):
        for _ in stream:
            pass


# In the process


def main(words: Sequence[str]) -> int:
    """`log FILE VEHICLE [DATABASE...]` or `link ADDRESS "" [DATABASE...]`: play it, or look on, until terminated."""
    kind, target, vehicle, *databases = words
    try:
        _play(Path(target), Path(vehicle) if vehicle else None, databases) if kind == "log" else _look_on(
            target, databases
        )
    except GatewayError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return error.exit_code
    return 0


def _play(path: Path, named: Path | None, databases: Sequence[str]) -> None:
    """A recording over the buses of its vehicle; without one over buses that have the log's names."""
    from gateway.cli.log_input import vehicle_for
    from gateway.cli.serving import can_tools
    from gateway.sim import Clock
    from gateway.trace import TraceReader
    from gateway.vehicle import read_about
    from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
    from gateway.vehicle.logs.log import read_log
    from gateway.vehicle.logs.log_databases import DatabaseChoice, load_databases, preloaded
    from gateway.vehicle.logs.replay import AtEnd, ReplayOptions, replay

    choices = [DatabaseChoice.of(text) for text in databases]
    loaded = preloaded(choices)
    readers: list[TraceReader] = []
    log = read_log([path], readers.append)
    vehicle = None if choices else vehicle_for(read_about(readers[0].comment), named)
    if vehicle is None:
        vehicle = vehicle_of_log(log, load_databases(choices, log.buses, loaded))
    vehicle.name = path.name
    replay(vehicle, log, ReplayOptions(clock=Clock.WALL, services=(can_tools(),), end=AtEnd.STAYS))


def _look_on(text: str, databases: Sequence[str]) -> None:
    from gateway.cli.serving import can_tools
    from gateway.links import parse_address
    from gateway.sim import Clock
    from gateway.vehicle import RunOptions
    from gateway.vehicle.assembly.ad_hoc import vehicle_of_links
    from gateway.vehicle.logs.log_databases import DatabaseChoice, load_databases, preloaded
    from gateway.vehicle.run import drive_built

    address = parse_address(text)
    choices = [DatabaseChoice.of(each) for each in databases]
    bus = address.channel
    vehicle = vehicle_of_links({bus: address}, load_databases(choices, [bus], preloaded(choices)))
    drive_built(vehicle, RunOptions(clock=Clock.WALL, services=(can_tools(),)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
