"""The vehicle's side of its web page. Knows no socket and no clock.

The page is a process of its own, which asks thirty times a second; between two questions the vehicle pays for each
frame with one tuple in a list. An answer has all frames since the last one, and of everything else what is another than
before. What a browser shows of that, and how it is decoded, is not the vehicle's work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from gateway.can import KEY_MASK
from gateway.com import header_of
from gateway.errors import GatewayError
from gateway.routing import Datapoint, VssSignal
from gateway.ui.desk import Desk, FaultKind
from gateway.ui.errors import UiError
from gateway.ui.feed_frames import FrameList
from gateway.ui.feed_journeys import JourneyBook
from gateway.ui.feed_picture import ledger_of, paths, picture
from gateway.ui.feed_rows import BusRow, FrameRow, Part
from gateway.ui.feed_services import service_rows
from gateway.ui.feed_state import Meter, event_rows, node_rows, part_rows, path_row, route_rows
from gateway.ui.feed_wire import plain
from gateway.ui.page_wire import Request, message, message_json, pack_frames, place_of, request_of
from gateway.vehicle import Vehicle

GATHER_NS: Final = 200_000_000
"""Simulated time between two looks at how much has come."""
ROOM: Final = 65_536
"""Frames that are kept for a page that does not ask; more are counted as missed."""
_ALIKE: Final = 8
_UNTAKEN: Final = 64
"""Answers that wait for a page which does not take them."""
LINE_MAX: Final = 1 << 20
Json = dict[str, Any]


class _Senders(dict[object, int]):
    """The number of each controller that has sent, made when it is first asked for; `new`: names not told yet."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def __missing__(self, controller: Any) -> int:
        number = self[controller] = len(self)
        self.new.append(controller.name)
        return number


class PageSource:
    """One page: a source for a stream, as `gateway.links` has them. From `attach` to `close`.

    `domains`: what is served besides, for people.
    """

    def __init__(self, vehicle: Vehicle, desk: Desk, title: str = "", domains: tuple[str, ...] = ()) -> None:
        self._vehicle: Final = vehicle
        self._desk: Final = desk
        self._frames: Final = FrameList(list(vehicle.buses.values()))
        self._book: Final = JourneyBook(vehicle, self._place)
        self._meters: Final = [Meter(bus) for bus in vehicle.buses.values()]
        self._senders: Final = _Senders()
        self._told: dict[tuple[str, object], object] = {}
        """By part and name: the row that was told last."""
        self._vss: Final[list[VssSignal]] = []
        self._datapoints: Final[list[tuple[Datapoint | None, Datapoint | None]]] = []
        """Of each VSS signal what was told last: value and target."""
        self._asked: Final[dict[bytes, Request]] = {}
        """Requests by their lines: most are asked again and again."""
        self._received = _received(vehicle)
        """How many messages ECUs have said that they receive: some say so after the start."""
        self._missed = 0
        self._unread = b""
        self._outgoing: Final = [self._hello(title, domains)]
        self._attached = False
        self._forgotten = False

    def attach(self) -> None:
        """Begin to note frames."""
        self._attached = True
        self._frames.attach()
        self._again()

    def close(self) -> None:
        """Leave the vehicle as it was."""
        if self._attached:
            self._attached = False
            self._frames.detach()

    def forget(self) -> None:
        """After a jump in a recording: what came before is not told any more."""
        self._frames.take()
        self._book.forget()
        self._forgotten = True

    def receive(self, data: bytes) -> None:
        """Requests and commands. ValueError for what is neither."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        if len(self._unread) > LINE_MAX:
            raise ValueError("a line too long")
        for line in lines:
            request = self._asked.get(line)
            if len(self._outgoing) >= _UNTAKEN:
                raise ValueError("it asks and does not take the answers")
            if request is None:
                document = json.loads(line)
                if not isinstance(document, dict):
                    raise ValueError("neither a request nor a command")
                if "ask" not in document:
                    answer = {"answer": document.get("id"), "problem": self._do(document.get("do"))}
                    self._outgoing.append(message(answer))
                    continue
                request = request_of(document["ask"])
                if len(self._asked) >= _ALIKE:
                    self._asked.clear()
                self._asked[line] = request
            self._outgoing.append(self._answer(request))

    def outgoing(self) -> bytes:
        """The picture first, then all answers."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    # What is told

    def _hello(self, title: str, domains: tuple[str, ...]) -> bytes:
        vehicle, faults = self._vehicle, self._desk.faults
        databases = {
            name: [(header_of(each) & KEY_MASK, message_json(each)) for each in vehicle.databases[name].messages]
            for name in vehicle.buses
        }
        return message(
            {
                "hello": plain(picture(vehicle, ledger_of(vehicle), domains)),
                "title": title,
                "buses": [(bus.index, name) for name, bus in vehicle.buses.items()],
                "databases": databases,
                "receivers": _receivers(vehicle),
                "latencies": _latencies(vehicle),
                "kinds": None if faults is None else [_kind(kind) for kind in faults.kinds],
            }
        )

    def _answer(self, request: Request) -> bytes:
        vehicle = self._vehicle
        frames = pack_frames(self._frames.take(), self._senders.__getitem__)
        head: Json = {"time": vehicle.kernel.now, "frames": sum(bus.frames for bus in vehicle.buses.values())}
        if self._missed:
            head["missed"] = self._missed
        if self._forgotten:
            head["forget"], self._forgotten = True, False
        if self._senders.new:
            head["senders"], self._senders.new = self._senders.new, []
        if request.paths is None and self._desk.playback is not None:
            head["playback"] = self._desk.playback.row()
        if Part.SIGNALS in request.parts:
            head |= self._signals(request.paths)
        for name, part, rows in (
            ("buses", Part.BUSES, self._buses),
            ("routes", Part.ROUTES, lambda: route_rows(vehicle)),
            ("ecus", Part.ECUS, lambda: part_rows(vehicle)),
            ("nodes", Part.NODES, lambda: node_rows(vehicle)),
            ("services", Part.SERVICES, lambda: service_rows(vehicle)),
        ):
            if part in request.parts:
                head[name] = [row for row in rows() if self._is_new(name, row[0], row)]
        if request.paths is None and self._desk.faults is not None:
            head["faults"] = self._desk.faults.active
        if request.paths is None and self._received != (received := _received(vehicle)):
            head["receivers"], self._received = _receivers(vehicle), received
        if Part.EVENTS in request.parts:
            head["events"] = tuple(event_rows(vehicle))
        if request.journeys:
            head["journeys"] = [(plain(asked), _frame_rows(self._book.recent(*asked))) for asked in request.journeys]
        if request.stories:
            head["told"] = _frame_rows(filter(None, map(self._book.row, request.stories)))
        return message(head, frames)

    def _buses(self) -> Iterator[BusRow]:
        for meter in self._meters:
            meter.look()
            yield meter.row()

    def _signals(self, wanted: frozenset[int] | None) -> Json:
        """Rows of the signals that have changed; a datapoint is another object when it has."""
        known, told, now = self._vss, self._datapoints, self._vehicle.kernel.now
        found: Json = {}
        if wanted is None and self._vehicle.has_gateway and len(known) < len(self._vehicle.gateway.store):
            found["new_paths"] = plain(paths(self._vehicle, len(known)))
            known += list(self._vehicle.gateway.store)[len(known) :]
            told += [(None, None)] * (len(known) - len(told))
        rows = []
        for number in range(len(known)) if wanted is None else wanted:
            if number < len(known):
                signal = known[number]
                value, target = told[number]
                if signal.datapoint is not value or signal.target is not target:
                    told[number] = signal.datapoint, signal.target
                    rows.append(path_row(number, signal, now))
        if rows:
            found["paths"] = rows
        return found

    def _is_new(self, part: str, name: object, row: object) -> bool:
        if self._told.get((part, name)) == row:
            return False
        self._told[part, name] = row
        return True

    def _do(self, command: object) -> str | None:
        try:
            if not isinstance(command, Mapping):
                raise UiError("a command is a JSON object")
            self._desk.do(command)
        except GatewayError as error:
            return str(error)
        return None

    def _place(self, bus: str, key: int) -> int:
        return place_of(self._vehicle.buses[bus].index, key)

    def _again(self) -> None:
        if self._attached:
            if len(self._frames) > ROOM:
                self._missed += len(self._frames.take())
            for meter in self._meters:
                meter.look()
            self._vehicle.kernel.after(GATHER_NS, self._again)


def _received(vehicle: Vehicle) -> int:
    return sum(len(port.rx) for ecu in vehicle.ecus.values() for port in ecu.ports.values())


def _receivers(vehicle: Vehicle) -> dict[str, dict[str, list[str]]]:
    """Who here receives what, by bus and message."""
    found: dict[str, dict[str, list[str]]] = {bus: {} for bus in vehicle.buses}
    for name, ecu in vehicle.ecus.items():
        for bus, port in ecu.ports.items():
            for received in port.rx:
                found[bus].setdefault(received, []).append(name)
    return found


def _latencies(vehicle: Vehicle) -> list[int]:
    """Of the gateway on the way of each route, in nanoseconds."""
    lanes = (getattr(route, "lane", None) for route in (vehicle.gateway.routes if vehicle.has_gateway else ()))
    return [0 if lane is None else int(lane.latency_ns) for lane in lanes]


def _frame_rows(rows: Iterable[FrameRow]) -> list[object]:
    """As `plain` has them; there are many, so it is done by hand."""
    return [(*row[:3], row.data.hex(), row.hops) for row in rows]


def _kind(kind: FaultKind) -> Json:
    """As the page's JSON has it."""
    return {**asdict(kind), "arguments": [(one.name, one.takes.value, *one[2:]) for one in kind.arguments]}
