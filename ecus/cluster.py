"""The instrument cluster: what the driver reads."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu, every, on

LEAD_KMH: Final = 1.0
"""Shown above what the gateway sends while driving, so that the display is never below the true speed."""
LOW_SOC: Final = 10.0
SOC_RECOVERED: Final = 12.0


class Cluster:
    """Input: `odometer` in km, its state at power on."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.odometer_km = ecu.input("odometer", 12345.0).number
        self.last_kmh = 0.0
        self.last_ns = 0
        self.low_soc = False
        self.display = ecu.rx("ClusterInfo.DisplaySpeed")
        self.soc = ecu.rx("ClusterInfo.Soc")
        self.speed = ecu.rx("VehicleSpeed.Speed")
        self.limp_home = ecu.rx("DriveInfo.LimpHome")
        doors = ("FrontLeft", "FrontRight", "RearLeft", "RearRight")
        self.doors = [ecu.rx(f"DoorStatus.{door}Open") for door in doors]
        self.shown_out = ecu.tx("ClusterStatus.ShownSpeed")
        self.low_soc_out = ecu.tx("ClusterStatus.LowSoc")
        self.limp_out = ecu.tx("ClusterStatus.LimpHomeLamp")
        self.door_out = ecu.tx("ClusterStatus.DoorOpenLamp")
        self.invalid_out = ecu.tx("ClusterStatus.SpeedInvalid")
        self.odometer_out = ecu.tx("ClusterStatus.Odometer")

    @on("VehicleSpeed")
    def count_distance(self) -> None:
        """The odometer adds up the speed, reception by reception; not over a gap of more than 100 ms."""
        now, kmh = self.ecu.now_ns, self.speed.value
        if self.last_ns and now - self.last_ns <= 100_000_000:
            self.odometer_km += (self.last_kmh + kmh) / 2 * (now - self.last_ns) / 3.6e12
        self.last_ns, self.last_kmh = now, kmh

    @on("ClusterInfo")
    def show_speed(self) -> None:
        speed = self.display.label
        invalid = isinstance(speed, str)
        self.shown_out.value = 0.0 if isinstance(speed, str) or speed == 0 else min(400.0, speed + LEAD_KMH)
        self.invalid_out.value = "On" if invalid else "Off"

    @every("50ms")
    def control(self) -> None:
        soc = self.soc.value
        if not self.soc.timed_out:
            self.low_soc = soc < LOW_SOC or (self.low_soc and soc < SOC_RECOVERED)
        self.low_soc_out.value = "On" if self.low_soc else "Off"
        self.limp_out.value = self.limp_home.label
        self.door_out.value = "On" if any(door.label == "Yes" for door in self.doors) else "Off"
        self.odometer_out.value = self.odometer_km
