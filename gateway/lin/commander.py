"""The commander: runs the schedule tables, sends headers, resolves collisions, sends the bus to sleep.

At the start of each slot it decides what the slot is for. A slot lasts as long as its table says, whatever comes of its
header; only a response that is still under way is cut off by the next.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.can import ControllerState, Frame
from gateway.database.lin import PDU, LinDescription, ScheduleTable, Slot, SlotKind
from gateway.database.lin_wire import REQUEST_ID, RESPONSE_ID
from gateway.lin.commander_diagnostics import CommanderDiagnostics
from gateway.lin.errors import LinError
from gateway.lin.node import WAKE_UP_NS, LinNode
from gateway.lin.schedule import Scheduler

if TYPE_CHECKING:
    from gateway.lin.bus import LinBus

GO_TO_SLEEP: Final = b"\x00".ljust(PDU, b"\xff")
_SKIP: Final = -1


class _Step:
    """A slot with its names looked up. `frame_id`: the header to send, or `_SKIP` when that is to be decided."""

    __slots__ = ("candidates", "data", "delay_ns", "frame_id", "kind")

    def __init__(self, slot: Slot, description: LinDescription) -> None:
        self.kind = slot.kind
        self.delay_ns = slot.delay_ns
        self.data = slot.data
        self.frame_id = _SKIP
        self.candidates: tuple[int, ...] = ()
        if slot.kind is not SlotKind.FRAME:
            return
        found = description.frames.get(slot.name) or description.events.get(slot.name)
        if found is not None:
            self.frame_id = found.frame_id
        elif slot.name in description.sporadics:
            names = description.sporadics[slot.name].frames
            self.candidates = tuple(description.frames[name].frame_id for name in names)
        else:
            raise LinError(f"the schedule has a slot for a frame {slot.name!r} that is not there")


class Commander:
    """The schedule of one bus. `node` is the ECU that it runs on: while that is off, no header comes."""

    def __init__(self, bus: LinBus, node: LinNode) -> None:
        self.node: Final = node
        self.taken: bool = False
        """An ECU has taken the commander's node."""
        self.scheduler: Final = Scheduler(bus.description.tables)
        self.diagnostics: Final = CommanderDiagnostics(bus.kernel)
        self._bus = bus
        self._steps: dict[int, _Step] = {}
        self._kept: list[ScheduleTable] = []
        for table in bus.description.tables.values():
            self._prepare(table)
        self._resolvers = {event.frame_id: self._resolver(event.name) for event in bus.description.events.values()}
        self._generation = 0
        self._running = False
        self._sleep_wanted = False
        self._next = partial(self._slot, 0)
        node.supply(REQUEST_ID, self._request)
        node.receive(RESPONSE_ID, self.diagnostics.receive)
        node.state = ControllerState.OFF

    # For users

    def schedule(self, name: str | None) -> None:
        """Run this table from the next slot on, over and over; None for none. LinError for an unknown one."""
        self.scheduler.switch(name)
        self._run()

    def run_once(self, name: str) -> None:
        """Run this table once from the next slot on, then go on where the other stands."""
        self.scheduler.run_once(name)
        self._run()

    def go_to_sleep(self) -> None:
        """Send the bus to sleep in the next slot."""
        self._sleep_wanted = True
        if not self._running:
            self._begin(self._bus.kernel.now)

    def wake_up(self) -> None:
        """Wake the bus up and go on with the schedule."""
        self._bus.sleeping.wake_up(self.node, WAKE_UP_NS)

    @property
    def asleep(self) -> bool:
        return self._bus.sleeping.asleep

    # For the bus

    def switched(self) -> None:
        """The node has been switched on or off."""
        self._halt()
        if self.node.takes_part:
            self.scheduler.restart()
            if self._bus.sleeping.asleep:
                self.wake_up()
            else:
                self._run()
        else:
            self.diagnostics.forget()

    def collided(self, event_id: int) -> None:
        self.scheduler.resolve(self._resolvers[event_id])

    def fell_asleep(self) -> None:
        self._sleep_wanted = False
        self._halt()

    def resume(self, time_ns: int) -> None:
        """Begin the schedule anew, at a time to come."""
        self._halt()
        self.scheduler.restart()
        self._begin(time_ns)

    # Slots

    def _run(self) -> None:
        if not self._running and self.node.takes_part and not self._bus.sleeping.asleep:
            self._begin(self._bus.kernel.now)

    def _begin(self, time_ns: int) -> None:
        if self.scheduler.current is None and not self._sleep_wanted:
            return
        self._running = True
        self._generation += 1
        self._next = partial(self._slot, self._generation)
        self._bus.sleeping.watch()
        self._bus.kernel.at(time_ns, self._next)

    def _halt(self) -> None:
        self._running = False
        self._generation += 1

    def _slot(self, generation: int) -> None:
        if generation != self._generation:
            return
        bus = self._bus
        if self._sleep_wanted:
            self._send_to_sleep()
            return
        slot = self.scheduler.next_slot()
        if slot is None:
            self._running = False
            return
        step = self._steps[id(slot)]
        kernel = bus.kernel
        kernel.at(kernel.now + step.delay_ns, self._next)
        frame_id = step.frame_id
        if frame_id == _SKIP:
            frame_id = self._decided(step)
        if frame_id != _SKIP:
            bus.header(frame_id)

    def _decided(self, step: _Step) -> int:
        """The header of a slot that may stay empty."""
        diagnostics = self.diagnostics
        match step.kind:
            case SlotKind.FRAME:
                news = (frame_id for frame_id in step.candidates if self._bus.has_news(frame_id))
                return next(news, _SKIP)
            case SlotKind.REQUEST:
                diagnostics.fix(step.data)
                return REQUEST_ID
            case SlotKind.MASTER_REQUEST:
                return REQUEST_ID if diagnostics.has_request else _SKIP
            case SlotKind.SLAVE_RESPONSE:
                return RESPONSE_ID if diagnostics.awaits else _SKIP

    def _send_to_sleep(self) -> None:
        """When the command is not understood (a stuck bus), it is sent again."""
        bus = self._bus
        self.diagnostics.fix(GO_TO_SLEEP)
        bus.header(REQUEST_ID)
        bus.kernel.after(2 * bus.lin_times.longest_ns[PDU], self._next)

    def _request(self) -> Frame | None:
        return self.diagnostics.supply()

    # Tables

    def _prepare(self, table: ScheduleTable) -> None:
        """Look up the names of a table; it is kept, so that its slots stay who they are."""
        self._kept.append(table)
        for slot in table.slots:
            self._steps[id(slot)] = _Step(slot, self._bus.description)

    def _resolver(self, event: str) -> ScheduleTable:
        """The collision resolving table; where the LDF has none (LIN 2.0), each frame in a slot like the event's."""
        description = self._bus.description
        found = description.events[event]
        if found.table is not None and found.table in description.tables:
            return description.tables[found.table]
        slots = [slot for table in description.tables.values() for slot in table.slots if slot.name == event]
        longest_ns = max(self._bus.lin_times.longest_ns[description.frames[name].length] for name in found.frames)
        delay_ns = slots[0].delay_ns if slots else longest_ns
        table = ScheduleTable(f"{event} in turn", tuple(Slot(SlotKind.FRAME, delay_ns, name) for name in found.frames))
        self._prepare(table)
        return table
