"""What is wrong with the payload of frames that do come: length, multiplexer, range, counter, checksum."""

from __future__ import annotations

from typing import Final

from gateway.can import KEY_MASK
from gateway.com import Protection, header_of
from gateway.database import Message, Signal
from gateway.explain.cause import Cause, Fault
from gateway.explain.scene import Scene, short
from gateway.routing import Place as SignalPlace
from gateway.trace import Recorded

_COUNTED: Final = 3
"""So many equal counters in a row mean that it does not go on."""
_FAILED: Final = {
    "ERROR": "its CRC, length or data identifier is wrong",
    "REPEATED": "its counter is that of the frame before it",
    "WRONG_SEQUENCE": "its counter jumps further than max_delta allows",
}
"""By the name of the status; `gateway.com.e2e` is not loaded where nothing is protected so."""


def absent(scene: Scene, place: SignalPlace, last: Recorded) -> Cause | None:
    """Why the latest frame does not have the signal; None when it has."""
    message, signal, data = place.message, place.signal, last.frame.data
    needed = (signal.end_bit + 7) // 8
    where = short(scene.names.databases[place.bus].file, None)
    when = f"last frame at {scene.time(last.time_ns)} on {place.bus}"
    if len(data) < needed:
        reach = f"{message.name}.{signal.name} reaches to byte {needed} (the database has {message.length})"
        text = f"{when} has {len(data)} bytes, {reach}"
        return Cause(Fault.WRONG_LENGTH, text, where, last.time_ns)
    if signal.decode(data) is not None or signal.multiplexer_signal is None:
        return None
    selector = message.by_name[signal.multiplexer_signal]
    chosen = selector.decode(data)
    wanted = ", ".join(map(str, signal.multiplexer_ids))
    known = {
        number
        for each in message.signals
        if each.multiplexer_signal == selector.name
        for number in each.multiplexer_ids
    }
    unknown = "" if chosen in known else ", which the database does not know"
    text = f"{when} has {selector.name} = {chosen}{unknown}, and {signal.name} is there with {wanted} only"
    return Cause(Fault.MULTIPLEXED_OUT, text, where, last.time_ns)


def beyond(scene: Scene, bus: str, signal: Signal, last: Recorded) -> Cause | None:
    """The latest value is outside the range that the database gives it."""
    value = signal.decode(last.frame.data)
    if value is None:
        return None
    limit = limit_text(signal, value)
    if limit is None:
        return None
    text = f"last frame at {scene.time(last.time_ns)} on {bus} has {value:.10g}, which {limit}"
    return Cause(Fault.OUT_OF_RANGE, text, short(scene.names.databases[bus].file, None), last.time_ns)


def limit_text(signal: Signal, value: float) -> str | None:
    """`is above max 250`; None for what is in range, or has a label."""
    if signal.choices and any(signal.to_physical(raw) == value for raw in signal.choices):
        return None
    return range_text(signal.minimum, signal.maximum, value, abs(signal.scale) * 1e-6)


def range_text(minimum: float | None, maximum: float | None, value: float, slack: float = 0) -> str | None:
    """On which side of a range a value is; None for within."""
    if maximum is not None and value > maximum + slack:
        return f"is above max {maximum:.10g}"
    if minimum is not None and value < minimum - slack:
        return f"is below min {minimum:.10g}"
    return None


def refused_end_to_end(scene: Scene, bus: str, message: Message) -> Cause | None:
    """The end-to-end check does not let the latest frame through: it is made once more, as each receiver makes it."""
    key = header_of(message) & KEY_MASK
    protected, frames = scene.protected(bus, key), scene.latest(bus, key)
    if protected is None or not frames:
        return None
    checker = protected.checker()
    fits = [checker.accepts(record.frame.data) for record in frames]
    if fits[-1]:
        return None
    last = frames[-1]
    text = (
        f"last frame at {scene.time(last.time_ns)} on {bus}, the end-to-end check (E2E {protected.config.profile.value})"
        f" refused it: {_FAILED[checker.status.name]}"
    )
    return Cause(Fault.E2E_REFUSED, text, short(protected.file, protected.line), last.time_ns)


def unprotected(scene: Scene, bus: str, message: Message) -> Cause | None:
    """The latest frames have a wrong checksum, or a counter that does not go on."""
    protection = _protection(scene, bus, message)
    if protection is None:
        return None
    frames = scene.latest(bus, header_of(message) & KEY_MASK)
    frames = [record for record in frames if len(record.frame.data) >= message.length]
    if not frames:
        return None
    last = frames[-1]
    when = f"last frame at {scene.time(last.time_ns)} on {bus}"
    if protection.checksum is not None and protection.seal is None:
        signal = message.signal(protection.checksum)
        has, right = signal.decode(last.frame.data), signal.decode(protection.expected(last.frame.data))
        if has != right:
            text = f"{when} has {signal.name} {has}, and {right} would be right: {_who_checks(scene, bus, message)}"
            return Cause(Fault.WRONG_CHECKSUM, text, None, last.time_ns)
    if protection.counter is not None and len(frames) >= _COUNTED:
        signal = message.signal(protection.counter)
        counts = [signal.decode(record.frame.data) for record in frames]
        if len(set(counts[-_COUNTED:])) == 1:
            same = next((number for number, count in enumerate(reversed(counts)) if count != counts[-1]), len(counts))
            text = f"{when} has {signal.name} {counts[-1]} like the {same - 1} before it: {_who_checks(scene, bus, message)}"
            return Cause(Fault.COUNTER_STUCK, text, None, last.time_ns)
    return None


def _who_checks(scene: Scene, bus: str, message: Message) -> str:
    """Receivers check what the vehicle file protects end to end; a plain counter or checksum is only sent."""
    if scene.protected(bus, header_of(message)) is None:
        return "nobody here checks it (protect has no e2e)"
    return "who checks it refuses it"


def _protection(scene: Scene, bus: str, message: Message) -> Protection | None:
    """Counter and checksum of a message where it is sent first."""
    if scene.vehicle is None:
        return None
    for ecu in scene.vehicle.ecus.values():
        port = ecu.ports.get(bus)
        sending = port.tx.get(message.name) if port is not None else None
        if sending is not None and sending.protection is not None:
            return sending.protection
    target = scene.vehicle.gateway.targets.get((bus, message.name))
    return None if target is None else target.message.protection
