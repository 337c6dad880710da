"""Messages that are sent: their payload against the database's own encoding, and when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can import BRS, EXTENDED, FD, BitRates, Bus, Frame
from gateway.com import ComError, Protection, TransmitTask, TxMessage, header_of
from gateway.database import EncodeError, Message, SendType, Signal
from gateway.sim import Kernel

MS = 1_000_000


class Sender:
    """A message on a bus with somebody who acknowledges; `sent` has the times of request and the frames."""

    def __init__(self, definition: Message) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "b", BitRates(500_000, 2_000_000), fd=True)
        self.bus.attach("receiver")
        controller = self.bus.attach("sender")
        self.sent: list[tuple[int, Frame]] = []
        controller.on_sent = lambda frame, requested, _start: self.sent.append((requested, frame))
        self.message = TxMessage(self.kernel, controller, definition)

    def at(self, time_ms: int, action: Callable[[], object]) -> None:
        self.kernel.at(time_ms * MS, action)

    def set_at(self, time_ms: int, signal: str, value: Any) -> None:
        def act() -> None:
            self.message.signal(signal).value = value

        self.at(time_ms, act)

    def times(self, until_ms: int) -> list[float]:
        self.kernel.run(until_ms * MS)
        return [time / MS for time, _ in self.sent]


def signal(name: str = "S", start: int = 0, length: int = 8, **more: Any) -> Signal:
    return Signal(name=name, start=start, length=length, **more)


def message(*signals: Signal, length: int = 8, **more: Any) -> Message:
    return Message(name="M", arbitration_id=0x123, length=length, signals=signals or (signal(),), **more)


# Payload

MIXED = message(
    signal("Little", 0, 12),
    signal("Signed", 12, 7, signed=True, scale=0.5, offset=-3),
    signal("Big", 31, 13, big_endian=True),
    signal("BigSigned", 34, 3, big_endian=True, signed=True),
    signal("Byte", 40, 8, scale=2, offset=1),
    signal("Bits", 55, 10, big_endian=True),
)
FLOATS = message(
    signal("Single", 0, 32, is_float=True),
    signal("Double", 39, 64, is_float=True, big_endian=True),
    signal("Half", 96, 16, is_float=True),
    length=16,
    fd=True,
)
MULTIPLEXED = message(
    signal("Mux", 0, 4, is_multiplexer=True),
    signal("A", 8, 16, multiplexer_signal="Mux", multiplexer_ids=(0, 3)),
    signal("B", 15, 16, big_endian=True, multiplexer_signal="Mux", multiplexer_ids=(1,)),
    signal("Inner", 24, 2, is_multiplexer=True, multiplexer_signal="Mux", multiplexer_ids=(2,)),
    signal("Deep", 32, 8, multiplexer_signal="Inner", multiplexer_ids=(1, 2)),
    signal("Always", 56, 8),
)


@st.composite
def raws(draw: st.DrawFn, definition: Message) -> dict[str, int | float]:
    values: dict[str, int | float] = {}
    for one in definition.signals:
        if one.is_float:
            values[one.name] = draw(st.floats(width=one.length, allow_nan=False))  # type: ignore[arg-type]
        else:
            values[one.name] = draw(st.integers(*one.raw_limits))
    return values


@pytest.mark.parametrize("definition", [MIXED, FLOATS], ids=["both byte orders", "floats"])
@given(data=st.data())
def test_the_payload_is_what_the_database_encodes(definition: Message, data: st.DataObject) -> None:
    sender = Sender(definition)
    for values in data.draw(st.lists(raws(definition), min_size=1, max_size=3)):
        physical = {name: definition.by_name[name].to_physical(raw) for name, raw in values.items()}
        for name, value in physical.items():
            sender.message.signal(name).value = value
        assert sender.message.payload() == definition.encode(physical)


@given(raws(MULTIPLEXED))
def test_of_multiplexed_signals_the_selected_ones_are_there(values: dict[str, int | float]) -> None:
    sender = Sender(MULTIPLEXED)
    for name, raw in values.items():
        sender.message.signal(name).set_raw(raw)
    active = {"Mux", "Always"}
    mux = values["Mux"]
    active |= {"A"} if mux in (0, 3) else {"B"} if mux == 1 else {"Inner"} if mux == 2 else set()
    if mux == 2 and values["Inner"] in (1, 2):
        active.add("Deep")
    assert sender.message.payload() == MULTIPLEXED.encode_raw({name: values[name] for name in active})


def test_before_anything_is_set_it_is_the_start_values() -> None:
    definition = message(signal("A", 0, 8, initial_raw=7), signal("B", 15, 8, big_endian=True, initial_raw=9))
    assert Sender(definition).message.payload() == definition.initial == bytes([7, 9, 0, 0, 0, 0, 0, 0])


def test_a_signal_past_the_end_is_not_there() -> None:
    sender = Sender(message(signal("A"), signal("Far", 64, 8)))
    assert list(sender.message.signals) == ["A"]
    with pytest.raises(ComError, match="message M has no signal 'Far'"):
        sender.message.signal("Far")


@given(st.floats(allow_nan=True) | st.integers(-(2**70), 2**70))
def test_a_value_is_taken_or_refused_as_the_database_does(value: float) -> None:
    one = signal("S", 0, 12, scale=0.25, offset=-10, minimum=-10, maximum=900, signed=False)
    sender = Sender(message(one))
    handle = sender.message.signal("S")
    before = handle.raw
    try:
        expected = one.to_raw(value)
    except EncodeError:
        with pytest.raises(EncodeError):
            handle.value = value
        assert handle.raw == before
        return
    handle.value = value
    assert handle.raw == expected


@given(st.floats(allow_nan=False) | st.integers(-(2**70), 2**70))
@pytest.mark.parametrize(
    ("one", "least", "most"),
    [
        (signal(length=12, scale=0.25, offset=-10, minimum=-5, maximum=900), -5, 900),
        (signal(length=12, scale=0.25, offset=-10), -10, 1013.75),
        (signal(length=8, scale=-2, signed=True, maximum=1000), -254, 256),
        (signal(length=32, is_float=True, maximum=3), -3.4028234663852886e38, 3),
        (signal(length=16, is_float=True), -65504, 65504),
    ],
    ids=["limits", "bits", "negative scale", "float with a limit", "half"],
)
def test_a_saturated_value_is_the_nearest_that_can_be(one: Signal, least: float, most: float, value: float) -> None:
    handle = Sender(message(one)).message.signal("S")
    handle.saturate(value)
    assert handle.value == min(most, max(least, value))
    assert handle.raw == one.to_raw(handle.value)


def test_what_is_no_number_does_not_saturate() -> None:
    handle = Sender(message(signal(scale=0.5))).message.signal("S")
    with pytest.raises(EncodeError, match=r"M\.S cannot be nan"):
        handle.saturate(float("nan"))


def test_a_label_is_a_value() -> None:
    sender = Sender(message(signal(choices={0: "Off", 2: "On"})))
    sender.message.signal("S").value = "On"
    assert sender.message.payload()[0] == 2
    with pytest.raises(EncodeError, match=r"M\.S has no value 'Onn' \(did you mean 'On'\?\)"):
        sender.message.signal("S").value = "Onn"


def test_what_is_held_stays_until_it_is_released() -> None:
    sender = Sender(message())
    handle = sender.message.signal("S")
    handle.hold(99)
    handle.value = 5
    assert (handle.raw, handle.value) == (99, 5)
    sender.message.reset()
    assert handle.raw == 99
    handle.value = 6
    handle.release()
    assert handle.raw == 6


# Frames


@pytest.mark.parametrize(
    ("more", "header"),
    [
        ({}, 0x123),
        ({"extended": True}, 0x123 | EXTENDED),
        ({"fd": True}, 0x123 | FD),
        ({"fd": True, "brs": True}, 0x123 | FD | BRS),
        ({"length": 12}, 0x123 | FD),
    ],
)
def test_the_header_of_its_frames(more: dict[str, Any], header: int) -> None:
    assert header_of(message(**more)) == header


@pytest.mark.parametrize(("length", "sent"), [(8, 8), (9, 12), (12, 12), (13, 16), (33, 48), (63, 64)])
def test_a_length_that_can_fd_does_not_have_is_padded(length: int, sent: int) -> None:
    last = signal("Last", 8 * (length - 1) + 7, 8, big_endian=True)
    sender = Sender(message(signal(), last, length=length, fd=length > 8))
    sender.message.signal("S").value = 1
    sender.message.signal("Last").value = 0xAB
    sender.message.send()
    sender.kernel.run(10 * MS)
    frame = sender.sent[0][1]
    assert len(frame.data) == sent
    assert (frame.data[0], frame.data[length - 1]) == (1, 0xAB)
    assert not any(frame.data[length:])


def test_an_unchanged_message_is_the_same_frame() -> None:
    sender = Sender(message())
    sender.message.send()
    sender.message.send()
    sender.kernel.run(MS)
    assert sender.sent[0][1] is sender.sent[1][1]


def test_counter_and_checksum_are_put_in_with_each_sending() -> None:
    definition = message(signal("Sum", 0, 8), signal("Count", 8, 4), signal("S", 16, 8))
    sender = Sender(definition)
    sender.message.protection = Protection(definition, "Count", "Sum", "sum8")
    sender.message.signal("S").value = 5
    for _ in range(3):
        sender.message.send()
    sender.kernel.run(MS)
    assert [frame.data[:3] for _, frame in sender.sent] == [bytes([count + 5, count, 5]) for count in range(3)]


def test_a_message_that_is_not_active_is_not_sent() -> None:
    sender = Sender(message())
    sender.message.active = False
    assert not sender.message.send()
    assert (sender.times(1), sender.message.sent) == ([], 0)


def test_what_the_controller_refuses_is_not_counted() -> None:
    sender = Sender(message())
    sender.message.controller.switch_off()
    assert not sender.message.send()
    assert sender.message.sent == 0


# Send types


@pytest.mark.parametrize(
    "send_type", [SendType.ON_CHANGE, SendType.CYCLIC_ON_CHANGE, SendType.IF_ACTIVE, SendType.CYCLIC_IF_ACTIVE]
)
def test_a_change_sends_at_once_and_the_same_value_does_not(send_type: SendType) -> None:
    sender = Sender(message(send_type=send_type))
    for time_ms, value in ((1, 5), (2, 5), (3, 6)):
        sender.set_at(time_ms, "S", value)
    assert sender.times(10) == [1, 3]


def test_on_write_sends_the_same_value_again() -> None:
    sender = Sender(message(send_type=SendType.ON_WRITE))
    for time_ms in (1, 2, 3):
        sender.set_at(time_ms, "S", 5)
    assert sender.times(10) == [1, 2, 3]


@pytest.mark.parametrize("send_type", [SendType.CYCLIC, SendType.NONE, SendType.ON_REQUEST])
def test_other_send_types_wait_for_their_time(send_type: SendType) -> None:
    sender = Sender(message(send_type=send_type))
    sender.set_at(1, "S", 5)
    assert sender.times(10) == []


def test_two_signals_that_change_together_are_one_frame() -> None:
    sender = Sender(message(signal("A"), signal("B", 8, 8), send_type=SendType.ON_CHANGE))
    sender.set_at(1, "A", 1)
    sender.set_at(1, "B", 2)
    assert sender.times(10) == [1]
    assert sender.sent[0][1].data[:2] == bytes([1, 2])


def test_an_event_waits_until_the_delay_since_the_last_sending_is_over() -> None:
    sender = Sender(message(send_type=SendType.ON_CHANGE, delay_ns=10 * MS))
    for time_ms in (1, 3, 5, 30):
        sender.set_at(time_ms, "S", time_ms)
    assert sender.times(100) == [1, 11, 30]
    assert sender.sent[1][1].data[0] == 5


def test_an_event_is_repeated_as_the_database_says() -> None:
    sender = Sender(message(send_type=SendType.ON_CHANGE, repetitions=3, fast_cycle_ns=5 * MS))
    sender.set_at(1, "S", 9)
    assert sender.times(100) == [1, 6, 11, 16]


def test_a_new_event_begins_its_repetitions_again() -> None:
    sender = Sender(message(send_type=SendType.ON_CHANGE, repetitions=2, fast_cycle_ns=5 * MS))
    sender.set_at(1, "S", 1)
    sender.set_at(7, "S", 2)
    assert sender.times(100) == [1, 6, 7, 12, 17]


def test_stopping_forgets_what_was_due() -> None:
    sender = Sender(message(send_type=SendType.ON_CHANGE, repetitions=5, fast_cycle_ns=5 * MS))
    sender.set_at(1, "S", 1)
    sender.at(8, sender.message.stop)
    assert sender.times(100) == [1, 6]


def test_a_held_value_does_not_send() -> None:
    sender = Sender(message(send_type=SendType.ON_CHANGE))
    sender.at(1, lambda: sender.message.signal("S").hold(3))
    sender.set_at(2, "S", 7)
    sender.at(3, sender.message.signal("S").release)
    assert sender.times(10) == [1, 3]


def test_messages_that_are_sent_together_keep_their_period() -> None:
    sender = Sender(message())
    task = TransmitTask(sender.kernel, 10 * MS, 2 * MS, [sender.message])
    sender.at(35, task.stop)
    assert sender.times(100) == [2, 12, 22, 32]
