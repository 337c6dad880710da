"""Properties: whatever frames come, no ECU of the demo vehicle fails, and the gateway's counts add up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import gateway
from gateway.can import Frame
from gateway.database import load_shared
from gateway.hil import faults, strategies
from gateway.hil.opening import Bench, Setup

ROOT = Path(__file__).parents[3]
VEHICLE = ROOT / "vehicle.yaml"
BODY = load_shared(ROOT / "dbc" / "body.dbc")
DRIVEN = settings(
    max_examples=60,
    stateful_step_count=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""A vehicle drives in each example: a failure is told as it was found, because to shrink it takes minutes."""
POWERTRAIN = load_shared(ROOT / "dbc" / "powertrain.dbc")


@given(st.data())
def test_values_are_those_that_a_message_can_be_encoded_with(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(POWERTRAIN.messages))
    values = data.draw(strategies.values(message))
    assert message.labels(message.encode(values)) == message.labels(
        message.encode_raw({name: message.by_name[name].to_raw(value) for name, value in values.items()})
    )


@given(strategies.frames(BODY))
def test_frames_are_of_the_database(frame: Frame) -> None:
    message = BODY.by_id(frame.arbitration_id, frame.extended)
    assert message is not None
    assert len(frame.data) == message.length


@given(strategies.unknown(BODY))
def test_unknown_frames_are_not(frame: Frame) -> None:
    assert BODY.by_id(frame.arbitration_id, frame.extended) is None


@given(strategies.out_of_range(BODY))
def test_values_out_of_range_are_out_of_range(frame: Frame) -> None:
    message = BODY.by_id(frame.arbitration_id, frame.extended)
    assert message is not None
    values = message.decode(frame.data)
    assert any(
        (signal.minimum is not None and values[name] < signal.minimum)
        or (signal.maximum is not None and values[name] > signal.maximum)
        for name, signal in message.by_name.items()
        if name in values
    )


@DRIVEN
@given(st.lists(st.one_of(strategies.frames(BODY), strategies.invalid_frames(BODY)), min_size=1, max_size=20))
def test_no_frame_on_the_body_makes_an_ecu_fail(frames: list[Frame]) -> None:
    async def send_all() -> None:
        async with gateway.load(VEHICLE) as vehicle:
            await vehicle.run_for("50ms")
            for frame in frames:
                vehicle["body"].send_raw(frame.arbitration_id, frame.data, extended=frame.extended)
                await vehicle.run_for("20ms")
            assert vehicle.simulated.gateway.balanced

    gateway.hil.run(send_all())


class DoorsUnderFire(RuleBasedStateMachine):
    """The locks of the demo vehicle, while buttons are pressed, ECUs fail and frames get lost, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bench = Bench(Setup(VEHICLE, seed=1))
        self.vehicle = self.runner.run(self.bench.__aenter__())
        self.vehicle.stop_drive()
        self.vehicle.ecu("BCM").input("ignition").value = "On"
        self.dead: set[str] = set()
        self.wait("100ms")

    def wait(self, time: str) -> None:
        self.runner.run(self._wait(time))

    async def _wait(self, time: str) -> None:
        await self.vehicle.run_for(time)

    @rule(button=st.sampled_from(["Lock", "Unlock"]))
    def press(self, button: str) -> None:
        lock = self.vehicle.ecu("BCM").input("lock")
        lock.value = button
        self.wait("50ms")
        lock.value = "None"
        self.wait("150ms")
        if "BCM" not in self.dead:
            wanted = "Yes" if button == "Lock" else "No"
            latest = self.vehicle["body"].latest("DoorStatus")
            assert latest is not None
            assert [latest[f"{door}Locked"] for door in ("FrontLeft", "RearRight")] == [wanted] * 2

    @rule(ecu=st.sampled_from(["BCM", "SWM", "Cluster", "ESP"]))
    def kill(self, ecu: str) -> None:
        self.vehicle.ecu(ecu).kill()
        self.dead.add(ecu)
        self.wait("20ms")

    @precondition(lambda self: self.dead)
    @rule()
    def revive(self) -> None:
        for ecu in sorted(self.dead):
            self.vehicle.ecu(ecu).reboot()
        self.dead.clear()
        self.wait("100ms")

    @rule(frame=strategies.invalid_frames(BODY))
    def noise(self, frame: Frame) -> None:
        self.vehicle["body"].send_raw(frame.arbitration_id, frame.data, extended=frame.extended)
        self.wait("10ms")

    @rule()
    def lose_frames(self) -> None:
        with self.vehicle.fault(faults.Lost("body.VehicleSpeed", probability=0.5)):
            self.wait("50ms")

    @invariant()
    def nothing_disappears(self) -> None:
        assert self.vehicle.simulated.gateway.balanced
        assert not self.vehicle.failures

    def teardown(self) -> None:
        try:
            self.runner.run(self.bench.__aexit__(None, None, None))
        finally:
            self.runner.close()


DoorsUnderFire.TestCase.settings = DRIVEN
TestDoorsUnderFire = DoorsUnderFire.TestCase
