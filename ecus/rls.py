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
        on_lin = "doors" in ecu.ports
        self.doors = (ecu.tx("RlsState.Light"), ecu.tx("RlsState.RainIntensity")) if on_lin else None

    @every("50ms")
    def measure(self) -> None:
        brightness = max(0.0, min(32000.0, self.brightness.number))
        rain = max(0.0, min(100.0, self.rain.number))
        self.brightness_out.value = brightness
        self.rain_out.value = rain
        if self.doors is not None:
            self.doors[0].value = round(brightness)
            self.doors[1].value = round(rain)
