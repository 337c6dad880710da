"""A bus that only takes part: its link, scripted here, decides when frames are through."""

from __future__ import annotations

import pytest

from gateway.can import BitErrors, BitRates, BusEventKind, Controller, Frame
from gateway.links import Arbiter, LinkedBus, LinkError
from gateway.links.link import LinkUser
from gateway.links.linked_bus import IN_FLIGHT
from gateway.sim import Kernel

MS = 1_000_000


class Wire:
    """A link that takes frames while it has `room`, and lets the test say what becomes of them."""

    name = "wire0"
    arbiter = Arbiter.KERNEL

    def __init__(self) -> None:
        self.room = 1000
        self.taken: list[Frame] = []
        self.wanted: frozenset[int] | None = None
        self.user: LinkUser | None = None

    def open(self, user: LinkUser) -> None:
        self.user = user

    def close(self) -> None:
        self.user = None

    def drain(self) -> int:
        return 0

    def send(self, frame: Frame) -> bool:
        if not self.room:
            return False
        self.room -= 1
        self.taken.append(frame)
        return True

    def want(self, keys: frozenset[int] | None) -> None:
        self.wanted = keys


class Setup:
    def __init__(self) -> None:
        self.kernel = Kernel()
        self.wire = Wire()
        self.bus = LinkedBus(self.kernel, "body", BitRates(125_000, 125_000), self.wire)
        self.bus.open()
        self.one, self.other = self.bus.attach("One"), self.bus.attach("Other")
        self.heard: list[Frame] = []
        self.lost: list[Frame] = []
        self.other.receive_all(self.heard.append)
        self.one.on_lost = self.lost.append

    def kinds(self) -> list[BusEventKind]:
        return [event.kind for event in self.bus.events]


@pytest.fixture
def setup() -> Setup:
    return Setup()


def frame(number: int) -> Frame:
    return Frame(0x100 + number, bytes([number]))


def test_a_frame_is_heard_when_the_link_confirms_it_and_not_before(setup: Setup) -> None:
    sent = frame(1)
    assert setup.one.send(sent)
    assert setup.wire.taken == [sent]
    assert not setup.heard
    setup.bus.confirmed(Frame(sent.header, sent.data), 0)
    assert setup.heard == [sent]
    assert setup.heard[0] is sent, "who sent it must see the object that it sent: it bears the journeys of a route"
    assert (setup.one.sent, setup.one.queued, setup.bus.frames) == (1, 0, 1)


def test_the_record_has_the_links_time_and_the_senders(setup: Setup) -> None:
    setup.bus.record = record = []
    setup.one.send(frame(1))
    setup.kernel.run(5 * MS)
    setup.bus.received(frame(2), 4 * MS)
    setup.bus.confirmed(frame(1), 5 * MS)
    assert [(time_ns, sender.name) for time_ns, _, _, sender, _, _ in record] == [(4 * MS, "wire0"), (5 * MS, "One")]


def test_a_frame_from_outside_is_heard_by_all(setup: Setup) -> None:
    also: list[Frame] = []
    setup.one.receive(0x107, also.append)
    setup.bus.received(frame(7), 0)
    assert setup.heard == also == [frame(7)]


def test_the_load_is_that_of_the_frames_exact_lengths(setup: Setup) -> None:
    setup.kernel.run(100 * MS)
    setup.bus.received(frame(1), 100 * MS)
    bits = setup.bus.times.bits(frame(1)).nominal + 3
    assert setup.bus.load == pytest.approx(bits * 8_000 / (100 * MS))


def test_what_the_link_does_not_take_waits_in_order(setup: Setup) -> None:
    setup.wire.room = 1
    for number in range(3):
        assert setup.one.send(frame(number))
    assert setup.wire.taken == [frame(0)]
    setup.wire.room = 1
    setup.bus.ready()
    assert setup.wire.taken == [frame(0), frame(1)]
    setup.wire.room = 9
    setup.bus.ready()
    assert setup.wire.taken == [frame(0), frame(1), frame(2)]


def test_a_controllers_65th_frame_is_refused_and_counted(setup: Setup) -> None:
    setup.wire.room = 0
    assert [setup.one.send(frame(1)) for _ in range(65)] == [True] * 64 + [False]
    assert setup.one.refused == 1
    assert setup.kinds() == [BusEventKind.REFUSED]


def test_frames_that_wait_for_a_confirmation_are_bounded_and_the_next_go_out_with_it(setup: Setup) -> None:
    setup.wire.room = 5000
    for _ in range(IN_FLIGHT + 10):
        assert setup.one.send(frame(1))
    assert (len(setup.wire.taken), setup.one.queued) == (IN_FLIGHT, 10)
    for _ in range(IN_FLIGHT + 10):
        setup.bus.confirmed(frame(1), 0)
    assert (len(setup.wire.taken), setup.one.queued, setup.bus.waiting) == (IN_FLIGHT + 10, 0, 0)


def test_frames_that_an_adapter_reorders_find_their_senders(setup: Setup) -> None:
    for number in range(3):
        setup.one.send(frame(number))
    for number in (2, 0, 1):
        setup.bus.confirmed(frame(number), 0)
    assert setup.heard == [frame(2), frame(0), frame(1)]
    assert setup.bus.waiting == 0


def test_a_confirmation_that_was_lost_blocks_nothing(setup: Setup) -> None:
    setup.one.send(frame(1))
    setup.bus.lost(1)
    setup.kernel.run(1100 * MS)
    setup.one.send(frame(2))
    setup.bus.confirmed(frame(2), 1100 * MS)
    setup.kernel.run(3000 * MS)
    assert (setup.bus.unconfirmed, setup.one.queued, setup.bus.lost_frames) == (1, 0, 1)
    assert setup.lost == [frame(1)]


def test_while_the_interface_is_down_frames_are_refused_and_what_waited_is_lost(setup: Setup) -> None:
    setup.one.send(frame(1))
    setup.bus.down("wire0: the interface is down")
    assert setup.lost == [frame(1)]
    assert not setup.one.send(frame(2))
    setup.bus.up()
    assert setup.one.send(frame(3))
    assert setup.kinds() == [BusEventKind.LINK_DOWN, BusEventKind.REFUSED, BusEventKind.LINK_UP]


def test_a_frame_that_the_link_rejects_is_lost_and_told(setup: Setup) -> None:
    setup.one.send(frame(1))
    setup.bus.rejected(frame(1), "wire0: no such frame here")
    assert setup.lost == [frame(1)]
    assert setup.kinds() == [BusEventKind.REFUSED]


def test_an_ecu_without_power_hears_nothing_and_takes_what_it_queued_with_it(setup: Setup) -> None:
    setup.wire.room = 0
    setup.one.send(frame(1))
    setup.one.switch_off()
    setup.other.switch_off()
    setup.bus.received(frame(2), 0)
    assert setup.lost == [frame(1)]
    assert not setup.heard


def test_a_part_of_a_vehicle_asks_for_what_it_receives_and_sends_only(setup: Setup) -> None:
    bus = LinkedBus(setup.kernel, "body", BitRates(125_000, 125_000), wire := Wire())
    bus.open()
    ecu = bus.attach("Ecu")
    ecu.receive(0x100, setup.heard.append)
    bus.take_wanted_only()
    assert wire.wanted == {0x100}
    ecu.receive(0x101, setup.heard.append)
    ecu.send(Frame(0x102, b""))
    assert wire.wanted == {0x100, 0x101, 0x102}
    ecu.receive_all(setup.heard.append)
    assert wire.wanted is None


def test_a_real_bus_cannot_be_disturbed_from_here(setup: Setup) -> None:
    with pytest.raises(LinkError, match="linked to wire0"):
        setup.bus.disturb(BitErrors.__new__(BitErrors))


def test_a_participant_that_leaves_is_gone(setup: Setup) -> None:
    gone: list[Frame] = []
    leaving: Controller = setup.bus.attach("Leaving")
    leaving.receive(0x101, gone.append)
    leaving.receive_all(gone.append)
    setup.bus.detach(leaving)
    setup.bus.received(frame(1), 0)
    assert not gone
    assert setup.heard == [frame(1)]


def test_draining_goes_on_while_frames_that_waited_for_their_time_may_have_led_to_others() -> None:
    setup = Setup()
    early = Frame(0x123, b"\1")
    setup.bus.received(early, 5 * MS)
    assert setup.heard == []
    assert setup.bus.drain() == 1
    assert setup.heard == [early]
    assert setup.bus.drain() == 0
