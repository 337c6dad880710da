"""`gateway monitor` in a real terminal (tmux), as a user has it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.vehicle import RunOptions, drive, read_vehicle

ROOT = Path(__file__).parents[3]
VEHICLE = ROOT / "vehicle.yaml"
MONITOR = f"{sys.executable} -m gateway monitor"
LIMIT_S = 60.0
SECOND = 1_000_000_000

FAILING = '''
from gateway.ecu import Ecu, every


class Esp:
    """Gives way after a second."""

    def __init__(self, ecu: Ecu) -> None:
        self.runs = 0

    @every("1s")
    def work(self) -> None:
        self.runs += 1
        if self.runs == 2:
            raise RuntimeError("planted: no power")
'''


class Terminal:
    """A terminal with a shell in it."""

    def __init__(self, tmux: str, folder: Path, columns: int, lines: int, **environment: str) -> None:
        self._tmux = [tmux, "-L", f"gateway-{uuid.uuid4().hex[:8]}", "-f", "/dev/null"]
        changed = {"PYTHONPATH": str(ROOT), "TERM": "screen-256color", "PS1": "$ ", **environment}
        self._do(
            *("new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(folder)),
            *(word for name, value in changed.items() for word in ("-e", f"{name}={value}")),
            "/bin/sh",
        )

    def _do(self, *words: str) -> str:
        # A parallel worker's readline has told everybody that there are 80 columns and 24 lines.
        others = {"TMUX", "NO_COLOR", "COLUMNS", "LINES"}
        environment = {name: value for name, value in os.environ.items() if name not in others}
        done = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, timeout=LIMIT_S, check=True, env=environment
        )
        return done.stdout

    def type(self, text: str, *keys: str) -> None:
        if text:
            self._do("send-keys", "-l", text)
        if keys:
            self._do("send-keys", *keys)

    @property
    def screen(self) -> str:
        return self._do("capture-pane", "-p")

    @property
    def _size(self) -> str:
        return self._do("display-message", "-p", "#{pane_width} by #{pane_height}").strip()

    @property
    def with_colours(self) -> str:
        return self._do("capture-pane", "-p", "-e")

    def until(self, condition: str | Callable[[str], bool]) -> str:
        """The screen, once it shows this."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            screen = self.screen
            if condition in screen if isinstance(condition, str) else condition(screen):
                return screen
            assert time.monotonic() < deadline, f"{condition!r} did not come on {self._size}:\n{screen}"
            time.sleep(0.1)

    def close(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._do("kill-server")


@pytest.fixture
def terminal(require_tool: Callable[..., str], tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    tmux = require_tool("tmux", package="tmux")
    opened: list[Terminal] = []

    def open_one(columns: int = 132, lines: int = 40, **environment: str) -> Terminal:
        opened.append(Terminal(tmux, tmp_path, columns, lines, XDG_RUNTIME_DIR=str(tmp_path), **environment))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """The demo vehicle with a brake control unit that gives way after a second."""
    text = VEHICLE.read_text().replace("dbc/", f"{ROOT}/dbc/").replace("ecus/", f"{ROOT}/ecus/")
    (tmp_path / "vehicle.yaml").write_text(text.replace(f"{ROOT}/ecus/esp.py:Esp", "esp.py:Esp"))
    (tmp_path / "esp.py").write_text(FAILING)
    return tmp_path / "vehicle.yaml"


def test_why_a_message_does_not_come_is_found_with_a_few_keys(
    terminal: Callable[..., Terminal], failing: Path, tmp_path: Path
) -> None:
    monitor = terminal()
    monitor.type(f"{MONITOR} {failing}; echo ended $?", "Enter")
    monitor.until("VehicleSpeed")

    monitor.type("/")
    monitor.until("filter: words")
    monitor.type("stale", "Enter")
    monitor.until(lambda screen: screen.count("STALE") >= 6 and "TorqueRequest" not in screen)

    monitor.type("5")
    monitor.until("5 ECUs 2")
    monitor.type("f")
    monitor.until("find: the next line")
    monitor.type("esp", "Enter")
    monitor.until("RuntimeError: planted: no power")

    monitor.type("4")
    monitor.until("r3 ")
    monitor.type("f")
    monitor.until("find: the next line")
    monitor.type("chassis.WheelSpeeds", "Enter")
    monitor.until("r3 chassis.WheelSpeeds → powertrain")
    monitor.type("e")
    framed = re.findall("│(.*)│", monitor.until("(esp.py:"))
    told = "".join("".join(framed).split())  # lines may break anywhere
    assert "powertrain.WheelSpeedslastcameat" in told
    assert "thebehaviourofitssenderESPfailedat" in told
    assert "planted:nopower(esp.py:" in told
    monitor.type("", "Escape")
    monitor.until(lambda screen: "Esc closes this" not in screen)

    monitor.type("s")
    monitor.until("BUS ID#DATA")
    monitor.type("body 290#01", "Enter")
    monitor.until("sent on body: 290#01")
    monitor.type("p")
    monitor.until("a picture of this screen is in gateway-monitor.svg")
    assert "<svg" in (tmp_path / "gateway-monitor.svg").read_text()
    monitor.type("q")
    monitor.until("ended 0")


def test_two_monitors_of_one_vehicle_and_its_end(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", str(VEHICLE), "--clock", "wall", "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path)},
    ) as vehicle:
        try:
            assert vehicle.stderr is not None
            assert "CAN tools find" in vehicle.stderr.readline()
            pair = [terminal(80, 24), terminal(40, 12)]
            for monitor in pair:
                monitor.type(f"{MONITOR}; echo ended $?", "Enter")
            for monitor in pair:
                monitor.until("TorqueRequest")
        finally:
            vehicle.terminate()
            vehicle.wait(LIMIT_S)
    for monitor in pair:
        monitor.until("the vehicle has stopped")
        monitor.type("q")
        monitor.until("ended 0")


def test_a_monitor_that_is_terminated_leaves_the_terminal_as_it_was_and_no_process(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    monitor = terminal(80, 24)
    monitor.type(
        f"{MONITOR} {VEHICLE} & echo $! >pid; fg; stty -a | tr ';' '\\n' | grep -c ' echo '; echo ended $?", "Enter"
    )
    monitor.until("TorqueRequest")
    pid = int((tmp_path / "pid").read_text())
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert children
    os.kill(pid, 15)
    screen = monitor.until("ended 0")
    assert "1" in screen.split()
    assert "TorqueRequest" not in screen
    gone(children)


def gone(processes: list[int]) -> None:
    """Wait until these processes are no more."""
    deadline = time.monotonic() + LIMIT_S
    for process in processes:
        while Path(f"/proc/{process}").exists():
            assert time.monotonic() < deadline, f"process {process} is still there"
            time.sleep(0.1)


def test_a_terminal_that_is_closed_ends_the_monitor_and_its_vehicle(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    monitor = terminal(80, 24)
    monitor.type(f"sh -c 'echo $$ >pid; exec {MONITOR} {VEHICLE}'", "Enter")
    monitor.until("TorqueRequest")
    pid = int((tmp_path / "pid").read_text())
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert children

    monitor.close()

    gone([pid, *children])


def test_a_recording_with_its_databases_is_a_car_to_look_at_without_colours_too(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    drive(read_vehicle(VEHICLE), RunOptions(for_ns=SECOND * 3, trace=tmp_path / "drive.log"))
    monitor = terminal(132, 40, NO_COLOR="1")
    databases = f"--database powertrain={ROOT}/dbc/powertrain.dbc --database body={ROOT}/dbc/body.dbc"
    monitor.type(f"{MONITOR} drive.log {databases}; echo ended $?", "Enter")
    monitor.until("VehicleSpeed")
    monitor.type("f")
    monitor.until("find:")
    monitor.type("powertrain.VehicleSpeed", "Enter")
    monitor.until("Standstill             Yes (1)")
    assert "drive.log" in monitor.screen
    assert all(len(set(code.split(";")[2:])) <= 1 for code in colours(monitor)), "more than shades of grey"
    monitor.type("q")
    monitor.until("ended 0")


def test_a_recording_is_shown_on_the_vehicle_that_lies_there(
    terminal: Callable[..., Terminal], tmp_path: Path, failing: Path
) -> None:
    drive(read_vehicle(VEHICLE), RunOptions(for_ns=SECOND * 3, trace=tmp_path / "drive.pcapng"))
    monitor = terminal()
    monitor.type(f"{MONITOR} drive.pcapng; echo ended $?", "Enter")
    monitor.until("VehicleSpeed")
    monitor.type("5")
    monitor.until(lambda screen: "ESP" in screen and "recorded" in screen and "rest bus" in screen)
    monitor.type("4")
    monitor.until("chassis.WheelSpeeds")
    monitor.type("q")
    monitor.until("ended 0")


def colours(monitor: Terminal) -> list[str]:
    """The colours on the screen, as escape sequences have them."""
    codes = [part.split("m")[0] for part in monitor.with_colours.split("\x1b[")[1:]]
    return [code for code in codes if code.startswith(("38;2", "48;2"))]


def test_a_target_that_cannot_be_is_a_sentence(terminal: Callable[..., Terminal]) -> None:
    monitor = terminal(150, 40)
    for number, (words, sentence) in enumerate(
        [
            ("nowhere.yaml", "nowhere.yaml: there is no such file"),
            ("missing/drive.log", "missing/drive.log: there is no such file"),
            (f"{VEHICLE} --database x.dbc", "a vehicle has databases of its own"),
            ("novcan7", "novcan7"),
            (f"{VEHICLE} --vehicle {VEHICLE}", "--vehicle goes with a recording"),
        ]
    ):
        monitor.type(f"clear; {MONITOR} {words}; echo $?-ended-{number}", "Enter")
        screen = monitor.until(f"2-ended-{number}")
        assert sentence in screen
        assert "Traceback" not in screen
    monitor.type(f"clear; TERM=dumb {MONITOR}; echo $?-ended-dumb", "Enter")
    assert "this terminal (TERM=dumb) cannot be drawn on" in " ".join(monitor.until("2-ended-dumb").split())


def test_without_a_terminal_it_is_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "monitor"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gateway: a monitor needs a terminal; for lines there are `gateway run`")
