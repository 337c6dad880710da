"""The demo vehicle's light control moves from the BCM to a service of the SDV computer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.can import Frame
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.migration import Canary, Migration, Mode, Why
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, load
from gateway.vehicle.file.source import read

ROOT = Path(__file__).parents[3]
SIGNALS = ("LowBeam", "HighBeam", "Position", "Daytime")
S = 1_000_000_000
MS = 1_000_000


class Bench:
    """The demo vehicle with the service as a unit, the migration in shadow, and all light commands on the bus."""

    def __init__(self, folder: Path) -> None:
        for name in ("dbc", "ecus"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(Path(__file__).parent / "lights.py", folder / "ecus" / "lights.py")
        spec = dict(read(ROOT / "vehicle.yaml").data)
        unit = {"python": "ecus/lights.py:Lights", "on": "body", "restart": "no"}
        spec["domains"] = {"nodes": {"sdv": {"units": {"lights": unit}}}}
        (folder / "vehicle.yaml").write_text(json.dumps(spec, indent=1))
        self.kernel = Kernel()
        self.vehicle: Vehicle = load(folder, self.kernel, seed=1)
        self.bcm = self.vehicle.ecu("BCM")
        self.service = self.vehicle.services["lights"]
        self.set("BCM", "ignition", "On")
        self.set("SWM", "light", "Auto")
        self.set("SWM", "high_beam", "Off")
        self.bright(9000.0)
        stream = self.vehicle.streams.stream("canary")
        self.migration = Migration(self.kernel, self.bcm, self.service, "LightCommand", SIGNALS, stream=stream)
        self.commands: list[tuple[int, bool, bool]] = []
        """Time, low beam commanded, low beam as the BCM would command it."""
        message = self.bcm.ports["body"].tx["LightCommand"].definition
        self._low = message.by_name["LowBeam"]
        self._message = message
        self.vehicle.buses["body"].attach("tap").receive(message.arbitration_id, self._command)
        self.vehicle.start()
        self.run(2)

    def _command(self, frame: Frame) -> None:
        raw = int.from_bytes(frame.data, "little") >> self._low.start & ((1 << self._low.length) - 1)
        wanted = self.bcm.tx("LightCommand.LowBeam").value
        self.commands.append((self.kernel.now, raw == self._low.to_raw("On"), wanted == "On"))

    def set(self, ecu: str, name: str, value: float | str) -> None:
        found = self.vehicle.ecu(ecu).input(name, value)
        found.track = None
        found.value = value

    def bright(self, lux: float) -> None:
        self.set("RLS", "brightness", lux)

    def run(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * S))

    def dusk_and_dawn(self, times: int = 3) -> None:
        for _ in range(times):
            self.bright(200.0)
            self.run(2)
            self.bright(9000.0)
            self.run(2)

    def wrong_commands(self, allowed_ns: int = 60 * MS) -> list[tuple[int, bool, bool]]:
        """Commands against what the BCM wanted for longer than the deadline and a step."""
        found, since = [], None
        for time_ns, commanded, wanted in self.commands:
            if commanded == wanted:
                since = None
            else:
                since = time_ns if since is None else since
                if time_ns - since > allowed_ns:
                    found.append((time_ns, commanded, wanted))
        return found

    def never_off_while_wanted(self) -> bool:
        """No frame switched a lamp off that was lit and wanted throughout."""
        lit = False
        for _, commanded, wanted in self.commands:
            if lit and wanted and not commanded:
                return False
            lit = commanded and wanted
        return True


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_shadow_then_cut_over(bench: Bench) -> None:
    bench.dusk_and_dawn()
    assert bench.migration.report.by_service == 0
    assert any(commanded for _, commanded, _ in bench.commands)
    bench.migration.cut_over()
    bench.commands.clear()
    bench.dusk_and_dawn()
    report = bench.migration.report
    assert bench.migration.mode is Mode.CUT_OVER
    assert report.fall_backs == []
    assert report.by_service > 0
    assert {commanded for _, commanded, _ in bench.commands} == {True, False}
    assert bench.wrong_commands() == []


def test_canary_by_share_and_by_condition(bench: Bench) -> None:
    bench.migration.try_out(Canary(share=0.5))
    bench.run(30)
    report = bench.migration.report
    frames = report.frames
    assert 0.2 < report.by_service / frames < 0.8
    by_service = report.by_service
    dark = [False]
    bench.migration.try_out(Canary(condition=lambda: dark[0]))
    bench.run(5)
    assert report.by_service == by_service
    dark[0] = True
    bench.run(5)
    assert report.by_service > by_service
    assert bench.wrong_commands() == []


def test_a_planted_difference_falls_back_without_a_wrong_command(bench: Bench) -> None:
    bench.bright(200.0)
    bench.run(2)
    bench.migration.cut_over()
    bench.run(1)
    bench.service.behaviour.fault = "dark"
    bench.run(2)
    (event,) = bench.migration.report.fall_backs
    assert event.why is Why.DIFFERS
    assert "LowBeam: ECU On, service Off" in event.text
    assert bench.migration.mode is Mode.FALLEN_BACK
    assert bench.never_off_while_wanted()
    assert bench.wrong_commands() == []
    report = str(bench.migration.report)
    assert "LowBeam: ECU On, service Off" in report
    assert bench.migration.report.differing >= 1


def test_a_late_service_falls_back(bench: Bench) -> None:
    bench.migration.cut_over()
    bench.run(1)
    bench.service.behaviour.fault = "late"
    bench.bright(200.0)
    bench.run(3)
    (event,) = bench.migration.report.fall_backs
    assert event.why is Why.LATE
    assert bench.commands[-1][1:] == (True, True)
    assert bench.wrong_commands() == []


@pytest.mark.parametrize("how", ["hang", "stop", "crash"])
def test_a_silent_service_falls_back(bench: Bench, how: str) -> None:
    bench.bright(200.0)
    bench.run(2)
    bench.migration.cut_over()
    bench.run(1)
    fleet = bench.vehicle.fleet
    assert fleet is not None
    unit = fleet.node("sdv").engine.units["lights.service"]
    assert unit.active == "active"
    if how == "hang":
        bench.service.hang()
    else:
        unit.kill("all", 15 if how == "stop" else 9)
    bench.run(1)
    (event,) = bench.migration.report.fall_backs
    assert event.why is Why.SILENT
    assert bench.never_off_while_wanted()
    assert bench.wrong_commands() == []
    bench.bright(9000.0)
    bench.run(3)
    assert bench.commands[-1][1:] == (False, False)


def test_what_cannot_be_migrated_is_named(bench: Bench) -> None:
    with pytest.raises(OrchestratorError, match="BCM does not send 'LightComand' .did you mean 'LightCommand'"):
        Migration(bench.kernel, bench.bcm, bench.service, "LightComand", SIGNALS)
    with pytest.raises(OrchestratorError, match="LightCommand has no signal 'LowBeem' .did you mean 'LowBeam'"):
        Migration(bench.kernel, bench.bcm, bench.service, "LightCommand", ("LowBeem",))
