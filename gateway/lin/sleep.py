"""Sleep and wake-up of a bus (LIN 2.2A, 2.6).

The commander sends the bus to sleep with 0x3C and a first byte of zero; without any header for 4 s its nodes go to sleep
by themselves. Any node wakes it up with a dominant pulse of 250 µs to 5 ms; the commander's headers follow when everybody
has had 100 ms to get ready. When none come within 150 ms the pulse is sent again, after three of them not before 1.5 s.
A header on a sleeping bus wakes its nodes up as well: they do not answer for 100 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.can import BusEventKind
from gateway.lin.errors import LinError
from gateway.sim import NS_PER_S, Timer

if TYPE_CHECKING:
    from gateway.lin.bus import LinBus
    from gateway.lin.node import LinNode

SHORTEST_PULSE_NS: Final = 250_000
LONGEST_PULSE_NS: Final = 5_000_000
READY_NS: Final = 100_000_000
RETRY_NS: Final = 150_000_000
PAUSE_NS: Final = 1_500_000_000
PULSES: Final = 3
IDLE_NS: Final = 4 * NS_PER_S


class Sleeping:
    """Whether a bus is asleep. `last_ns`: when the last header began; `listeners` hear of each change."""

    def __init__(self, bus: LinBus) -> None:
        self.asleep: bool = False
        self.unready: bool = False
        """Its nodes have just been woken up by a header and do not answer yet."""
        self.last_ns: int = 0
        self.listeners: list[Callable[[bool], object]] = []
        self._bus = bus
        self._idle = Timer(bus.kernel, self._look)
        self._retry = Timer(bus.kernel, self._again)
        self._waker: LinNode | None = None
        self._pulse_ns = SHORTEST_PULSE_NS
        self._pulses = 0

    def watch(self) -> None:
        """Headers begin: when they stop for 4 s the bus goes to sleep."""
        if self._idle.due is None and not self.asleep:
            self._idle.set(self._bus.kernel.now + IDLE_NS)

    def go_to_sleep(self) -> None:
        """The command has come through."""
        self._fall_asleep("go-to-sleep command")
        self._bus.commander.fell_asleep()

    def _fall_asleep(self, why: str) -> None:
        bus = self._bus
        self._idle.cancel()
        self.unready = False
        if not self.asleep:
            self._change(True)
            bus.tell(BusEventKind.SLEEP, bus.commander.node, None, why)

    def wake_up(self, node: LinNode, pulse_ns: int) -> None:
        """A node wants the bus to be awake."""
        if not SHORTEST_PULSE_NS <= pulse_ns <= LONGEST_PULSE_NS:
            raise LinError(f"a wake-up pulse has 250 us to 5 ms, not {pulse_ns / 1000:g} us")
        if not self.asleep or not node.takes_part:
            return
        if self._waker is None:
            self._waker, self._pulse_ns, self._pulses = node, pulse_ns, 0
            self._again()

    def woken_by_header(self) -> None:
        bus = self._bus
        self.unready = True
        bus.tell(BusEventKind.WAKE_UP, bus.commander.node, None, "a header on a sleeping bus")
        self._change(False)
        bus.kernel.after(READY_NS, self._ready)
        self.watch()

    def _ready(self) -> None:
        self.unready = False
        self._bus.assess()

    def _again(self) -> None:
        """One pulse, and when to send the next if nothing comes of it."""
        bus, node = self._bus, self._waker
        if node is None or not self.asleep or not node.takes_part:
            self._waker = None
            return
        self._pulses += 1
        bus.busy_ns += self._pulse_ns
        bus.tell(BusEventKind.WAKE_UP, node, None, f"pulse {self._pulses} of {self._pulse_ns / 1000:g} us")
        if bus.commander.node.takes_part:
            self._waker = None
            self._change(False)
            self.last_ns = bus.kernel.now
            self.watch()
            bus.commander.resume(bus.kernel.now + self._pulse_ns + READY_NS)
            return
        wait_ns = PAUSE_NS if self._pulses % PULSES == 0 else RETRY_NS
        self._retry.set(bus.kernel.now + self._pulse_ns + wait_ns)

    def _change(self, asleep: bool) -> None:
        self.asleep = asleep
        self._bus.assess()
        for listener in tuple(self.listeners):
            listener(asleep)

    def _look(self) -> None:
        bus = self._bus
        due_ns = self.last_ns + IDLE_NS
        if bus.kernel.now < due_ns:
            self._idle.set(due_ns)
            return
        bus.tell(BusEventKind.SILENT, bus.commander.node, None, "the commander is silent")
        # A commander that nobody hears goes on all the same: it does not know.
        self._fall_asleep("nobody has sent a header for 4 s")
