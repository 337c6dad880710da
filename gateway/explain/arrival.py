"""Whether a message comes on its bus; and if not, why: back over the routes of the gateway to who sends it first."""

from __future__ import annotations

from typing import Final

from gateway.can import KEY_MASK, priority
from gateway.com import header_of
from gateway.ecu import NOBODY
from gateway.explain.cause import Cause, Fault, Stage
from gateway.explain.notes import note_of
from gateway.explain.passing import passing
from gateway.explain.scene import LOOK_NS, Scene, place_of
from gateway.explain.sender import Missing
from gateway.explain.told import BUS_OFF, OFF, ON, RECOVERED, Told
from gateway.sim import duration_text
from gateway.vehicle import AboutRule
from gateway.vehicle.checks.findings import named

CYCLES: Final = 3
"""A message that has not come for so many of its cycles does not come."""
_DEEPEST: Final = 5
_MISSED_TOLD: Final = 4
_LATE: Final = 0.25
"""Part of its cycle that a message may wait for the bus before that is worth telling."""

_VAGUE: Final = frozenset({Fault.ECU_SILENT, Fault.MESSAGE_SILENT, Fault.NO_SENDER, Fault.BUS_SILENT, Fault.NOT_ASKED})
"""Of an ECU; the gateway sends what it forwards, and nothing else."""


class Arrival:
    """Follows messages back. `way`: what was found, the sender's end first."""

    def __init__(self, scene: Scene) -> None:
        self.scene: Final = scene
        self.way: list[Stage] = []

    def cause(self, bus: str, key: int, signal: str | None = None, depth: int = _DEEPEST) -> Cause | None:
        """Why it does not come; None when it does. `signal`: the one that is wanted of it."""
        scene = self.scene
        rules = [rule for rule in scene.rules_to(bus, key) if _carries(rule, signal)]
        own = scene.last(bus, key)
        mute = own is None or (not rules and scene.sender(bus, key) != scene.gateway)
        cause = None
        for rule in rules if depth else ():
            cause = self._by_rule(rule, bus, key, depth)
            if cause is None:
                break
        fresh = self.is_fresh(bus, key)
        self._tell(bus, key)
        if fresh and (not rules or not _of_signal(rules)):
            return None
        if rules:
            return cause
        return Missing(scene, bus, key).cause() if mute or not fresh else None

    def is_fresh(self, bus: str, key: int) -> bool:
        """It has come within three of its cycles; for a message without a cycle, at all."""
        last = self.scene.last(bus, key)
        if last is None:
            return False
        cycle_ns = self._cycle_ns(bus, key)
        if cycle_ns is None and self.scene.message(bus, key) is None:
            cycle_ns = self.scene.period_ns(bus, key)
        return cycle_ns is None or self.scene.now_ns - last.time_ns <= CYCLES * cycle_ns

    def _cycle_ns(self, bus: str, key: int, depth: int = _DEEPEST) -> int | None:
        """The cycle time of a message; of one without its own, that of what is routed to it."""
        message = self.scene.message(bus, key)
        if message is not None and message.cycle_ns:
            return message.cycle_ns
        sources = [
            self._cycle_ns(rule.source_bus, _source_key(rule, key), depth - 1)
            for rule in (self.scene.rules_to(bus, key) if depth else ())
            if not rule.signal
        ]
        return min((cycle_ns for cycle_ns in sources if cycle_ns), default=None)

    def unheard(self, bus: str, key: int) -> str:
        """`, but ESP, its sender, has never got X (0x0B0) on chassis`: cyclic messages for it; empty when all came."""
        scene = self.scene
        sender, database = scene.sender(bus, key), scene.names.databases.get(bus)
        missed = [
            f"{named(message)} on {bus}"
            for message in (() if database is None or sender in {"", *NOBODY} else database.messages)
            if any(sender in signal.receivers for signal in message.signals)
            and message.cycle_ns
            and scene.now_ns - scene.origin_ns > CYCLES * message.cycle_ns + message.start_delay_ns
            and not scene.count(bus, header_of(message) & KEY_MASK)
        ]
        more = f" and {len(missed) - _MISSED_TOLD} more" if len(missed) > _MISSED_TOLD else ""
        return f", but {sender}, its sender, has never got {', '.join(missed[:_MISSED_TOLD])}{more}" if missed else ""

    def late(self, bus: str, key: int) -> Cause | None:
        """It comes, but has to wait long for the bus."""
        scene = self.scene
        worst_ns, worst = scene.waits(bus, key)
        message = scene.message(bus, key)
        cycle_ns = (message.cycle_ns if message is not None else None) or scene.period_ns(bus, key)
        if worst is None or not cycle_ns or worst_ns < _LATE * cycle_ns:
            return None
        loads = scene.loads(bus, max(0, worst.time_ns - worst_ns - LOOK_NS), worst.time_ns)
        better = {each: load for each, load in loads.items() if priority(each) < priority(key)}
        sender = scene.sender(bus, key)
        text = f"sent by {sender}, it" if sender else "it"
        if not better:
            return Cause(
                Fault.BUS_DISTURBED, f"{text} waited for {bus} for {duration_text(worst_ns)}", None, worst.time_ns
            )
        rival = max(better, key=lambda each: better[each])
        text += (
            f" lost arbitration for {duration_text(worst_ns)} to {scene.label(bus, rival)}{scene.by(bus, rival)},"
            f" which is at {better[rival]:.0%} of the load"
        )
        return Cause(Fault.LOST_ARBITRATION, text, None, worst.time_ns)

    # One route

    def _by_rule(self, rule: AboutRule, bus: str, key: int, depth: int) -> Cause | None:
        source_key = _source_key(rule, key)
        absent = self.gateway_absent(rule.source_bus) or self.gateway_absent(bus)
        if absent is not None:
            return absent
        taken = rule.source.split(".")
        signal = taken[2] if rule.signal and len(taken) > 2 else None
        cause = self.cause(rule.source_bus, source_key, signal, depth - 1)
        if cause is not None:
            return cause
        passed = passing(self.scene, rule, source_key)
        self.way.append(passed.stage)
        if passed.cause is not None and not (rule.signal and self._carried_lately(rule, bus, key, source_key)):
            return passed.cause
        if self.is_fresh(bus, key):
            return None
        return passed.unchanged or self._beyond(rule, bus, key)

    def _carried_lately(self, rule: AboutRule, bus: str, key: int, source_key: int) -> bool:
        """Whether the latest frame of the target has a value of this route that is not old."""
        scene = self.scene
        last = scene.last(bus, key)
        sources = () if last is None else note_of(last.comment).sources
        carried_ns = max((source.received_ns for source in sources if source.rule == rule.name), default=None)
        message = scene.message(rule.source_bus, source_key)
        cycle_ns = (message.cycle_ns if message is not None else None) or 0
        return carried_ns is not None and scene.now_ns - carried_ns <= CYCLES * max(cycle_ns, rule.every_ns)

    def _beyond(self, rule: AboutRule, bus: str, key: int) -> Cause:
        """The source comes, the route did not refuse it, and nothing comes of it on the other bus."""
        scene = self.scene
        missing = Missing(scene, bus, key)
        missing.sender = scene.gateway
        missing.told = scene.told_of(bus, missing.since_ns)
        cause = missing.cause()
        if cause.fault in _VAGUE:
            text = (
                f"{rule} makes nothing of the frames that come on {rule.source_bus}:"
                f" the gateway does not receive them (its wire to {rule.source_bus} is cut, or it loses them),"
                f" or its wire to {bus} is cut"
            )
            return Cause(Fault.GATEWAY_DEAF, text, place_of(rule))
        return cause

    def gateway_absent(self, bus: str) -> Cause | None:
        """The gateway is left out, has no power, or is bus-off."""
        scene = self.scene
        about = scene.names.about
        if about is not None and not about.has_gateway:
            return Cause(Fault.GATEWAY_LEFT_OUT, f"the gateway {about.gateway} is left out of this run")
        for told in reversed(scene.told()):
            if isinstance(told, Told) and told.who == scene.gateway and told.bus == bus:
                since = f"since {scene.time(told.time_ns)}"
                if told.kind in {ON, RECOVERED}:
                    return None
                if told.kind == OFF:
                    return Cause(Fault.GATEWAY_OFF, f"the gateway {told.who} has no power {since}", None, told.time_ns)
                if told.kind == BUS_OFF:
                    text = f"the gateway {told.who} is bus-off on {bus} {since}"
                    return Cause(Fault.BUS_OFF, text, None, told.time_ns)
        return None

    def _tell(self, bus: str, key: int) -> None:
        """A stage for the message on its bus."""
        scene = self.scene
        label, sender = scene.label(bus, key), scene.whose(bus, key)
        last = scene.last(bus, key)
        if last is None:
            self.way.append(Stage(None, f"{bus} {label}: has never come" + (f" from {sender}" if sender else "")))
            return
        count = scene.count(bus, key)
        text = f"{bus} {label}: {count} frame{'' if count == 1 else 's'}" + (f" from {sender}" if sender else "")
        period_ns = scene.period_ns(bus, key)
        text += f", every {duration_text(period_ns)}" if period_ns else ""
        worst_ns = scene.waits(bus, key).worst_ns
        text += f", waited up to {duration_text(worst_ns)}" if worst_ns else ""
        self.way.append(Stage(last.time_ns, f"{text}, the last {last.frame}"))


def _source_key(rule: AboutRule, key: int) -> int:
    """The identifier that a route takes to get this one."""
    return key if rule.source_key is None else rule.source_key & KEY_MASK


def _carries(rule: AboutRule, signal: str | None) -> bool:
    """Whether a route has to do with a signal; one of whole frames has with all."""
    parts = rule.target.split(".")
    return not rule.signal or signal is None or len(parts) < 3 or parts[2] == signal


def _of_signal(rules: list[AboutRule]) -> bool:
    return any(rule.signal for rule in rules)
