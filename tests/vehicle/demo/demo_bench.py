"""The demo vehicle on a test bench: its inputs can be set, its buses are listened to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.can import KEY_MASK, Frame
from gateway.com import header_of
from gateway.ecu import Ecu
from gateway.ecu.inputs import InputValue
from gateway.routing import Datapoint
from gateway.sim import Kernel
from gateway.vehicle import load

VEHICLE_FILE: Final = Path(__file__).parents[3] / "vehicle.yaml"
MS: Final = 1_000_000
AT_REST: Final = {
    "VCU.accelerator": 0.0,
    "VCU.gear": "P",
    "ESP.brake": 20.0,
    "Inverter.grade": 0.0,
    "EPS.angle": 0.0,
    "RLS.brightness": 9000.0,
    "RLS.rain": 0.0,
    "BCM.ignition": "On",
    "BCM.lock": "None",
    "BCM.front_right": "Closed",
    "SWM.turn": "Off",
    "SWM.hazard": "Off",
    "SWM.light": "Off",
    "SWM.wiper": "Off",
    "SWM.high_beam": "Off",
    "Climate.set_temperature": 21.0,
}


class Bench:
    """One demo vehicle in virtual time."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.vehicle = load(VEHICLE_FILE, self.kernel, seed=1)
        self._latest: dict[tuple[str, int], bytes] = {}
        for name, bus in self.vehicle.buses.items():
            bus.attach(f"tap of {name}").receive_all(self._tap(name))

    def _tap(self, bus: str) -> Callable[[Frame], None]:
        def note(frame: Frame) -> None:
            self._latest[bus, frame.header & KEY_MASK] = frame.data

        return note

    def ecu(self, name: str) -> Ecu:
        return self.vehicle.ecu(name)

    def set(self, name: str, value: InputValue) -> None:
        """Set an input, `ECU.input`, instead of what the drive cycle has."""
        ecu, _, channel = name.partition(".")
        self.ecu(ecu).input(channel).value = value

    def start(self, **inputs: InputValue) -> None:
        """Ignition on and everything at rest, but for `inputs` (written `ECU__input`); the drive is ready after 1 s."""
        given = {name.replace("__", "."): value for name, value in inputs.items()}
        for name, value in {**AT_REST, **given}.items():
            self.set(name, value)
        self.vehicle.start()
        self.run(1.0)

    def run(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * 1e9))

    def until(self, condition: Callable[[], bool], within_s: float) -> float:
        """Run until the condition holds; the seconds that took. AssertionError when it does not come about."""
        start = self.kernel.now
        while not condition():
            assert self.kernel.now - start < within_s * 1e9, f"not within {within_s} s"
            self.kernel.run(self.kernel.now + MS)
        return (self.kernel.now - start) / 1e9

    def on_bus(self, name: str) -> int | float | str:
        """What the latest frame on a bus says of `bus.Message.Signal`: its label or physical value."""
        bus, message_name, signal = name.split(".")
        message = self.vehicle.databases[bus].message(message_name)
        return message.labels(self._latest[bus, header_of(message) & KEY_MASK])[signal]

    def vss(self, path: str) -> Datapoint:
        return self.vehicle.gateway.store[path].datapoint

    def actuate(self, path: str, value: bool | int | float | str) -> None:
        self.vehicle.gateway.store[path].actuate(value)

    @property
    def speed_kmh(self) -> float:
        """The true speed, negative backwards."""
        return float(self.ecu("Inverter").behaviour.speed_ms) * 3.6

    def drive_at(self, kmh: float) -> None:
        """Gear D, and accelerate until this speed is reached; the pedal stays."""
        self.set("VCU.gear", "D")
        self.run(0.1)
        self.set("ESP.brake", 0.0)
        self.set("VCU.accelerator", 60.0)
        self.until(lambda: self.speed_kmh >= kmh, 30.0)
