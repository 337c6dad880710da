"""The vehicle that is measured: five buses, sixty ECUs, about 10,000 frames a second, written as files as a user would.

Each ECU sends five messages with a running counter, of four signals each. A third of the ECUs has a behaviour: it sets a
signal before each sending and reads one of another ECU; the others are rest bus. A tenth of the frames is routed to the
next bus, a third is decoded into VSS signals.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

BUSES: Final = 5
ECUS_PER_BUS: Final = 12
CYCLES_MS: Final = (10, 20, 100, 200, 500)
ROUTED_ECUS: Final = 4
"""Of each bus; their messages of 20 ms go to the next bus: 1,000 frames a second of all."""
BEHAVING_ECUS: Final = 4
MAPPED_ECUS: Final = 7
"""Of each bus; their messages of 10 ms are decoded: 3,500 frames a second of all."""

BEHAVIOUR: Final = """
from gateway.ecu import every


class Node:
    def __init__(self, ecu):
        number = int(ecu.name[1:])
        self.fast = ecu.tx(f"M{number}_10.Value")
        self.slower = [ecu.tx(f"M{number}_{cycle}.Value") for cycle in (20, 100, 200, 500)]
        other = number - 1 if number % PER_BUS else number + 1
        self.seen = ecu.rx(f"M{other}_10.Value")
        self.x = 0.0

    @every("10ms")
    def fast_task(self):
        self.x = (self.x + 0.75) % 4000
        self.fast.value = self.x + self.seen.value * 0.01

    @every("20ms")
    def task_20(self):
        self.slower[0].value = self.x

    @every("100ms")
    def slow_task(self):
        for signal in self.slower[1:]:
            signal.value = self.x
"""


def message_id(number: int, cycle: int) -> int:
    """Shorter cycles win arbitration; no identifier is on two buses."""
    return 0x80 + CYCLES_MS.index(cycle) * 0x120 + number % 0x120


def dbc(bus: int, ecus_per_bus: int = ECUS_PER_BUS) -> str:
    """The database of one bus."""
    first = bus * ecus_per_bus
    numbers = range(first, first + ecus_per_bus)
    lines = ['VERSION ""', "", "NS_ :", "", "BS_:", "", "BU_: " + " ".join(f"N{n}" for n in numbers), ""]
    for number in numbers:
        for cycle in CYCLES_MS:
            lines += [
                f"BO_ {message_id(number, cycle)} M{number}_{cycle}: 8 N{number}",
                ' SG_ Counter : 0|4@1+ (1,0) [0|15] "" Vector__XXX',
                ' SG_ State : 4|4@1+ (1,0) [0|15] "" Vector__XXX',
                ' SG_ Value : 8|16@1+ (0.125,0) [0|8191] "km/h" Vector__XXX',
                ' SG_ Torque : 39|16@0- (0.5,0) [-16384|16383] "Nm" Vector__XXX',
                "",
            ]
    lines += ['BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;', 'BA_DEF_DEF_ "GenMsgCycleTime" 0;']
    for number in numbers:
        lines += [f'BA_ "GenMsgCycleTime" BO_ {message_id(number, cycle)} {cycle};' for cycle in CYCLES_MS]
    return "\n".join(lines) + "\n"


def _share(ecus: int, ecus_per_bus: int) -> int:
    return ecus * ecus_per_bus // ECUS_PER_BUS


def write(folder: Path, buses: int = BUSES, ecus_per_bus: int = ECUS_PER_BUS) -> Path:
    """Write the vehicle's files; returns the vehicle file."""
    vehicle: dict[str, object] = {"vehicle": "bench", "buses": {}, "ecus": {}, "protect": {}}
    leaves: dict[str, object] = {}
    routes = []
    for bus in range(buses):
        (folder / f"bus{bus}.dbc").write_text(dbc(bus, ecus_per_bus))
        vehicle["buses"][f"bus{bus}"] = {"kind": "can", "bitrate": "500k", "database": f"bus{bus}.dbc"}
        for place in range(ecus_per_bus):
            number = bus * ecus_per_bus + place
            if place < _share(BEHAVING_ECUS, ecus_per_bus):
                vehicle["ecus"][f"N{number}"] = {"on": [f"bus{bus}"], "behaviour": "node.py:Node"}
            for cycle in CYCLES_MS:
                vehicle["protect"][f"bus{bus}.M{number}_{cycle}"] = {"counter": "Counter"}
            if place < _share(ROUTED_ECUS, ecus_per_bus):
                routes.append({"from": f"bus{bus}.M{number}_20", "to": f"bus{(bus + 1) % buses}"})
            if place < _share(MAPPED_ECUS, ecus_per_bus):
                leaves[f"V{number}"] = {
                    "type": "sensor",
                    "datatype": "float",
                    "description": "measured",
                    "dbc2vss": {"signal": f"M{number}_10.Value", "interval_ms": 0},
                }
    (folder / "node.py").write_text(BEHAVIOUR.replace("PER_BUS", str(ecus_per_bus)))
    (folder / "signals.json").write_text(
        json.dumps({"Vehicle": {"type": "branch", "description": "bench", "children": leaves}})
    )
    vehicle["gateway"] = {"latency": "200us", "routes": routes, "signals": "signals.json"}
    path = folder / "vehicle.yaml"
    path.write_text(json.dumps(vehicle, indent=1))  # JSON is YAML
    return path
