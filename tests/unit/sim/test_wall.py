"""asyncio and the kernel in wall time. Nothing here depends on how long it takes, only on the order."""

import asyncio
import socket
import time
import traceback

import pytest

from gateway.sim import Clock, Kernel, SimulationLoop, WallPace, run

MS = 1_000_000


def pace() -> WallPace:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    assert isinstance(loop.pace, WallPace)
    return loop.pace


def stall(ms: int) -> None:
    """What a busy machine does to a process."""
    until = time.monotonic_ns() + ms * MS
    while time.monotonic_ns() < until:
        pass


def test_no_event_and_no_timer_comes_before_its_time() -> None:
    kernel = Kernel()
    early: list[tuple[int, int]] = []
    seen: list[int] = []

    async def main() -> None:
        clock = pace()
        done = asyncio.Event()

        def event(due: int) -> None:
            seen.append(due)
            if clock.time_ns() < due or kernel.now != due:
                early.append((clock.time_ns(), due))

        now = clock.time_ns()
        times = [now + step * 700_001 for step in range(1, 30)]
        for due in times:
            kernel.at(due, lambda due=due: event(due))
        kernel.at(times[-1], done.set)
        await done.wait()
        # The loop's time, which on a busy machine may be behind the wall's and catching up.
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(0.002)
        assert asyncio.get_running_loop().time() - before >= 0.002 - 1e-9
        assert seen == times

    run(main(), kernel, Clock.WALL)
    assert early == []


def test_the_kernels_time_starts_where_it_stands_and_follows_the_wall() -> None:
    kernel = Kernel()
    kernel.run(10**12)

    async def main() -> None:
        wall = time.monotonic_ns()
        begin = pace().time_ns()
        await asyncio.sleep(0.005)
        assert begin >= 10**12
        assert kernel.now <= pace().time_ns()
        assert pace().time_ns() - begin <= time.monotonic_ns() - wall

    run(main(), kernel, Clock.WALL)
    assert kernel.now >= 10**12 + 5 * MS


def test_the_longest_wait_of_an_event_is_known() -> None:
    kernel = Kernel()

    async def main() -> int:
        clock = pace()
        done = asyncio.Event()

        def slow() -> None:
            kernel.at(clock.time_ns() + MS, done.set)
            stall(20)

        kernel.at(clock.time_ns() + 2 * MS, slow)
        await done.wait()
        return clock.latest_ns

    # The second event was due 1 ms into the 20 ms of the first.
    assert run(main(), kernel, Clock.WALL) >= 19 * MS


def test_tasks_that_are_always_ready_do_not_keep_events_from_their_time() -> None:
    kernel = Kernel()
    seen: list[str] = []

    async def main() -> None:
        kernel.at(pace().time_ns() + MS, lambda: seen.append("event"))
        deadline = time.monotonic_ns() + 5_000 * MS
        while not seen and time.monotonic_ns() < deadline:  # noqa: ASYNC110 - being always ready is the point
            await asyncio.sleep(0)

    run(main(), kernel, Clock.WALL)
    assert seen == ["event"]


def test_a_thread_and_the_kernel_go_on_side_by_side() -> None:
    kernel = Kernel()

    async def main() -> int:
        beats = 0
        enough = asyncio.Event()

        def beat() -> None:
            nonlocal beats
            beats += 1
            if beats == 5:
                enough.set()
            kernel.after(MS, beat)

        kernel.at(pace().time_ns(), beat)
        answer = asyncio.create_task(asyncio.to_thread(lambda: 42))
        await enough.wait()
        return await answer

    assert run(main(), kernel, Clock.WALL) == 42


def test_an_error_in_an_event_comes_out_of_run_with_its_own_traceback() -> None:
    kernel = Kernel()

    def broken_receiver() -> None:
        raise LookupError("no such signal")

    kernel.at(MS, broken_receiver)
    with pytest.raises(LookupError, match="no such signal") as raised:
        run(asyncio.sleep(3600), kernel, Clock.WALL)
    assert "broken_receiver" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]


def test_what_is_sent_to_a_socket_is_heard_soon_after_in_the_kernels_time_although_it_is_late() -> None:
    kernel = Kernel()
    sent: list[int] = []
    heard: list[int] = []
    one, other = socket.socketpair()
    one.setblocking(False)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def hear() -> None:
            heard.extend(kernel.now for _ in one.recv(100))
            if len(heard) == 100:
                done.set()

        def send() -> None:
            sent.append(kernel.now)
            other.send(b".")

        loop.add_reader(one, hear)
        start = pace().time_ns()
        kernel.at(start, lambda: stall(150))
        for step in range(1, 101):
            kernel.at(start + step * MS, send)
        await done.wait()
        loop.remove_reader(one)

    with one, other:
        run(main(), kernel, Clock.WALL)
    assert max(then - now for now, then in zip(sent, heard, strict=True)) <= 30 * MS


def test_what_a_socket_has_got_is_heard_before_a_late_kernel_goes_on() -> None:
    kernel = Kernel()
    order: list[str] = []
    one, other = socket.socketpair()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        loop.add_reader(one, lambda: (order.append(one.recv(1).decode()), loop.remove_reader(one)))
        start = pace().time_ns()
        kernel.at(start, lambda: (other.send(b"h"), stall(60)))
        kernel.at(start + 50 * MS, lambda: (order.append("timer"), done.set()))
        await done.wait()

    with one, other:
        run(main(), kernel, Clock.WALL)
    assert order == ["h", "timer"]


def test_a_socket_that_a_library_closed_under_the_loop_does_not_end_the_run() -> None:
    """As MQTT clients do when TLS is refused: the loop still waits for what is no longer open."""

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        gone, other = socket.socketpair()
        here, there = socket.socketpair()
        heard = asyncio.Event()
        loop.add_reader(gone, lambda: None)
        loop.add_reader(here, heard.set)
        gone.close()
        there.send(b"x")
        await asyncio.wait_for(heard.wait(), 60)
        loop.remove_reader(here)
        for each in (other, here, there):
            each.close()
        return heard.is_set()

    assert run(main(), Kernel(), Clock.WALL)
