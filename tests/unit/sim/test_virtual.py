"""asyncio in virtual time."""

import asyncio
import socket
import threading
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sim import Clock, DeadlockError, Kernel, SimulationLoop, run

S = 1_000_000_000
HOUR = 3600 * S


def virtual(main, kernel: Kernel | None = None):
    return run(main, kernel or Kernel(), Clock.VIRTUAL)


def test_an_hour_of_sleep_takes_one_event() -> None:
    kernel = Kernel()
    virtual(asyncio.sleep(3600), kernel)
    assert kernel.now == HOUR
    assert kernel.events == 0


def test_half_a_year_of_sleep_passes_too() -> None:
    # Seconds in a float are then coarser than a nanosecond.
    kernel = Kernel()
    virtual(asyncio.sleep(20_000_000), kernel)
    assert kernel.now == 20_000_000 * S


def test_the_result_and_the_error_of_main_come_out() -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise LookupError("as it is")

    assert virtual(asyncio.sleep(1, "done")) == "done"
    with pytest.raises(LookupError, match="as it is"):
        virtual(fails())


@given(st.lists(st.integers(0, 10**13), max_size=20))
def test_sleep_until_is_exact_to_the_nanosecond(times: list[int]) -> None:
    kernel = Kernel()
    seen: list[tuple[int, int]] = []

    async def wait(time_ns: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        await loop.sleep_until(time_ns)
        seen.append((time_ns, kernel.now))

    async def main() -> None:
        await asyncio.gather(*map(wait, times))

    virtual(main(), kernel)
    assert seen == [(time_ns, time_ns) for time_ns in sorted(times)]


@given(st.lists(st.integers(0, 10**7), max_size=20))
def test_sleep_in_microseconds_is_exact(delays: list[int]) -> None:
    kernel = Kernel()

    async def main() -> None:
        for delay in delays:
            await asyncio.sleep(delay / 1_000_000)

    virtual(main(), kernel)
    assert abs(kernel.now - sum(delays) * 1000) <= len(delays)


def test_a_timeout_ends_a_wait_in_its_time() -> None:
    kernel = Kernel()

    async def main() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        assert kernel.now == 5 * S
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 2)
        return await asyncio.wait_for(asyncio.sleep(1, "in time"), 2)

    assert virtual(main(), kernel) == "in time"
    assert kernel.now == 8 * S


def test_an_event_at_the_time_of_a_timeout_and_the_timeout_are_both_seen() -> None:
    kernel = Kernel()
    seen: list[str] = []

    async def main() -> None:
        kernel.at(5 * S, lambda: seen.append("event"))
        asyncio.get_running_loop().call_later(5, seen.append, "timer")
        await asyncio.sleep(6)

    virtual(main(), kernel)
    assert sorted(seen) == ["event", "timer"]


def test_queues_hand_over_without_time_passing() -> None:
    kernel = Kernel()
    got: list[tuple[int, int]] = []

    async def consume(queue: asyncio.Queue[int]) -> None:
        while (number := await queue.get()) >= 0:
            got.append((kernel.now, number))

    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consume(queue))
            for number in range(5):
                await asyncio.sleep(0.001)
                await queue.put(number)
            await queue.put(-1)

    virtual(main(), kernel)
    assert got == [((number + 1) * 1_000_000, number) for number in range(5)]


def test_kernel_events_wake_tasks_at_their_time_and_in_their_order() -> None:
    kernel = Kernel()
    woken: list[tuple[str, int]] = []

    async def wait(name: str, event: asyncio.Event) -> None:
        await event.wait()
        woken.append((name, kernel.now))

    async def main() -> None:
        events = [asyncio.Event() for _ in range(4)]
        for event, time_ns in zip(events, (30, 10, 20, 10), strict=True):
            kernel.at(time_ns, event.set)
        await asyncio.gather(*(wait(name, event) for name, event in zip("abcd", events, strict=True)))

    virtual(main(), kernel)
    assert woken == [("b", 10), ("d", 10), ("c", 20), ("a", 30)]


def test_a_task_runs_before_the_next_event_of_the_same_time() -> None:
    kernel = Kernel()
    seen: list[str] = []

    async def main() -> None:
        first = asyncio.Event()
        kernel.at(10, first.set)
        kernel.at(10, lambda: seen.append("second event"))
        await first.wait()
        seen.append("task")
        await asyncio.sleep(1)

    virtual(main(), kernel)
    assert seen == ["task", "second event"]


def test_two_runs_are_the_same() -> None:
    def once() -> list[tuple[int, str]]:
        kernel = Kernel()
        seen: list[tuple[int, str]] = []

        async def beat(name: str, period: float) -> None:
            while kernel.now < S:
                await asyncio.sleep(period)
                seen.append((kernel.now, name))

        async def main() -> None:
            await asyncio.gather(*(beat(name, period) for name, period in (("a", 0.01), ("b", 0.005), ("c", 0.01))))

        virtual(main(), kernel)
        return seen

    assert once() == once()


def test_a_second_run_goes_on_where_the_first_ended() -> None:
    kernel = Kernel()
    virtual(asyncio.sleep(1), kernel)
    virtual(asyncio.sleep(1), kernel)
    assert kernel.now == 2 * S


# Nothing will ever happen


def test_a_deadlock_names_the_waiting_tasks_and_where_they_wait() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        one = asyncio.create_task(waits_for_ever(), name="gateway route 7")
        await one

    with pytest.raises(DeadlockError) as raised:
        virtual(main())
    sentence = str(raised.value)
    assert sentence.startswith("nothing is scheduled, so these tasks would wait for ever: ")
    assert "gateway route 7 at " in sentence
    assert f"{__file__}:" in sentence
    assert raised.value.exit_code == 1


def test_a_deadlock_after_the_last_event_is_seen_at_that_time() -> None:
    kernel = Kernel()
    cleaned: list[float] = []

    async def main() -> None:
        kernel.at(7, lambda: None)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            cleaned.append(asyncio.get_running_loop().time())

    with pytest.raises(DeadlockError):
        virtual(main(), kernel)
    assert cleaned == [1.000000007]
    assert kernel.now == S + 7


# What fails in the kernel


def test_an_error_in_an_event_comes_out_of_run_with_its_own_traceback() -> None:
    kernel = Kernel()
    ended: list[str] = []

    def broken_receiver() -> None:
        raise LookupError("no such signal")

    async def background() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("background")

    async def main() -> None:
        task = asyncio.create_task(background())
        kernel.at(5, broken_receiver)
        try:
            await task
        finally:
            ended.append("main")

    with pytest.raises(LookupError, match="no such signal") as raised:
        virtual(main(), kernel)
    assert "broken_receiver" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert ended == ["background", "main"]
    assert kernel.now == 5
    assert virtual(asyncio.sleep(0, "the kernel can go on"), kernel) == "the kernel can go on"


# Threads and sockets: the world outside does not follow virtual time


def test_work_in_a_thread_takes_no_virtual_time() -> None:
    kernel = Kernel()
    seen: list[int] = []

    def beat() -> None:
        seen.append(kernel.now)
        kernel.after(1_000_000, beat)

    def work() -> int:
        for _ in range(1000):
            threading.Event().wait(0.00001)
        return 42

    async def main() -> int:
        kernel.at(0, beat)
        await asyncio.sleep(0.0015)
        result = await asyncio.wait_for(asyncio.to_thread(work), 5)
        assert kernel.now == 1_500_000
        await asyncio.sleep(0.001)
        return result

    assert virtual(main(), kernel) == 42
    assert seen == [0, 1_000_000, 2_000_000]


def test_a_thread_ends_where_nothing_else_is_scheduled() -> None:
    release = threading.Event()

    async def main() -> str:
        work = asyncio.create_task(asyncio.to_thread(release.wait))
        await asyncio.sleep(0)
        thread = threading.Thread(target=release.set)
        thread.start()
        await work
        thread.join()
        return "done"

    assert virtual(main()) == "done"


def test_a_failing_thread_fails_its_waiter() -> None:
    async def main() -> None:
        await asyncio.to_thread(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        virtual(main())


def test_a_socket_can_wake_the_loop_where_nothing_is_scheduled() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)

        async def main() -> bytes:
            loop = asyncio.get_running_loop()
            thread = threading.Thread(target=far.sendall, args=(b"frame",))
            receiving = asyncio.ensure_future(loop.sock_recv(near, 16))
            await asyncio.sleep(0)
            thread.start()
            try:
                return await receiving
            finally:
                thread.join()

        assert virtual(main()) == b"frame"
