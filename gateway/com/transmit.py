"""What an ECU sends: messages with the values of their signals, and when they are sent.

A message keeps its payload as an integer, its image; a signal that changes replaces its own bits in it. So sending an
unchanged message costs no encoding at all, and sending a changed one only the signals that did change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.can import BRS, EXTENDED, FD, Controller, Frame, padded_length
from gateway.com.errors import ComError
from gateway.com.protection import Protection
from gateway.database import Message, SendType, Signal, bits_of, physical_limits
from gateway.errors import nearest
from gateway.sim import Kernel, Timer

ON_CHANGE: Final = frozenset(
    {SendType.ON_CHANGE, SendType.CYCLIC_ON_CHANGE, SendType.ON_WRITE, SendType.IF_ACTIVE, SendType.CYCLIC_IF_ACTIVE}
)
"""Send types with which a changed signal sends its message at once."""
FrameFactory = Callable[[int, bytes], Frame]


def header_of(message: Message) -> int:
    """The frame header that a database's message goes out with."""
    header = message.arbitration_id
    if message.extended:
        header |= EXTENDED
    if message.fd or message.length > 8:
        header |= FD
        if message.brs:
            header |= BRS
    return header


def frame_length(message: Message) -> int:
    """The bytes of its frames: a CAN FD frame cannot have every length, so a message may be padded (with zeros)."""
    return padded_length(message.length) if 8 < message.length <= 64 else message.length


class TxSignal:
    """One signal of a message that this ECU sends. Set `value`; the message goes out as its send type says."""

    __slots__ = (
        "_big",
        "_clear",
        "_held",
        "_highest",
        "_limits",
        "_lowest",
        "_mask",
        "_maximum",
        "_message",
        "_minimum",
        "_offset",
        "_raw",
        "_repeatable",
        "_scale",
        "_shift",
        "_value",
        "_value_raw",
        "_whole",
        "signal",
    )

    def __init__(self, message: TxMessage, signal: Signal) -> None:
        self.signal: Final = signal
        self._message = message
        self._raw: int | float = signal.initial_raw
        self._value: int | float | str = signal.to_physical(signal.initial_raw)
        self._value_raw: int | float = signal.initial_raw
        self._held: bool = False
        self._repeatable: bool = False
        """What goes out is the value that was set last, and setting it again does nothing."""
        self._big: bool = signal.big_endian
        self._whole: bool = not signal.is_float
        self._mask: int = (1 << signal.length) - 1
        self._shift: int = 8 * message.length - signal.end_bit if signal.big_endian else signal.start
        self._clear: int = ~(self._mask << self._shift)
        plain = not signal.is_float and signal.length <= 32 and signal.scale > 0
        self._scale: float = float(signal.scale) if plain else 0.0
        self._offset: float = float(signal.offset)
        self._lowest, self._highest = signal.raw_limits
        self._minimum: float = float(signal.minimum) if signal.minimum is not None else -1e300
        self._maximum: float = float(signal.maximum) if signal.maximum is not None else 1e300
        self._limits: tuple[float, float] | None = None

    @property
    def value(self) -> int | float | str:
        """The physical value (or label) that was set last."""
        return self._value

    @value.setter
    def value(self, value: int | float | str) -> None:
        """EncodeError when the signal cannot have this value."""
        if value == self._value and self._repeatable:
            self._value = value  # 1, 1.0 and True are equal
            return
        if isinstance(value, str):
            raw = self._value_raw if value == self._value else self.signal.to_raw(value)
        elif self._scale and self._minimum <= value <= self._maximum:
            # As `Signal.to_raw` does for numbers well inside the limits, which most are.
            raw = round((value - self._offset) / self._scale)
            if not self._lowest <= raw <= self._highest:
                raw = self.signal.to_raw(value)
        else:
            raw = self.signal.to_raw(value)
        self._value = value
        self._value_raw = raw
        if not self._held:
            self.set_raw(raw)
            self._repeatable = self._whole and not self._message.sends_on_write

    def saturate(self, value: int | float) -> None:
        """Set the value; one that is out of range becomes the nearest that the signal can have. EncodeError for NaN."""
        limits = self._limits
        if limits is None:
            limits = self._limits = physical_limits(self.signal)
        if value < limits[0]:
            value = limits[0]
        elif value > limits[1]:
            value = limits[1]
        self.value = value

    @property
    def raw(self) -> int | float:
        """The raw value that goes out."""
        return self._raw

    def set_raw(self, raw: int | float) -> None:
        """Send this raw value; the caller answers for its fitting into the signal's bits."""
        message = self._message
        if raw != self._raw:
            self.put_raw(raw)
            if message.sends_on_change:
                message.event()
            return
        if not self._whole:  # -0.0 equals 0.0 and has other bits
            self.put_raw(raw)
        if message.sends_on_write:
            message.event()

    def put_raw(self, raw: int | float) -> None:
        """As `set_raw`, but without sending anything because of it."""
        self._raw = raw
        self._repeatable = False
        message = self._message
        message.frame = None
        bits = int(raw) & self._mask if self._whole else bits_of(self.signal, raw)
        if self._big:
            message.big = message.big & self._clear | bits << self._shift
        else:
            message.little = message.little & self._clear | bits << self._shift

    def hold(self, raw: int | float) -> None:
        """Send this raw value whatever the behaviour sets, until `release`."""
        self._held = True
        self._repeatable = False
        self.set_raw(raw)

    def release(self) -> None:
        """Send what the behaviour set last again."""
        self._held = False
        self.set_raw(self._value_raw)

    def reset(self) -> None:
        """Take the start value, unless held."""
        self._value = self.signal.to_physical(self.signal.initial_raw)
        self._value_raw = self.signal.initial_raw
        self.put_raw(self._raw if self._held else self.signal.initial_raw)


class TxMessage:
    """A message that a controller sends. `sent` counts what the controller took."""

    def __init__(self, kernel: Kernel, controller: Controller, definition: Message) -> None:
        self.definition: Final = definition
        self.controller: Final = controller
        self.signals: dict[str, TxSignal] = {}
        """Those that fit into the message's length, by name."""
        self.length: Final = frame_length(definition)
        self._protection: Protection | None = None
        self._counter: TxSignal | None = None
        self.frame_factory: FrameFactory | None = None
        """Makes the frames that go out, where they shall be more than a `Frame`."""
        self.sent: int = 0
        self.last_sent_ns: int = -(1 << 62)
        self.active: bool = True
        """A message that is not active is not sent, whoever asks."""
        self._kernel = kernel
        self._header: int = header_of(definition)
        self.sends_on_change: bool = definition.send_type in ON_CHANGE
        self.sends_on_write: bool = definition.send_type is SendType.ON_WRITE
        self.frame: Frame | None = None
        """What went out last, while no signal has changed since."""
        self._multiplexed = any(signal.multiplexer_signal is not None for signal in definition.signals)
        self.little: int = 0
        """The image of the little-endian signals, read as a little-endian integer."""
        self.big: int = 0
        """The image of the big-endian signals, read as a big-endian integer."""
        self._repetitions_left: int = 0
        self._repeat = Timer(kernel, self._send_repetition)
        size = 8 * definition.length
        for signal in definition.signals:
            if signal.end_bit <= size:
                handle = self.signals[signal.name] = TxSignal(self, signal)
                handle.put_raw(signal.initial_raw)
        controller.supply(self._header, self.supplied)

    @property
    def protection(self) -> Protection | None:
        """Counter and checksum, put in with each sending."""
        return self._protection

    @protection.setter
    def protection(self, protection: Protection | None) -> None:
        counter = protection.counter if protection is not None else None
        self._counter = self.signal(counter) if counter is not None else None
        self._protection = protection

    def signal(self, name: str) -> TxSignal:
        """ComError, with the nearest name, for a signal that the message does not have."""
        found = self.signals.get(name)
        if found is None:
            near = nearest(name, list(self.signals))
            raise ComError(f"message {self.definition.name} has no signal {name!r}{near}")
        return found

    def invalidate(self) -> None:
        """Make a new frame for the next sending, even when the payload is the same."""
        self.frame = None

    def payload(self) -> bytes:
        """The payload as it would go out now."""
        if self._multiplexed:
            return self._multiplexed_payload()
        if not self.big:
            return self.little.to_bytes(self.length, "little")
        if not self.little:
            return self.big.to_bytes(self.length, "big")
        big = int.from_bytes(self.big.to_bytes(self.length, "big"), "little")
        return (self.little | big).to_bytes(self.length, "little")

    def _protected(self, protection: Protection) -> bytes:
        """The payload with the next counter value and the checksum."""
        if self._counter is not None:
            self._counter.put_raw(protection.next_count())
        data = self.payload()
        return protection.sealed(data) if protection.checksum else data

    def _multiplexed_payload(self) -> bytes:
        """Only the signals that their multiplexers select."""
        raws = {name: handle.raw for name, handle in self.signals.items() if self._is_selected(handle.signal)}
        return self.definition.encode_raw(raws).ljust(self.length, b"\0")

    def _is_selected(self, signal: Signal) -> bool:
        """Whether all multiplexers above a signal select it."""
        while signal.multiplexer_signal is not None:
            selector = self.signals.get(signal.multiplexer_signal)
            if selector is None or selector.raw not in signal.multiplexer_ids:
                return False
            signal = selector.signal
        return True

    def send(self) -> bool:
        """Send it now, counter and checksum included. False when the controller refused it."""
        if not self.active:
            return False
        frame = self.frame
        if frame is None:
            data = self.payload() if self._protection is None else self._protected(self._protection)
            factory = self.frame_factory
            frame = Frame(self._header, data) if factory is None else factory(self._header, data)
            if self._protection is None:
                self.frame = frame
        controller = self.controller
        if controller.bus.send(controller, frame):
            self.sent += 1
            self.last_sent_ns = self._kernel.now
            return True
        return False

    def supplied(self) -> Frame | None:
        """What goes out when the bus asks for it (LIN), counter and checksum included; None while it is not active."""
        if not self.active:
            return None
        frame = self.frame
        if frame is None:
            data = self.payload() if self._protection is None else self._protected(self._protection)
            factory = self.frame_factory
            frame = Frame(self._header, data) if factory is None else factory(self._header, data)
            if self._protection is None:
                self.frame = frame
        self.sent += 1
        self.last_sent_ns = self._kernel.now
        return frame

    # Sending by events

    def event(self) -> None:
        """Send at once, not before the message's delay time has passed since the last time, and repeat as told."""
        self._repetitions_left = self.definition.repetitions
        now = self._kernel.now
        self._repeat.set(max(now, self.last_sent_ns + self.definition.delay_ns))

    def _send_repetition(self) -> None:
        self.send()
        if self._repetitions_left > 0 and self.definition.fast_cycle_ns:
            self._repetitions_left -= 1
            self._repeat.set(self._kernel.now + self.definition.fast_cycle_ns)

    def stop(self) -> None:
        """Forget what was due."""
        self._repeat.cancel()

    def reset(self) -> None:
        """Start values again, as after a reset of the ECU; what a test holds stays held."""
        for handle in self.signals.values():
            handle.reset()


class TransmitTask:
    """Messages of one ECU that are sent together, each `period_ns`, beginning at `first_ns`."""

    def __init__(self, kernel: Kernel, period_ns: int, first_ns: int, messages: list[TxMessage]) -> None:
        self._kernel = kernel
        self._period_ns = period_ns
        self._messages = messages
        self._running: bool = True
        self._callback: Final = self._fire
        kernel.at(first_ns, self._callback)

    def _fire(self) -> None:
        if not self._running:
            return
        for message in self._messages:
            message.send()
        self._kernel.at(self._kernel.now + self._period_ns, self._callback)

    def stop(self) -> None:
        self._running = False
