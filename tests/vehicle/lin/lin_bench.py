"""A LIN bus with a commander and two responders, every kind of frame, and what was seen on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.can import BusEventKind, Frame
from gateway.database.lin import (
    EventTriggeredFrame,
    LinDescription,
    LinFrame,
    Place,
    ProductId,
    Responder,
    ScheduleTable,
    Slot,
    SlotKind,
    SporadicFrame,
)
from gateway.lin import LinBus, LinNode
from gateway.sim import Kernel

MS: Final = 1_000_000
SECOND: Final = 1_000 * MS
BIT_RATE: Final = 20_000
BIT: Final = 50_000
"""Nanoseconds at 20 kbit/s."""
SLOT: Final = 10 * MS
FRAMES: Final = {
    "Command": LinFrame("Command", 0x01, 2, "CEM"),
    "LeftState": LinFrame("LeftState", 0x02, 4, "Left"),
    "RightState": LinFrame("RightState", 0x03, 4, "Right"),
    "LeftNews": LinFrame("LeftNews", 0x04, 3, "Left"),
    "RightNews": LinFrame("RightNews", 0x05, 3, "Right"),
    "OrderA": LinFrame("OrderA", 0x06, 1, "CEM"),
    "OrderB": LinFrame("OrderB", 0x07, 1, "CEM"),
}
NEWS: Final = 0x10
ERROR_BYTE: Final = 3


def table(name: str, *names: str) -> ScheduleTable:
    kinds = {kind.value: kind for kind in (SlotKind.MASTER_REQUEST, SlotKind.SLAVE_RESPONSE)}
    slots = [Slot(kinds.get(each, SlotKind.FRAME), SLOT, "" if each in kinds else each) for each in names]
    return ScheduleTable(name, tuple(slots))


DESCRIPTION: Final = LinDescription(
    bit_rate=BIT_RATE,
    commander="CEM",
    responders={
        "Left": Responder(
            name="Left",
            nad=0x21,
            initial_nad=0x21,
            product=ProductId(0x00F1, 1, 1),
            response_error=Place("LeftState", 8 * ERROR_BYTE),
            configurable=(("Command", None), ("LeftState", None)),
        ),
        "Right": Responder(
            name="Right", nad=0x22, initial_nad=0x22, response_error=Place("RightState", 8 * ERROR_BYTE)
        ),
    },
    frames=FRAMES,
    events={"News": EventTriggeredFrame("News", NEWS, ("LeftNews", "RightNews"), "Collision")},
    sporadics={"Orders": SporadicFrame("Orders", ("OrderA", "OrderB"))},
    tables={
        each.name: each
        for each in (
            table("Normal", "Command", "LeftState", "RightState", "News", "Orders"),
            table("States", "LeftState", "RightState"),
            table("Collision", "LeftNews", "RightNews"),
            table("Diagnostic", "MasterReq", "SlaveResp"),
            table("All", "Command", "LeftState", "RightState", "News", "Orders", "MasterReq", "SlaveResp"),
        )
    },
)


class Seen(NamedTuple):
    """A frame that is through."""

    end_ns: int
    start_ns: int
    sender: str
    frame_id: int
    data: bytes


class LinBench:
    """`payload[name]` is what a frame's publisher answers; `got[node]` what came to it."""

    def __init__(self, description: LinDescription = DESCRIPTION, schedule: str | None = "Normal") -> None:
        self.kernel = Kernel()
        self.bus = LinBus(self.kernel, "doors", description)
        self.bus.record = []
        names = (description.commander, *description.responders)
        self.nodes: dict[str, LinNode] = {name: self.bus.attach(name) for name in names}
        self.payload = {frame.name: bytes(frame.length) for frame in description.frames.values()}
        self.got: dict[str, list[tuple[int, Frame]]] = {name: [] for name in self.nodes}
        for frame in description.frames.values():
            self.nodes[frame.publisher].supply(frame.frame_id, self._supplier(frame))
            for name, node in self.nodes.items():
                if name != frame.publisher:
                    node.receive(frame.frame_id, self._receiver(name))
        self.bus.commander.schedule(schedule)
        for node in self.nodes.values():
            node.switch_on()

    def _supplier(self, frame: LinFrame) -> Callable[[], Frame]:
        return lambda: Frame(frame.frame_id, self.payload[frame.name])

    def _receiver(self, name: str) -> Callable[[Frame], None]:
        return lambda frame: self.got[name].append((self.kernel.now, frame))

    def news(self, frame: str) -> None:
        """The publisher of an event-triggered or sporadic frame has news."""
        found = self.bus.description.frames[frame]
        self.nodes[found.publisher].send(Frame(found.frame_id, self.payload[frame]))

    def run(self, until_ns: int) -> list[Seen]:
        self.kernel.run(until_ns)
        return self.seen

    @property
    def seen(self) -> list[Seen]:
        assert self.bus.record is not None
        return [Seen(end, start, sender.name, f.header, f.data) for end, _, f, sender, _, start in self.bus.record]

    def after(self, time_ns: int) -> list[int]:
        """The identifiers of what began at or after a time."""
        return [seen.frame_id for seen in self.seen if seen.start_ns >= time_ns]

    @property
    def told(self) -> Counter[BusEventKind]:
        return Counter(self.bus.event_counts)

    def texts(self, kind: BusEventKind) -> list[str]:
        return [f"{event.controller}: {event.text}" for event in self.bus.events if event.kind is kind]
