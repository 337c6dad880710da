"""An ECU under test: `vehicle.ecu("ESP")`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.com import TxMessage, TxSignal
from gateway.ecu import Ecu, EcuError, Input, InputValue, Power
from gateway.errors import nearest
from gateway.hil.arguments import duration, period, place
from gateway.hil.errors import HilError
from gateway.hil.faults import Babbling, BusOff, Hung, Killed
from gateway.hil.handle import Handle
from gateway.hil.stand_in import StandIn
from gateway.hil.values import raw_of
from gateway.hil.waveform import Follower, Waveform, WaveValue, check

if TYPE_CHECKING:
    from gateway.hil.vehicle import VehicleUnderTest

_EVERY: Final = "10ms"


class InputUnderTest(StandIn):
    """An input that is wired to an ECU. Set `value` to take it from the drive cycle; `release` gives it back."""

    def __init__(self, vehicle: VehicleUnderTest, channel: Input) -> None:
        self.name: Final = channel.name
        self._vehicle = vehicle
        self._input = channel

    @property
    def value(self) -> InputValue:
        return self._input.value

    @value.setter
    def value(self, value: InputValue) -> None:
        self._set(value)

    def follow(self, waveform: Waveform, *, every: str = _EVERY) -> Handle:
        """Follow a waveform from now on, with a new value each `every`; at its end the last value stays."""
        check(waveform, self._check)
        follower = Follower(self._vehicle, waveform, period(every, "every"), self._set)
        return Handle(self._vehicle, f"input {self.name} follows a waveform", follower.stop, stays=True)

    def _set(self, value: WaveValue) -> None:
        self._check(value)
        self._input.value = value

    def _check(self, value: WaveValue) -> None:
        """HilError for text where the ECU is known to read a number."""
        if self._input.numeric:
            try:
                self._input.number_of(value)
            except EcuError as error:
                raise HilError(error.sentence) from None

    def release(self) -> None:
        """As the drive cycle has it again."""
        self._input.release()

    def __repr__(self) -> str:
        return f"<input {self.name}>"


class EcuUnderTest:
    """One ECU of the vehicle: its inputs, what it sends, its power."""

    def __init__(self, vehicle: VehicleUnderTest, ecu: Ecu) -> None:
        self.name: Final = ecu.name
        self.ecu: Final = ecu
        self._vehicle = vehicle

    @property
    def behaviour(self) -> Any:
        """The running behaviour, for tests that look into it; None while the ECU is off, and for rest bus nodes."""
        return self.ecu.behaviour if self.ecu.power is Power.ON else None

    @property
    def power(self) -> Power:
        return self.ecu.power

    def input(self, name: str) -> InputUnderTest:
        """An input of this ECU. Before it has booted any name is taken, and checked when it has."""
        ecu = self.ecu
        if self._vehicle.behaves(self.name) is None:
            raise HilError(f"{self.name} has no behaviour in this vehicle, so it has no inputs")
        if name not in ecu.wired and has_booted(ecu):
            raise no_input(ecu, name)
        if not has_booted(ecu):
            self._vehicle.early_inputs.append(EarlyInput(ecu, name, place()))
        return InputUnderTest(self._vehicle, ecu.wire_to(name))

    # Power

    def kill(self) -> Handle:
        """Take its power, until `stop` of what this gives, the end of a `with`, or `reboot`."""
        return self._vehicle.put(Killed(self.name), stays=True)

    def hang(self) -> Handle:
        """Its program hangs: nothing is sent any more, its controllers still acknowledge. It ends with a reboot."""
        return self._vehicle.put(Hung(self.name), stays=True)

    def reboot(self, after: str = "0s") -> None:
        """Power off now, and on again after this time."""
        delay_ns = duration(after, "after")
        self.ecu.switch_off()
        self._vehicle.forget_power(self.name)
        self._vehicle.kernel.after(delay_ns, self.ecu.switch_on)

    def babble(self, identifier: int = 0, *, bus: str | None = None, every: str = "250us") -> Handle:
        """It sends frames of one identifier without need, so often."""
        return self._vehicle.put(Babbling(self.name, identifier, bus, every), stays=True)

    def bus_off(self, bus: str | None = None) -> Handle:
        """Its controller is driven into bus-off, and recovers when this is stopped."""
        return self._vehicle.put(BusOff(self.name, bus), stays=True)

    # What it sends

    def sent(self, name: str) -> Any:
        """The value that `Message.Signal` (or `bus.Message.Signal`) would go out with now."""
        return self.tx(name).value

    def override(self, name: str, value: object) -> Handle:
        """Send this value in `Message.Signal`, whatever the behaviour says. A waveform is followed."""
        signal = self.tx(name)
        if isinstance(value, Waveform):
            check(value, partial(raw_of, signal.signal))
            follower = Follower(
                self._vehicle, value, period(_EVERY, "every"), lambda now: signal.hold(raw_of(signal.signal, now))
            )
            return self._held(name, signal, follower)
        signal.hold(raw_of(signal.signal, value))
        return self._held(name, signal, None)

    def freeze(self, name: str) -> Handle:
        """Send the present value of `Message.Signal` for ever, whatever the behaviour says."""
        signal = self.tx(name)
        signal.hold(signal.raw)
        return self._held(name, signal, None)

    def _held(self, name: str, signal: TxSignal, follower: Follower | None) -> Handle:
        def release() -> None:
            if follower is not None:
                follower.stop()
            signal.release()

        return Handle(self._vehicle, f"{self.name} is made to send {name}", release, stays=True)

    def silence(self, message: str) -> Handle:
        """Do not send this message, so that a test can send it instead."""
        sending = self.message(message)
        sending.active = False

        def speak() -> None:
            sending.active = True

        return Handle(self._vehicle, f"{self.name} does not send {message}", speak, stays=True)

    def tx(self, name: str) -> TxSignal:
        message, _, signal = name.rpartition(".")
        if not message:
            raise HilError(f"{name!r} is not a signal's name: write Message.Signal")
        return self.message(message).signal(signal)

    def message(self, name: str) -> TxMessage:
        """A message that this ECU sends: `Message`, or `bus.Message`."""
        found = sent_messages(self.ecu, name)
        if len(found) == 1:
            return found[0]
        known = [message for port in self.ecu.ports.values() for message in port.tx]
        if found:
            raise HilError(f"{self.name} sends {name!r} on more than one bus; write bus.{name}")
        raise HilError(f"{self.name} does not send {name!r}{nearest(name.rpartition('.')[2], known)}")

    def __repr__(self) -> str:
        return f"<ECU {self.name}, {self.power.value}>"


class EarlyInput(NamedTuple):
    """An input that a test has asked for before its ECU had booted: nobody knew whether there is one."""

    ecu: Ecu
    name: str
    place: str


def has_booted(ecu: Ecu) -> bool:
    """Its behaviour has been made at least once, so that its inputs are known."""
    return bool(ecu.wired) or ecu.behaviour is not None


def no_input(ecu: Ecu, name: str) -> HilError:
    known = sorted(ecu.wired)
    hint = nearest(name, known) or (f" (there are {', '.join(known)})" if known else ": it has none")
    return HilError(f"{ecu.name} has no input {name!r}{hint}")


def sent_messages(ecu: Ecu, name: str) -> list[TxMessage]:
    """What an ECU sends under a name, `Message` or `bus.Message`."""
    bus, _, message = name.rpartition(".")
    return [port.tx[message] for port in ecu.ports.values() if bus in {"", port.bus} and message in port.tx]
