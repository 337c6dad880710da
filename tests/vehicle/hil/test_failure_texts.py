"""A failure names its cause in its first lines: below what was expected and what came instead."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import gateway
from gateway.hil import ExpectationError, VehicleUnderTest, faults

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
Case = Callable[[VehicleUnderTest], Awaitable[object]]


async def within_is_too_short(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle["body"].expect("LightCommand", Left="On", within="5ms")


async def the_ecu_is_dead(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("BCM").kill()
    await vehicle["body"].expect("LightCommand", Left="On", within="300ms")


async def the_value_is_another(vehicle: VehicleUnderTest) -> None:
    await vehicle["body"].expect("LightCommand", Left="On", within="300ms")


async def the_route_filters(vehicle: VehicleUnderTest) -> None:
    await vehicle["body"].expect("WheelSpeeds", within="500ms")


async def a_checksum_is_wrong(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.ChecksumWrong("powertrain.BatteryStatus")):
        await vehicle["powertrain"].expect_never("VcuStatus", LimpHome="On", during="1s")


async def a_lin_responder_is_silent(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("WLM").kill():
        await vehicle["doors"].expect("WindowState", within="500ms")


async def the_signal_is_stale(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ESP").kill()
    await vehicle.run_for("1s")
    await vehicle.signal("Vehicle.Speed").becomes(0, within="500ms")


async def the_event_was_before(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle.run_for("200ms")
    await vehicle["body"].expect("HazardSwitch", Pressed="Off", within="500ms")


async def two_faults(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Lost("body.LightCommand")), vehicle.fault(faults.BusCut("body", "SWM")):
        await vehicle["body"].expect("LightCommand", Left="On", within="300ms")


async def a_gap_is_too_long(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Lost("chassis.WheelSpeeds", probability=0.05)):
        await vehicle["chassis"].expect_period("WheelSpeeds", "10ms", during="2s")


async def the_second_does_not_come(vehicle: VehicleUnderTest) -> None:
    await vehicle.expect_order(["chassis.WheelSpeeds", ("body.LightCommand", {"Left": "On"})], within="300ms")


async def the_answer_is_late(vehicle: VehicleUnderTest) -> None:
    pressed = vehicle["body"].expect("HazardSwitch", Pressed="On", within="300ms")
    lit = vehicle["body"].expect("LightCommand", Left="On", within="300ms")
    vehicle.ecu("SWM").input("hazard").value = "On"
    await vehicle.response_time(pressed, lit, at_most="1ms")


async def the_queue_is_full(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.GatewayOverload(latency="100ms", queue=1)):
        await vehicle.route("chassis.WheelSpeeds -> powertrain").expect_no_drop(during="300ms")


async def the_signal_is_another(vehicle: VehicleUnderTest) -> None:
    await vehicle.signal("Vehicle.Cabin.Door.Row1.DriverSide.IsLocked").becomes(True, within="200ms")


async def the_bus_is_shorted(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.BusShorted("body")):
        await vehicle["body"].expect("LightCommand", within="300ms")


async def the_sender_fails(vehicle: VehicleUnderTest) -> None:
    vehicle.allow_failures()
    vehicle.ecu("VCU").input("gear").value = "X"
    await vehicle["powertrain"].expect("VcuStatus", Gear="D", within="300ms")


async def the_sender_dies_meanwhile(vehicle: VehicleUnderTest) -> None:
    vehicle.at("2s", faults.Killed("BCM"))
    await vehicle["body"].expect("LightCommand", Left="On", within="5s")


async def the_sender_fails_meanwhile(vehicle: VehicleUnderTest) -> None:
    vehicle.allow_failures()
    vehicle.at("2s", lambda: vehicle.set_inputs({"VCU.gear": "X"}))
    await vehicle["powertrain"].expect("VcuStatus", Gear="D", within="5s")


async def a_source_is_lost(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Lost("chassis.WheelSpeeds")):
        await vehicle.run_for("1s")
        await vehicle["powertrain"].expect("WheelSpeeds", within="300ms")


async def a_frame_comes_that_should_not(vehicle: VehicleUnderTest) -> None:
    await vehicle["body"].expect_never("LightCommand", during="300ms")


CASES: list[tuple[Case, str]] = [
    (within_is_too_short, r"the last two body.LightCommand were \S+ ms apart, and 5 ms is less"),
    (the_ecu_is_dead, "its sender BCM has no power"),
    (the_value_is_another, r"in the nearest of \d+ that came, Left is Off, not On"),
    (the_route_filters, "r7 chassis.WheelSpeeds -> body filtered it: its condition"),
    (a_checksum_is_wrong, r"LimpHome=On(.*\n)*at work: ChecksumWrong\(message='powertrain.BatteryStatus'\)"),
    (a_lin_responder_is_silent, "WLM has no power"),
    (the_signal_is_stale, "Vehicle.Speed is stale since .*its sender ESP has no power"),
    (the_event_was_before, "as wanted it last came at .* before this was expected"),
    (two_faults, r"why: Lost\(.*\) takes it since 1.000000 s \(tests.*\nat work: Lost\((.*\n)*at work: BusCut\("),
    (a_gap_is_too_long, r"there were 20(\.\d+)? ms between two of them(.*\n)*at work: Lost"),
    (the_second_does_not_come, r"body.LightCommand with Left=On did not come(.*\n)*.*Left is Off, not On"),
    (the_answer_is_late, r"the second came \S+ ms after the first"),
    (the_queue_is_full, "queue full\nat work: GatewayOverload"),
    (the_signal_is_another, r"it is False \(good\)\nwhy: \S+ sends \S+ with .*, the last at"),
    (
        the_sender_dies_meanwhile,
        r"why: .* its sender BCM has no power since 2.000 s\nwhy: in the nearest of \d+ that came",
    ),
    (
        the_sender_dies_meanwhile,
        r"at work: Killed\(ecu='BCM'\), since 2.000000 s \(tests\S+test_failure_texts.py:\d+\)",
    ),
    (the_sender_fails_meanwhile, r"why: .* its sender VCU .*(fail|raise).*\nwhy: in the nearest of"),
    (a_source_is_lost, r"why: Lost\(.*\) takes chassis.WheelSpeeds, from which it is made, since 1.000000 s \(tests"),
    (a_frame_comes_that_should_not, r"why: BCM has sent it"),
    (the_bus_is_shorted, r"why: BusShorted\(bus='body'\) lets no frame through on body since 1.000000 s"),
    (the_sender_fails, "ECU failed: VCU is silent from .* has no value 'X'"),
]


@pytest.mark.parametrize(
    ("case", "cause"), CASES, ids=[f"{case.__name__}{number}" for number, (case, _) in enumerate(CASES)]
)
async def test_the_first_lines_name_the_cause(vehicle: VehicleUnderTest, case: Case, cause: str) -> None:
    vehicle.stop_drive()
    await vehicle.run_for("500ms")

    with pytest.raises(ExpectationError) as caught:
        await case(vehicle)

    lines = str(caught.value).split("\n")
    head = lines[: next(number for number, line in enumerate(lines) if line.startswith("from "))]
    assert len(head) <= 5
    assert head[1].startswith("but: ")
    assert re.search(cause, "\n".join(head))
    vehicle.allow_failures()


async def test_what_began_before_the_ecus_have_booted_says_so() -> None:
    async with gateway.load(VEHICLE) as vehicle:
        with pytest.raises(ExpectationError, match="why: the vehicle was switched on 0 ns ago: let it run first"):
            await vehicle.signal("Vehicle.Speed").stays(0, during="20s")


async def test_counts_are_a_value(vehicle: VehicleUnderTest) -> None:
    await vehicle.run_for("200ms")
    route = vehicle.route("chassis.WheelSpeeds -> powertrain")
    before = route.counts
    await route.expect_forwarded(within="50ms")
    assert route.counts.forwarded > before.forwarded
