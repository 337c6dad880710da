"""The rain and light sensor behind the windscreen."""

from __future__ import annotations

from gateway.ecu import Ecu, every


class Rls:
    """Inputs: `brightness` in lux, `rain` in percent."""

    def __init__(self, ecu: Ecu) -> None:
        self.brightness = ecu.input("brightness", 8000.0)
        self.rain = ecu.input("rain", 0.0)
        self.brightness_out = ecu.tx("RainLight.Brightness")
        self.rain_out = ecu.tx("RainLight.Rain")

    @every("50ms")
    def measure(self) -> None:
        self.brightness_out.value = max(0.0, min(32000.0, self.brightness.number))
        self.rain_out.value = max(0.0, min(100.0, self.rain.number))
