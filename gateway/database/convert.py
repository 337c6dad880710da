"""cantools' messages and signals into ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway.database.attributes import ParsedAttributes, time_ns
from gateway.database.diagnostic import Findings
from gateway.database.encoding import FLOATS
from gateway.database.message import Message
from gateway.database.signal import Signal

if TYPE_CHECKING:
    from cantools.database.can.message import Message as ParsedMessage
    from cantools.database.can.signal import Signal as ParsedSignal

NOBODY: Final = "Vector__XXX"
"""What stands in a DBC file where no node is meant."""
LARGEST_BITS: Final = 900
"""Of whole numbers in a file: what is longer is no float any more."""
OFF: Final = frozenset(("0", "False", "false", "Off", "off"))


@dataclass(slots=True)
class Origin:
    """What the file says of a message that the parser does not hand on: lines, real names, multiplexer values."""

    line: int | None = None
    name: str | None = None
    signal_lines: Sequence[int] = ()
    signal_names: Sequence[str] = ()
    mended: Mapping[str, str] = field(default_factory=dict)
    """Names that the parser was given instead of the file's."""
    multiplexer_ids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def given(self, name: str) -> str:
        """The name as the file has it."""
        return self.mended.get(name, name)

    def nodes(self, names: Iterable[str]) -> tuple[str, ...]:
        """Node names as the file has them."""
        return tuple(self.given(name) for name in names if name != NOBODY)


def message_from(parsed: ParsedMessage, origin: Origin, findings: Findings) -> Message:
    """One message of ours. What has to be mended on the way is added to `findings`."""
    attributes = ParsedAttributes(parsed.dbc)
    name = origin.name if origin.name is not None and "SystemMessageLongSymbol" not in attributes.own else parsed.name
    cycle_ns = time_ns(parsed.cycle_time)
    fd = parsed.is_fd or (8 < parsed.length <= 64 and parsed.protocol != "j1939")
    return Message(
        name=name,
        arbitration_id=parsed.frame_id,
        extended=parsed.is_extended_frame,
        fd=fd,
        brs=fd and str(attributes.value("CANFD_BRS")) not in OFF,
        length=parsed.length,
        senders=origin.nodes(parsed.senders),
        cycle_ns=cycle_ns,
        fast_cycle_ns=attributes.time_ns("GenMsgCycleTimeFast") or None,
        send_type=attributes.send_type(parsed.send_type, cycle_ns),
        start_delay_ns=attributes.time_ns("GenMsgStartDelayTime"),
        delay_ns=attributes.time_ns("GenMsgDelayTime"),
        repetitions=attributes.count("GenMsgNrOfRepetition"),
        signals=_signals(parsed, name, origin, findings),
        comment=parsed.comment or "",
        attributes=MappingProxyType(attributes.own),
        line=origin.line,
    )


def _signals(parsed: ParsedMessage, message: str, origin: Origin, findings: Findings) -> tuple[Signal, ...]:
    short_names = origin.signal_names or [signal.name for signal in parsed.signals]
    lines: Sequence[int | None] = origin.signal_lines or [None] * len(parsed.signals)
    sources = [
        _Source(signal, short, line, message, origin, findings)
        for signal, short, line in zip(parsed.signals, short_names, lines, strict=True)
    ]
    long_names = {source.short: source.name for source in sources}
    parents = {source.parent for source in sources}
    made: dict[str, Signal] = {}
    for source in sources:
        if source.name in made:
            findings.error(source.line, f"{source.where} is there twice; this one is left out")
        elif source.parsed.length < 1 or source.parsed.start < 0:
            place = f"{source.parsed.length} bits from {source.parsed.start}"
            findings.error(source.line, f"{source.where} has no place: {place}; it is left out")
        else:
            made[source.name] = source.signal(long_names, parents)
    return _rooted(made, message, findings)


class _Source:
    """A parsed signal on its way to ours."""

    def __init__(
        self,
        parsed: ParsedSignal,
        short: str,
        line: int | None,
        message: str,
        origin: Origin,
        findings: Findings,
    ) -> None:
        self.parsed = parsed
        self.short = short
        self.line = line
        self.origin = origin
        self.findings = findings
        self.attributes = ParsedAttributes(parsed.dbc)
        self.name = parsed.name if "SystemSignalLongSymbol" in self.attributes.own else short
        self.where = f"signal {message}.{self.name}"
        self.parent = None if parsed.multiplexer_signal is None else origin.given(parsed.multiplexer_signal)
        self.is_float = parsed.is_float

    def signal(self, long_names: Mapping[str, str], parents: set[str | None]) -> Signal:
        """Our signal; `long_names` from the short names of all signals, `parents` the short names of multiplexers."""
        parsed = self.parsed
        if self.is_float and parsed.length not in FLOATS:
            self.is_float = False
            self.findings.warn(self.line, f"{self.where} is a float of {parsed.length} bits; it is read as an integer")
        ids = {*(parsed.multiplexer_ids or ()), *self.origin.multiplexer_ids.get(self.short, ())}
        choices = {int(raw): str(name) for raw, name in (parsed.choices or {}).items()}
        signal = Signal(
            name=self.name,
            start=parsed.start,
            length=parsed.length,
            big_endian=parsed.byte_order == "big_endian",
            signed=parsed.is_signed,
            is_float=self.is_float,
            scale=self._number(parsed.scale, 1, "scale"),
            offset=self._number(parsed.offset, 0, "offset"),
            minimum=parsed.minimum if _usable(parsed.minimum) else None,
            maximum=parsed.maximum if _usable(parsed.maximum) else None,
            unit=parsed.unit or "",
            choices=MappingProxyType(choices) if choices else None,
            initial_raw=self._initial(),
            is_multiplexer=parsed.is_multiplexer or self.short in parents,
            multiplexer_signal=None if self.parent is None else long_names.get(self.parent, self.parent),
            multiplexer_ids=tuple(sorted(ids)),
            receivers=self.origin.nodes(parsed.receivers),
            comment=parsed.comment or "",
            line=self.line,
            attributes=MappingProxyType(self.attributes.own),
        )
        if signal.scale == 0:
            self.findings.warn(self.line, f"{self.where} has the scale 0; no physical value can be encoded")
        return signal

    def _number(self, value: int | float, instead: int, what: str) -> int | float:
        if _usable(value):
            return value
        self.findings.error(self.line, f"{self.where} has the {what} {value}, which is of no use; {instead} is taken")
        return instead

    def _initial(self) -> int | float:
        """The raw start value: the signal's, else the attribute's default, else 0."""
        given, length = self.parsed.raw_initial, self.parsed.length
        own = given is not None
        if not own:
            default = self.attributes.value("GenSigStartValue")
            given = default if isinstance(default, int | float) else 0
        if given is None or not _usable(given):
            return 0
        if self.is_float:
            return float(given) if length == 64 or abs(given) < (65504 if length == 16 else 3.4e38) else 0.0
        raw, span = round(given), 1 << length
        if self.parsed.is_signed and span // 2 <= raw < span:
            return raw - span  # written as the bits without a sign
        if (-(span // 2) <= raw < span // 2) if self.parsed.is_signed else (0 <= raw < span):
            return raw
        if own:
            text = f"{self.where} has the start value {given}, which its {length} bits do not hold; 0 is taken"
            self.findings.warn(self.line, text)
        return 0


def _usable(value: object) -> bool:
    """Whether a number of the file can be computed with."""
    if isinstance(value, int):
        return value.bit_length() < LARGEST_BITS
    return isinstance(value, float) and math.isfinite(value)


def _rooted(signals: dict[str, Signal], message: str, findings: Findings) -> tuple[Signal, ...]:
    """The signals, without those whose multiplexers lead to none that is always there."""
    kept = []
    for signal in signals.values():
        seen: set[str] = set()
        at: Signal | None = signal
        while at is not None and at.multiplexer_signal is not None and at.name not in seen:
            seen.add(at.name)
            at = signals.get(at.multiplexer_signal)
        if at is not None and at.multiplexer_signal is None:
            kept.append(signal)
        else:
            text = f"signal {message}.{signal.name} depends on {signal.multiplexer_signal}, which is never there"
            findings.error(signal.line, f"{text}; it is left out")
    return tuple(kept)
