"""python-can's own programs on a simulated bus: viewer, player and bridge (its logger is with the plugin's tests)."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from contextlib import ExitStack
from pathlib import Path

import can
import pytest
from child import Child

from gateway.can import Frame

LIMIT_S = 60.0
_DRAWN = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])")
"""What moves a terminal's cursor and colours its text."""


@pytest.fixture
def served(simulation) -> None:
    simulation.serve()


def program(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", f"can.{name}", *arguments]


class Screen:
    """A terminal of 24 lines, and what a program has drawn on it."""

    def __init__(self, opened: ExitStack) -> None:
        self.terminal, self.inside = pty.openpty()
        opened.callback(os.close, self.terminal)
        termios.tcsetwinsize(self.inside, (24, 100))
        self.drawn = b""

    def shows(self, *texts: bytes) -> bool:
        """Wait until all of them are there, in this order."""
        pattern = re.compile(rb".*?".join(re.escape(text) for text in texts), re.DOTALL)
        while pattern.search(_DRAWN.sub(b" ", self.drawn)) is None:
            if not select.select([self.terminal], [], [], LIMIT_S)[0]:
                return False
            self.drawn += os.read(self.terminal, 4096)
        return True


def test_can_viewer_shows_what_is_on_the_bus(served: None) -> None:
    command = program("viewer", "-i", "gateway", "-c", "powertrain")
    with ExitStack() as opened:
        screen = Screen(opened)
        viewer = opened.enter_context(
            Child(command, stdin=screen.inside, stdout=screen.inside, stderr=screen.inside, env=_at_a_terminal())
        )
        os.close(screen.inside)
        sender = opened.enter_context(can.Bus(interface="gateway", channel="powertrain"))
        sender.send_periodic(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\xde\xad"), 0.02)
        assert screen.shows(b"0x123", b"2", b"DE", b"AD"), screen.drawn
        os.write(screen.terminal, b"q")
        assert viewer.wait(LIMIT_S) == 0


def _at_a_terminal() -> dict[str, str]:
    return os.environ | {"TERM": "xterm"}


def test_can_player_plays_a_log_onto_the_bus(simulation, served: None, tmp_path: Path) -> None:
    log = tmp_path / "drive.asc"
    with can.Logger(log) as logger:
        for number in range(20):
            logger(can.Message(0.001 * number, 0x100 + number, is_extended_id=False, data=bytes([number])))
    command = program("player", "-i", "gateway", "-c", "powertrain", str(log))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
    heard = [simulation.next_heard() for _ in range(20)]
    assert heard == [("powertrain", Frame(0x100 + number, bytes([number]))) for number in range(20)]


def test_can_bridge_carries_frames_between_two_simulated_buses(simulation, served: None) -> None:
    ends = [f"--bus1-{what}" for what in ("interface=gateway", "channel=powertrain")]
    ends += [f"--bus2-{what}" for what in ("interface=gateway", "channel=chassis")]
    with Child(program("bridge", *ends), stdout=subprocess.PIPE, text=True) as bridge:
        assert bridge.stdout is not None
        assert "CAN Bridge (Started" in bridge.stdout.readline()
        for bus, other, identifier in (("powertrain", "chassis", 0x101), ("chassis", "powertrain", 0x202)):
            simulation.ecu_sends(bus, Frame(identifier, b"\1\2"))
            assert simulation.next_heard() == (other, Frame(identifier, b"\1\2"))
        bridge.send_signal(signal.SIGINT)
        assert bridge.wait(LIMIT_S) == 0


def test_a_cyclic_message_can_be_changed_by_a_callback_and_all_be_stopped_by_the_bus(simulation, served: None) -> None:
    def count(message: can.Message) -> None:
        message.data[0] += 1

    with can.Bus(interface="gateway", channel="powertrain") as bus:
        counted = can.Message(arbitration_id=0x100, is_extended_id=False, data=[0])
        task = bus.send_periodic(counted, 0.005, modifier_callback=count, autostart=False)
        assert simulation.heard.empty()
        task.start()
        values = [simulation.next_heard()[1].data[0] for _ in range(4)]
        assert values == list(range(values[0], values[0] + 4))
        bus.stop_all_periodic_tasks()
        task.thread.join(LIMIT_S)
        assert not task.thread.is_alive()


def test_a_notifier_takes_listeners_while_it_runs_and_leaves_those_that_are_removed(simulation, served: None) -> None:
    heard: list[int] = []
    both = threading.Event()

    def listen(message: can.Message) -> None:
        heard.append(message.arbitration_id)
        both.set()

    with (
        can.Bus(interface="gateway", channel="powertrain") as bus,
        can.Bus(interface="gateway", channel="chassis", fd=True) as other,
        can.Notifier([bus, other], []) as notifier,
    ):
        notifier.add_listener(listen)
        for identifier, channel in ((0x11, "powertrain"), (0x12, "chassis")):
            both.clear()
            simulation.ecu_sends(channel, Frame(identifier, b""))
            assert both.wait(LIMIT_S)
        notifier.remove_listener(listen)
        last = can.BufferedReader()
        notifier.add_listener(last)
        simulation.ecu_sends("powertrain", Frame(0x13, b""))
        message = last.get_message(LIMIT_S)
        assert message is not None and message.arbitration_id == 0x13
    assert heard == [0x11, 0x12]
