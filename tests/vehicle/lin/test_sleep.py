"""Sleep and wake-up from both sides."""

import pytest
from lin_bench import MS, SECOND, SLOT, LinBench

from gateway.can import BusEventKind
from gateway.lin import LinError


def asleep() -> LinBench:
    bench = LinBench()
    bench.kernel.at(SECOND, bench.bus.commander.go_to_sleep)
    bench.run(2 * SECOND)
    assert bench.bus.sleeping.asleep
    return bench


def test_the_command_goes_out_in_the_next_slot_and_then_nothing():
    bench = asleep()

    last = bench.seen[-1]
    assert (last.frame_id, last.data) == (0x3C, b"\x00" + b"\xff" * 7)
    assert last.start_ns == SECOND
    assert bench.told == {BusEventKind.SLEEP: 1}


def test_a_responder_wakes_the_bus_up():
    bench = asleep()
    bench.kernel.at(3 * SECOND, bench.nodes["Left"].wake_up)

    bench.run(4 * SECOND)

    first = next(each for each in bench.seen if each.start_ns > 2 * SECOND)
    assert first.start_ns == 3 * SECOND + 500_000 + 100 * MS
    assert first.frame_id == 0x01
    assert bench.texts(BusEventKind.WAKE_UP) == ["Left: pulse 1 of 500 us"]


def test_the_commander_wakes_it_up():
    bench = asleep()
    bench.kernel.at(3 * SECOND, bench.bus.commander.wake_up)

    bench.run(4 * SECOND)

    assert bench.after(3 * SECOND)[:3] == [1, 2, 3]
    assert bench.bus.errors == 0


def test_while_the_commander_is_off_the_pulse_is_repeated_three_times_then_after_a_pause():
    bench = asleep()
    bench.nodes["CEM"].switch_off()
    bench.kernel.at(3 * SECOND, bench.nodes["Left"].wake_up)

    bench.run(5 * SECOND)

    times = [event.time_ns - 3 * SECOND for event in bench.bus.events if event.kind is BusEventKind.WAKE_UP]
    pulse, pause = 500_000 + 150 * MS, 500_000 + 1500 * MS
    assert times[:4] == [0, pulse, 2 * pulse, 2 * pulse + pause]


def test_a_bus_that_is_awake_is_not_woken_up():
    bench = LinBench()
    bench.kernel.at(SECOND, bench.nodes["Left"].wake_up)

    bench.run(2 * SECOND)

    assert bench.told == {}


@pytest.mark.parametrize("pulse_ns", [249_999, 5_000_001])
def test_a_pulse_that_lin_does_not_have_is_refused(pulse_ns):
    with pytest.raises(LinError, match="250 us to 5 ms"):
        LinBench().nodes["Left"].wake_up(pulse_ns)


def test_nodes_hear_of_it():
    bench = LinBench()
    heard: list[tuple[int, bool]] = []
    bench.bus.sleeping.listeners.append(lambda asleep: heard.append((bench.kernel.now, asleep)))
    bench.kernel.at(5 * SLOT, bench.bus.commander.go_to_sleep)
    bench.kernel.at(SECOND, bench.nodes["Right"].wake_up)

    bench.run(2 * SECOND)

    assert [state for _, state in heard] == [True, False]
    assert heard[1][0] == SECOND


def test_a_schedule_that_is_chosen_while_asleep_runs_after_the_wake_up():
    bench = asleep()
    bench.bus.commander.schedule("States")
    bench.kernel.at(3 * SECOND, bench.nodes["Left"].wake_up)

    bench.run(4 * SECOND)

    assert bench.after(2 * SECOND)[:4] == [2, 3, 2, 3]
