"""A frame that was on a real wire passes over a simulated bus as it was."""

from __future__ import annotations

import pytest

from gateway.can import BitRates, Bus, Frame
from gateway.sim import Kernel

SPEED = Frame(0x100, bytes(8))
OTHER = Frame(0x200, bytes(8))


@pytest.fixture
def bus() -> Bus:
    return Bus(Kernel(), "can0", BitRates(500_000, 500_000))


def test_an_injected_frame_is_received_at_its_time_and_not_by_its_sender(bus: Bus) -> None:
    log, gateway = bus.attach("log"), bus.attach("GW")
    received: list[tuple[str, int, Frame]] = []
    log.receive_all(lambda frame: received.append(("log", bus.kernel.now, frame)))
    gateway.receive(0x100, lambda frame: received.append(("GW", bus.kernel.now, frame)))
    bus.kernel.at(1_000_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(2_000_000)
    assert received == [("GW", 1_000_000, SPEED)]
    assert (bus.frames, log.sent) == (1, 1)


def test_frames_of_one_moment_are_all_received_in_it(bus: Bus) -> None:
    log, gateway = bus.attach("log"), bus.attach("GW")
    received: list[tuple[int, Frame]] = []
    gateway.receive_all(lambda frame: received.append((bus.kernel.now, frame)))
    for frame in (OTHER, SPEED):
        bus.kernel.at(1_000_000, lambda frame=frame: bus.inject(log, frame))
    bus.kernel.run(1_000_000)
    assert received == [(1_000_000, OTHER), (1_000_000, SPEED)]


def test_an_injected_frame_takes_its_exact_length_of_the_bus(bus: Bus) -> None:
    log, _ = bus.attach("log"), bus.attach("GW")
    bus.kernel.at(1_000_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(2_000_000)
    assert bus.busy_ns == bus.times.duration_ns(SPEED) + bus.times.intermission_ns


def test_a_recording_has_the_injected_frame_with_its_own_start(bus: Bus) -> None:
    log, _ = bus.attach("log"), bus.attach("GW")
    bus.record = []
    bus.kernel.at(1_000_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(1_000_000)
    start = 1_000_000 - bus.times.duration_ns(SPEED)
    assert bus.record == [(1_000_000, 0, SPEED, log, start, start)]


def test_what_is_sent_in_answer_waits_for_the_intermission_and_goes_out_as_always(bus: Bus) -> None:
    log, gateway = bus.attach("log"), bus.attach("GW")
    sent: list[int] = []
    gateway.receive(0x100, lambda _frame: gateway.send(OTHER))
    log.receive_all(lambda _frame: sent.append(bus.kernel.now))
    bus.kernel.at(1_000_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(2_000_000)
    assert sent == [1_000_000 + bus.times.intermission_ns + bus.times.duration_ns(OTHER)]


def test_a_frame_in_flight_and_an_injected_one_do_not_disturb_each_other(bus: Bus) -> None:
    log, gateway = bus.attach("log"), bus.attach("GW")
    third = bus.attach("third")
    received: list[tuple[int, Frame]] = []
    third.receive_all(lambda frame: received.append((bus.kernel.now, frame)))
    bus.kernel.at(0, lambda: gateway.send(OTHER))
    bus.kernel.at(100_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(2_000_000)
    assert received == [(100_000, SPEED), (bus.times.duration_ns(OTHER), OTHER)]
    assert bus.errors == 0


def test_a_controller_that_is_off_does_not_receive_it(bus: Bus) -> None:
    log, gateway = bus.attach("log"), bus.attach("GW")
    received: list[Frame] = []
    gateway.receive_all(received.append)
    gateway.switch_off()
    bus.kernel.at(1_000_000, lambda: bus.inject(log, SPEED))
    bus.kernel.run(1_000_000)
    assert received == []
