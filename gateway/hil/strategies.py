"""Hypothesis strategies for the frames and signal values of a database: what its senders can send, and what they cannot.

    @given(frames(vehicle.databases["body"]))
    def test_any_frame(frame): ...

Needs Hypothesis: `pip install hypothesis`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from hypothesis import strategies as st

from gateway.can import BRS, EXTENDED, FD, LENGTHS, Frame
from gateway.com import header_of
from gateway.com.transmit import frame_length
from gateway.database import Database, Message, Signal
from gateway.hil.errors import HilError

Values = Mapping[str, int | float | str]
_LONGEST: Final = 64
_FLOAT_BITS: Final[dict[int, Literal[16, 32, 64]]] = {16: 16, 32: 32, 64: 64}


def raw_values(signal: Signal) -> st.SearchStrategy[int | float]:
    """Raw values that the signal's sender may send: in its limits, and a name where only names are allowed."""
    if signal.is_float:
        low, high = signal.minimum, signal.maximum
        width = _FLOAT_BITS.get(signal.length, 32)
        return st.floats(low, high, allow_nan=False, allow_infinity=False, width=width)
    low_raw, high_raw = _raw_span(signal)
    return st.integers(low_raw, high_raw)


def _raw_span(signal: Signal) -> tuple[int, int]:
    """The least and the greatest raw value within the bits and the physical limits."""
    low, high = signal.raw_limits
    if signal.minimum is None or signal.maximum is None or signal.scale == 0:
        return low, high
    ends = sorted(((signal.minimum - signal.offset) / signal.scale, (signal.maximum - signal.offset) / signal.scale))
    first, last = max(low, -int(-ends[0] // 1)), min(high, int(ends[1] // 1))
    return (first, last) if first <= last else (low, high)


def values(message: Message) -> st.SearchStrategy[dict[str, int | float | str]]:
    """Values by signal, as `encode` takes them: physical, or the name where the value has one; active signals only."""
    return st.builds(lambda raws: _physical(message, raws), raw_payloads(message))


def _physical(message: Message, raws: Mapping[str, int | float]) -> dict[str, int | float | str]:
    found: dict[str, int | float | str] = {}
    for name, raw in raws.items():
        signal = message.by_name[name]
        found[name] = signal.label(raw) or signal.to_physical(raw)
    return found


def raw_payloads(message: Message) -> st.SearchStrategy[dict[str, int | float]]:
    """Raw values by signal; of multiplexed signals those that their multiplexer selects."""

    @st.composite
    def draw_all(draw: st.DrawFn) -> dict[str, int | float]:
        found: dict[str, int | float] = {}
        pending = [signal for signal in message.signals if signal.multiplexer_signal is None]
        while pending:
            signal = pending.pop(0)
            raw = found[signal.name] = draw(_selecting(message, signal))
            pending += [
                other
                for other in message.signals
                if other.multiplexer_signal == signal.name and raw in other.multiplexer_ids
            ]
        return found

    return draw_all()


def _selecting(message: Message, signal: Signal) -> st.SearchStrategy[int | float]:
    """For a multiplexer the values that select something, otherwise any that the signal can have."""
    ids = sorted(
        {i for other in message.signals if other.multiplexer_signal == signal.name for i in other.multiplexer_ids}
    )
    return st.sampled_from(ids) if ids else raw_values(signal)


def frames_of(message: Message) -> st.SearchStrategy[Frame]:
    """Frames of one message, as its sender could send them; counter and checksum are any."""
    header, length = header_of(message), frame_length(message)
    return raw_payloads(message).map(lambda raws: Frame(header, message.encode_raw(raws).ljust(length, b"\0")))


def frames(database: Database) -> st.SearchStrategy[Frame]:
    """Frames of any message of a database that fits into a frame."""
    known = [message for message in database.messages if message.length <= _LONGEST]
    if not known:
        raise HilError(f"{database.name} has no message that fits into a frame")
    return st.sampled_from(known).flatmap(frames_of)


def invalid_frames(database: Database, *, fd: bool = False) -> st.SearchStrategy[Frame]:
    """Frames that no sender of the database sends: of a wrong length, of an unknown identifier, values out of range."""
    return st.one_of(wrong_length(database, fd=fd), unknown(database, fd=fd), out_of_range(database))


def wrong_length(database: Database, *, fd: bool = False) -> st.SearchStrategy[Frame]:
    """A known identifier, but fewer or more bytes than the message has."""

    @st.composite
    def draw_frame(draw: st.DrawFn) -> Frame:
        frame = draw(frames(database))
        lengths = [n for n in LENGTHS if n != len(frame.data) and (n <= 8 or fd)]
        length = draw(st.sampled_from(lengths))
        header = frame.header if length <= 8 else frame.header | FD
        return Frame(header, draw(st.binary(min_size=length, max_size=length)))

    return draw_frame()


def unknown(database: Database, *, fd: bool = False) -> st.SearchStrategy[Frame]:
    """An identifier that no message of the database has."""
    known = {(message.arbitration_id, message.extended) for message in database.messages}
    identifiers = st.one_of(
        st.tuples(st.integers(0, 0x7FF), st.just(value=False)),
        st.tuples(st.integers(0, 0x1FFFFFFF), st.just(value=True)),
    ).filter(lambda pair: pair not in known)
    lengths = [n for n in LENGTHS if n <= 8 or fd]

    def build(pair: tuple[int, bool], length: int, fill: bytes) -> Frame:
        header = pair[0] | (EXTENDED if pair[1] else 0) | (FD | BRS if length > 8 else 0)
        return Frame(header, fill.ljust(length, b"\0")[:length])

    return st.builds(build, identifiers, st.sampled_from(lengths), st.binary(max_size=_LONGEST if fd else 8))


def out_of_range(database: Database) -> st.SearchStrategy[Frame]:
    """A known message of the right length in which one signal has a value that the database does not allow."""
    places = [
        (message, signal)
        for message in database.messages
        if message.length <= _LONGEST
        for signal in message.signals
        if signal.multiplexer_signal is None and not signal.is_multiplexer and not signal.is_float and _gaps(signal)
    ]
    if not places:
        return st.nothing()

    @st.composite
    def draw_frame(draw: st.DrawFn) -> Frame:
        message, signal = draw(st.sampled_from(places))
        frame: Frame = draw(frames_of(message))
        return Frame(frame.header, signal.insert(frame.data, draw(_forbidden(signal))))

    return draw_frame()


def _gaps(signal: Signal) -> bool:
    return _raw_span(signal) != signal.raw_limits


def _forbidden(signal: Signal) -> st.SearchStrategy[Any]:
    low, high = signal.raw_limits
    first, last = _raw_span(signal)
    parts = []
    if low < first:
        parts.append(st.integers(low, first - 1))
    if last < high:
        parts.append(st.integers(last + 1, high))
    return st.one_of(*parts)
