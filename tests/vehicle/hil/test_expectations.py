"""What can be expected, and how a failure is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import gateway
from gateway.hil import ExpectationError, ForgottenAwaitError, HilError, VehicleUnderTest
from gateway.routing import Decision

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"


async def test_an_expectation_watches_from_its_making_on(vehicle: VehicleUnderTest) -> None:
    came = vehicle["body"].expect("LightCommand", within="200ms")
    await vehicle.run_for("1s")
    assert (await came).after_s < 0.2
    assert (await came) is (await came)


async def test_several_are_awaited_together(vehicle: VehicleUnderTest) -> None:
    first, second = await asyncio.gather(
        vehicle["body"].expect("LightCommand", within="200ms"), vehicle["chassis"].expect("WheelSpeeds", within="20ms")
    )
    assert (first.bus, second.bus) == ("body", "chassis")


async def test_a_count_is_exact(vehicle: VehicleUnderTest) -> None:
    assert len(await vehicle["chassis"].expect_count("WheelSpeeds", 10, during="100ms")) == 10
    with pytest.raises(ExpectationError, match="10 came within 100 ms"):
        await vehicle["chassis"].expect_count("WheelSpeeds", 11, during="100ms")
    with pytest.raises(ExpectationError, match="one more came after"):
        await vehicle["chassis"].expect_count("WheelSpeeds", 9, during="100ms")


async def test_never_is_broken_by_the_first(vehicle: VehicleUnderTest) -> None:
    with pytest.raises(ExpectationError, match=r"it came after .* WheelSpeeds"):
        await vehicle["chassis"].expect_never("WheelSpeeds", during="1s")
    assert vehicle.now_s < 0.6


async def test_an_order_over_two_buses(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ACU").input("impact").value = "Front"
    crash = ("chassis.CrashStatus", {"Crash": "Front"})
    frames = await vehicle.expect_order(
        [crash, ("body.CrashStatus", {"Crash": "Front"}), ("body.LightStatus", {"HazardSource": "Crash"})],
        within="500ms",
    )
    assert [frame.bus for frame in frames] == ["chassis", "body", "body"]
    with pytest.raises(ExpectationError, match="came before body.TirePressures"):
        await vehicle.expect_order(["body.TirePressures", "chassis.WheelSpeeds"], within="2s")


async def test_a_period_is_measured(vehicle: VehicleUnderTest) -> None:
    timing = await vehicle["chassis"].expect_period("WheelSpeeds", "10ms", tolerance=0.01, during="1s")
    assert timing.frames == 100
    assert timing.jitter_ns < 1_000_000
    with pytest.raises(ExpectationError, match="between two of them"):
        await vehicle["chassis"].expect_period("WheelSpeeds", "25ms", during="1s")
    with pytest.raises(HilError, match="too short"):
        await vehicle["chassis"].expect_period("WheelSpeeds", "10ms", during="15ms")


async def test_a_response_time_has_a_limit(vehicle: VehicleUnderTest) -> None:
    body = vehicle["body"]
    pressed = body.expect("HazardSwitch", Pressed="On", within="1s")
    lit = body.expect("LightCommand", Left="On", within="1s")
    body.send("HazardSwitch", Pressed="On")
    taken_ns = await vehicle.response_time(pressed, lit, at_most="50ms")
    assert 0 < taken_ns < 50_000_000


async def test_a_signal_that_never_came_cannot_become_stale(vehicle: VehicleUnderTest) -> None:
    await vehicle.signal("Vehicle.Speed").becomes(0, within="100ms")
    with pytest.raises(ExpectationError, match="it is good after 100 ms"):
        await vehicle.signal("Vehicle.Speed").becomes_stale(within="100ms")


async def test_what_the_gateway_did_with_a_frame(vehicle: VehicleUnderTest) -> None:
    motor = await vehicle["powertrain"].expect("MotorStatus", within="50ms")
    await vehicle.run_for("10ms")
    assert [journey.decision for journey in vehicle.journeys(motor)] == [Decision.FORWARDED]
    route = vehicle.route("powertrain.MotorStatus -> chassis")
    await route.expect_forwarded(within="20ms")
    await route.expect_no_drop(during="100ms")
    with pytest.raises(ExpectationError, match="something is dropped"):
        await route.expect_dropped(within="50ms")


async def test_a_failure_explains_itself(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("SWM").kill()
    with pytest.raises(ExpectationError) as failure:
        await vehicle["chassis"].expect("Lamp", State="On", within="100ms")
    text = str(failure.value)
    assert "no chassis.Lamp came between 0.500000 s and 0.600000 s" in text
    assert "body.HazardSwitch.Pressed -> chassis.Lamp.State" in text
    assert "Killed(ecu='SWM')" in text
    assert "seed 0" in text
    assert f"{Path(__file__).name}:" in text


async def test_a_truth_value_is_refused(vehicle: VehicleUnderTest) -> None:
    expectation = vehicle["body"].expect("LightCommand", within="200ms")
    with pytest.raises(ForgottenAwaitError, match="write `await`"):
        assert expectation
    await expectation


def test_a_plain_script_needs_no_loop_of_ours() -> None:
    async def main() -> float:
        async with gateway.load(VEHICLE, seed=2) as vehicle:
            await vehicle.run_for("300ms")
            vehicle["body"].send("HazardSwitch", Pressed="On")
            lit = await vehicle["body"].expect("LightCommand", Left="On", within="100ms")
            return lit.time_s

    assert 0.3 < asyncio.run(main()) < 0.4


def test_a_script_is_told_of_a_forgotten_await() -> None:
    async def main() -> None:
        async with gateway.load(VEHICLE) as vehicle:
            vehicle["body"].expect("LightCommand", within="100ms")

    with pytest.raises(ForgottenAwaitError, match="never awaited"):
        asyncio.run(main())


def test_a_linked_vehicle_needs_its_own_loop() -> None:
    async def main() -> None:
        async with gateway.load(VEHICLE, links={"body": "vcan0"}):
            pass

    with pytest.raises(HilError, match=r"gateway\.hil\.run"):
        asyncio.run(main())
