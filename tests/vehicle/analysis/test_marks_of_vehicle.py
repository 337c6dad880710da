"""Which signals of a vehicle are counters and checksums."""

from __future__ import annotations

from pathlib import Path

from gateway.analysis.marks import marks_of
from gateway.sim import Kernel
from gateway.vehicle import load

DEMO = Path(__file__).parents[3] / "vehicle.yaml"


def test_those_that_protect_names_where_they_are_sent_and_where_they_are_forwarded_to() -> None:
    marks = marks_of(load(DEMO, Kernel()))
    both = frozenset({"Counter", "Checksum"})
    assert marks["chassis", 0x0C0] == both  # WheelSpeeds
    assert marks["powertrain", 0x0C0] == both  # r3 chassis.WheelSpeeds -> powertrain
    assert ("powertrain", 0x110) not in marks  # VcuStatus is not protected
