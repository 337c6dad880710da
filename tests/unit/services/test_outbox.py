"""What waits for a receiver is bounded by the number of signals, whatever the receiver does."""

from __future__ import annotations

from gateway.routing import Quality, SignalStore, VssSignal
from gateway.services.outbox import Outbox
from gateway.services.policy import EventPolicy
from gateway.sim import Kernel

MS = 1_000_000


def outbox(kernel: Kernel, *signals: VssSignal, policy: EventPolicy = EventPolicy()) -> Outbox:  # noqa: B008
    return Outbox(kernel, signals, lambda path: policy)


def taken(box: Outbox) -> list[object]:
    found = []
    while (signal := box.take()) is not None:
        found.append(signal.datapoint.value)
    return found


def test_a_slow_receiver_costs_a_place_for_each_signal_and_gets_the_newest_values() -> None:
    kernel = Kernel()
    store = SignalStore(kernel)
    speed, gear = store.declare("Speed"), store.declare("Gear")
    slow, quick = outbox(kernel, speed, gear), outbox(kernel, speed, gear)
    got: list[object] = []
    quick.on_ready = lambda: got.extend(taken(quick))
    for number in range(1000):
        speed.publish(number)
        gear.publish(number % 2)
    assert len(slow) == 2
    assert taken(slow) == [999, 1]
    assert slow.overwritten == 1998
    assert got[-2:] == [999, 1]
    assert quick.overwritten == 0
    assert quick.taken == 2000


def test_the_receiver_is_called_once_for_all_that_waits() -> None:
    kernel = Kernel()
    store = SignalStore(kernel)
    signals = [store.declare(f"S{number}") for number in range(3)]
    box = outbox(kernel, *signals)
    calls: list[int] = []
    box.on_ready = lambda: calls.append(len(box))
    for signal in signals:
        signal.publish(1)
    assert calls == [1]
    taken(box)
    signals[0].publish(2)
    assert calls == [1, 1]


def test_a_receiver_that_is_new_gets_everything_that_has_a_value() -> None:
    kernel = Kernel()
    store = SignalStore(kernel)
    speed, gear = store.declare("Speed"), store.declare("Gear")
    speed.publish(5)
    box = outbox(kernel, speed, gear)
    assert taken(box) == [5]
    box.again()
    assert taken(box) == [5]


def test_values_are_told_again_in_the_kernels_time_and_not_once_they_are_stale() -> None:
    kernel = Kernel()
    signal = SignalStore(kernel).declare("Speed", timeout_ns=25 * MS)
    box = outbox(kernel, signal, policy=EventPolicy(cycle_ns=10 * MS))
    told: list[tuple[int, Quality]] = []

    def note() -> None:
        while (one := box.take()) is not None:
            told.append((kernel.now // MS, one.datapoint.quality))

    box.on_ready = note
    signal.publish(1)
    kernel.run(100 * MS)
    assert told == [(0, Quality.GOOD), (10, Quality.GOOD), (20, Quality.GOOD), (25, Quality.STALE)]


def test_a_closed_outbox_hears_nothing() -> None:
    kernel = Kernel()
    signal = SignalStore(kernel).declare("Speed")
    box = outbox(kernel, signal, policy=EventPolicy(cycle_ns=MS))
    signal.publish(1)
    box.close()
    signal.publish(2)
    kernel.run(10 * MS)
    assert box.take() is None
