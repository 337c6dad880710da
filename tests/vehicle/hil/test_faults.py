"""Faults come, have their effect, and go without a trace."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.can import ControllerState
from gateway.hil import ExpectationError, HilError, VehicleUnderTest, faults
from gateway.hil.faults import Fault
from gateway.routing import Quality

EACH: list[Fault] = [
    faults.Lost("chassis.WheelSpeeds"),
    faults.Lost("chassis.WheelSpeeds", receiver="GW"),
    faults.Delayed("chassis.WheelSpeeds", by="3ms", jitter="2ms"),
    faults.Corrupted("chassis.WheelSpeeds"),
    faults.Corrupted("chassis.WheelSpeeds", values={"FrontLeft": 300}),
    faults.Duplicated("chassis.WheelSpeeds", copies=2),
    faults.Reordered("chassis.WheelSpeeds"),
    faults.WrongLength("chassis.WheelSpeeds", length=3),
    faults.BitErrors("chassis.WheelSpeeds", probability=0.2),
    faults.CounterStuck("chassis.WheelSpeeds"),
    faults.ChecksumWrong("chassis.WheelSpeeds"),
    faults.BusShorted("chassis"),
    faults.BusCut("chassis"),
    faults.BusCut("chassis", "ESP"),
    faults.BusOff("ESP"),
    faults.Killed("ESP"),
    faults.Hung("ESP"),
    faults.Babbling("ESP", 0),
    faults.GatewayOverload(latency="50ms", queue=2),
]


@pytest.mark.parametrize("fault", EACH, ids=lambda fault: type(fault).__name__)
async def test_a_fault_goes_as_it_came(vehicle: VehicleUnderTest, fault: Fault) -> None:
    with vehicle.fault(fault):
        await vehicle.run_for("200ms")
    await vehicle.run_for("500ms")
    await vehicle["chassis"].expect_period("WheelSpeeds", "10ms", during="500ms")
    await vehicle["powertrain"].expect_count("WheelSpeeds", 10, during="100ms")
    await vehicle.signal("Vehicle.Speed").becomes(0, within="100ms")
    assert not vehicle["chassis"].bus.disturbances
    assert all(c.state is ControllerState.ERROR_ACTIVE for c in vehicle["chassis"].bus.controllers)


async def test_a_lost_frame_is_not_on_the_bus_and_an_overrun_is(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Lost("chassis.WheelSpeeds")):
        await vehicle["chassis"].expect_never("WheelSpeeds", during="100ms")
    with vehicle.fault(faults.Lost("chassis.WheelSpeeds", receiver="GW")):
        await vehicle["chassis"].expect("WheelSpeeds", within="20ms")
        await vehicle["powertrain"].expect_never("WheelSpeeds", during="100ms")


async def test_frames_come_twice_and_too_short(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Duplicated("chassis.WheelSpeeds")):
        await vehicle["chassis"].expect_count("WheelSpeeds", 20, during="100ms")
    with vehicle.fault(faults.WrongLength("chassis.WheelSpeeds", length=2)):
        assert len((await vehicle["chassis"].expect("WheelSpeeds", within="20ms")).data) == 2


async def test_reordered_frames_change_places(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Reordered("chassis.WheelSpeeds")):
        frames = await vehicle["chassis"].expect_count("WheelSpeeds", 8, during="80ms")
    counters = [int(frame.Counter) for frame in frames]
    steps = {(later - earlier) % 16 for earlier, later in pairwise(counters)}
    assert steps <= {15, 3}


async def test_a_corrupted_value_has_a_wrong_checksum(vehicle: VehicleUnderTest) -> None:
    with vehicle.fault(faults.Corrupted("chassis.WheelSpeeds", values={"FrontLeft": 300})):
        await vehicle["chassis"].expect("WheelSpeeds", FrontLeft=300, within="20ms")
        await vehicle["powertrain"].expect("VcuStatus", LimpCause="WheelSpeeds", within="500ms")


async def test_an_overloaded_gateway_drops_and_its_counts_add_up(vehicle: VehicleUnderTest) -> None:
    route = vehicle.route("chassis.WheelSpeeds -> powertrain")
    with vehicle.fault(faults.GatewayOverload(latency="100ms", queue=2)):
        await route.expect_dropped("queue full", within="100ms")
    assert route.counts.balanced


async def test_a_babbling_ecu_keeps_others_from_the_bus(vehicle: VehicleUnderTest) -> None:
    with vehicle.ecu("RLS").babble(0, every="100us"), pytest.raises(ExpectationError):
        await vehicle["body"].expect_period("LightCommand", "100ms", tolerance=0.01, jitter="1ms", during="500ms")
    await vehicle["body"].expect("LightCommand", within="300ms")


async def test_faults_on_a_timeline(vehicle: VehicleUnderTest) -> None:
    vehicle.at("1s", faults.Killed("ESP"), lasting="500ms")
    called: list[float] = []
    vehicle.after("100ms", lambda: called.append(vehicle.now_s))
    await vehicle.run_until("1400ms")
    assert vehicle.signal("Vehicle.Speed").quality is Quality.STALE
    await vehicle.run_until("2s")
    assert vehicle.signal("Vehicle.Speed").quality is Quality.GOOD
    assert called == [0.6]


async def test_a_rebooted_ecu_comes_back(vehicle: VehicleUnderTest) -> None:
    vehicle.ecu("ESP").kill()
    vehicle.ecu("ESP").reboot(after="200ms")
    await vehicle["chassis"].expect_never("WheelSpeeds", during="190ms")
    await vehicle["chassis"].expect("WheelSpeeds", within="50ms")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (faults.Lost("chasis.WheelSpeeds"), "'chasis' .*did you mean 'chassis'"),
        (faults.Lost("chassis.WheelSpeed"), "did you mean 'WheelSpeeds'"),
        (faults.Lost("chassis.WheelSpeeds", receiver="VCU"), "VCU is not on 'chassis'"),
        (faults.Corrupted("chassis.WheelSpeeds", values={"FrontLeft": 1e9}), "raw"),
        (faults.WrongLength("body.LightCommand", length=12), "12 bytes cannot be on body"),
        (faults.CounterStuck("body.LightCommand"), "not protected"),
        (faults.BusCut("chassis", "EPSS"), "did you mean 'EPS'"),
        (faults.Babbling("ESP", 0x3FFFFFFFF), "no identifier"),
    ],
)
async def test_a_fault_that_cannot_be_is_told(vehicle: VehicleUnderTest, fault: Fault, sentence: str) -> None:
    with pytest.raises(HilError, match=sentence):
        vehicle.fault(fault)


def test_the_text_of_a_fault_is_its_call() -> None:
    assert str(faults.Killed("ESP")) == "Killed(ecu='ESP')"
