"""How frames end when something is wrong: error frames, error counters, bus-off and recovery, missing acknowledgement,
colliding identifiers (ISO 11898-1, 12.1).

An error frame takes the bits up to the error, then flag and delimiter. The flag is counted with 12 bits, the
superposition of the sender's flag and the others' that follows it; it is the longest there is.
"""

from __future__ import annotations

from functools import partial
from heapq import heapify
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.can.bits import INTERMISSION, leading_sequence
from gateway.can.controller import Controller, ControllerState
from gateway.can.events import BusEventKind
from gateway.can.frame import Frame
from gateway.sim import NS_PER_S

if TYPE_CHECKING:
    from gateway.can.bus import Bus, Waiting

ERROR_FRAME_BITS: Final = 12 + 8
SUSPENDED_BITS: Final = 8
PASSIVE_ABOVE: Final = 127
BUS_OFF_ABOVE: Final = 255
RECOVERY_SEQUENCES: Final = 128
_BITS_AFTER_CRC: Final = 9
"""ACK slot, ACK delimiter, end of frame."""


class Outcome(NamedTuple):
    """How the frame in flight will end."""

    good: bool
    end_ns: int
    kind: BusEventKind | None = None
    text: str = ""
    twins: tuple[tuple[Controller, Frame], ...] = ()
    """Who sends the same frame in the same instant, and succeeds or fails with it."""
    losers: tuple[Controller, ...] = ()
    """Error-passive senders of the same identifier that saw a bit error and could not destroy the frame."""


def outcome(bus: Bus, sender: Controller, frame: Frame, start_ns: int) -> Outcome:
    """What will become of a frame that starts at `start_ns` on a bus that is not calm."""
    bits = bus.times.bits(frame)
    if not any(other is not sender and other.takes_part for other in bus.controllers):
        ack_slot = bits.nominal + bits.data - _BITS_AFTER_CRC
        missed = _failed(bus, frame, start_ns, ack_slot + 1, BusEventKind.NO_ACK)
        return missed._replace(text="nobody else is on the bus")
    twins = bus.twins(sender, frame, start_ns)
    if any(other != frame for _, other in twins):
        return _collision(bus, (sender, frame), twins, start_ns)
    for disturbance in bus.disturbances:
        hit = disturbance.error_bit(sender, frame, bits.nominal + bits.data)
        if hit is not None:
            return _failed(bus, frame, start_ns, hit + 1, BusEventKind.ERROR)._replace(text=f"bit error in bit {hit}")
    return Outcome(good=True, end_ns=start_ns + bus.times.duration_ns(frame), twins=tuple(twins))


def _failed(bus: Bus, frame: Frame, start_ns: int, bits: int, kind: BusEventKind) -> Outcome:
    """The frame breaks off after `bits` bits, and an error frame follows."""
    whole = bus.times.bits(frame)
    head = whole.nominal - _BITS_AFTER_CRC if whole.data else whole.nominal
    in_data = min(max(bits - head, 0), whole.data)
    end = start_ns + bus.rates.duration_ns(bits - in_data + ERROR_FRAME_BITS, in_data)
    return Outcome(good=False, end_ns=end, kind=kind)


def _collision(
    bus: Bus, first: tuple[Controller, Frame], twins: list[tuple[Controller, Frame]], start_ns: int
) -> Outcome:
    """Another controller sends the same identifier with other content in the same instant.

    Who sends recessive where another sends dominant sees a bit error. An error-active loser destroys the frame with its
    error flag; an error-passive one cannot. `first` is the one that sends dominant (see `choose`).
    """
    sender, frame = first
    rivals = [(controller, other) for controller, other in twins if other != frame]
    if all(controller.state is ControllerState.ERROR_PASSIVE for controller, _ in rivals):
        end = start_ns + bus.times.duration_ns(frame)
        equals = tuple((controller, other) for controller, other in twins if other == frame)
        return Outcome(good=True, end_ns=end, twins=equals, losers=tuple(controller for controller, _ in rivals))
    ours = leading_sequence(frame)
    common = min(_common(ours, leading_sequence(other)) for _, other in rivals)
    names = " and ".join(sorted({controller.name for controller, _ in rivals} | {sender.name}))
    return _failed(bus, frame, start_ns, common + 1, BusEventKind.COLLISION)._replace(
        text=f"{names} send the same identifier with different content; they differ in bit {common}",
        twins=tuple(twins),
    )


def _common(one: str, other: str) -> int:
    """How many leading levels are equal."""
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return position
    return min(len(one), len(other))


def settle(bus: Bus, outcome: Outcome, frame: Frame, sender: Controller, requested_ns: int) -> bool:
    """Count the errors or the success of the frame that ends now, and queue again what did not get through.

    True when it got through.
    """
    if outcome.good:
        _succeed(bus, outcome, sender)
    else:
        _fail(bus, outcome, frame, sender, requested_ns)
    for controller in (sender, *(controller for controller, _ in outcome.twins), *outcome.losers):
        if controller.state is ControllerState.ERROR_PASSIVE:
            controller.suspended_until_ns = bus.kernel.now + bus.rates.duration_ns(INTERMISSION + SUSPENDED_BITS)
    bus.assess()
    return outcome.good


def _succeed(bus: Bus, outcome: Outcome, sender: Controller) -> None:
    senders = {id(sender)} | {id(controller) for controller, _ in outcome.twins}
    for controller, twin in outcome.twins:
        bus.twin_sent(controller, twin)
    for controller in bus.controllers:
        if id(controller) in senders:
            controller.tec = max(0, controller.tec - 1)
        elif controller in outcome.losers:
            controller.tec += 8
        elif controller.takes_part:
            controller.rec = 127 if controller.rec > PASSIVE_ABOVE else max(0, controller.rec - 1)
        _update_state(bus, controller)


def _fail(bus: Bus, outcome: Outcome, frame: Frame, sender: Controller, requested_ns: int) -> None:
    bus.errors += 1
    assert outcome.kind is not None
    # The twins of a failed frame have never left the queue.
    bus.tell(outcome.kind, sender, frame, outcome.text)
    senders = {id(sender)} | {id(controller) for controller, _ in outcome.twins}
    if sender.takes_part:
        bus.put_back(sender, frame, requested_ns)
    else:
        sender.lose(frame)
    for controller in bus.controllers:
        if not controller.takes_part:
            continue
        if id(controller) not in senders:
            controller.rec += 1
        elif not (outcome.kind is BusEventKind.NO_ACK and controller.state is ControllerState.ERROR_PASSIVE):
            # An error-passive sender that gets no acknowledgement stays where it is: it would go off the bus alone.
            controller.tec += 8
        _update_state(bus, controller)


def _update_state(bus: Bus, controller: Controller) -> None:
    if not controller.takes_part:
        return
    if controller.tec > BUS_OFF_ABOVE:
        controller.state = ControllerState.BUS_OFF
        controller.bus_offs += 1
        bus.remove_queued(controller)
        bus.tell(BusEventKind.BUS_OFF, controller, None, f"TEC {controller.tec}")
        if controller.recovers:
            _Recovery(bus, controller)
    elif controller.tec > PASSIVE_ABOVE or controller.rec > PASSIVE_ABOVE:
        if controller.state is ControllerState.ERROR_ACTIVE:
            controller.state = ControllerState.ERROR_PASSIVE
            bus.tell(BusEventKind.ERROR_PASSIVE, controller, None, f"TEC {controller.tec}, REC {controller.rec}")
    else:
        controller.state = ControllerState.ERROR_ACTIVE


class _Recovery:
    """Waits until the bus has shown 128 sequences of 11 recessive bits.

    Each frame ends with one, and each 11 idle bits are one.
    """

    def __init__(self, bus: Bus, controller: Controller) -> None:
        self._bus = bus
        self._controller = controller
        self._bus_off = controller.bus_offs
        self._seen = 0
        self._count_from()
        # The intermission of the error frame that ends now is recessive, and the first of the bits that count.
        self._busy_ns += bus.times.intermission_ns

    def _count_from(self) -> None:
        bus = self._bus
        self._frames = bus.frames + bus.errors
        self._busy_ns = bus.busy_so_far_ns
        self._since_ns = bus.kernel.now
        bus.kernel.after(bus.rates.duration_ns((RECOVERY_SEQUENCES - self._seen) * 11), self._look)

    def _look(self) -> None:
        bus, controller = self._bus, self._controller
        if controller.state is not ControllerState.BUS_OFF or controller.bus_offs != self._bus_off:
            return
        idle_ns = bus.kernel.now - self._since_ns - (bus.busy_so_far_ns - self._busy_ns)
        idle_bits = (idle_ns * bus.rates.nominal + NS_PER_S // 2) // NS_PER_S
        self._seen += bus.frames + bus.errors - self._frames + idle_bits // 11
        if self._seen < RECOVERY_SEQUENCES:
            self._count_from()
            return
        controller.switch_on()
        bus.tell(BusEventKind.RECOVERED, controller, None, "128 times 11 recessive bits seen")


def recover(bus: Bus, controller: Controller) -> None:
    """Let a controller that is bus-off, and does not recover by itself, begin to recover."""
    if controller.state is ControllerState.BUS_OFF:
        _Recovery(bus, controller)


def choose(queue: list[Waiting], start_ns: int) -> tuple[Waiting, int]:
    """Take the winner of arbitration out of the queue, and when it starts.

    Suspended senders let others go first. Among equal identifiers the one that is dominant where they differ is taken.
    """
    free = [entry for entry in queue if entry[3].suspended_until_ns <= start_ns]
    if not free:
        start_ns = min(entry[3].suspended_until_ns for entry in queue)
        free = [entry for entry in queue if entry[3].suspended_until_ns <= start_ns]
    first = min(free)
    equals: dict[int, Waiting] = {}
    for entry in sorted(entry for entry in free if entry[0] == first[0]):
        equals.setdefault(id(entry[3]), entry)
    if len(equals) > 1:
        first = min(equals.values(), key=lambda entry: (leading_sequence(entry[2]), entry[1]))
    queue.remove(first)
    heapify(queue)
    return first, start_ns


def disturbed_request(bus: Bus, controller: Controller, frame: Frame) -> bool:
    """Send what the bus's disturbances make of a frame; True unless it was refused."""
    requests = [(0, frame)]
    for disturbance in bus.disturbances:
        requests = [
            (delay + more, changed)
            for delay, waiting in requests
            for more, changed in disturbance.on_request(controller, waiting)
        ]
    accepted = True
    for delay, changed in requests:
        if delay:
            bus.kernel.after(delay, partial(_late_request, bus, controller, changed))
        else:
            accepted = bus.request(controller, changed) and accepted
    return accepted


def _late_request(bus: Bus, controller: Controller, frame: Frame) -> None:
    if controller.takes_part:
        bus.request(controller, frame)
    else:
        controller.lose(frame)


def deliver_disturbed(bus: Bus, frame: Frame, sender: Controller, outcome: Outcome | None) -> None:
    """Deliver a frame to those who take part, have not sent it and do not lose it."""
    senders = {id(sender)} | {id(controller) for controller, _ in (outcome.twins if outcome is not None else ())}
    for controller, receiver in bus.subscribers(frame):
        if not controller.takes_part or id(controller) in senders:
            continue
        if not any(disturbance.loses(controller, frame) for disturbance in bus.disturbances):
            receiver(frame)
