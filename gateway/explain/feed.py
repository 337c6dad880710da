"""What became of frames on their way up into a signal: the recorded frames go through the rule once more.

The rule is the one of the gateway, on a kernel of its own, so what is told is what the gateway did; only frames that
the gateway did not get (it had no power, its wire was cut) are not known here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.can import KEY_MASK
from gateway.explain.cause import Cause, Fault, Place
from gateway.explain.scene import Scene, own_note, short
from gateway.explain.value import absent, limit_text, range_text
from gateway.routing import CanToVss, Datapoint, Quality, Refusal, SignalFeed, SignalStore, UpwardRule
from gateway.routing import Place as SignalPlace
from gateway.sim import Kernel
from gateway.trace import Recorded

_FRAMES: Final = 2_000
"""So many of the latest frames of each message go through the rule; more, when none of them became a value."""
_MORE: Final = 8
_FAULTS: Final = {
    Refusal.OUT_OF_RANGE: Fault.OUT_OF_RANGE,
    Refusal.UNMAPPED: Fault.NOT_MAPPED,
    Refusal.MATH: Fault.NO_RESULT,
    Refusal.DATATYPE: Fault.WRONG_TYPE,
}


class Fed(NamedTuple):
    """The rule after all frames: its counts, and what the signal is at the moment."""

    feed: SignalFeed
    datapoint: Datapoint
    last: Recorded | None
    """The latest frame that came to it."""
    last_place: SignalPlace
    refused: int
    """Frames that the end-to-end check refused, so that the rule did not get them."""
    own: int
    """Frames of the gateway itself, which it does not receive."""


def fed(scene: Scene, rule: UpwardRule) -> Fed:
    """Let the frames of a rule's messages, up to the moment, go through it: as many as there must be for a value."""
    frames = _FRAMES
    longest = max(scene.count(place.bus, place.key & KEY_MASK) for place in rule.places)
    found = _through(scene, rule, frames)
    while found.feed.last_published is None and frames < longest:
        frames *= _MORE
        found = _through(scene, rule, frames)
    return found


def _through(scene: Scene, rule: UpwardRule, frames: int) -> Fed:
    """Let the latest of its frames go through a rule."""
    kernel = Kernel()
    can_to_vss = CanToVss(kernel, [rule], SignalStore(kernel))
    arrivals: list[tuple[Recorded, SignalPlace]] = []
    own = 0
    for place in rule.places:
        for record in scene.latest(place.bus, place.key & KEY_MASK, frames):
            if own_note(record).sender == scene.gateway:
                own += 1
            else:
                arrivals.append((record, place))
    checkers = {(place.bus, place.key): scene.protected(place.bus, place.key) for place in rule.places}
    checks = {where: found.checker().accepts for where, found in checkers.items() if found is not None}
    refused = 0
    arrivals.sort(key=lambda arrival: arrival[0].time_ns)
    for record, place in arrivals:
        kernel.run(record.time_ns)
        check = checks.get((place.bus, place.key))
        if check is not None and not check(record.frame.data):
            refused += 1
            continue
        can_to_vss.messages[place.bus, place.key].on_frame(record.frame)
    kernel.run(scene.now_ns)
    feed = can_to_vss.feeds[0]
    last, place = arrivals[-1] if arrivals else (None, rule.places[0])
    return Fed(feed, feed.signal.datapoint, last, place, refused, own)


def refusal(scene: Scene, found: Fed, rule_place: Place | None) -> Cause | None:
    """Why the latest frame did not become a value; None when it did."""
    feed, last = found.feed, found.last
    if last is None:
        return None
    missing = absent(scene, found.last_place, last)
    if missing is not None:
        return missing
    if feed.rule.gates and feed.received == 0 and feed.absent:
        wanted = ", ".join(f"{gate.signal} = {gate.value}" for gate in feed.rule.gates)
        when = f"last frame at {scene.time(last.time_ns)} on {found.last_place.bus}"
        text = f"{when}: its multiplexer condition {wanted} is not met"
        return Cause(Fault.MULTIPLEXED_OUT, text, rule_place, last.time_ns)
    refused, published = feed.last_refused, feed.last_published
    if refused is None or (published is not None and published.time_ns >= refused.time_ns):
        return None
    if (
        published is not None
        and found.datapoint.quality is Quality.GOOD
        and refused.time_ns < last.time_ns - feed.rule.interval_ns
    ):
        return None
    place = found.last_place
    sender = scene.whose(place.bus, place.key) if own_note(last).sender else ""
    text = (
        f"last frame at {scene.time(last.time_ns)} on {place.bus}"
        + (f" from {sender}" if sender else "")
        + f", the transform refused it: {_sentence(place, feed, refused.reason, refused.sentence)}"
    )
    if refused.reason is Refusal.OUT_OF_RANGE:
        rule_place = short(scene.names.databases[place.bus].file, None)
    return Cause(_FAULTS[refused.reason], text, rule_place, last.time_ns)


def _sentence(place: SignalPlace, feed: SignalFeed, reason: Refusal, sentence: str) -> str:
    reception = feed.last_reception
    if reason is Refusal.OUT_OF_RANGE and reception is not None:
        limit = limit_text(place.signal, reception.value)
        if limit is not None:
            return f"{reception.value:.10g} {limit} of {place}"
    leaf, plain = feed.rule.leaf, feed.rule.math is None and feed.rule.table is None
    if reason is Refusal.DATATYPE and reception is not None and plain and reception.label is None:
        limit = range_text(leaf.minimum, leaf.maximum, reception.value)
        if limit is not None:
            return f"{reception.value:.10g} {limit} of {leaf.path}"
    return sentence
