"""A simulation that has fallen behind the wall: what came meanwhile is heard in its time, and in its order."""

from __future__ import annotations

from gateway.can import BitRates, Frame
from gateway.links import Arbiter, LinkedBus
from gateway.links.arrivals import MOST
from gateway.links.link import LinkUser
from gateway.sim import Kernel, Timer

MS = 1_000_000


class Silent:
    """A link that takes everything and hands over what the test says."""

    name = "wire0"
    arbiter = Arbiter.KERNEL

    def __init__(self) -> None:
        self.waiting: list[tuple[Frame, int]] = []
        self.user: LinkUser | None = None

    def open(self, user: LinkUser) -> None:
        self.user = user

    def close(self) -> None:
        self.user = None

    def drain(self) -> int:
        assert self.user is not None
        for frame, time_ns in self.waiting:
            self.user.received(frame, time_ns)
        count = len(self.waiting)
        self.waiting.clear()
        return count

    def send(self, frame: Frame) -> bool:
        return True

    def want(self, keys: frozenset[int] | None) -> None:
        pass


def bus_with_ear() -> tuple[Kernel, LinkedBus, list[tuple[int, int]]]:
    """A linked bus, and what an ECU on it has heard: the kernel's time and the frame's only byte."""
    kernel = Kernel()
    bus = LinkedBus(kernel, "body", BitRates(125_000, 125_000), Silent())
    bus.open()
    heard: list[tuple[int, int]] = []
    bus.attach("Ear").receive_all(lambda frame: heard.append((kernel.now, frame.data[0])))
    return kernel, bus, heard


def numbered(number: int) -> Frame:
    return Frame(0x100, bytes([number & 0xFF]))


def test_a_late_kernel_hears_each_frame_when_it_comes_to_the_time_at_which_it_came() -> None:
    kernel, bus, heard = bus_with_ear()
    for number in range(4):
        bus.received(numbered(number), number * 30 * MS)
    assert heard == [(0, 0)]
    kernel.run(200 * MS)
    assert heard == [(0, 0), (30 * MS, 1), (60 * MS, 2), (90 * MS, 3)]


def test_a_timeout_does_not_ring_because_this_process_was_late() -> None:
    """A cyclic message of 20 ms with a timeout of 60 ms came in time all through the 200 ms that nobody read it."""
    kernel, bus, _ = bus_with_ear()
    rung: list[int] = []
    timer = Timer(kernel, lambda: rung.append(kernel.now))
    timer.set(60 * MS)
    bus.attach("Watching").receive_all(lambda _: timer.set(kernel.now + 60 * MS))
    for number in range(10):
        bus.received(numbered(number), number * 20 * MS)
    kernel.run(200 * MS)
    assert rung == []
    kernel.run(400 * MS)
    assert rung == [240 * MS]


def test_our_own_frames_are_through_at_once_however_late_we_are() -> None:
    kernel, bus, _ = bus_with_ear()
    sender = bus.attach("Sender")
    bus.record = record = []
    kernel.run(5 * MS)
    sender.send(numbered(1))
    bus.confirmed(numbered(1), 150 * MS)
    assert [(entry[0], entry[3].name) for entry in record] == [(5 * MS, "Sender")]


def test_our_own_frame_does_not_overtake_one_that_was_on_the_wire_before_it() -> None:
    kernel, bus, heard = bus_with_ear()
    sender = bus.attach("Sender")
    sender.send(numbered(2))
    bus.received(numbered(1), 30 * MS)
    bus.confirmed(numbered(2), 31 * MS)
    kernel.run(50 * MS)
    assert heard == [(30 * MS, 1), (31 * MS, 2)]


def test_a_frame_that_is_not_ahead_waits_behind_those_that_are() -> None:
    kernel, bus, heard = bus_with_ear()
    bus.received(numbered(1), 30 * MS)
    bus.received(numbered(2), 0)
    assert heard == []
    kernel.run(50 * MS)
    assert heard == [(30 * MS, 1), (30 * MS, 2)]


def test_what_waits_is_bounded_and_stays_in_order() -> None:
    kernel, bus, heard = bus_with_ear()
    for number in range(MOST + 10):
        bus.received(numbered(number), 30 * MS + number)
    assert heard == [(0, number) for number in range(10)]
    kernel.run(50 * MS)
    assert [number for _, number in heard] == [number & 0xFF for number in range(MOST + 10)]


def test_at_the_end_all_that_has_come_is_heard() -> None:
    kernel, bus, heard = bus_with_ear()
    bus.record = record = []
    link = bus.link
    assert isinstance(link, Silent)
    link.waiting = [(numbered(1), 30 * MS), (numbered(2), 40 * MS)]
    assert bus.drain() == 2
    assert heard == [(0, 1), (0, 2)]
    kernel.run(50 * MS)
    assert (len(heard), bus.frames, [entry[0] for entry in record]) == (2, 2, [0, 0])
