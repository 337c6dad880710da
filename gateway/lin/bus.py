"""The LIN bus: headers of the commander, responses of who has them, exact times (LIN 2.2A, 2.3).

Nobody sends by itself here: the commander's schedule says when which header comes, and at the end of the header the
response is what its publisher has at that moment. So a node's `send` only marks that a frame has news, or holds a frame
for its header.

A header takes the plain way when nothing is wrong on the bus, exactly one node publishes the frame, and the frame is
unconditional. Everything else (several who may answer, disturbances, error bits to be told) is `responses`.
"""

from __future__ import annotations

from typing import Final

from gateway.can import BitRates, Bus, BusEventKind, Controller, Frame
from gateway.can.controller import ControllerState, Receiver
from gateway.can.disturbance import Disturbance
from gateway.database.lin import PDU, LinDescription, LinFrame
from gateway.database.lin_wire import PROTECTED, REQUEST_ID, RESPONSE_ID, ChecksumModel, usual_model
from gateway.lin.commander import Commander
from gateway.lin.node import ErrorBit, LinNode
from gateway.lin.responses import Respond
from gateway.lin.sleep import Sleeping
from gateway.lin.timing import LinTimes, Spaces
from gateway.lin.way import Kind, Way
from gateway.sim import Kernel

_NO_ID: Final = -1


class LinBus(Bus):
    """A LIN bus with exact times. The surface is that of a CAN bus, so that whoever looks on need not know the kind.

    `frames`, `errors`: good frames, and headers or responses that came to nothing; `busy_ns`: time taken by both.
    """

    def __init__(
        self, kernel: Kernel, name: str, description: LinDescription, *, index: int = 0, spaces: Spaces | None = None
    ) -> None:
        lin_times = LinTimes(description.bit_rate, spaces)
        super().__init__(kernel, name, BitRates(description.bit_rate, description.bit_rate), index=index)
        self.polled = True
        self.description: Final = description
        self.lin_times: Final = lin_times
        self.nodes: list[LinNode] = []
        self.sleeping: Final = Sleeping(self)
        self.frames_by_id: dict[int, LinFrame] = {frame.frame_id: frame for frame in description.frames.values()}
        self._event_ids: Final = {
            event.frame_id: tuple(description.frames[name].frame_id for name in event.frames)
            for event in description.events.values()
        }
        self._tagged: Final = {frame_id for group in self._event_ids.values() for frame_id in group}
        """Frames whose first byte is their own protected identifier, because an event-triggered frame carries them."""
        self.classic_ids: Final = frozenset(
            frame.frame_id for frame in description.frames.values() if frame.checksum is ChecksumModel.CLASSIC
        )
        self._ways: dict[int, Way] = {}
        self._frame_id: int = _NO_ID
        self._way: Way | None = None
        self._header_ns: Final = lin_times.header_ns
        self._frame_ns: Final = lin_times.frame_ns
        self._responded: Final = self._respond
        self._lin_ended: Final = self._lin_end
        self._taken: Final[set[str]] = set()
        self._checked: Final = Respond(self)
        self.commander: Final = Commander(self, self._attach(description.commander, description.commander))

    # Participants

    def attach(self, name: str) -> LinNode:
        """A participant; one that is called like a node of the description is that node."""
        return self.attach_node(name, name)

    def attach_node(self, name: str, node: str) -> LinNode:
        """A participant that is this node of the description: the commander, or a responder; each there is once."""
        if node == self.description.commander and not self.commander.taken:
            self.commander.taken = True
            self.commander.node.name = name
            return self.commander.node
        return self._attach(name, node)

    def _attach(self, name: str, node_name: str) -> LinNode:
        responder = self.description.responders.get(node_name)
        if node_name in self._taken:
            responder = None
        self._taken.add(node_name)
        node = LinNode(self, name, responder)
        self.nodes.append(node)
        self.controllers.append(node)
        if responder is not None:
            node.state = ControllerState.OFF  # until its ECU is switched on
            frames = self.description.frames
            place = responder.response_error
            if place is not None and place.frame in frames:
                node.error_bit = ErrorBit(frames[place.frame].frame_id, place.bit // 8, 1 << place.bit % 8)
            node.configurable = [self._definition_of(frame) for frame, _ in responder.configurable]
            if node.diagnostics is not None:
                node.receive(REQUEST_ID, node.diagnostics.receive)
                node.supply(RESPONSE_ID, node.diagnostics.supply)
        self.assess()
        return node

    def _definition_of(self, name: str) -> int:
        description = self.description
        found = description.frames.get(name) or description.events.get(name)
        return found.frame_id if found is not None else _NO_ID

    def detach(self, controller: Controller) -> None:
        super().detach(controller)
        self.nodes = [node for node in self.nodes if node is not controller]
        self.assess()

    def node(self, controller: Controller) -> LinNode:
        """The node that a controller of this bus is."""
        assert isinstance(controller, LinNode)
        return controller

    def subscribe(self, controller: Controller, key: int, receiver: Receiver) -> None:
        super().subscribe(controller, key, receiver)
        self._ways.clear()

    def subscribe_all(self, controller: Controller, receiver: Receiver) -> None:
        super().subscribe_all(controller, receiver)
        self._ways.clear()

    def disturb(self, disturbance: Disturbance) -> None:
        self.disturbances.append(disturbance)
        self.assess()

    def assess(self) -> None:
        """Whatever decides who answers what has changed."""
        self._ways.clear()
        self._calm = not self.disturbances and not self.sleeping.asleep and not self._checked.once

    def switched(self, node: LinNode) -> None:
        """A node has been switched on or off."""
        if node is self.commander.node:
            self.commander.switched()
        elif node.diagnostics is not None and not node.takes_part:
            node.diagnostics.forget()

    def remove_queued(self, controller: Controller) -> None:
        """Nothing waits on a LIN bus."""

    @property
    def waiting(self) -> int:
        return 0

    @property
    def busy_so_far_ns(self) -> int:
        return self.busy_ns

    def accepts(self, frame: Frame) -> bool:
        """Whether a frame of the description has this identifier and length."""
        if frame.header in (REQUEST_ID, RESPONSE_ID):
            return len(frame.data) == PDU
        return frame.header in self.frames_by_id and len(frame.data) == self.frames_by_id[frame.header].length

    # What nodes have to send

    def send(self, controller: Controller, frame: Frame) -> bool:
        """Mark that a frame has news, or hold it for its header. False when it was refused, which is counted."""
        node = self.node(controller)
        if not node.takes_part:
            return self._refuse(node, frame, f"the node is {node.state.value}")
        frame_id = frame.header
        if node.stands_in:
            return self._stand_in(node, frame)
        if frame_id in node.suppliers:
            node.updated.add(frame_id)
            if frame_id in node.held:
                node.hold(frame)
            return True
        known = self.frames_by_id.get(frame_id)
        if known is None or len(frame.data) != known.length:
            why = "there is no such frame" if known is None else f"{known.name} has {known.length} bytes"
            return self._refuse(node, frame, why)
        node.hold(frame)
        node.updated.add(frame_id)
        return True

    def request(self, controller: Controller, frame: Frame) -> bool:
        return self.send(controller, frame)

    def _stand_in(self, node: LinNode, frame: Frame) -> bool:
        """Answer the next header with this frame, whoever else would; a request goes into the next MasterReq slot."""
        if not self.accepts(frame):
            return self._refuse(node, frame, "there is no such frame")
        if frame.header == REQUEST_ID:
            self.commander.diagnostics.put(frame.data)
        else:
            self._checked.once[frame.header] = (node, frame)
            self.assess()
        return True

    def has_news(self, frame_id: int) -> bool:
        """Whether a node that publishes this frame has news of it."""
        return any(frame_id in node.updated and node.takes_part for node in self.nodes)

    def inject(self, controller: Controller, frame: Frame) -> None:
        """A frame that was on a real wire and ends this moment, as a recording or an interface has it.

        While the commander here lives, it is what the next of its headers is answered with. Otherwise it is delivered;
        but where a node here publishes that frame, its header is answered by that node.
        """
        node = self.node(controller)
        known = self.frames_by_id.get(frame.header)
        if self.commander.node.takes_part and known is not None:
            if len(frame.data) == known.length:
                node.hold(frame)
            return
        start = max(0, self.kernel.now - self._frame_ns[min(len(frame.data), PDU)])
        for other, definition in self.way(frame.header & 0x3F).answers:
            own = other.suppliers[definition]() if other is not node else None
            if own is not None:
                self.good(own, other, start)
                return
        self.good(frame, controller, start)

    # One header after the other

    def header(self, frame_id: int) -> None:
        """The commander begins the break of a header now."""
        now = self.kernel.now
        if self._way is not None:
            self._checked.cut_off()
        if not self._calm and not self._checked.header_passes(frame_id):
            return
        self.sleeping.last_ns = now
        self._frame_id = frame_id
        self._start_ns = now
        self.kernel.at(now + self._header_ns, self._responded)

    def _respond(self) -> None:
        """The header has ended."""
        frame_id = self._frame_id
        if frame_id == _NO_ID or self.kernel.now != self._start_ns + self._header_ns:
            return
        self._frame_id = _NO_ID
        way = self._ways.get(frame_id)
        if way is None:
            way = self._new_way(frame_id)
        supplier = way.supplier
        if supplier is not None and self._calm and not self.sleeping.unready:
            frame = supplier()
            if frame is not None and len(frame.data) == way.length:
                self._way = way
                self._frame = frame if frame.header == frame_id else moved(frame, frame_id)
                self._sender = way.sender
                self._outcome = None
                self._end_ns = self._start_ns + self._frame_ns[way.length]
                self.kernel.at(self._end_ns, self._lin_ended)
                return
        self._way = way
        self._checked.respond(way, self._start_ns)

    def _lin_end(self) -> None:
        """A response on the plain way has ended."""
        frame, sender, way = self._frame, self._sender, self._way
        if frame is None or sender is None or way is None or self.kernel.now != self._end_ns:
            return
        self._frame = None
        self._way = None
        start = self._start_ns
        now = self._end_ns
        self.busy_ns += now - start
        self.frames += 1
        sender.sent += 1
        if self.record is not None:
            self.record.append((now, self.index, frame, sender, start, start))
        if self.taps:
            self.tap(now, frame, sender)
        if sender.on_sent is not None:
            sender.on_sent(frame, start, start)
        if way.news is not None:
            way.news.discard(way.definition)
        for controller, receiver in way.receivers:
            if controller is not sender:
                receiver(frame)

    def idle(self) -> None:
        """For `responses`: what followed the header is over."""
        self._way = None
        self._frame = None

    def good(self, frame: Frame, sender: Controller, start_ns: int) -> None:
        """A frame is through: count, note and deliver it."""
        now = self.kernel.now
        self.busy_ns += now - start_ns
        self.frames += 1
        sender.sent += 1
        if self.record is not None:
            self.record.append((now, self.index, frame, sender, start_ns, start_ns))
        if self.taps:
            self.tap(now, frame, sender)
        if sender.on_sent is not None:
            sender.on_sent(frame, start_ns, start_ns)
        for controller, receiver in self.way(frame.header & 0x3F).receivers:
            if controller is not sender and not any(each.loses(controller, frame) for each in self.disturbances):
                receiver(frame)

    def bad(self, kind: BusEventKind, sender: Controller, frame: Frame | None, text: str) -> None:
        """A header or a response has come to nothing."""
        self.errors += 1
        self.tell(kind, sender, frame, text)

    # Who answers what

    def way(self, frame_id: int) -> Way:
        """All about an identifier on the wire."""
        return self._ways.get(frame_id) or self._new_way(frame_id)

    def receives_all(self, controller: Controller, receiver: Receiver) -> bool:
        """Whether this is somebody who wants every frame."""
        return (controller, receiver) in self._subscribers_of_all

    def _new_way(self, frame_id: int) -> Way:
        way = self._ways[frame_id] = Way(frame_id, self._kind(frame_id), self._length(frame_id))
        if way.kind is Kind.EVENT:
            for definition in self._event_ids[frame_id]:
                way.answers += self._answers(definition)
                way.length = max(way.length, self.frames_by_id[definition].length)
        else:
            way.answers = self._answers(frame_id)
        way.receivers = self._receivers(frame_id)
        way.settle(frame_id in self._tagged)
        return way

    def _kind(self, frame_id: int) -> Kind:
        if frame_id in (REQUEST_ID, RESPONSE_ID):
            return Kind.DIAGNOSTIC
        return Kind.EVENT if frame_id in self._event_ids else Kind.UNCONDITIONAL

    def _length(self, frame_id: int) -> int:
        known = self.frames_by_id.get(frame_id)
        return known.length if known is not None else PDU

    def _answers(self, wire_id: int) -> list[tuple[LinNode, int]]:
        """Nodes that answer to an identifier on the wire, each with its definition."""
        found = []
        for node in self.nodes:
            definition = node.definition(wire_id)
            if definition is not None and definition in node.suppliers and node.takes_part:
                found.append((node, definition))
        return found

    def _receivers(self, frame_id: int) -> list[tuple[Controller, Receiver]]:
        found = []
        for node in self.nodes:
            if node.takes_part:
                definition = node.definition(frame_id)
                subscribed = self._subscribers.get(definition, []) if definition is not None else []
                found += [entry for entry in [*subscribed, *self._subscribers_of_all] if entry[0] is node]
        return found

    def model(self, frame_id: int) -> ChecksumModel:
        """How the checksum of a frame is made."""
        known = self.frames_by_id.get(frame_id)
        return usual_model(frame_id) if known is None else known.checksum

    def event_of(self, data: bytes) -> int | None:
        """The frame that an event-triggered frame's first byte says it carries."""
        frame_id = data[0] & 0x3F if data else _NO_ID
        return frame_id if frame_id in self._tagged and PROTECTED[frame_id] == data[0] else None


def moved(frame: Frame, frame_id: int) -> Frame:
    """The same frame under another identifier."""
    return Frame(frame_id, frame.data)
