"""What a user would write today for the measured vehicle: python-can's virtual buses, a Notifier a bus, and cantools.

It does the same work on the same databases: each frame is encoded from its signals by cantools and sent; a tenth is
routed by sending it on the next bus, a third is decoded and stored by name, all are kept in a list. It has no bit times,
no arbitration, no clock: frames are sent one after the other as fast as they go, in the order of their cycles.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import can
import cantools

from benchmarks.big_vehicle import BUSES, CYCLES_MS, ECUS_PER_BUS, MAPPED_ECUS, ROUTED_ECUS, message_id

_SENT_AT_ONCE = 200
"""Frames on the way before waiting for them to be handled: the buses' queues must not grow without limit."""


class _Receiver(can.Listener):
    def __init__(self, owner: Driven, bus: int) -> None:
        self._owner = owner
        self._bus = bus
        self._next = (bus + 1) % BUSES

    def on_message_received(self, msg: can.Message) -> None:
        owner = self._owner
        owner.record.append((msg.timestamp, self._bus, msg))
        identifier = msg.arbitration_id
        if (self._bus, identifier) in owner.routed:
            owner.senders[self._next].send(can.Message(arbitration_id=identifier, data=msg.data, is_extended_id=False))
            owner.forwarded += 1
        if (self._bus, identifier) in owner.mapped:
            decoded = owner.databases[self._bus].decode_message(identifier, msg.data)
            owner.store[f"V{identifier}"] = (decoded["Value"], msg.timestamp)
        owner.handled += 1
        if owner.handled >= owner.expected:
            owner.idle.set()


class Driven:
    """The vehicle by hand. `drive` sends the frames of one second."""

    def __init__(self, folder: Path) -> None:
        self.databases: list[Any] = [cantools.database.load_file(folder / f"bus{bus}.dbc") for bus in range(BUSES)]
        self.record: list[tuple[float, int, can.Message]] = []
        self.store: dict[str, tuple[Any, float]] = {}
        self.forwarded = self.handled = self.expected = 0
        self.idle = threading.Event()
        self.routed = {(b, message_id(b * ECUS_PER_BUS + p, 20)) for b in range(BUSES) for p in range(ROUTED_ECUS)}
        self.mapped = {(b, message_id(b * ECUS_PER_BUS + p, 10)) for b in range(BUSES) for p in range(MAPPED_ECUS)}
        self.senders = [can.Bus(f"bench{bus}", interface="virtual") for bus in range(BUSES)]
        self._receivers = [can.Bus(f"bench{bus}", interface="virtual") for bus in range(BUSES)]
        self._notifiers = [can.Notifier(bus, [_Receiver(self, index)]) for index, bus in enumerate(self._receivers)]
        self._schedule = self._one_second()
        self._counter = 0

    def _one_second(self) -> list[tuple[int, str, int]]:
        frames = []
        for bus in range(BUSES):
            for place in range(ECUS_PER_BUS):
                number = bus * ECUS_PER_BUS + place
                for cycle in CYCLES_MS:
                    times = range(number % cycle, 1000, cycle)
                    frames += [(time, bus, f"M{number}_{cycle}", message_id(number, cycle)) for time in times]
        return [(bus, name, identifier) for _, bus, name, identifier in sorted(frames)]

    def drive(self) -> None:
        self.record.clear()
        self.forwarded = self.handled = 0
        sent = 0
        messages = [{m.name: m for m in database.messages} for database in self.databases]
        for bus, name, identifier in self._schedule:
            self._counter += 1
            values = {
                "Counter": self._counter & 15,
                "State": 0,
                "Value": self._counter % 4000 * 0.75 % 4000,
                "Torque": 0,
            }
            data = messages[bus][name].encode(values)
            self.senders[bus].send(can.Message(arbitration_id=identifier, data=data, is_extended_id=False))
            sent += 1
            if sent % _SENT_AT_ONCE == 0:
                self._wait(sent)
        self._wait(sent)

    def _wait(self, sent: int) -> None:
        routed = 0
        while True:
            self.idle.clear()
            self.expected = sent + routed
            if self.handled < self.expected:
                self.idle.wait(1)
            if self.forwarded == routed and self.handled >= self.expected:
                return
            routed = self.forwarded

    @property
    def frames(self) -> int:
        return len(self.record)

    def close(self) -> None:
        for notifier in self._notifiers:
            notifier.stop()
        for bus in [*self.senders, *self._receivers]:
            bus.shutdown()
