"""On the wall time goes on while a run is closed; what happens then is in no report and in no recording."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.sim import Clock
from gateway.trace import Event, open_reader
from gateway.vehicle import RunOptions, Vehicle, drive, read_vehicle

MS = 1_000_000
DBC = """VERSION ""
BU_: Left Right
BO_ 256 FromLeft: 8 Left
 SG_ A : 0|8@1+ (1,0) [0|255] "" Right
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 2;
"""
VEHICLE = """vehicle: pair
buses:
  a: {kind: can, bitrate: 500k, database: a.dbc}
  b: {kind: can, bitrate: 500k, database: b.dbc}
ecus:
  Left: {on: a, behaviour: silent.py:Silent}
  Right: {on: b, behaviour: silent.py:Silent}
gateway:
  latency: 20ms
  routes:
    - {from: a.FromLeft, to: b}
domains:
  nodes:
    front: {units: {left: {ecu: Left}, right: {ecu: Right}}}
"""
BEHAVIOUR = "class Silent:\n    def __init__(self, ecu):\n        pass\n"


@contextlib.asynccontextmanager
async def slow_to_close(vehicle: Vehicle) -> AsyncIterator[None]:
    assert vehicle.fleet is not None
    vehicle.fleet.closers.append(lambda: asyncio.sleep(0.06))
    yield


def test_what_the_gateway_still_sends_after_the_end_is_no_missing_acknowledgement(tmp_path: Path) -> None:
    (tmp_path / "a.dbc").write_text(DBC)
    (tmp_path / "b.dbc").write_text(DBC)
    (tmp_path / "silent.py").write_text(BEHAVIOUR)
    (tmp_path / "vehicle.yaml").write_text(VEHICLE)
    trace = tmp_path / "run.pcapng"
    options = RunOptions(clock=Clock.WALL, for_ns=100 * MS, trace=trace, services=(slow_to_close,))
    report = drive(read_vehicle(tmp_path / "vehicle.yaml"), options)
    assert report.routes[0].forwarded > 10
    assert (report.buses["b"].errors, report.buses["b"].events) == (0, {})
    with open_reader(trace) as reader:
        told = [record.text for record in reader.records() if isinstance(record, Event)]
    assert not [text for text in told if "acknowledgement" in text]
