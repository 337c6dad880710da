"""A recording that is played on a bus: what would be there twice, because its sender lives, is left out."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.can import ERROR, KEY_MASK, Frame
from gateway.ecu import Power
from gateway.errors import nearest
from gateway.hil.arguments import place
from gateway.hil.errors import HilError, LeftOutWarning
from gateway.hil.story import leads_to, senders
from gateway.trace import Recorded, open_reader

if TYPE_CHECKING:
    from gateway.hil.tester import Tester
    from gateway.hil.vehicle import VehicleUnderTest

_SHOWN: Final = 6


class Playback:
    """Frames of a recording, sent at their times. `sent` counts them; `finished` when the last is sent.

    `left_out`: how many frames of each message are not sent, because an ECU that is on, or the gateway, sends it.
    """

    def __init__(self, tester: Tester, path: str | Path, channel: str | None) -> None:
        self.sent = 0
        self.finished = False
        self._tester = tester
        frames = _frames(Path(path), channel, tester.bus.name)
        living = _living(tester.vehicle, tester.bus.name, {record.frame.header & KEY_MASK for record in frames})
        left_out = [record for record in frames if record.frame.header & KEY_MASK in living]
        self.left_out: Mapping[str, int] = Counter(living[each.frame.header & KEY_MASK][0] for each in left_out)
        self._running = True
        self._start_ns = tester.bus.kernel.now
        self._first_ns = frames[0].time_ns
        self._records = iter([record for record in frames if record.frame.header & KEY_MASK not in living])
        self._next = next(self._records, None)
        if left_out:
            self._tell(str(path), dict(living.values()))
        self._schedule()

    def _tell(self, path: str, sender: Mapping[str, str]) -> None:
        """What is left out: a warning at the test's line; HilError when nothing is left to be played."""
        named = [f"{name} ({count} frames; {sender[name]} sends it)" for name, count in self.left_out.items()]
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        text = (
            f"left out, because they would be on {self._tester.bus.name} twice: {', '.join(named[:_SHOWN])}{more};"
            " kill or silence who sends them, and they are played"
        )
        if self._next is None:
            raise HilError(f"nothing of it can be played: {text}", file=path)
        file, _, line = place().rpartition(":")
        warnings.warn_explicit(LeftOutWarning(f"{path}: {text}"), None, file, int(line))

    def _schedule(self) -> None:
        if self._next is None:
            self.finished = True
            return
        self._tester.bus.kernel.at(self._start_ns + self._next.time_ns - self._first_ns, self._play)

    def _play(self) -> None:
        if not self._running or self._next is None:
            return
        frame = self._next.frame
        if frame.header & ERROR == 0 and self._tester.bus.accepts(frame):
            self.sent += self._tester.controller.send(frame)
        self._next = next(self._records, None)
        self._schedule()

    def stop(self) -> None:
        self._running = False


def _living(vehicle: VehicleUnderTest, bus: str, keys: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Of these identifiers those that somebody in this vehicle sends by itself now: the message and its sender."""
    found = {}
    database = vehicle.simulated.databases[bus]
    for key in keys:
        message = database.by_id(Frame(key, b"").arbitration_id, Frame(key, b"").extended)
        sender = None if message is None else _sender(vehicle, bus, key, message.name)
        if message is not None and sender is not None:
            found[key] = (message.name, sender)
    return found


def _sender(vehicle: VehicleUnderTest, bus: str, key: int, name: str) -> str | None:
    for ecu, port in senders(vehicle, bus, name):
        if ecu.power is Power.ON and port.tx[name].active:
            return ecu.name
    gateway = vehicle.simulated.gateway
    return gateway.name if any(leads_to(route, bus, key, name) for route in gateway.routes) else None


def _frames(path: Path, channel: str | None, bus: str) -> list[Recorded]:
    """The frames of one channel: the one asked for, the one called as the bus, or the only one."""
    with open_reader(path) as reader:
        records = [record for record in reader.records() if isinstance(record, Recorded)]
    channels = list(dict.fromkeys(record.bus for record in records))
    wanted = channel or (bus if bus in channels else channels[0] if len(channels) == 1 else None)
    if not channels:
        raise HilError("there is no frame in it", file=str(path))
    if wanted not in channels:
        hint = nearest(wanted, channels) if wanted else ""
        which = f"there is no channel {wanted!r}{hint}" if wanted else "say which channel to play, channel=NAME"
        raise HilError(f"{which}: there are {', '.join(channels)}", file=str(path))
    return [record for record in records if record.bus == wanted]
