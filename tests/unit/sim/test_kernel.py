"""Events in the order of their time, and timers."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sim import FOREVER, Kernel, Timer

times = st.integers(0, 50)


@given(st.lists(times))
def test_events_run_by_time_and_then_in_the_order_of_their_scheduling(due: list[int]) -> None:
    kernel = Kernel()
    seen: list[tuple[int, int]] = []
    for number, time_ns in enumerate(due):
        kernel.at(time_ns, lambda number=number: seen.append((kernel.now, number)))
    assert kernel.run(50) is False
    assert seen == sorted((time_ns, number) for number, time_ns in enumerate(due))
    assert (kernel.now, kernel.events, kernel.next) == (50, len(due), None)


def test_the_limit_is_included_and_what_is_later_waits() -> None:
    kernel = Kernel()
    seen: list[int] = []
    for time_ns in (9, 10, 11):
        kernel.at(time_ns, lambda time_ns=time_ns: seen.append(time_ns))
    kernel.run(10)
    assert seen == [9, 10]
    assert (kernel.now, kernel.next) == (10, 11)


def test_a_time_that_has_passed_means_now_and_before_what_was_due_now() -> None:
    kernel = Kernel()
    seen: list[tuple[str, int]] = []
    kernel.run(100)
    kernel.at(100, lambda: seen.append(("due", kernel.now)))
    kernel.at(40, lambda: seen.append(("late", kernel.now)))
    kernel.run(100)
    assert seen == [("late", 100), ("due", 100)]


def test_what_a_callback_schedules_for_now_runs_in_the_same_run() -> None:
    kernel = Kernel()
    seen: list[int] = []
    kernel.at(5, lambda: kernel.after(0, lambda: kernel.after(2, lambda: seen.append(kernel.now))))
    kernel.run(7)
    assert seen == [7]


def test_a_run_stops_after_the_event_that_puts_something_there() -> None:
    kernel = Kernel()
    ready: list[int] = []
    kernel.at(1, lambda: None)
    kernel.at(2, lambda: ready.append(2))
    kernel.at(2, lambda: ready.append(3))
    assert kernel.run(10, ready) is True
    assert (ready, kernel.now, kernel.events) == ([2], 2, 2)
    ready.clear()
    assert kernel.run(10, ready) is True
    assert (ready, kernel.now) == ([3], 2)


def test_time_does_not_go_back() -> None:
    kernel = Kernel()
    kernel.run(10)
    kernel.run(5)
    assert kernel.now == 10


def test_running_for_ever_ends_at_the_last_event_and_not_in_146_years() -> None:
    kernel = Kernel()
    kernel.at(7, lambda: None)
    assert kernel.run(FOREVER) is False
    assert kernel.now == 7


def test_an_event_that_raises_is_done_and_the_rest_can_go_on() -> None:
    kernel = Kernel()
    seen: list[int] = []
    kernel.at(1, lambda: 1 // 0)
    kernel.at(2, lambda: seen.append(kernel.now))
    try:
        kernel.run(10)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("the error was swallowed")
    assert kernel.now == 1
    kernel.run(10)
    assert seen == [2]


# Timers


class Alarm:
    def __init__(self) -> None:
        self.kernel = Kernel()
        self.rings: list[int] = []
        self.timer = Timer(self.kernel, lambda: self.rings.append(self.kernel.now))


def test_a_timer_rings_once() -> None:
    alarm = Alarm()
    alarm.timer.set(10)
    assert alarm.timer.due == 10
    alarm.kernel.run(100)
    assert alarm.rings == [10]
    assert alarm.timer.due is None


def test_a_timer_moved_later_and_earlier_rings_at_its_last_time_only() -> None:
    for moves in ([10, 20], [20, 10], [10, 20, 5], [10, 5, 20], [5, 10, 20, 15]):
        alarm = Alarm()
        for time_ns in moves:
            alarm.timer.set(time_ns)
        alarm.kernel.run(100)
        assert alarm.rings == [moves[-1]], moves


def test_moving_a_timer_later_costs_no_event_each_time() -> None:
    alarm = Alarm()
    for time_ns in range(10, 1000):
        alarm.timer.set(time_ns)
    alarm.kernel.run(2000)
    assert alarm.rings == [999]
    assert alarm.kernel.events == 2


def test_a_cancelled_timer_is_silent_and_can_be_set_again() -> None:
    alarm = Alarm()
    alarm.timer.set(10)
    alarm.timer.cancel()
    alarm.kernel.run(5)
    assert alarm.timer.due is None
    alarm.timer.set(10)
    alarm.kernel.run(100)
    assert alarm.rings == [10]


def test_a_timer_set_in_its_own_callback_rings_again() -> None:
    kernel = Kernel()
    rings: list[int] = []

    def ring() -> None:
        rings.append(kernel.now)
        if len(rings) < 4:
            timer.set(kernel.now + (0 if len(rings) == 2 else 10))

    timer = Timer(kernel, ring)
    timer.set(10)
    kernel.run(100)
    assert rings == [10, 20, 20, 30]


def test_a_timer_set_to_a_time_that_has_passed_rings_now() -> None:
    alarm = Alarm()
    alarm.kernel.run(50)
    alarm.timer.set(10)
    alarm.kernel.run(50)
    assert alarm.rings == [50]


steps = st.lists(st.tuples(st.sampled_from(["set", "cancel", "run"]), st.integers(0, 30)), max_size=25)


@given(steps)
def test_a_timer_does_what_its_plain_description_says(moves: list[tuple[str, int]]) -> None:
    """The description: one due time or none; when time reaches it, it rings once, at that time or at once."""
    alarm = Alarm()
    due: int | None = None
    expected: list[int] = []
    for what, amount in moves:
        now = alarm.kernel.now
        if what == "set":
            due = now + amount - 5
            alarm.timer.set(due)
        elif what == "cancel":
            due = None
            alarm.timer.cancel()
        else:
            alarm.kernel.run(now + amount)
            if due is not None and due <= now + amount:
                expected.append(max(due, now))
                due = None
        assert alarm.rings == expected
        assert alarm.timer.due == due
