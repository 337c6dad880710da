"""Nodes that boot at the same instant acknowledge each other, however late the program is on the wall."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.sim import Clock, wall_clock_ns
from gateway.vehicle import Report, RunOptions, Vehicle, drive, read_vehicle

MS = 1_000_000
DBC = """VERSION ""
BU_: Left Right
BO_ 256 FromLeft: 8 Left
 SG_ A : 0|8@1+ (1,0) [0|255] "" Right
BO_ 257 FromRight: 8 Right
 SG_ B : 0|8@1+ (1,0) [0|255] "" Left
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 10;
BA_ "GenMsgCycleTime" BO_ 257 10;
"""
VEHICLE = """vehicle: pair
buses:
  a: {kind: can, bitrate: 500k, database: a.dbc}
ecus:
  Left: {on: a, behaviour: silent.py:Silent}
  Right: {on: a, behaviour: silent.py:Silent}
domains:
  nodes:
    front: {units: {left: {ecu: Left}}}
    rear: {units: {right: {ecu: Right}}}
"""
BEHAVIOUR = "class Silent:\n    def __init__(self, ecu):\n        pass\n"


@contextlib.asynccontextmanager
async def busy(_vehicle: Vehicle) -> AsyncIterator[None]:
    """The machine does something else for a while, before anything has booted."""
    until = wall_clock_ns() + 60 * MS
    while wall_clock_ns() < until:
        pass
    yield


def run(folder: Path, clock: Clock) -> Report:
    (folder / "a.dbc").write_text(DBC)
    (folder / "silent.py").write_text(BEHAVIOUR)
    (folder / "vehicle.yaml").write_text(VEHICLE)
    services = (busy,) if clock is Clock.WALL else ()
    return drive(read_vehicle(folder / "vehicle.yaml"), RunOptions(clock=clock, for_ns=120 * MS, services=services))


def test_a_late_program_costs_no_acknowledgement(tmp_path: Path) -> None:
    late = run(tmp_path, Clock.WALL)
    assert (late.buses["a"].errors, late.buses["a"].events) == (0, {})
    assert late.buses["a"].frames >= 22


def test_in_virtual_time_it_is_the_same(tmp_path: Path) -> None:
    report = run(tmp_path, Clock.VIRTUAL)
    assert (report.buses["a"].errors, report.buses["a"].events) == (0, {})
