"""What may follow a header when it is not simply answered: several answers or none, disturbances, events, error bits.

A response is good, and then counts and is delivered as on the plain way; or it is told as one of the bus's events, and
nobody receives it. Who notices that its own response, or one it was to receive, was not good sets its error bit. An
event-triggered frame that nobody answers, or an answer to 0x3D that is not ready, is nothing to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.can import BusEventKind, Disturbance, Frame
from gateway.can.controller import Controller
from gateway.database.lin_wire import PROTECTED, REQUEST_ID, RESPONSE_ID
from gateway.lin.disturbance import LinDisturbance, Response
from gateway.lin.node import LinNode
from gateway.lin.way import Kind, Way

if TYPE_CHECKING:
    from gateway.lin.bus import LinBus

GHOST = "unknown node"


class Answer(NamedTuple):
    """What one node answers. `definition`: which of its frames that is."""

    node: Controller
    frame: Frame
    definition: int
    delay_ns: int = 0
    good_checksum: bool = True


class _Pending(NamedTuple):
    """Answers on the wire."""

    way: Way
    start_ns: int
    end_ns: int
    answers: tuple[Answer, ...]


class Respond:
    """The checked way of one bus."""

    def __init__(self, bus: LinBus) -> None:
        self._bus = bus
        self._pending: _Pending | None = None
        self._stuck = False
        self.once: dict[int, tuple[LinNode, Frame]] = {}
        """By identifier: what a test instrument answers to the next header, instead of the publisher."""
        self._ghost: Controller = Controller(bus, GHOST)

    # Headers

    def header_passes(self, frame_id: int) -> bool:
        """Whether the header comes through; what keeps it from that is told."""
        bus = self._bus
        commander = bus.commander.node
        disturbances = [each for each in bus.disturbances if isinstance(each, LinDisturbance)]
        if any(each.sticks() for each in disturbances):
            bus.errors += 1
            if not self._stuck:
                self._stuck = True
                bus.tell(BusEventKind.STUCK, commander, None, f"header 0x{frame_id:02X} cannot be sent")
            return False
        if self._stuck:
            self._stuck = False
            bus.tell(BusEventKind.RECOVERED, commander, None, "the bus is free again")
        if any(each.silences(frame_id) for each in disturbances):
            return False
        if any(each.damages_header(frame_id) for each in disturbances):
            bus.busy_ns += bus.lin_times.header_ns
            bus.bad(BusEventKind.HEADER, commander, None, f"0x{frame_id:02X} was damaged")
            return False
        if bus.sleeping.asleep:
            bus.sleeping.woken_by_header()
        return True

    def cut_off(self) -> None:
        """The next header begins while a response is still there, or was still awaited."""
        pending, self._pending = self._pending, None
        self._bus.idle()
        if pending is None:
            return
        if not pending.answers:
            self._no_response(pending)
        else:
            self._fail(pending, BusEventKind.LATE_RESPONSE, "cut off by the next header", everyone=True)

    # Responses

    def respond(self, way: Way, start_ns: int) -> None:
        """The header of `way` has ended."""
        bus = self._bus
        answers = self._disturbed(way, self._collect(way))
        if answers:
            length = max(len(answer.frame.data) for answer in answers)
            end_ns = start_ns + bus.lin_times.frame_ns[length] + max(answer.delay_ns for answer in answers)
        else:
            if way.kind is Kind.EVENT or way.frame_id == RESPONSE_ID:
                bus.busy_ns += bus.kernel.now - start_ns
                bus.idle()
                return
            end_ns = start_ns + bus.lin_times.longest_ns[way.length]
        self._pending = _Pending(way, start_ns, end_ns, tuple(answers))
        bus.kernel.at(end_ns, self._end)

    def _collect(self, way: Way) -> list[Answer]:
        if way.frame_id in self.once:
            stand_in, instead = self.once.pop(way.frame_id)
            self._bus.assess()
            return [Answer(stand_in, instead, way.frame_id)]
        answers = []
        for node, definition in way.answers:
            if way.kind is Kind.EVENT and definition not in node.updated:
                continue
            if self._bus.sleeping.unready and node is not self._bus.commander.node:
                continue
            frame = node.suppliers[definition]()
            if frame is not None and len(frame.data) <= 8:
                answers.append(Answer(node, self._marked(way, node, definition, frame), definition))
        return answers

    def _marked(self, way: Way, node: LinNode, definition: int, frame: Frame) -> Frame:
        """With identifier tag and error bit where the frame has them."""
        data = frame.data
        if (way.tagged or way.kind is Kind.EVENT) and data[:1] != bytes((PROTECTED[definition],)):
            data = bytes((PROTECTED[definition],)) + data[1:]
        bit = node.error_bit
        if bit is not None and bit.frame_id == definition and bit.byte < len(data):
            byte = data[bit.byte] | bit.mask if node.error_seen else data[bit.byte] & ~bit.mask
            data = data[: bit.byte] + bytes((byte,)) + data[bit.byte + 1 :]
        if data is frame.data and frame.header == way.frame_id:
            return frame
        return Frame(way.frame_id, data)

    def _disturbed(self, way: Way, answers: list[Answer]) -> list[Answer]:
        for each in self._bus.disturbances:
            if not isinstance(each, LinDisturbance):
                answers = [changed for answer in answers for changed in _as_on_can(each, answer)]
                continue
            changed = []
            for answer in answers:
                response = Response(answer.frame.data, answer.delay_ns, answer.good_checksum)
                data, delay_ns, good = each.response(answer.node, way.frame_id, response)
                if data is not None:
                    frame = answer.frame if data == answer.frame.data else Frame(way.frame_id, data)
                    changed.append(answer._replace(frame=frame, delay_ns=delay_ns, good_checksum=good))
            answers = changed
            second = each.second(way.frame_id)
            if second is not None:
                answers.append(Answer(self._ghost, Frame(way.frame_id, second), way.frame_id))
        return answers

    def _end(self) -> None:
        """The answers have ended, or none has come."""
        pending = self._pending
        if pending is None or self._bus.kernel.now != pending.end_ns:
            return
        self._pending = None
        self._bus.idle()
        if not pending.answers:
            self._no_response(pending)
            return
        if len({answer.frame.data for answer in pending.answers}) > 1:
            self._collision(pending)
            return
        fault = self._fault(pending)
        if fault is not None:
            self._fail(pending, *fault)
            return
        self._good(pending)

    def _fault(self, pending: _Pending) -> tuple[BusEventKind, str] | None:
        bus, way, answer = self._bus, pending.way, pending.answers[0]
        length = len(answer.frame.data)
        if any(each.sticks() for each in bus.disturbances if isinstance(each, LinDisturbance)):
            return BusEventKind.CHECKSUM, "the bus was held dominant"
        if pending.end_ns > pending.start_ns + bus.lin_times.longest_ns[min(length, 8)]:
            return BusEventKind.LATE_RESPONSE, f"{answer.delay_ns / 1000:.1f} us later than it should"
        if length != way.length and way.kind is not Kind.EVENT:
            return BusEventKind.CHECKSUM, f"{length} bytes where {way.length} are awaited"
        if not answer.good_checksum:
            return BusEventKind.CHECKSUM, "as it was sent"
        bits = bus.lin_times.response_bits(length)
        for each in bus.disturbances:
            bit = each.error_bit(answer.node, answer.frame, bits)
            if bit is not None:
                if isinstance(answer.node, LinNode):
                    answer.node.error_seen = True
                return BusEventKind.CHECKSUM, f"bit {bit} of the response was damaged"
        return None

    def _no_response(self, pending: _Pending) -> None:
        bus, way = self._bus, pending.way
        bus.busy_ns += bus.lin_times.header_ns
        publisher = way.answers[0][0] if way.answers else bus.commander.node
        bus.bad(BusEventKind.NO_RESPONSE, publisher, Frame(way.frame_id, b""), "to a header")

    def _collision(self, pending: _Pending) -> None:
        bus, way = self._bus, pending.way
        bus.busy_ns += bus.kernel.now - pending.start_ns
        names = " and ".join(answer.node.name for answer in pending.answers)
        first = pending.answers[0]
        if way.kind is Kind.EVENT:
            bus.tell(BusEventKind.EVENT_COLLISION, first.node, Frame(way.frame_id, b""), names)
            bus.commander.collided(way.frame_id)
            return
        for answer in pending.answers:
            if isinstance(answer.node, LinNode):
                answer.node.error_seen = True
        self._notice(way)
        bus.bad(BusEventKind.COLLISION, first.node, first.frame, f"{names} answer with different data")

    def _fail(self, pending: _Pending, kind: BusEventKind, text: str, *, everyone: bool = False) -> None:
        bus = self._bus
        bus.busy_ns += bus.kernel.now - pending.start_ns
        if everyone:
            for answer in pending.answers:
                if isinstance(answer.node, LinNode):
                    answer.node.error_seen = True
        self._notice(pending.way)
        first = pending.answers[0]
        bus.bad(kind, first.node, first.frame, text)

    def _notice(self, way: Way) -> None:
        """Who was to receive the response has seen that it was not good."""
        for controller, _ in way.receivers:
            if isinstance(controller, LinNode):
                controller.error_seen = True

    def _good(self, pending: _Pending) -> None:
        bus, way, answer = self._bus, pending.way, pending.answers[0]
        for each in pending.answers:
            if isinstance(each.node, LinNode):
                each.node.updated.discard(each.definition)
                if each.node.error_bit is not None and each.node.error_bit.frame_id == each.definition:
                    each.node.error_seen = False
        bus.good(answer.frame, answer.node, pending.start_ns)
        if way.kind is Kind.EVENT:
            self._deliver_carried(answer)
        elif way.kind is Kind.DIAGNOSTIC:
            self._diagnostic(way, answer)

    def _deliver_carried(self, answer: Answer) -> None:
        """Who wants the frame that an event-triggered frame carries gets it as if it had come by itself."""
        bus = self._bus
        carried = Frame(answer.definition, answer.frame.data)
        for controller, receiver in bus.way(answer.definition).receivers:
            everything = bus.receives_all(controller, receiver)
            if controller is not answer.node and not everything:
                receiver(carried)

    def _diagnostic(self, way: Way, answer: Answer) -> None:
        bus = self._bus
        if way.frame_id == REQUEST_ID:
            if answer.node is bus.commander.node:
                bus.commander.diagnostics.sent()
            if answer.frame.data[0] == 0:
                bus.sleeping.go_to_sleep()
        elif isinstance(answer.node, LinNode) and answer.node.diagnostics is not None:
            answer.node.diagnostics.sent()


def _as_on_can(disturbance: Disturbance, answer: Answer) -> list[Answer]:
    """What a disturbance that knows only CAN makes of an answer: gone, changed, later."""
    return [
        answer._replace(frame=frame, delay_ns=answer.delay_ns + delay_ns)
        for delay_ns, frame in list(disturbance.on_request(answer.node, answer.frame))[:1]
    ]
