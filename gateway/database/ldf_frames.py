"""Frames of an LDF: messages with their signals, and what kind of frame each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.database.diagnostic import Findings
from gateway.database.ldf_parsing import Entry, Sections
from gateway.database.ldf_signals import LdfSignal
from gateway.database.lin import PDU, EventTriggeredFrame, LinFrame, SporadicFrame
from gateway.database.lin_wire import LAST_ID, REQUEST_ID, RESPONSE_ID, ChecksumModel, protected
from gateway.database.message import Message, SendType
from gateway.database.signal import Signal
from gateway.errors import nearest

TAG: Final = "CarriedFrame"
"""The first byte of an event-triggered frame: which frame it carries."""


class Frames:
    """All frames of one file. What is at fault is told, and left out where nothing can be made of it."""

    def __init__(
        self, sections: Sections, signals: Mapping[str, LdfSignal], nodes: list[str], commander: str, findings: Findings
    ) -> None:
        self.frames: dict[str, LinFrame] = {}
        self.events: dict[str, EventTriggeredFrame] = {}
        self.sporadics: dict[str, SporadicFrame] = {}
        self.diagnostic: dict[str, int] = {}
        self._signals = signals
        self._nodes = nodes
        self._commander = commander
        self._findings = findings
        self._placed: dict[str, tuple[Signal, ...]] = {}
        self._taken: dict[int, str] = {}
        self._tables = [entry.value["name"] for entry in sections.entries.get("schedule_tables", [])]
        classic = _is_old(sections)
        for entry in sections.entries.get("frames", []):
            if entry.value is not None:
                self._unconditional(entry, classic)
        for entry in sections.entries.get("event_triggered_frames", []):
            self._event(entry)
        for entry in sections.entries.get("sporadic_frames", []):
            self._sporadic(entry)
        for entry in sections.entries.get("diagnostic_frames", []):
            self._diagnostic(entry)

    def messages(self, cycles: Mapping[str, int | None]) -> list[Message]:
        """A message for each frame with an identifier; `cycles` in nanoseconds."""
        urgent = {name for event in self.events.values() for name in event.frames}
        urgent |= {name for sporadic in self.sporadics.values() for name in sporadic.frames}
        made = [
            Message(
                name=frame.name,
                arbitration_id=frame.frame_id,
                length=frame.length,
                senders=(frame.publisher,),
                cycle_ns=cycles.get(frame.name),
                send_type=SendType.ON_CHANGE if frame.name in urgent else SendType.NONE,
                signals=self._placed[frame.name],
                line=frame.line,
            )
            for frame in self.frames.values()
        ]
        made += [self._event_message(event) for event in self.events.values()]
        made += [
            Message(name=name, arbitration_id=frame_id, length=PDU, signals=self._placed[name])
            for name, frame_id in self.diagnostic.items()
        ]
        return made

    def _event_message(self, event: EventTriggeredFrame) -> Message:
        """The first byte selects which frame's signals are in it."""
        frames = [self.frames[name] for name in event.frames]
        tags = {protected(frame.frame_id): frame.name for frame in frames}
        signals = [Signal(name=TAG, start=0, length=8, choices=tags, is_multiplexer=True, line=event.line)]
        for frame in frames:
            signals += [
                _selected(signal, protected(frame.frame_id))
                for signal in self._placed[frame.name]
                if signal.start >= 8 and signal.name != TAG
            ]
        unique = {signal.name: signal for signal in signals}
        length = max(frame.length for frame in frames)
        return Message(
            name=event.name,
            arbitration_id=event.frame_id,
            length=length,
            signals=tuple(unique.values()),
            line=event.line,
        )

    # Each kind

    def _unconditional(self, entry: Entry, classic: bool) -> None:
        value, line = entry.value, entry.line
        name, frame_id = value["name"], value["frame_id"]
        free = self._free(name, frame_id, line, LAST_ID)
        length = value["length"]
        if length is None:
            length = 2 if frame_id < 0x20 else 4 if frame_id < 0x30 else 8
        if not 1 <= length <= 8:
            self._findings.error(line, f"frame {name} has {length} bytes; a LIN frame has 1 to 8")
            self._refuse(value)
            return
        publisher = value["publisher"]
        if publisher not in self._nodes and publisher not in self._findings.refused:
            near = nearest(publisher, self._nodes)
            self._findings.error(line, f"frame {name} has the publisher {publisher!r}, which is no node{near}")
        placed = self._place(name, length, publisher, value["signals"], entry.inner or (line,))
        if not free or publisher not in self._nodes:
            self._refuse(value)
            return
        self._placed[name] = placed
        model = ChecksumModel.CLASSIC if classic else ChecksumModel.ENHANCED
        self.frames[name] = LinFrame(name, frame_id, length, publisher, model, line)

    def _event(self, entry: Entry) -> None:
        value, line = entry.value, entry.line
        name, table = value["name"], value["collision_resolving_schedule_table"]
        names = self._known(f"event-triggered frame {name}", value["frames"], line)
        if not names or not self._free(name, value["frame_id"], line, LAST_ID):
            self._findings.refused.add(name)
            return
        if table is not None and table not in self._tables:
            near = nearest(table, self._tables)
            self._findings.error(line, f"event-triggered frame {name}: there is no schedule table {table!r}{near}")
        lengths = {self.frames[each].length for each in names}
        if len(lengths) > 1:
            listed = ", ".join(f"{each} {self.frames[each].length}" for each in names)
            self._findings.error(line, f"event-triggered frame {name} carries frames of different lengths: {listed}")
        publishers = [self.frames[each].publisher for each in names]
        if len(set(publishers)) < len(publishers):
            self._findings.error(line, f"event-triggered frame {name} carries two frames of one node")
        for each in names:
            first = min((signal.start for signal in self._placed[each]), default=8)
            if first < 8:
                text = (
                    f"frame {each} is carried by {name}, so its first byte is its identifier, and it has a signal there"
                )
                self._findings.error(self.frames[each].line, text)
        self.events[name] = EventTriggeredFrame(name, value["frame_id"], tuple(names), table, line)

    def _sporadic(self, entry: Entry) -> None:
        value, line = entry.value, entry.line
        name = value["name"]
        names = self._known(f"sporadic frame {name}", value["frames"], line)
        for each in names:
            if self.frames[each].publisher != self._commander:
                text = f"sporadic frame {name} has {each} of {self.frames[each].publisher}; only the commander's can be in it"
                self._findings.error(line, text)
        if self._taken_name(name, line):
            return
        if not names:
            self._findings.refused.add(name)
        else:
            self.sporadics[name] = SporadicFrame(name, tuple(names), line)

    def _diagnostic(self, entry: Entry) -> None:
        value, line = entry.value, entry.line
        name, frame_id = value["name"], value["frame_id"]
        if frame_id not in {REQUEST_ID, RESPONSE_ID}:
            self._findings.error(line, f"diagnostic frame {name} has identifier {frame_id:#x}; it must be 0x3C or 0x3D")
        elif self._free(name, frame_id, line, RESPONSE_ID):
            self._placed[name] = self._place(name, PDU, "", value["signals"], entry.inner or (line,))
            self.diagnostic[name] = frame_id

    # What they share

    def _refuse(self, value: Mapping[str, Any]) -> None:
        """The frame is left out, and its signals with it."""
        if value["name"] not in self.frames:
            self._findings.refused.add(value["name"])
        self._findings.refused.update(each["signal"] for each in value["signals"])

    def _free(self, name: str, frame_id: int, line: int, last: int) -> bool:
        """Whether name and identifier can be taken; they are."""
        if self._taken_name(name, line):
            return False
        if not 0 <= frame_id <= last:
            self._findings.error(
                line, f"frame {name} has identifier {frame_id:#x}; those of LIN are 0x00 to {LAST_ID:#x}"
            )
            return False
        if frame_id in self._taken:
            self._findings.error(
                line, f"frames {self._taken[frame_id]} and {name} both have identifier 0x{frame_id:02X}"
            )
            return False
        self._taken[frame_id] = name
        return True

    def _taken_name(self, name: str, line: int) -> bool:
        if name in self.frames or name in self.events or name in self.sporadics or name in self.diagnostic:
            self._findings.error(line, f"frame {name} is there twice")
            return True
        return False

    def _known(self, what: str, names: Iterable[str], line: int) -> list[str]:
        found = []
        for name in names:
            if name in self.frames:
                found.append(name)
            elif name not in self._findings.refused:
                self._findings.error(line, f"{what}: there is no frame {name!r}{nearest(name, list(self.frames))}")
        return list(dict.fromkeys(found))

    def _place(
        self, frame: str, length: int, publisher: str, given: list[dict[str, Any]], lines: tuple[int, ...]
    ) -> tuple[Signal, ...]:
        """The signals of a frame at their places."""
        made: dict[str, Signal] = {}
        taken = 0
        for number, each in enumerate(given):
            line = lines[min(number, len(lines) - 1)]
            signal = self._signals.get(each["signal"])
            name, offset = each["signal"], each["offset"]
            if signal is None:
                self._findings.error(
                    line, f"frame {frame}: there is no signal {name!r}{nearest(name, list(self._signals))}"
                )
                continue
            if name in made:
                self._findings.error(line, f"frame {frame} has signal {name} twice")
                continue
            if offset < 0 or offset + signal.width > 8 * length:
                end = offset + signal.width
                text = (
                    f"signal {name} of {signal.width} bits at bit {offset} ends with bit {end}, past the {length} bytes"
                )
                self._findings.error(line, f"{text} of frame {frame}")
                continue
            if publisher in self._nodes and signal.publisher in self._nodes and signal.publisher != publisher:
                text = f"signal {name} is published by {signal.publisher}, and its frame {frame} by {publisher}"
                self._findings.error(line, text)
            mask = ((1 << signal.width) - 1) << offset
            if taken & mask:
                self._findings.error(line, f"signal {name} lies on another signal of frame {frame}")
            taken |= mask
            made[name] = signal.placed(offset, line)
        return tuple(made.values())


def _selected(signal: Signal, tag: int) -> Signal:
    return replace(signal, multiplexer_signal=TAG, multiplexer_ids=(tag,))


def _is_old(sections: Sections) -> bool:
    """LIN 1.x: classic checksums."""
    return str(sections.plain.get("protocol_version", "")).startswith("1.")
