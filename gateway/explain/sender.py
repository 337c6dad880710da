"""Why a message that an ECU sends does not come: looked for at its sender, then on its bus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from gateway.can import EXTENDED, ID_MASK, priority
from gateway.explain.cause import Cause, Fault, Place
from gateway.explain.names import id_text
from gateway.explain.scene import LOOK_NS, Scene, short
from gateway.explain.told import (
    BUS_OFF,
    ERRORS,
    LIN_FAULTS,
    LINK_DOWN,
    LINK_UP,
    OFF,
    ON,
    RECOVERED,
    REFUSED,
    Failed,
    Told,
)
from gateway.lin import LinTimes
from gateway.sim import duration_text
from gateway.trace import Recorded

BUSY: Final = 0.8
"""A bus with so much load lets low priorities wait for ever."""
_FEW: Final = 3


class Missing:
    """A message that does not come (any more) from an ECU. `last`: its latest frame."""

    def __init__(self, scene: Scene, bus: str, key: int) -> None:
        self.scene = scene
        self.bus = bus
        self.key = key
        self.last: Recorded | None = scene.last(bus, key)
        self.since_ns = 0 if self.last is None else self.last.time_ns
        self.sender = scene.sender(bus, key)
        self.told = scene.told_of(bus, self.since_ns)

    def cause(self) -> Cause:
        """The first of all that it can be, from the surest to the vaguest."""
        looks: tuple[Callable[[], Cause | None], ...] = (
            self._elsewhere,
            self._over_link,
            self._left_out,
            self._shorted,
            self._power,
            self._bus_off,
            self._no_response,
            self._outvoted,
            self._disturbed,
            self._silent_bus,
            self._not_sent,
        )
        for look in looks:
            found = look()
            if found is not None:
                return found
        return Cause(Fault.NO_SENDER, f"nobody sends {self._label} on {self.bus}", self._defined())

    @property
    def _label(self) -> str:
        return self.scene.label(self.bus, self.key)

    def _since(self) -> str:
        return f"since {self.scene.time(self.since_ns)}" if self.last is not None else "since the start"

    def _defined(self) -> Place | None:
        """The database that defines the message."""
        database = self.scene.names.databases.get(self.bus)
        return None if database is None else short(database.file, None)

    # Looks

    def _elsewhere(self) -> Cause | None:
        """It never came here, but with the other kind of identifier, or on another bus."""
        if self.last is not None:
            return None
        scene, other = self.scene, self.key ^ EXTENDED
        if scene.count(self.bus, other):
            ours, theirs = ("29", "11") if self.key & EXTENDED else ("11", "29")
            text = (
                f"the frames of {self.bus} have {id_text(other)} with {theirs} bits,"
                f" and the database has {id_text(self.key)} {self._name} with {ours}"
            )
            return Cause(Fault.WRONG_ID_KIND, text, self._defined())
        message = scene.message(self.bus, self.key)
        for bus in scene.table.buses:
            namesake = scene.message(bus, self.key)
            same = message is None or namesake is None or namesake.name == message.name
            if bus != self.bus and same and scene.count(bus, self.key) and not scene.rules_to(self.bus, self.key):
                text = f"{self._label} never comes on {self.bus}, but on {bus}"
                sender = scene.sender(bus, self.key)
                return Cause(Fault.WRONG_BUS, text + (f", from {sender}" if sender else ""), self._defined())
        return None

    @property
    def _name(self) -> str:
        message = self.scene.message(self.bus, self.key)
        return "" if message is None else message.name

    def _left_out(self) -> Cause | None:
        about = self.scene.names.about
        if about is None or not about.ecus or not self.sender or self.sender == about.gateway:
            return None
        if any(ecu.name == self.sender for ecu in about.ecus):
            return None
        vehicle = self.scene.vehicle
        if vehicle is None or (self.sender not in vehicle.ecus and vehicle.whole):
            return None
        link = self.scene.link(self.bus)
        more = f", and none of its frames came over the link {link}" if link else ""
        text = f"its sender {self.sender} is left out of this run ({about.selection or '--only, --without'}){more}"
        return Cause(Fault.ECU_LEFT_OUT, text)

    def _over_link(self) -> Cause | None:
        """It came from elsewhere: what is the matter there is not known here."""
        link = self.scene.over(self.bus, self.key)
        if not link:
            return None
        came = f"its last frame came at {self.scene.time(self.since_ns)} over the link {link}"
        for told in reversed(self.told):
            if told.kind == LINK_UP:
                break
            if told.kind == LINK_DOWN:
                text = f"{came}, which is down since {self.scene.time(told.time_ns)}: {told.text}"
                return Cause(Fault.LINK_DOWN, text, None, told.time_ns)
        about = self.scene.names.about
        elsewhere = about is not None and about.selection and all(ecu.name != self.sender for ecu in about.ecus)
        why = f" ({self.sender} is left out of this process: {about.selection})" if about and elsewhere else ""
        return Cause(Fault.LINK_SILENT, f"{came}; nothing since{why}", None, self.since_ns)

    def _power(self) -> Cause | None:
        """Its sender has no power, or its behaviour has failed."""
        for told in reversed(self.scene.told()):
            if isinstance(told, Failed) and told.ecu == self.sender:
                text = (
                    f"the behaviour of its sender {self.sender} failed at {self.scene.time(told.time_ns)}: {told.error}"
                )
                file, _, line = told.place.rpartition(":")
                return Cause(Fault.ECU_FAILED, text, Place(file, int(line)), told.time_ns)
            if isinstance(told, Told) and told.who == self.sender and told.bus == self.bus:
                if told.kind == ON:
                    return None
                if told.kind == OFF:
                    return self._off(told)
        unit = self._unit()
        if unit and self.last is None and not self._sent_anything():
            return Cause(
                Fault.UNIT_STOPPED, f"its sender {self.sender} is run by unit {unit}, which has not started it"
            )
        return None

    def _off(self, told: Told) -> Cause:
        since = f"since {self.scene.time(told.time_ns)}"
        unit = self._unit()
        if unit:
            text = f"unit {unit}, which runs its sender {self.sender}, is stopped {since}"
            return Cause(Fault.UNIT_STOPPED, text, None, told.time_ns)
        return Cause(Fault.ECU_OFF, f"its sender {self.sender} has no power {since}", None, told.time_ns)

    def _unit(self) -> str:
        about = self.scene.names.about
        return next((ecu.unit for ecu in about.ecus if ecu.name == self.sender), "") if about is not None else ""

    def _bus_off(self) -> Cause | None:
        for told in reversed(self.told):
            if told.who == self.sender and told.kind in {RECOVERED, ON}:
                return None
            if told.who == self.sender and told.kind == BUS_OFF:
                errors = sum(1 for each in self.told if each.who == self.sender and each.kind in ERRORS)
                after = f" after {errors} errors" if errors else ""
                text = f"its sender {self.sender} is bus-off on {self.bus} since {self.scene.time(told.time_ns)}{after}"
                return Cause(Fault.BUS_OFF, text, None, told.time_ns)
        return None

    def _shorted(self) -> Cause | None:
        """No frame of anybody, and errors of several senders."""
        since_ns = self._last_of_bus_ns()
        victims = Counter(told.who for told in self.told if told.kind in ERRORS and told.time_ns > since_ns)
        if len(victims) < 2:
            return None
        who = " and ".join(sorted(victims)[:_FEW])
        since = f"since {self.scene.time(since_ns)}"
        text = f"no frame gets through on {self.bus} {since}: {victims.total()} errors of {who}"
        return Cause(Fault.BUS_DISTURBED, text, None, since_ns)

    def _last_of_bus_ns(self) -> int:
        """When the latest frame of anybody was on the bus."""
        rows = self.scene.table.rows(self.bus, None, None, self.scene.now_ns)
        return int(self.scene.table.times[rows[-1]]) if len(rows) else 0

    def _no_response(self) -> Cause | None:
        """LIN: headers of it that nobody answers, or not well."""
        for told in reversed(self.told):
            if told.kind in LIN_FAULTS and told.frame and int(told.frame.partition("#")[0], 16) == self.key & ID_MASK:
                fault = Fault.WRONG_CHECKSUM if "checksum" in told.kind else Fault.NO_RESPONSE
                text = f"{told.kind} to its headers on {self.bus}, last at {self.scene.time(told.time_ns)}: {told.text}"
                return Cause(fault, text, None, told.time_ns)
        return None

    def _outvoted(self) -> Cause | None:
        """The bus is full of frames that win against it."""
        scene = self.scene
        since_ns = max(self.since_ns, scene.now_ns - LOOK_NS)
        loads = scene.loads(self.bus, since_ns, scene.now_ns)
        better = {key: load for key, load in loads.items() if priority(key) < priority(self.key)}
        if sum(loads.values()) < BUSY or not better:
            return None
        worst = max(better, key=lambda key: better[key])
        waiting = duration_text(scene.now_ns - self.since_ns)
        refused = sum(1 for told in self.told if told.kind == REFUSED and told.who == self.sender)
        sent = f"sent by {self.sender}, it" if self.sender else "it"
        text = (
            f"{sent} loses arbitration for {waiting} to {scene.label(self.bus, worst)}"
            f"{scene.by(self.bus, worst)}, which is at {better[worst]:.0%} of the load"
        )
        more = f" ({refused} refused, its queue is full)" if refused else ""
        return Cause(Fault.LOST_ARBITRATION, text + more, None, self.since_ns)

    def _disturbed(self) -> Cause | None:
        errors = [told for told in self.told if told.kind in ERRORS and self.sender in {"", told.who}]
        if not errors:
            return None
        text = (
            f"{len(errors)} tries of {self.sender or 'its sender'} ended in errors on {self.bus} {self._since()},"
            f" the last at {self.scene.time(errors[-1].time_ns)}: {errors[-1].text or errors[-1].kind}"
        )
        return Cause(Fault.BUS_DISTURBED, text, None, errors[-1].time_ns)

    def _silent_bus(self) -> Cause | None:
        scene = self.scene
        senders = self._senders_of_bus()
        last_ns = self._last_of_bus_ns()
        usual = scene.count(self.bus, None, max(0, 2 * last_ns - scene.now_ns))
        if len(senders) < 2 or usual < _FEW:
            return None
        who = " nor from ".join(senders[:_FEW])
        text = (
            f"nothing at all comes on {self.bus} since {scene.time(last_ns)}, neither from {who}:"
            " its wire is cut, or nobody is there"
        )
        return Cause(Fault.BUS_SILENT, text, None, last_ns)

    def _senders_of_bus(self) -> list[str]:
        scene = self.scene
        keys = set(scene.table.key[scene.table.rows(self.bus, None, None, scene.now_ns)].tolist())
        return sorted({sender for key in keys for sender in [scene.sender(self.bus, key)] if sender})

    def _sent_anything(self) -> bool:
        """Whether its sender has sent something on this bus since."""
        scene = self.scene
        rows = scene.table.rows(self.bus, None, self.since_ns + 1, scene.now_ns)
        return any(scene.sender(self.bus, key) == self.sender for key in set(scene.table.key[rows].tolist()))

    def _not_sent(self) -> Cause | None:
        if not self.sender and not self._is_polled():
            return None
        since = self._since()
        if self._is_polled():
            text = (
                f"no header asks for it on {self.bus} {since}: the schedule that runs has no slot for it, or it sleeps"
            )
            return Cause(Fault.NOT_ASKED, text, None, self.since_ns)
        if self._is_command() and self.last is None:
            text = f"the gateway {self.sender} sends it when its actuator's target is set, and nobody has set one"
            return Cause(Fault.NOT_ASKED, text)
        message = self.scene.message(self.bus, self.key)
        if message is not None and not message.cycle_ns and self._sent_anything():
            text = f"its sender {self.sender} sends it on events only (it has no cycle time), and none came {since}"
            return Cause(Fault.NOT_ASKED, text, self._defined(), self.since_ns)
        if self._sent_anything():
            text = f"its sender {self.sender} does not send it {since}, though it sends other messages on {self.bus}"
            return Cause(Fault.MESSAGE_SILENT, text, None, self.since_ns)
        text = f"its sender {self.sender} sends nothing at all on {self.bus} {since}: it hangs, or its wire is cut"
        return Cause(Fault.ECU_SILENT, text, None, self.since_ns)

    def _is_polled(self) -> bool:
        """A LIN bus, where nobody sends without being asked."""
        return isinstance(self.scene.names.times.get(self.bus), LinTimes)

    def _is_command(self) -> bool:
        vehicle, message = self.scene.vehicle, self.scene.message(self.bus, self.key)
        return vehicle is not None and message is not None and (self.bus, message.name) in vehicle.gateway.commands
