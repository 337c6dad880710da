"""The faults of `gateway.hil`, for a vehicle that drives while somebody watches: put in and taken out by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import nearest
from gateway.hil import faults
from gateway.hil.arguments import period
from gateway.hil.errors import HilError
from gateway.hil.fault import Fault, Undo
from gateway.hil.host import Host
from gateway.hil.vehicle import VehicleUnderTest
from gateway.sim import Clock
from gateway.ui.desk import Argument, FaultKind, FaultRow, Takes
from gateway.vehicle import Vehicle, VehicleFile

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of fault, and how it is made of what the viewer has chosen."""

    about: FaultKind
    make: Callable[[Values], Fault]


def _kind(name: str, group: str, text: str, make: Callable[[Values], Fault], *arguments: Argument) -> _Kind:
    return _Kind(FaultKind(name, group, text, arguments), make)


_ECU: Final = Argument("ecu", Takes.ECU, "", "ECU")
_BUS: Final = Argument("bus", Takes.BUS, "", "bus")
_FRAMES: Final = Argument("frames", Takes.FRAMES, "", "message, or a whole bus")
_PROTECTED: Final = Argument("message", Takes.PROTECTED, "", "protected message")
_SHARE: Final = Argument("probability", Takes.SHARE, "1", "share of the frames hit")

KINDS: Final = (
    _kind("kill", "ECU", "no power", lambda given: faults.Killed(given["ecu"]), _ECU),
    _kind("hang", "ECU", "its program hangs; controllers acknowledge", lambda given: faults.Hung(given["ecu"]), _ECU),
    _kind(
        "bus-off", "ECU", "its controllers go bus-off and stay there", lambda given: faults.BusOff(given["ecu"]), _ECU
    ),
    _kind(
        "babble",
        "ECU",
        "sends the highest priority without end",
        lambda given: faults.Babbling(given["ecu"], every=given["every"]),
        _ECU,
        Argument("every", Takes.TIME, "250us", "one frame each"),
    ),
    _kind(
        "cut",
        "bus",
        "the wire is cut before an ECU, or everywhere",
        lambda given: faults.BusCut(given["bus"], given["ecu"] or None),
        _BUS,
        Argument("ecu", Takes.ECU_ON_BUS, "", "before whom"),
    ),
    _kind(
        "short", "bus", "high and low touch: no frame gets through", lambda given: faults.BusShorted(given["bus"]), _BUS
    ),
    _kind(
        "bit errors",
        "frames",
        "destroyed on the wire, and sent again",
        lambda given: faults.BitErrors(given["frames"], _share(given)),
        _FRAMES,
        _SHARE._replace(default="0.05"),
    ),
    _kind(
        "lost",
        "frames",
        "do not come onto the bus",
        lambda given: faults.Lost(given["frames"], _share(given)),
        _FRAMES,
        _SHARE,
    ),
    _kind(
        "corrupted",
        "frames",
        "wrong payload, right CRC",
        lambda given: faults.Corrupted(given["frames"], _share(given)),
        _FRAMES,
        _SHARE,
    ),
    _kind(
        "late",
        "frames",
        "come later",
        lambda given: faults.Delayed(given["frames"], _share(given), given["by"]),
        _FRAMES,
        Argument("by", Takes.TIME, "10ms", "by"),
        _SHARE,
    ),
    _kind(
        "doubled",
        "frames",
        "are sent again at once",
        lambda given: faults.Duplicated(given["frames"], _share(given)),
        _FRAMES,
        _SHARE,
    ),
    _kind(
        "counter stuck",
        "protection",
        "the counter does not go on",
        lambda given: faults.CounterStuck(given["message"]),
        _PROTECTED,
    ),
    _kind(
        "checksum wrong",
        "protection",
        "the checksum is wrong",
        lambda given: faults.ChecksumWrong(given["message"]),
        _PROTECTED,
    ),
    _kind(
        "slow gateway",
        "gateway",
        "everything takes so long to pass it",
        lambda given: faults.GatewayOverload(given["latency"], _queue(given)),
        Argument("latency", Takes.TIME, "20ms", "latency"),
        Argument("queue", Takes.NUMBER, "", "frames that may wait towards a bus"),
    ),
)


class HilFaultDesk:
    """A `gateway.ui.desk.FaultDesk` over one vehicle of a file. Made in the vehicle's loop."""

    def __init__(self, file: VehicleFile, vehicle: Vehicle) -> None:
        self._under_test: Final = VehicleUnderTest(file, vehicle, Host(Clock.WALL))
        self._kernel: Final = vehicle.kernel
        self._by_name: Final = {kind.about.name: kind for kind in KINDS}
        self._active: dict[int, tuple[FaultRow, Undo]] = {}
        self._number = 0

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        return tuple(kind.about for kind in KINDS)

    @property
    def active(self) -> tuple[FaultRow, ...]:
        return tuple(row for row, _ in self._active.values())

    def begin(self, kind: str, arguments: Values, lasting: str) -> FaultRow:
        """HilError for a kind or a name that is not there, or for what is in already."""
        found = self._by_name.get(kind)
        if found is None:
            raise HilError(f"there is no fault {kind!r}{nearest(kind, list(self._by_name))}")
        given = {one.name: arguments.get(one.name) or one.default for one in found.about.arguments}
        text = ", ".join(value for value in given.values() if value)
        if any((row.kind, row.text) == (kind, text) for row in self.active):
            raise HilError(f"{kind} {text} is in already")
        lasting_ns = period(lasting, "lasting") if lasting else None
        undo = found.make(given).begin(self._under_test)
        self._number = number = self._number + 1
        until_ns = None if lasting_ns is None else self._kernel.now + lasting_ns
        row = FaultRow(number, kind, text, self._kernel.now, until_ns)
        self._active[number] = (row, undo)
        if until_ns is not None:
            self._kernel.at(until_ns, lambda: self.undo(number))
        return row

    def undo(self, number: int) -> None:
        found = self._active.pop(number, None)
        if found is not None:
            found[1]()


def _share(given: Values) -> float:
    try:
        return float(given["probability"])
    except ValueError:
        raise HilError(f"{given['probability']!r} is no probability: above 0, and 1 at most") from None


def _queue(given: Values) -> int | None:
    if not given["queue"]:
        return None
    if not given["queue"].isdecimal():
        raise HilError(f"{given['queue']!r} is no number of frames")
    return int(given["queue"])
