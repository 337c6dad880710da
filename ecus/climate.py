"""The climate control, and the cabin whose temperature it keeps."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every, on

from .wishes import Wishes

STEP_S: Final = 0.1
CABIN_KJ_PER_K: Final = 40.0
LOSS_KW_PER_K: Final = 0.06
MOST_KW: Final = 6.0
"""Heat moved, either way, at full fan."""
KW_PER_K: Final = 1.5
COEFFICIENT: Final = 2.5
"""Heat moved for each unit of electric energy."""
FAN_KW: Final = 0.25
LEAST_FAN: Final = 20.0
FAN_PER_K: Final = 15.0


class Climate:
    """Inputs: `set_temperature` in degrees Celsius, `ambient` temperature; `cabin`, its temperature at power on.

    The knob counts when it is turned, a remote wish when it comes: the last of them is kept.
    """

    def __init__(self, ecu: Ecu) -> None:
        self.knob = ecu.input("set_temperature", 21.0)
        self.ambient = ecu.input("ambient", 12.0)
        self.cabin_degc = ecu.input("cabin", 14.0).number
        self.last_knob = self.knob.number
        self.set_degc = self.last_knob
        self.fan_wish: float | None = None
        self.conditioning = True
        self.terminal = ecu.rx("KeyStatus.Terminal")
        self.wishes = Wishes(ecu, "ClimateCommand", ["Temperature", "FanSpeed", "AirConditioning"])
        self.cabin_out = ecu.tx("ClimateStatus.CabinTemperature")
        self.set_out = ecu.tx("ClimateStatus.SetTemperature")
        self.fan_out = ecu.tx("ClimateStatus.FanSpeed")
        self.ambient_out = ecu.tx("ClimateStatus.AmbientTemperature")
        self.power_out = ecu.tx("ClimateStatus.Power")
        self.cooling_out = ecu.tx("ClimateStatus.AirConditioning")
        self.heating_out = ecu.tx("ClimateStatus.Heating")
        self.auto_out = ecu.tx("ClimateStatus.FanAuto")

    @on("ClimateCommand")
    def wished(self) -> None:
        for field, wish in self.wishes.take().items():
            if wish == "None":
                continue
            if field == "Temperature":
                self.set_degc = max(15.0, min(29.0, float(wish)))
            elif field == "FanSpeed":
                self.fan_wish = None if wish == "Auto" else min(100.0, float(wish))
            else:
                self.conditioning = wish == "On"

    @every("100ms")
    def control(self) -> None:
        if self.knob.number != self.last_knob:
            self.last_knob = self.knob.number
            self.set_degc = max(15.0, min(29.0, self.last_knob))
        running = self.terminal.label == "On"
        error = self.set_degc - self.cabin_degc
        fan = 0.0
        if running:
            fan = self._fan_percent(error) if self.fan_wish is None else self.fan_wish
        heat_kw = self._heat_kw(error, fan)
        loss_kw = LOSS_KW_PER_K * (self.ambient.number - self.cabin_degc)
        self.cabin_degc += (heat_kw + loss_kw) * STEP_S / CABIN_KJ_PER_K
        self._tell(fan, heat_kw)

    def _fan_percent(self, error_k: float) -> float:
        """By itself: what keeps the temperature, and more the further away it is."""
        keeping = 100 * LOSS_KW_PER_K * abs(self.set_degc - self.ambient.number) / MOST_KW
        return min(100.0, LEAST_FAN + keeping + FAN_PER_K * abs(error_k))

    def _heat_kw(self, error_k: float, fan_percent: float) -> float:
        """Heat into the cabin; negative while cooling. What it loses to the outside is made up for beforehand."""
        most = MOST_KW * fan_percent / 100
        wanted = KW_PER_K * error_k + LOSS_KW_PER_K * (self.set_degc - self.ambient.number)
        least = -most if self.conditioning else 0.0
        return max(least, min(most, wanted))

    def _tell(self, fan: float, heat_kw: float) -> None:
        self.cabin_out.value = self.cabin_degc
        self.set_out.value = self.set_degc
        self.fan_out.value = fan
        self.ambient_out.value = self.ambient.number
        self.power_out.value = abs(heat_kw) / COEFFICIENT + FAN_KW * fan / 100
        self.cooling_out.value = "On" if heat_kw < 0 else "Off"
        self.heating_out.value = "On" if heat_kw > 0 else "Off"
        self.auto_out.value = "On" if self.fan_wish is None else "Off"
