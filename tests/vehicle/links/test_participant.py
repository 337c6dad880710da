"""A program outside as a participant of a bus, in virtual time and to the nanosecond."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.can import BitErrors, BitRates, Bus, ControllerState, Frame
from gateway.can.controller import TRANSMIT_QUEUE
from gateway.links import Participant
from gateway.links.participant import free_name
from gateway.sim import FOREVER, Kernel, Stream

S = 1_000_000_000


class Bench:
    """A bus of 500 kbit/s with one ECU, and a participant that notes everything."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "bus", BitRates(500_000, 500_000))
        self.ecu = self.bus.attach("ECU")
        self.at_ecu: list[tuple[int, Frame]] = []
        self.ecu.receive_all(lambda frame: self.at_ecu.append((self.kernel.now, frame)))
        self.heard: list[tuple[int, Frame]] = []
        self.echoed: list[tuple[int, Frame]] = []
        self.states: list[ControllerState] = []
        self.room_came = 0
        self.tool = Participant(
            self.bus,
            "tool",
            lambda frame: self.heard.append((self.kernel.now, frame)),
            echo=lambda frame: self.echoed.append((self.kernel.now, frame)),
            changed=lambda: self.states.append(self.tool.controller.state),
            room_again=self._room_again,
        )

    def _room_again(self) -> None:
        self.room_came += 1

    def run(self, until_ns: int = FOREVER) -> None:
        self.kernel.run(until_ns)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_participant_hears_others_and_its_echo_when_the_frame_is_through(bench: Bench) -> None:
    bench.tool.send(Frame(0x100, b"\1"))
    bench.run()
    ((end, frame),) = bench.echoed
    assert frame == Frame(0x100, b"\1")
    assert end == bench.bus.times.duration_ns(frame)
    assert bench.at_ecu == [(end, frame)]
    assert bench.heard == []
    bench.ecu.send(Frame(0x200, b""))
    bench.run()
    assert [frame for _, frame in bench.heard] == [Frame(0x200, b"")]
    assert len(bench.echoed) == 1


def test_its_frames_go_through_arbitration(bench: Bench) -> None:
    for header in (0x300, 0x200):
        bench.ecu.send(Frame(header, b""))
    bench.tool.send(Frame(0x250, b""))
    bench.tool.send(Frame(0x001, b""))
    bench.run()
    together = sorted([*bench.heard, *bench.echoed])
    assert [frame.header for _, frame in together] == [0x001, 0x200, 0x250, 0x300]


def test_names_are_numbered_on_each_bus(bench: Bench) -> None:
    assert bench.tool.controller.name == "tool-1"
    assert free_name(bench.bus, "tool") == "tool-2"
    bench.tool.leave()
    bench.run()
    assert free_name(bench.bus, "tool") == "tool-1"


def test_room_ends_with_a_full_queue_and_comes_back(bench: Bench) -> None:
    taken = 0
    while bench.tool.room:
        assert bench.tool.send(Frame(0x100, taken.to_bytes(2)))
        taken += 1
    assert taken == TRANSMIT_QUEUE + 1  # one is in flight
    assert bench.room_came == 0
    bench.run()
    assert bench.room_came == 1  # told once; who does not ask again needs to hear no more
    assert [frame.data for _, frame in bench.at_ecu] == [number.to_bytes(2) for number in range(taken)]


def test_who_leaves_hears_nothing_more_and_what_it_sent_still_goes_out(bench: Bench) -> None:
    for number in range(10):
        bench.tool.send(Frame(0x100, bytes([number])))
    bench.tool.leave()
    bench.ecu.send(Frame(0x001, b""))
    bench.run()
    assert [frame.data for _, frame in bench.at_ecu] == [bytes([number]) for number in range(10)]
    assert bench.heard == bench.echoed == []
    assert [controller.name for controller in bench.bus.controllers] == ["ECU"]
    assert bench.bus.event_listeners == []


def test_who_leaves_a_bus_that_carries_nothing_is_gone_after_a_second(bench: Bench) -> None:
    bench.ecu.switch_off()
    bench.tool.send(Frame(0x100, b""))  # nobody acknowledges it
    bench.tool.leave()
    bench.run(S - 1)
    assert bench.tool.controller in bench.bus.controllers
    bench.run(S)
    assert bench.tool.controller not in bench.bus.controllers
    assert bench.tool.not_sent == 1


@pytest.mark.parametrize("leave", [lambda bench: bench.tool.leave(), lambda bench: None])
def test_a_bus_is_calm_with_and_without_a_participant(bench: Bench, leave: Callable[[Bench], None]) -> None:
    other = bench.bus.attach("other")
    leave(bench)
    bench.run(2 * S)
    other.send(Frame(0x1, b""))
    bench.run()
    assert bench.bus.errors == 0
    assert [frame for _, frame in bench.at_ecu] == [Frame(0x1, b"")]


def test_errors_are_heard_as_socketcans_error_frames(bench: Bench) -> None:
    disturbance = BitErrors(1.0, Stream(1))
    bench.bus.disturb(disturbance)
    bench.tool.send(Frame(0x100, b"\1"))
    while bench.tool.controller.state is not ControllerState.BUS_OFF:
        bench.run(bench.kernel.now + 100_000)
    assert not bench.tool.room
    classes = [frame.header & 0x1FF for _, frame in bench.heard]
    # linux/can/error.h: CAN_ERR_PROT | CAN_ERR_BUSERROR, CAN_ERR_CRTL (passive), CAN_ERR_BUSOFF
    assert classes.index(0x004) == 16  # TEC above 127 after 16 errors of 8
    assert classes[-1] == 0x040
    assert classes.count(0x088) == 32  # TEC above 255 after 32
    passive = bench.heard[16][1].data
    assert passive[1] == 0x20  # CAN_ERR_CRTL_TX_PASSIVE
    assert passive[6] == 128  # the counter of transmit errors
    assert bench.states == [ControllerState.ERROR_PASSIVE, ControllerState.BUS_OFF]
    assert bench.tool.not_sent == 1
    bench.bus.undisturb(disturbance)
    bench.run()
    assert bench.heard[-1][1].header & 0x1FF == 0x100  # CAN_ERR_RESTARTED
    assert bench.room_came >= 1
    assert bench.tool.send(Frame(0x101, b""))
    bench.run()
    assert bench.at_ecu[-1][1] == Frame(0x101, b"")
