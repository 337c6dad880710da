"""Messages that are received."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.can import BitRates, Bus, Frame
from gateway.com import ComError, RxMessage, label_of
from gateway.database import Message, Signal
from gateway.sim import Kernel

MS = 1_000_000


class Receiver:
    def __init__(self, definition: Message) -> None:
        self.kernel = Kernel()
        bus = Bus(self.kernel, "b", BitRates(500_000, 500_000))
        self.sender = bus.attach("sender")
        self.message = RxMessage(self.kernel, bus.attach("receiver"), definition)

    def send(self, data: str) -> None:
        self.sender.send(Frame(0x123, bytes.fromhex(data)))
        self.kernel.run(self.kernel.now + MS)


def message(*signals: Signal, **more: Any) -> Message:
    return Message(name="M", arbitration_id=0x123, length=2, signals=signals, **more)


SPEED = Signal(name="Speed", start=0, length=8, scale=0.5, initial_raw=4)
GEAR = Signal(name="Gear", start=8, length=8, choices={0: "P", 1: "D"}, initial_raw=1)


def test_before_the_first_it_is_the_start_value() -> None:
    received = Receiver(message(SPEED, GEAR)).message
    assert (received.signal("Speed").value, received["Gear"]) == (2.0, "D")
    assert (received.data, received.count) == (b"", 0)


def test_the_latest_is_decoded() -> None:
    receiver = Receiver(message(SPEED, GEAR))
    receiver.send("0A00")
    receiver.send("1400")
    assert receiver.message.signal("Speed").value == 10.0
    assert receiver.message["Gear"] == "P"
    assert receiver.message.signal("Gear").value == 0
    assert receiver.message.count == 2


def test_a_signal_that_the_payload_does_not_reach_has_its_start_value() -> None:
    receiver = Receiver(message(SPEED, GEAR))
    receiver.send("0A")
    assert (receiver.message["Speed"], receiver.message["Gear"]) == (5.0, "D")


def test_a_value_without_a_label_is_its_number() -> None:
    receiver = Receiver(message(SPEED, GEAR))
    receiver.send("0007")
    assert receiver.message["Gear"] == 7


def test_it_is_timed_out_before_the_first_and_after_three_cycles_without_one() -> None:
    receiver = Receiver(message(SPEED, cycle_ns=10 * MS))
    signal = receiver.message.signal("Speed")
    assert signal.timed_out
    receiver.send("00")
    came = receiver.message.time_ns
    receiver.kernel.run(came + 30 * MS)
    assert not signal.timed_out
    receiver.kernel.run(came + 30 * MS + 1)
    assert signal.timed_out
    receiver.send("00")
    assert not signal.timed_out


def test_what_has_no_cycle_never_times_out() -> None:
    receiver = Receiver(message(SPEED))
    receiver.send("00")
    receiver.kernel.run(10**12)
    assert not receiver.message.timed_out


def test_after_a_reset_it_has_never_come() -> None:
    receiver = Receiver(message(SPEED))
    calls: list[int] = []
    receiver.message.on_reception(lambda received: calls.append(received.count))
    receiver.send("0A")
    receiver.message.forget()
    assert (receiver.message["Speed"], receiver.message.timed_out) == (2.0, True)
    receiver.send("0A")
    assert calls == [1]


def test_an_unknown_signal_is_told_with_the_nearest() -> None:
    with pytest.raises(ComError, match=r"message M has no signal 'Sped' \(did you mean 'Speed'\?\)"):
        Receiver(message(SPEED)).message.signal("Sped")


def test_labels_of_scaled_and_absurd_values() -> None:
    scaled = Signal(name="S", start=0, length=8, scale=0.5, offset=10, choices={2: "Two"})
    assert label_of(scaled, 11.0) == "Two"
    assert label_of(scaled, 11.5) is None
    assert label_of(scaled, float("inf")) is None
    assert label_of(SPEED, 1) is None
