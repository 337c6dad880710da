"""The battery management: state of charge, limits, contactors."""

from __future__ import annotations

import math
from typing import Final

from gateway.com import RxSignal
from gateway.ecu import Ecu, every, on

STEP_S: Final = 0.010
CAPACITY_KWH: Final = 58.0
RESISTANCE_OHM: Final = 0.08
EMPTY_V: Final = 320.0
FULL_V: Final = 400.0
CELLS: Final = 96
PRECHARGE_NS: Final = 200_000_000
REQUEST_TIMEOUT_NS: Final = 500_000_000
BASE_LOAD_KW: Final = 0.35
"""What the 12 V converter takes."""
DISCHARGE_KW: Final = 125.0
CHARGE_KW: Final = 60.0
HEAT_J_PER_K: Final = 350_000.0


class Bms:
    """Inputs: `soc` in percent, the charge at power on; `fault`, which opens the contactors."""

    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.soc = ecu.input("soc", 80.0).number
        self.fault = ecu.input("fault", 0)
        self.contactors = "Open"
        self.precharge_ns = 0
        self.degc = 22.0
        self.module = 0
        self.request = ecu.rx("VcuStatus.ContactorRequest")
        self.crash = ecu.rx("CrashStatus.Crash")
        self.drive_kw = ecu.rx("InverterPower.DcPower")
        self.climate_kw = ecu.rx("BodyInfo.ClimatePower")
        self.contactors_out = ecu.tx("BatteryStatus.Contactors")
        self.fault_out = ecu.tx("BatteryStatus.Fault")
        self.soc_out = ecu.tx("BatteryStatus.Soc")
        self.voltage_out = ecu.tx("BatteryStatus.Voltage")
        self.current_out = ecu.tx("BatteryStatus.Current")
        self.discharge_out = ecu.tx("BatteryLimits.MaxDischargePower")
        self.charge_out = ecu.tx("BatteryLimits.MaxChargePower")
        self.coldest_out = ecu.tx("BatteryLimits.TemperatureMin")
        self.warmest_out = ecu.tx("BatteryLimits.TemperatureMax")
        self.energy_out = ecu.tx("BatteryLimits.Energy")
        self.module_out = ecu.tx("BatteryModules.Module")
        self.least_out = [ecu.tx(f"BatteryModules.Module{index}CellMin") for index in range(8)]
        self.most_out = [ecu.tx(f"BatteryModules.Module{index}CellMax") for index in range(8)]
        self.module_degc_out = [ecu.tx(f"BatteryModules.Module{index}Temperature") for index in range(8)]

    @on("CrashStatus")
    def open_on_crash(self) -> None:
        if self.crash.value != 0:
            self.switch()

    @every("10ms")
    def control(self) -> None:
        self.switch()
        self.integrate()

    def switch(self) -> None:
        """Contactors: 200 ms of precharge, then closed; open on crash, fault, or without the VCU for 500 ms."""
        asked = self.request.label == "Close"
        fresh = self.ecu.now_ns - self.request.message.time_ns <= REQUEST_TIMEOUT_NS
        if not asked or not fresh or self.crash.value != 0 or self.fault.on:
            self.contactors = "Open"
        elif self.contactors == "Open":
            self.contactors = "Precharge"
            self.precharge_ns = self.ecu.now_ns
        elif self.contactors == "Precharge" and self.ecu.now_ns - self.precharge_ns >= PRECHARGE_NS:
            self.contactors = "Closed"
        self.contactors_out.value = self.contactors
        self.fault_out.value = "Yes" if self.fault.on else "No"

    def integrate(self) -> None:
        """One step of current, charge and temperature. Discharging is positive."""
        open_v = EMPTY_V + (FULL_V - EMPTY_V) * self.soc / 100
        current = 0.0
        if self.contactors == "Closed":
            power_w = 1000 * (self.power_kw(self.drive_kw) + self.power_kw(self.climate_kw) + BASE_LOAD_KW)
            root = max(0.0, open_v * open_v - 4 * RESISTANCE_OHM * power_w)
            current = (open_v - math.sqrt(root)) / (2 * RESISTANCE_OHM)
        stored_kwh = current * open_v * STEP_S / 3.6e6
        self.soc = max(0.0, min(100.0, self.soc - stored_kwh / CAPACITY_KWH * 100))
        self.degc += RESISTANCE_OHM * current * current * STEP_S / HEAT_J_PER_K
        self.soc_out.value = self.soc
        self.voltage_out.value = open_v - RESISTANCE_OHM * current
        self.current_out.value = current

    @staticmethod
    def power_kw(signal: RxSignal) -> float:
        """A consumer's power; nothing when it is silent."""
        return 0.0 if signal.timed_out else float(signal.value)

    @every("100ms")
    def tell_limits(self) -> None:
        self.discharge_out.value = DISCHARGE_KW * min(1.0, self.soc / 5)
        self.charge_out.value = CHARGE_KW * min(1.0, (100 - self.soc) / 10)
        self.coldest_out.value = self.degc
        self.warmest_out.value = self.degc + 1.5
        self.energy_out.value = CAPACITY_KWH * self.soc / 100

    @every("100ms")
    def tell_module(self) -> None:
        """One of the eight modules a frame, in turn."""
        index = self.module = (self.module + 1) % 8
        cell_v = self.voltage_out.signal.to_physical(self.voltage_out.raw) / CELLS
        self.module_out.value = index
        self.least_out[index].value = max(0.0, cell_v - 0.002 - 0.001 * (index % 3))
        self.most_out[index].value = cell_v + 0.002 + 0.001 * (index % 2)
        self.module_degc_out[index].value = self.degc + 0.2 * index
