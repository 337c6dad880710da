"""The switches at the steering column: hazard, turn, lights, wipers."""

from __future__ import annotations

from gateway.ecu import Ecu, every


class Swm:
    """Inputs: `hazard` (Off, On), `turn` (Off, Left, Right), `light` (Off, Position, LowBeam, Auto), `wiper` (Off, Auto,
    Slow, Fast), `high_beam` and `horn` (Off, On)."""

    def __init__(self, ecu: Ecu) -> None:
        self.switches = [
            (ecu.input("hazard", "Off"), ecu.tx("HazardSwitch.Pressed")),
            (ecu.input("high_beam", "Off"), ecu.tx("Stalk.HighBeam")),
            (ecu.input("horn", "Off"), ecu.tx("Stalk.Horn")),
        ]
        self.positions = [
            (ecu.input("turn", "Off"), ecu.tx("Stalk.Turn")),
            (ecu.input("light", "Off"), ecu.tx("Stalk.LightSwitch")),
            (ecu.input("wiper", "Off"), ecu.tx("Stalk.WiperSwitch")),
        ]

    @every("20ms")
    def scan(self) -> None:
        for wire, signal in self.switches:
            signal.value = "On" if wire.on else "Off"
        for wire, signal in self.positions:
            signal.value = str(wire.value)
