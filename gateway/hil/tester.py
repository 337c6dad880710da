"""The test instrument's own sender on a bus: single frames, cyclic messages, recorded drives.

It is no part of the bus until it sends for the first time: listening alone neither acknowledges nor changes anything.
From then on it is a participant like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateway.can import EXTENDED, FD, ID_MASK, LENGTHS, Bus, Controller, Frame
from gateway.com import Protection, TransmitTask, TxMessage
from gateway.database import Message
from gateway.hil.errors import HilError
from gateway.hil.values import raw_of
from gateway.hil.waveform import Follower, Waveform, WaveValue, check
from gateway.lin import LAST_ID, REQUEST_ID, RESPONSE_ID, LinBus, LinNode
from gateway.vehicle import VehicleFile
from gateway.vehicle.assembly.protect import protection_of as protection_by

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

NAME: Final = "tester"
_DIAGNOSTIC_LENGTH: Final = 8


class Tester:
    """Sends on one bus."""

    def __init__(self, vehicle: VehicleUnderTest, bus: Bus) -> None:
        self.bus: Final = bus
        self.vehicle: Final = vehicle
        self._controller: Controller | None = None
        self._messages: dict[str, TxMessage] = {}

    @property
    def controller(self) -> Controller:
        if self._controller is None:
            self._controller = self.bus.attach(NAME)
            if isinstance(self._controller, LinNode):
                self._controller.stands_in = True
        return self._controller

    def send(self, message: Message, values: Mapping[str, Any]) -> None:
        """One frame: these values, start values for the rest. HilError when the bus does not take it."""
        sending = self.message(message)
        sending.reset()
        put(sending, values)
        if not sending.send():
            raise HilError(self._refusal(message.name))

    def message(self, message: Message) -> TxMessage:
        """The message as the tester sends it: with counter and checksum where the vehicle file protects it."""
        if message.name not in self._messages:
            sending = TxMessage(self.vehicle.kernel, self.controller, message)
            sending.protection = protection_of(self.vehicle.file, self.bus.name, message)
            self._messages[message.name] = sending
        return self._messages[message.name]

    def send_frame(self, frame: Frame) -> None:
        if not self.bus.accepts(frame):
            raise HilError(f"{self.bus.name} has no CAN FD, and {frame} is a CAN FD frame")
        if not self.controller.send(frame):
            raise HilError(self._refusal(str(frame)))

    def _refusal(self, what: str) -> str:
        state = self.controller.state.value
        return (
            f"{what} could not be sent on {self.bus.name}: the tester is {state}, {self.controller.queued} frames wait"
        )


def put(message: TxMessage, values: Mapping[str, Any]) -> None:
    """Set signals without sending anything because of it. HilError for values that cannot be."""
    for name, value in values.items():
        handle = message.signals.get(name) or message.signal(name)
        handle.put_raw(raw_of(handle.signal, value))


def raw_frame(identifier: int, data: bytes, *, extended: bool | None, fd: bool) -> Frame:
    """HilError for a frame that cannot be."""
    wide = identifier > 0x7FF if extended is None else extended
    if not 0 <= identifier <= (ID_MASK if wide else 0x7FF):
        raise HilError(f"{identifier:#x} is no identifier of {29 if wide else 11} bits")
    if len(data) > 64 or len(data) not in LENGTHS or (len(data) > 8 and not fd):
        raise HilError(f"a {'CAN FD' if fd else 'CAN'} frame cannot have {len(data)} bytes")
    return Frame(identifier | (EXTENDED if wide else 0) | (FD if fd else 0), bytes(data))


def lin_frame(bus: LinBus, identifier: int, data: bytes) -> Frame:
    """HilError for a frame that this LIN bus cannot have."""
    if not 0 <= identifier <= RESPONSE_ID:
        raise HilError(f"{identifier:#x} is no identifier of a LIN frame: those are 0x00 to 0x{RESPONSE_ID:02X}")
    if identifier > LAST_ID and len(data) != _DIAGNOSTIC_LENGTH:
        raise HilError(f"a diagnostic frame has {_DIAGNOSTIC_LENGTH} bytes, not {len(data)}")
    if not 1 <= len(data) <= _DIAGNOSTIC_LENGTH:
        raise HilError(f"a LIN frame has 1 to 8 bytes, not {len(data)}")
    known = bus.frames_by_id.get(identifier)
    if known is None and identifier not in (REQUEST_ID, RESPONSE_ID):
        raise HilError(f"{bus.name} has no frame 0x{identifier:02X}: its schedule never asks for it")
    if known is not None and len(data) != known.length:
        raise HilError(f"{known.name} has {known.length} bytes on {bus.name}, not {len(data)}")
    return Frame(identifier, bytes(data))


def protection_of(file: VehicleFile, bus: str, message: Message) -> Protection | None:
    """Counter and checksum as the vehicle file has them for a message, for a second sender of it."""
    spec = file.spec.protect.get(f"{bus}.{message.name}")
    return None if spec is None else protection_by(message, spec)


class Cyclic:
    """A message that the tester sends again and again, until `stop`. Values may be waveforms."""

    def __init__(self, tester: Tester, message: Message, period_ns: int, values: Mapping[str, Any]) -> None:
        kernel = tester.bus.kernel
        definition = message
        self._sending = TxMessage(kernel, tester.controller, definition)
        self._sending.protection = tester.message(message).protection
        self._followers: list[Follower] = []
        for name, value in values.items():
            if isinstance(value, Waveform):
                signal = message.by_name[name]
                check(value, partial(raw_of, signal))
                self._followers.append(Follower(tester.vehicle, value, period_ns, self._setter(name)))
            else:
                put(self._sending, {name: value})
        self._task = TransmitTask(kernel, period_ns, kernel.now, [self._sending])

    def _setter(self, name: str) -> Any:
        def follow(value: WaveValue) -> None:
            put(self._sending, {name: value})

        return follow

    def set(self, **values: Any) -> None:
        """Other values from the next sending on."""
        put(self._sending, values)

    def stop(self) -> None:
        self._task.stop()
        for follower in self._followers:
            follower.stop()
