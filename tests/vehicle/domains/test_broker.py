"""The broker: what applications may ask of signals, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domains import Code, DomainError
from gateway.domains.sdv import EVERYTHING, Aspect, Broker, Sampling
from gateway.domains.sdv.broker import values_of
from gateway.domains.sdv.permissions import parse_scopes
from gateway.domains.sdv.provider import ROOM, Actuation
from gateway.routing import NotSentError, SignalStore, Value
from gateway.sim import Kernel

MS = 1_000_000
SPEED, LOCKED, TEMPERATURE = "Vehicle.Speed", "Vehicle.Cabin.IsLocked", "Vehicle.Cabin.Temperature"


def code_of(action: Callable[[], object]) -> Code:
    with pytest.raises(DomainError) as caught:
        action()
    assert caught.value.sentence
    return caught.value.code


def texts(broker: Broker, sampling: Sampling | None = None, *paths: str) -> Callable[[], list[dict[str, Value | None]]]:
    """A subscription's messages so far, as values by path."""
    subscription = broker.subscribe(values_of(broker.entry(path) for path in paths or (SPEED,)), EVERYTHING, sampling)

    def take() -> list[dict[str, Value | None]]:
        found = []
        while (message := subscription.take()) is not None:
            found.append({entry.path: datapoint.value for (entry, _), datapoint in message.items()})
        return found

    return take


# Finding


def test_an_unknown_path_is_told_with_the_nearest(broker: Broker) -> None:
    with pytest.raises(DomainError, match="did you mean 'Vehicle.Speed'") as caught:
        broker.entry("Vehicle.Sped")
    assert caught.value.code is Code.NOT_FOUND


def test_a_branch_is_told_with_a_signal_below_it(broker: Broker) -> None:
    with pytest.raises(DomainError) as caught:
        broker.entry("Vehicle.Cabin")
    told = "'Vehicle.Cabin' is a branch, not a signal: name one below it, like 'Vehicle.Cabin.IsLocked'"
    assert caught.value.sentence == told


@pytest.mark.parametrize(
    ("path", "code"),
    [("Vehicle.Cabin", Code.NOT_FOUND), ("", Code.INVALID_ARGUMENT), ("A" * 1001, Code.INVALID_ARGUMENT)],
)
def test_what_is_no_signal_has_a_code(broker: Broker, path: str, code: Code) -> None:
    assert code_of(lambda: broker.entry(path)) is code


def test_a_number_finds_what_its_path_finds(broker: Broker) -> None:
    for entry in broker.entries.values():
        assert broker.by_number(entry.number) is entry
    assert code_of(lambda: broker.by_number(0)) is Code.NOT_FOUND
    assert code_of(lambda: broker.by_number(10_000)) is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("root", "count"),
    [("", 8), ("Vehicle", 8), ("Vehicle.Cabin", 4), ("Vehicle.Cabin.*", 4), ("Vehicle.**", 8), (SPEED, 1)],
)
def test_a_branch_stands_for_all_below(broker: Broker, root: str, count: int) -> None:
    assert len(broker.below(root)) == count


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ("Vehicle.Cabinet", Code.NOT_FOUND),
        ("Vehicle..Cabin", Code.INVALID_ARGUMENT),
        ("Vehicle.Ca-bin", Code.INVALID_ARGUMENT),
    ],
)
def test_a_root_that_is_none_has_a_code(broker: Broker, root: str, code: Code) -> None:
    assert code_of(lambda: broker.below(root)) is code


# Values


def test_an_attribute_has_its_default_from_the_start(broker: Broker) -> None:
    assert broker.entry("Vehicle.Make").current() == "Own"
    assert broker.entry(SPEED).current() is None


def test_a_value_is_absent_within_its_timeout(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    signal = store.declare(SPEED, timeout_ns=30 * MS)
    signal.publish(42.0)
    assert broker.entry(SPEED).current() == 42.0
    kernel.run(29 * MS)
    assert broker.entry(SPEED).current() == 42.0
    kernel.run(31 * MS)
    assert broker.entry(SPEED).current() is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (TEMPERATURE, 30),
        (TEMPERATURE, "warm"),
        ("Vehicle.Cabin.Mode", "MANUAL"),
        ("Vehicle.Numbers", [1, 2]),
        ("Vehicle.Numbers", [1, 2, 70_000]),
        ("Vehicle.Numbers", 1),
        (SPEED, float("nan")),
    ],
)
def test_a_value_that_cannot_be_is_refused(broker: Broker, path: str, value: object) -> None:
    assert code_of(lambda: broker.publish(broker.entry(path), value, EVERYTHING)) is Code.INVALID_ARGUMENT
    assert broker.entry(path).current() is None


# Actuation


def test_nobody_drives_it(broker: Broker) -> None:
    entry = broker.entry(LOCKED)
    assert code_of(lambda: broker.actuate([(entry, True)], EVERYTHING)) is Code.UNAVAILABLE
    broker.set_target(entry, True, EVERYTHING)
    assert entry.current(Aspect.TARGET) is True and entry.current() is None


def test_a_sensor_can_only_be_read(broker: Broker) -> None:
    with pytest.raises(DomainError, match="is a sensor, no actuator") as caught:
        broker.actuate([(broker.entry(SPEED), 1.0)], EVERYTHING)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_the_vehicles_own_bus_drives_it(store: SignalStore, broker: Broker) -> None:
    wished: list[object] = []
    store[LOCKED].listen_target(lambda signal: wished.append(signal.target.value))
    broker.actuate([(broker.entry(LOCKED), True)], EVERYTHING)
    assert wished == [True]
    assert broker.entry(LOCKED).current() is None  # until the car has done it


def test_publishing_what_the_car_drives_asks_the_car(store: SignalStore, broker: Broker) -> None:
    wished: list[object] = []
    store[LOCKED].listen_target(lambda signal: wished.append(signal.target.value))
    broker.publish(broker.entry(LOCKED), True, EVERYTHING)
    assert wished == [True] and broker.entry(LOCKED).current() is None


def test_a_batch_is_done_whole_or_not_at_all(store: SignalStore, broker: Broker) -> None:
    wished: list[object] = []
    for path in (LOCKED, TEMPERATURE):
        store[path].listen_target(lambda signal: wished.append(signal.target.value))
    batch = [(broker.entry(LOCKED), True), (broker.entry(TEMPERATURE), 99)]
    assert code_of(lambda: broker.actuate(batch, EVERYTHING)) is Code.INVALID_ARGUMENT
    assert wished == []
    broker.actuate([(broker.entry(LOCKED), True), (broker.entry(TEMPERATURE), 20)], EVERYTHING)
    assert wished == [True, 20]


def test_a_dead_bus_is_unavailable(store: SignalStore, broker: Broker) -> None:
    def dead(_signal: object) -> None:
        raise NotSentError("body.RemoteLocks could not be sent: the controller is bus off")

    store[LOCKED].listen_target(dead)
    with pytest.raises(DomainError, match="bus off") as caught:
        broker.actuate([(broker.entry(LOCKED), True)], EVERYTHING)
    assert caught.value.code is Code.UNAVAILABLE


def test_scopes_count_for_each_call(store: SignalStore, broker: Broker) -> None:
    store[LOCKED].listen_target(lambda signal: None)
    reader = parse_scopes("read:Vehicle.Cabin")
    entry = broker.entry(LOCKED)
    assert code_of(lambda: broker.actuate([(entry, True)], reader)) is Code.PERMISSION_DENIED
    assert code_of(lambda: broker.publish(entry, True, reader)) is Code.PERMISSION_DENIED
    assert code_of(lambda: broker.subscribe(values_of([broker.entry(SPEED)]), reader)) is Code.PERMISSION_DENIED
    broker.subscribe(values_of([entry]), reader).close()


# Providers


def test_a_provider_gets_what_is_asked_of_its_actuator(broker: Broker) -> None:
    provider = broker.provider(EVERYTHING)
    entry = broker.entry(LOCKED)
    provider.claim_actuators([entry])
    broker.actuate([(entry, True)], EVERYTHING)
    broker.actuate([(entry, False)], EVERYTHING)
    assert provider.take() == [Actuation(entry, True), Actuation(entry, False)]
    assert provider.take() == []
    provider.close()
    assert code_of(lambda: broker.actuate([(entry, True)], EVERYTHING)) is Code.UNAVAILABLE


def test_an_actuator_has_one_provider(store: SignalStore, broker: Broker) -> None:
    first, second = broker.provider(EVERYTHING), broker.provider(EVERYTHING)
    first.claim_actuators([broker.entry(LOCKED)])
    both = [broker.entry(TEMPERATURE), broker.entry(LOCKED)]
    assert code_of(lambda: second.claim_actuators(both)) is Code.ALREADY_EXISTS
    assert broker.entry(TEMPERATURE).actuation_provider is None
    store[TEMPERATURE].listen_target(lambda signal: None)
    assert code_of(lambda: second.claim_actuators([broker.entry(TEMPERATURE)])) is Code.ALREADY_EXISTS


def test_who_watches_a_target_does_not_drive_it(broker: Broker) -> None:
    entry = broker.entry(LOCKED)
    watching = broker.subscribe([(entry, Aspect.TARGET)], EVERYTHING)
    assert code_of(lambda: broker.actuate([(entry, True)], EVERYTHING)) is Code.UNAVAILABLE
    watching.close()


def test_a_provider_that_does_not_take_is_unavailable(broker: Broker) -> None:
    provider = broker.provider(EVERYTHING)
    entry = broker.entry(TEMPERATURE)
    provider.claim_actuators([entry])
    for _ in range(ROOM):
        broker.actuate([(entry, 20)], EVERYTHING)
    assert code_of(lambda: broker.actuate([(entry, 20)], EVERYTHING)) is Code.UNAVAILABLE


def test_a_provider_publishes_what_it_may(broker: Broker) -> None:
    speed, make = broker.entry(SPEED), broker.entry("Vehicle.Make")
    provider = broker.provider(parse_scopes(f"provide:{SPEED}"))
    refused = provider.publish({speed.number: 12.0, make.number: "Other", 999: 1})
    assert speed.current() == 12.0 and make.current() == "Own"
    assert {number: error.code for number, error in refused.items()} == {
        make.number: Code.PERMISSION_DENIED,
        999: Code.NOT_FOUND,
    }


def test_a_signal_is_claimed_once(broker: Broker) -> None:
    first, second = broker.provider(EVERYTHING), broker.provider(EVERYTHING)
    first.claim_signals({broker.entry(SPEED): 100})
    assert code_of(lambda: second.claim_signals({broker.entry(SPEED): 100})) is Code.ALREADY_EXISTS
    first.close()
    second.claim_signals({broker.entry(SPEED): 100})


# Subscriptions


def test_the_first_message_has_everything(broker: Broker) -> None:
    take = texts(broker, None, SPEED, "Vehicle.Make")
    assert take() == [{SPEED: None, "Vehicle.Make": "Own"}]


def test_changes_of_one_time_are_one_message(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    take = texts(broker, Sampling(buffer=10), SPEED, LOCKED)
    take()
    kernel.run(MS)
    store[SPEED].publish(1.0)
    store[LOCKED].publish(True)
    kernel.run(2 * MS)
    store[SPEED].publish(2.0)
    assert take() == [{SPEED: 1.0, LOCKED: True}, {SPEED: 2.0}]


def test_readers_of_the_same_signals_share_messages(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    keys = values_of([broker.entry(SPEED), broker.entry(LOCKED)])
    quick, slow = (broker.subscribe(keys, EVERYTHING, Sampling(buffer=10)) for _ in range(2))
    quick.take(), slow.take()
    kernel.run(MS)
    store[SPEED].publish(1.0)
    kernel.run(2 * MS)
    store[LOCKED].publish(True)
    both = quick.take()
    assert both is not None and len(both) == 2
    assert slow.take() is both


def test_what_changes_after_a_reader_has_taken_is_another_message(
    kernel: Kernel, store: SignalStore, broker: Broker
) -> None:
    quick, slow = (texts(broker, Sampling(buffer=10), SPEED, LOCKED) for _ in range(2))
    quick(), slow()
    kernel.run(MS)
    store[SPEED].publish(1.0)
    assert quick() == [{SPEED: 1.0}]
    store[LOCKED].publish(True)
    assert quick() == [{LOCKED: True}]
    assert slow() == [{SPEED: 1.0, LOCKED: True}]


def test_without_readers_nothing_is_listened_to(store: SignalStore, broker: Broker) -> None:
    subscription = broker.subscribe(values_of([broker.entry(SPEED)]), EVERYTHING)
    subscription.close()
    again = texts(broker)
    again()
    store[SPEED].publish(4.0)
    assert again() == [{SPEED: 4.0}]
    assert subscription.waiting == 1


def test_a_slow_reader_loses_what_is_between_but_never_the_last(
    kernel: Kernel, store: SignalStore, broker: Broker
) -> None:
    take = texts(broker, Sampling(buffer=2), SPEED, LOCKED)
    take()
    store[LOCKED].publish(True)
    for step in range(1, 11):
        kernel.run(step * MS)
        store[SPEED].publish(float(step))
    assert take() == [{LOCKED: True, SPEED: 8.0}, {SPEED: 9.0}, {SPEED: 10.0}]


def test_without_a_buffer_only_the_latest_waits(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    subscription = broker.subscribe(values_of([broker.entry(SPEED)]), EVERYTHING)
    for step in range(1, 1001):
        kernel.run(step * MS)
        store[SPEED].publish(float(step))
    message = subscription.take()
    assert message is not None and subscription.take() is None
    assert [datapoint.value for datapoint in message.values()] == [1000.0]
    assert subscription.overwritten == 1000


def test_an_interval_lets_one_value_pass(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    take = texts(broker, Sampling(buffer=100, interval_ns=10 * MS))
    for step in range(1, 31):
        kernel.at(step * MS, lambda: store[SPEED].publish(kernel.now / MS))
    kernel.run(50 * MS)
    assert [message[SPEED] for message in take()] == [None, 10.0, 20.0, 30.0]


def test_a_duration_ends_it(kernel: Kernel, store: SignalStore, broker: Broker) -> None:
    subscription = broker.subscribe(values_of([broker.entry(SPEED)]), EVERYTHING, Sampling(duration_ns=10 * MS))
    kernel.run(11 * MS)
    assert subscription.closed


def test_a_closed_subscription_hears_nothing(store: SignalStore, broker: Broker) -> None:
    subscription = broker.subscribe(values_of([broker.entry(SPEED)]), EVERYTHING)
    subscription.take()
    subscription.close()
    subscription.close()
    store[SPEED].publish(1.0)
    assert subscription.take() is None


def test_what_is_subscribed_has_limits(broker: Broker) -> None:
    assert code_of(lambda: broker.subscribe([], EVERYTHING)) is Code.INVALID_ARGUMENT
    keys = values_of([broker.entry(SPEED)])
    assert code_of(lambda: broker.subscribe(keys, EVERYTHING, Sampling(buffer=1001))) is Code.INVALID_ARGUMENT
