"""Why a signal is stale, or a message does not come: the answer to `gateway explain --signal`."""

from __future__ import annotations

from typing import NamedTuple

from gateway.can import KEY_MASK
from gateway.com import header_of
from gateway.database import Message, Signal
from gateway.errors import nearest
from gateway.explain.arrival import Arrival
from gateway.explain.cause import Answer, Cause, Fault, Place, Stage
from gateway.explain.errors import ExplainError
from gateway.explain.feed import Fed, fed, refusal
from gateway.explain.scene import Scene, short
from gateway.explain.told import NotServed, QualityChanged, TargetRefused
from gateway.explain.transform import published_text, value_text
from gateway.explain.value import absent, beyond, refused_end_to_end, unprotected
from gateway.routing import Place as SignalPlace
from gateway.routing import Quality, UpwardRule, VssMapping
from gateway.routing.vss import Kind
from gateway.sim import DurationError, duration_ns

SIGNAL_SYNTAX = "write a VSS path like Vehicle.Speed, or BUS.Message[.Signal], and @TIME behind it for a moment"


class SignalQuestion(NamedTuple):
    """A VSS path, or `bus.Message[.Signal]`; `time_ns` None for the end of what is known."""

    name: str
    time_ns: int | None = None


def parse_signal(text: str) -> SignalQuestion:
    """ExplainError for wrong syntax."""
    name, at, time_text = text.partition("@")
    if not name or (at and not time_text):
        raise ExplainError(f"{text!r} names no signal: {SIGNAL_SYNTAX}")
    try:
        return SignalQuestion(name, duration_ns(time_text) if at else None)
    except DurationError as error:
        raise ExplainError(f"{text!r} names no signal: {error.sentence}") from None


def why(scene: Scene, name: str) -> Answer:
    """What is the matter with a signal or a message. ExplainError for a name that is neither."""
    bus, _, rest = name.partition(".")
    if bus in scene.names.databases and rest:
        return _Message(scene, bus, rest).answer()
    mapping = None if scene.vehicle is None else scene.vehicle.mapping
    if mapping is None:
        what = "no vehicle file is known" if scene.vehicle is None else "this vehicle has no signals (gateway.signals)"
        hint = ": name it with --vehicle" if scene.vehicle is None else ""
        known = ", ".join(scene.names.databases)
        raise ExplainError(f"there is no bus {bus!r}" + (f" (there are {known})" if known else f", and {what}{hint}"))
    return _Signal(scene, mapping, name).answer()


class _Message:
    """A message, or one signal in it, on a bus."""

    def __init__(self, scene: Scene, bus: str, rest: str) -> None:
        message_name, _, signal_name = rest.partition(".")
        database = scene.names.databases[bus]
        message = next((each for each in database.messages if each.name == message_name), None)
        if message is None:
            near = nearest(message_name, [each.name for each in database.messages])
            raise ExplainError(f"there is no message {message_name!r} on {bus}{near}")
        if signal_name and signal_name not in message.by_name:
            raise ExplainError(
                f"message {message.name} has no signal {signal_name!r}{nearest(signal_name, list(message.by_name))}"
            )
        self.scene = scene
        self.bus = bus
        self.message: Message = message
        self.signal: Signal | None = message.by_name[signal_name] if signal_name else None
        self.key = header_of(message) & KEY_MASK

    def answer(self) -> Answer:
        scene = self.scene
        arrival = Arrival(scene)
        signal = None if self.signal is None else self.signal.name
        cause = arrival.cause(self.bus, self.key, signal) or self._payload() or arrival.late(self.bus, self.key)
        last = scene.last(self.bus, self.key)
        subject = f"{self.bus}.{self.message.name}" + (f".{signal}" if signal else "")
        fresh = arrival.is_fresh(self.bus, self.key)
        state = "has never come" if last is None else f"last came at {scene.time(last.time_ns)}"
        if fresh and last is not None:
            state = f"comes, last at {scene.time(last.time_ns)}"
        value = None if self.signal is None or last is None else self.signal.decode(last.frame.data)
        if self.signal is not None and value is not None and fresh:
            state += f" with {value_text(self.signal, value)}"
        cause = cause or Cause(Fault.NONE, f"nothing is wrong with it{arrival.unheard(self.bus, self.key)}")
        return Answer(subject, state, cause, tuple(arrival.way))

    def _payload(self) -> Cause | None:
        scene = self.scene
        last = scene.last(self.bus, self.key)
        if last is None:
            return None
        refused = refused_end_to_end(scene, self.bus, self.message)
        if refused is not None:
            return refused
        for signal in (self.signal,) if self.signal is not None else self.message.signals:
            place = SignalPlace(self.bus, self.message, signal)
            muxed = self.signal is None and signal.multiplexer_signal is not None
            found = (None if muxed else absent(scene, place, last)) or beyond(scene, self.bus, signal, last)
            if found is not None:
                return found
        return unprotected(scene, self.bus, self.message)


class _Signal:
    """A leaf of the VSS tree."""

    def __init__(self, scene: Scene, mapping: VssMapping, path: str) -> None:
        if path not in mapping.tree.leaves:
            what = "is a branch, no signal" if path in mapping.tree.branches else "is not in the VSS tree"
            raise ExplainError(f"{path} {what} {mapping.file}{nearest(path, list(mapping.tree.leaves))}")
        self.scene = scene
        self.path = path
        file, line = mapping.tree.place(path)
        self.place: Place = short(file, line)
        self.actuator: bool = mapping.tree[path].kind is Kind.ACTUATOR
        self.rule: UpwardRule | None = next((rule for rule in mapping.upward if rule.leaf.path == path), None)
        self.arrival = Arrival(scene)

    def answer(self) -> Answer:
        refused = self._target_refused()
        if self.rule is None:
            state = "has no source on any bus" if refused is None else "keeps its value"
            self._tell_services()
            text = "the mapping has no dbc2vss for it, so no CAN signal feeds it"
            return Answer(self.path, state, refused or Cause(Fault.NOT_FED, text, self.place), tuple(self.arrival.way))
        found = fed(self.scene, self.rule)
        gone = self.arrival.gateway_absent(self.rule.places[0].bus)
        place = found.last_place
        unfit = None if found.own else refused_end_to_end(self.scene, place.bus, place.message)
        arrived, unheard = self._arrival(self.rule), gone or (None if unfit else self._unheard(self.rule, found))
        self._tell(found)
        self._tell_services()
        cause = refused or gone or arrived or unfit or unheard or refusal(self.scene, found, self.place)
        if cause is None:
            cause = unprotected(self.scene, place.bus, place.message)
            cause = cause or self.arrival.late(place.bus, place.key & KEY_MASK)
            unheard_text = self.arrival.unheard(place.bus, place.key & KEY_MASK)
            cause = cause or Cause(Fault.NONE, f"nothing is wrong with it{unheard_text}", self.place)
        return Answer(
            self.path,
            self._state(found, unheard),
            cause,
            tuple(self.arrival.way),
        )

    def _arrival(self, rule: UpwardRule) -> Cause | None:
        """Why none of its messages comes; None when one does."""
        causes = [self.arrival.cause(place.bus, place.key & KEY_MASK, place.signal.name) for place in rule.places]
        return None if None in causes else causes[0]

    def _unheard(self, rule: UpwardRule, found: Fed) -> Cause | None:
        """The frames come, and the gateway does not receive them."""
        scene, bus = self.scene, rule.places[0].bus
        if found.own and found.last is None:
            text = f"its message on {bus} is sent by the gateway itself, which does not receive what it sends: map the source"
            return Cause(Fault.OWN_FRAME, text, self.place)
        told_ns = self._told_stale_ns()
        if told_ns is not None and found.datapoint.quality is Quality.GOOD and found.last is not None:
            text = (
                f"{scene.label(bus, rule.places[0].key & KEY_MASK)} comes on {bus}, last at {scene.time(found.last.time_ns)},"
                f" and the gateway does not receive it: its wire to {bus} is cut, or it loses frames"
            )
            return Cause(Fault.GATEWAY_DEAF, text, None, told_ns)
        return None

    def _told_stale_ns(self) -> int | None:
        """When the gateway said that it became stale, and did not take it back."""
        for told in reversed(self.scene.told()):
            if isinstance(told, QualityChanged) and told.path == self.path:
                return told.time_ns if told.quality == Quality.STALE.value else None
        return None

    def _target_refused(self) -> Cause | None:
        for told in reversed(self.scene.told()):
            if not isinstance(told, TargetRefused | NotServed) or told.path != self.path:
                continue
            at = f"its target value was refused at {self.scene.time(told.time_ns)}"
            if isinstance(told, TargetRefused):
                return Cause(Fault.TARGET_REFUSED, f"{at}: {told.why}", self.place, told.time_ns)
            if told.refused and self.actuator:
                return Cause(Fault.TARGET_REFUSED, f"{at}, over {told.by}: {told.why}", self.place, told.time_ns)
        return None

    def _state(self, found: Fed, unheard: Cause | None) -> str:
        point = found.datapoint
        stale_ns = self._told_stale_ns()
        if stale_ns is None and (point.quality is Quality.ABSENT or unheard is not None):
            return "has never come"
        shown = f"{point.value:.10g}" if isinstance(point.value, float) else str(point.value)
        if point.quality is Quality.GOOD and stale_ns is None:
            reception, rule = found.feed.last_reception, found.feed.rule
            if reception is not None and reception.label not in {None, shown} and not (rule.math or rule.table):
                shown += f" ({reception.label})"
            return f"is good, {shown} at {self.scene.time(point.time_ns)}"
        since_ns = stale_ns
        if since_ns is None and found.feed.signal.timeout_ns:
            since_ns = point.time_ns + found.feed.signal.timeout_ns
        since = "" if since_ns is None else f" since {self.scene.time(since_ns)}"
        return f"is stale{since}"

    def _tell_services(self) -> None:
        """Stages for what the service bus refused or held back, the same once."""
        told = [each for each in self.scene.told() if isinstance(each, NotServed) and each.path == self.path]
        latest = {(each.by, each.refused, each.why): each for each in told}
        for which, last in latest.items():
            times = sum(1 for each in told if (each.by, each.refused, each.why) == which)
            what = "refused a request for it" if last.refused else "held its value back"
            text = f"{last.by} {what}: {last.why}" + (f", {times} times, this the last" if times > 1 else "")
            self.arrival.way.append(Stage(last.time_ns, text))

    def _tell(self, found: Fed) -> None:
        """A stage for the rule that feeds it."""
        feed, rule = found.feed, found.feed.rule
        counts = {
            "published": feed.published, "unchanged": feed.unchanged, "within its interval": feed.throttled,
            "refused": feed.refused.total(), "refused end to end": found.refused, "without the signal": feed.absent,
        }  # fmt: skip
        text = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing came to it"
        made = published_text(feed)
        text += f", {made}" if made else ""
        last_ns = None if feed.last_published is None else feed.last_published.time_ns
        self.arrival.way.append(Stage(last_ns, f"{rule} ({self.place}): {text}"))
