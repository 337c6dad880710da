"""Ctrl-C in a run that would go on for ever: it ends, and its tasks clean up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIMIT_S = 60
"""Only so that a failure does not hang; nothing waits for it."""

PROGRAM = """
import asyncio
from gateway.sim import Clock, Kernel, run

kernel = Kernel()

def beat():
    kernel.after({beat_ns}, beat)

async def background():
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.001)
        print("background has cleaned up", flush=True)

async def main():
    task = asyncio.create_task(background())
    kernel.after(1, lambda: print("running", flush=True))
    beat()
    try:
        await asyncio.Event().wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        print("main has cleaned up", flush=True)

run(main(), kernel, Clock.{clock})
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("clock", ["VIRTUAL", "WALL"])
def test_an_interrupt_ends_the_run_and_tasks_clean_up(clock: str, number: signal.Signals) -> None:
    program = PROGRAM.format(clock=clock, beat_ns=1_000)
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=-1, stderr=-1, text=True)
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "running\n"
            child.send_signal(number)
            out, err = child.communicate(timeout=LIMIT_S)
        finally:
            child.kill()
    assert out == "background has cleaned up\nmain has cleaned up\n"
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode == -signal.SIGINT


@pytest.mark.parametrize("clock", ["VIRTUAL", "WALL"])
def test_sigterm_ends_a_background_command_too_whose_shell_has_it_ignore_ctrl_c(clock: str) -> None:
    program = PROGRAM.format(clock=clock, beat_ns=1_000)
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", program]
    child = subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True)
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "running\n"
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=LIMIT_S)
        finally:
            child.kill()
    assert out == "background has cleaned up\nmain has cleaned up\n"
    assert err.rstrip().endswith("KeyboardInterrupt")
