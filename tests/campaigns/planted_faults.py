"""Plant a fault in an ECU or a route, and look which requirement tests find it: `python tests/campaigns/planted_faults.py`.

Each fault must make exactly its own test fail, and the failure must name the cause. The vehicle project is copied; nothing
of the working tree is changed. `--only WORD,...` plants some.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

sys.path[:] = [folder for folder in sys.path if folder != str(Path(__file__).parent)]  # its `can.py` is not python-can

import pytest  # noqa: E402

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = ROOT / "tests" / "vehicle" / "requirements"


class Planted(NamedTuple):
    """A fault: in `file`, `old` becomes `new`; the test that must find it, and words that its failure must have."""

    test: str
    file: str
    old: str
    new: str
    names: tuple[str, ...]


BCM: Final = "ecus/bcm.py"
VCU: Final = "ecus/vcu.py"
FILE: Final = "vehicle.yaml"
FAULTS: Final = (
    Planted("b1_the_turn_signal_blinks_with_one_and_a_half_hertz", BCM, "333_333_333", "480_000_000", ("0.48", "0.33")),
    Planted(
        "b2_hazard_overrides_the_turn_signal",
        BCM,
        '"Hazard" if self.hazard else self.turned if self.awake else "Off"',
        'self.turned if self.turned != "Off" else "Hazard" if self.hazard else "Off"',
        ("Indicator is Right, not Hazard",),
    ),
    Planted(
        "b2_the_hazard_lamps_light_within_100_ms_without_ignition",
        BCM,
        'self._set_hazard(position == "On", "Switch")',
        'self._set_hazard(position == "On" and self.awake, "Switch")',
        ("Left is Off, not On", "from BCM"),
    ),
    Planted(
        "b2_the_gateway_lights_the_lamp_of_the_hazard_button",
        FILE,
        "map: {Off: 0, On: 1}",
        "map: {Off: 0, On: 0}",
        ("State is Off, not On", "body.HazardSwitch.Pressed -> chassis.Lamp.State"),
    ),
    Planted("b3_the_low_beam_follows_the_switch", BCM, 'switch == "LowBeam" or ', "", ("LowBeam is Off, not On",)),
    Planted(
        "b4_the_automatic_light_goes_on_in_the_dark",
        BCM,
        "DARK_LX: Final = 1000.0",
        "DARK_LX: Final = 500.0",
        ("LowBeam is Off, not On",),
    ),
    Planted(
        "b5_the_wipers_go_slowly_in_half_of_the_rain",
        BCM,
        '(40.0, "Slow")',
        '(60.0, "Slow")',
        ("Wiper is Interval, not Slow",),
    ),
    Planted(
        "b6_the_brake_lamps_light_within_50_ms_of_the_pedal",
        FILE,
        "{from: chassis.BrakeStatus.Pressed, to: body.DriveInfo.BrakePressed, send: on_change}",
        "{from: chassis.BrakeStatus.Pressed, to: body.DriveInfo.BrakePressed, send: on_change,"
        ' when: "PedalPosition != 10"}',
        ("Brake is Off, not On",),
    ),
    Planted(
        "b7_the_reverse_lamps_light_in_r",
        BCM,
        'self.gear.label == "R"',
        'self.gear.label == "N"',
        ("Reverse is Off, not On",),
    ),
    Planted(
        "b17_the_hazard_lights_obey_an_application",
        BCM,
        '    @on("RemoteHazard")\n',
        "",
        ("IsSignaling becomes True", "body.LightStatus"),
    ),
    Planted(
        "b8_the_doors_lock_above_15_kmh",
        BCM,
        "AUTO_LOCK_KMH: Final = 15.0",
        "AUTO_LOCK_KMH: Final = 25.0",
        ("FrontLeftLocked is No, not Yes",),
    ),
    Planted(
        "b9_a_crash_unlocks_all_doors_within_100_ms",
        BCM,
        'self._lock(DOORS, False, "Crash")',
        'self._lock(DOORS[:2], False, "Crash")',
        ("RearLeftLocked is Yes, not No",),
    ),
    Planted(
        "b9_a_crash_puts_the_hazard_lights_on_within_100_ms",
        BCM,
        'self._set_hazard(True, "Crash")',
        "pass",
        ("Left is Off, not On",),
    ),
    Planted(
        "b10_the_button_locks_all_doors",
        BCM,
        'self._lock(DOORS, button == "Lock", "Button")',
        'self._lock(DOORS[:3], button == "Lock", "Button")',
        ("RearRightLocked is No, not Yes",),
    ),
    Planted(
        "b11_the_display_is_two_percent_above_the_true_speed",
        FILE,
        "scale: 1.02",
        "scale: 0.82",
        ("DisplaySpeed is", "powertrain.VehicleSpeed.Speed -> body.ClusterInfo.DisplaySpeed"),
    ),
    Planted(
        "b11_without_a_speed_the_display_shows_none",
        FILE,
        "on_timeout: Invalid",
        "on_timeout: 0",
        ("SpeedInvalid is Off, not On",),
    ),
    Planted(
        "b12_low_charge_is_warned_of",
        "ecus/cluster.py",
        "soc < LOW_SOC or",
        "soc < LOW_SOC / 2 or",
        ("LowSoc is Off, not On",),
    ),
    Planted(
        "b16_a_door_obeys_an_application",
        BCM,
        'if wish != "None":',
        'if wish == "Lock":',
        ("IsLocked becomes False", "True (good)"),
    ),
    Planted(
        "d2_the_gear_leaves_p_only_with_the_brake_pressed",
        VCU,
        'self.drive_state != "Ready" or self.brake_pressed.label != "On"',
        'self.drive_state != "Ready"',
        ("Gear is D, not P",),
    ),
    Planted(
        "d3_reverse_is_refused_while_the_car_rolls",
        VCU,
        "REVERSE_MAX_KMH: Final = 5.0",
        "REVERSE_MAX_KMH: Final = 50.0",
        ("Gear is R, not D",),
    ),
    Planted(
        "d4_the_accelerator_is_ignored_while_the_brake_is_pressed",
        VCU,
        "OVERRIDE_BRAKE: Final = 10.0",
        "OVERRIDE_BRAKE: Final = 90.0",
        ("BrakeOverride is Off, not On",),
    ),
    Planted(
        "d5_limp_home_when_the_wheel_speeds_are_missing",
        VCU,
        "battery, wheels = self.battery_message.valid, self.wheel_message.valid",
        "battery, wheels = self.battery_message.valid, True",
        ("LimpHome is Off, not On", "ESP"),
    ),
    Planted(
        "d5_the_limp_home_lamp_lights",
        FILE,
        "{from: powertrain.VcuStatus.LimpHome, to: body.DriveInfo.LimpHome}",
        "{from: powertrain.VcuStatus.LimpHome, to: body.DriveInfo.LimpHome, map: {Off: 0, On: 0}}",
        ("LimpHomeLamp is Off, not On", "BMS"),
    ),
    Planted(
        "d6_limp_home_for_a_wrong_checksum",
        "ecus/safe_message.py",
        "self._checksum(clear) == data[CHECKSUM_BYTE] and ",
        "",
        ("LimpCause is None, not Battery", "ChecksumWrong"),
    ),
    Planted(
        "d6_limp_home_for_a_counter_that_is_stuck",
        "ecus/safe_message.py",
        "1 <= step <= LARGEST_STEP",
        "0 <= step <= LARGEST_STEP",
        ("LimpCause is None, not Battery", "CounterStuck"),
    ),
    Planted(
        "d6_no_limp_home_for_two_lost_frames",
        "ecus/safe_message.py",
        "self._good_ns = self._ecu.now_ns",
        "self._good_ns = self._ecu.now_ns if step == 1 else -1",
        ("LimpHome=On", "it came after"),
    ),
    Planted(
        "d7_a_crash_opens_the_contactors_within_100_ms",
        FILE,
        "    - {from: chassis.CrashStatus, to: powertrain}\n",
        "",
        ("Contactors is Closed, not Open",),
    ),
    Planted(
        "d8_no_torque_without_a_torque_request",
        "ecus/inverter.py",
        "fresh and self.enable",
        "self.enable",
        ("Torque is", "not 0", "VCU"),
    ),
    Planted(
        "d11_steering_sensors_that_differ_are_told",
        "ecus/eps.py",
        '"Valid" if self.plausible else "Implausible"',
        '"Valid"',
        ("Status is Valid, not Implausible",),
    ),
    Planted(
        "d13_the_brakes_hold_on_a_hill",
        "ecus/esp.py",
        '"On" if holding else "Off"',
        '"Off"',
        ("HoldActive is Off, not On",),
    ),
    Planted(
        "d14_the_speed_is_stale_when_the_esp_dies",
        "dbc/signals.json",
        '"signal": "chassis.VehicleMotion.Speed"',
        '"signal": "powertrain.VehicleSpeed.Speed"',
        ("it is good after", "powertrain.VehicleSpeed.Speed", "ESP"),
    ),
    Planted(
        "d16_the_contactors_close_after_200_ms_of_precharge",
        "ecus/bms.py",
        "self.ecu.now_ns - self.precharge_ns >= PRECHARGE_NS",
        "self.ecu.now_ns - self.precharge_ns >= PRECHARGE_NS // 4",
        ("200000000.0",),
    ),
    Planted(
        "wheel_speeds_stay_away_from_the_body_while_the_car_stands",
        FILE,
        ', when: "FrontLeft > 0"}',
        "}",
        ("it came after", "chassis.WheelSpeeds -> body"),
    ),
    Planted(
        "wheel_speeds_come_to_the_body_ten_times_a_second",
        FILE,
        "every: 100ms",
        "every: 300ms",
        ("between two of them", "chassis.WheelSpeeds -> body"),
    ),
    Planted(
        "no_wheel_speeds_are_missing_on_the_powertrain",
        FILE,
        "{from: chassis.WheelSpeeds, to: powertrain}",
        "{from: chassis.WheelSpeeds, to: powertrain, every: 15ms}",
        ("Counter is", "chassis.WheelSpeeds -> powertrain"),
    ),
    Planted(
        "the_lamps_work_again_after_a_bus_off_of_the_bcm",
        BCM,
        '    @every("20ms")\n    def control(self) -> None:\n',
        '    @every("20ms")\n    def control(self) -> None:\n'
        '        if self.ecu.ports["body"].controller.state.value == "bus-off":\n'
        "            self.ecu.switch_off()\n            return\n",
        ("BCM has no power",),
    ),
    Planted(
        "the_signals_of_the_body_are_good_again_after_a_short_circuit",
        "ecus/climate.py",
        "        self.knob = ecu.input(",
        '        controller = ecu.ports["body"].controller\n'
        '        ecu.every("20ms", lambda: ecu.switch_off() if controller.bus_offs else None)\n'
        "        self.knob = ecu.input(",
        ("IsAirConditioningActive", "Climate has no power"),
    ),
    Planted(
        "a_hung_esp_is_reset_and_tells_the_motion_again",
        "ecus/esp.py",
        "        self.ecu = ecu\n",
        '        self.ecu = ecu\n        if ecu.now_s > 0.1:\n            self.ecu.silence("VehicleMotion")\n',
        ("no chassis.VehicleMotion came", "ESP does not send it"),
    ),
)


class Found:
    """Which tests failed, and with what."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::test_")[2]
        if report.failed:
            self.failed[name] = report.longreprtext
        elif report.when == "call":
            self.passed.append(name)


def run(project: Path, only: str = "") -> Found:
    """The requirement tests with the vehicle of this project; `only` one of them, without its `test_`."""
    found = Found()
    arguments = [
        str(TESTS),
        f"--vehicle={project / 'vehicle.yaml'}",
        "--vehicle-artifacts=",
        "-q",
        "-p",
        "no:cacheprovider",
        *(["-k", f"test_{only}"] if only else []),
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([f"--rootdir={ROOT}", f"-c={ROOT / 'pyproject.toml'}", *arguments], plugins=[found])
    return found


def copy_to(folder: Path, origin: Path = ROOT) -> Path:
    project = folder / "project"
    project.mkdir(parents=True)
    shutil.copy(origin / "vehicle.yaml", project)
    for part in ("dbc", "ecus"):
        shutil.copytree(origin / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    return project


def plant(fault: Planted, project: Path) -> None:
    path = project / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise SystemExit(
            f"{fault.test}: {fault.file} has {text.count(fault.old)} times {fault.old!r}; the table must follow it"
        )
    path.write_text(text.replace(fault.old, fault.new))


def judge(fault: Planted, found: Found) -> list[str]:
    """What is wrong with what the tests have found; nothing when it is as it should be."""
    problems = []
    if fault.test not in found.failed:
        problems.append("its test does not find it")
    else:
        missing = [word for word in fault.names if word not in found.failed[fault.test]]
        problems += [f"the failure does not name {word!r}" for word in missing]
    others = [other for other in found.failed if other != fault.test]
    problems += [f"{other} fails as well" for other in others[:3]]
    if len(others) > 3:
        problems.append(f"and {len(others) - 3} more do")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", help="Only faults whose test has one of these words in its name, with commas between."
    )
    parser.add_argument("--own", action="store_true", help="Only the fault's own test, without looking at the others.")
    parser.add_argument("--show", action="store_true", help="Print the failures.")
    parser.add_argument("--project", type=Path, default=ROOT, help="The vehicle project to plant faults in.")
    options = parser.parse_args()
    wrong = done = 0
    for fault in FAULTS:
        if options.only and not any(word in fault.test for word in options.only.split(",")):
            continue
        with tempfile.TemporaryDirectory() as name:
            project = copy_to(Path(name), options.project)
            plant(fault, project)
            found = run(project, fault.test if options.own else "")
        problems = judge(fault, found)
        done += 1
        wrong += bool(problems)
        sys.stdout.write(f"{'found' if not problems else 'WRONG'}  {fault.test}: {'; '.join(problems)}\n")
        if options.show or any("does not name" in problem for problem in problems):
            sys.stdout.write(found.failed.get(fault.test, "") + "\n")
        sys.stdout.flush()
    alone = "" if options.own else " alone"
    sys.stdout.write(f"{done} faults planted, {done - wrong} found by their own test{alone} and named\n")
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    raise SystemExit(main())
