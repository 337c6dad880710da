"""The light control as a service: what the BCM does for low and high beam, position and daytime lights."""

from __future__ import annotations

from gateway.ecu import Ecu, every

DARK_LX = 1000.0
BRIGHT_LX = 2000.0


class Lights:
    """Listens on the body bus. `fault`: what a test plants."""

    def __init__(self, ecu: Ecu) -> None:
        self.fault = ""
        self.dark = False
        self.terminal = ecu.rx("KeyStatus.Terminal")
        self.switch = ecu.rx("Stalk.LightSwitch")
        self.flash = ecu.rx("Stalk.HighBeam")
        self.brightness = ecu.rx("RainLight.Brightness")
        self.remote = ecu.rx("RemoteLight.LowBeam")
        self.lamps = {name: ecu.tx(f"LightCommand.{name}") for name in ("LowBeam", "HighBeam", "Position", "Daytime")}

    @every("10ms")
    def control(self) -> None:
        if self.fault == "late":
            return
        lux = self.brightness.value
        self.dark = lux < DARK_LX or (self.dark and lux < BRIGHT_LX)
        awake = self.terminal.label == "On"
        switch = self.switch.label
        low = awake and (switch == "LowBeam" or (switch == "Auto" and self.dark) or self.remote.label == "On")
        lit = {
            "LowBeam": low and self.fault != "dark",
            "HighBeam": low and self.flash.label == "On",
            "Position": low or switch == "Position",
            "Daytime": awake and not low,
        }
        for name, on in lit.items():
            self.lamps[name].value = "On" if on else "Off"
