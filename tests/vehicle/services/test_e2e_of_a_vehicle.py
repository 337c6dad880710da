"""End-to-end protection of a vehicle file in virtual time: senders put it in, receivers believe nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.can import Frame
from gateway.com.e2e import E2EProtector
from gateway.com.e2e_profiles import E2EConfig, Profile
from gateway.sim import Clock, Kernel, run
from gateway.vehicle import Vehicle, VehicleFileError, build, read_vehicle
from gateway.vehicle.report import report

MS = 1_000_000
DBC = """VERSION ""
NS_ :
BS_:
BU_: Sender Receiver GW
BO_ 256 Motion: 8 Sender
 SG_ Speed : 32|16@1+ (0.01,0) [0|300] "km/h" GW,Receiver
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 20;
"""
BEHAVIOURS = """from gateway.ecu import Ecu, on


class Receiver:
    def __init__(self, ecu: Ecu) -> None:
        self.speed = ecu.rx("Motion.Speed")
        self.heard = []

    @on("Motion")
    def moved(self) -> None:
        self.heard.append(self.speed.value)
"""
SPEED = "Vehicle.Speed"


@pytest.fixture
def car(tmp_path: Path) -> Callable[..., Vehicle]:
    """`car(restbus, words of protect)` builds a vehicle whose Motion is protected."""
    leaf = {
        "type": "sensor",
        "datatype": "float",
        "description": "x",
        "dbc2vss": {"signal": "Motion.Speed", "interval_ms": 0},
    }
    tree = {"Vehicle": {"type": "branch", "description": "A car", "children": {"Speed": leaf}}}
    (tmp_path / "car.dbc").write_text(DBC)
    (tmp_path / "signals.json").write_text(json.dumps(tree))
    (tmp_path / "receiver.py").write_text(BEHAVIOURS)

    def make(protect: str, *, sender: bool = True) -> Vehicle:
        ecus = "Receiver: {on: [a], behaviour: receiver.py:Receiver, boot: 0ms}"
        if sender:
            ecus += "\n  Sender: {on: [a], boot: 0ms}"
        (tmp_path / "car.yaml").write_text(
            "vehicle: car\nbuses:\n  a: {kind: can, bitrate: 1M, database: car.dbc}\n"
            f"ecus:\n  {ecus}\nprotect:\n  a.Motion: {{{protect}}}\ngateway: {{signals: signals.json}}\n"
        )
        return build(read_vehicle(tmp_path / "car.yaml"), Kernel())

    return make


def drive(vehicle: Vehicle, until_ms: int) -> None:
    async def main() -> None:
        vehicle.start()
        import asyncio

        await asyncio.sleep(until_ms / 1000)
        vehicle.stop()

    run(main(), vehicle.kernel, Clock.VIRTUAL)


@pytest.mark.parametrize(
    "protect",
    [
        "e2e: P01, data_id: 0x123",
        "e2e: P01, data_id: 0x123, data_id_mode: nibble, offset: 1",
        "e2e: P02, data_id: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]",
        "e2e: P05, data_id: 0x1234, max_delta: 2",
    ],
)
def test_what_the_sender_protects_the_receivers_believe(car: Callable[..., Vehicle], protect: str) -> None:
    vehicle = car(protect)
    frames: list[Frame] = []
    vehicle.buses["a"].taps.append(lambda _time, frame, _sender: frames.append(frame))
    drive(vehicle, 1000)
    receiver = vehicle.ecus["Receiver"]
    assert len(frames) == 50
    assert len({frame.data for frame in frames[:14]}) == 14  # each has another counter
    assert len(receiver.behaviour.heard) == 50  # type: ignore[union-attr]
    assert receiver.ports["a"].rx["Motion"].unfit == 0
    assert vehicle.gateway.store[SPEED].datapoint.quality.value == "good"


def test_the_same_drive_gives_the_same_bytes(car: Callable[..., Vehicle]) -> None:
    def drives() -> list[tuple[int, bytes]]:
        vehicle = car("e2e: P05, data_id: 7")
        seen: list[tuple[int, bytes]] = []
        vehicle.buses["a"].taps.append(lambda time, frame, _sender: seen.append((time, frame.data)))
        drive(vehicle, 500)
        return seen

    assert drives() == drives()


def test_a_repeated_forged_or_lost_message_is_not_believed(car: Callable[..., Vehicle]) -> None:
    # Nobody in this vehicle sends Motion: it comes from outside.
    vehicle = car("e2e: P01, data_id: 0x123", sender=False)
    vehicle.ecus.pop("Sender", None)
    outside = vehicle.buses["a"].attach("Outside")
    protector = E2EProtector(E2EConfig(Profile.P01, 0x123))
    stranger = E2EProtector(E2EConfig(Profile.P01, 0x124))

    def payload(speed: int) -> bytes:
        return bytes(4) + (speed * 100).to_bytes(2, "little") + bytes(2)

    first, second = protector.protect(payload(10)), protector.protect(payload(20))
    for _ in range(5):
        late = protector.protect(payload(30))
    after = protector.protect(payload(40))
    script = [first, second, second, stranger.protect(payload(99)), first, late, after]
    for number, data in enumerate(script):
        vehicle.kernel.at((10 + 10 * number) * MS, lambda data=data: outside.send(Frame(0x100, data)))  # type: ignore[misc]
    told: list[object] = []
    vehicle.gateway.store[SPEED].listen(
        lambda signal: told.append((signal.datapoint.value, signal.datapoint.quality.value))
    )
    drive(vehicle, 500)
    # first, second; then a repetition, a forgery, an old one, a jump of five are left out; and nothing more comes.
    assert told == [(10, "good"), (20, "good"), (40, "good"), (40, "stale")]
    received = vehicle.ecus["Receiver"].ports["a"].rx["Motion"]
    assert vehicle.ecus["Receiver"].behaviour.heard == [10, 20, 40]  # type: ignore[union-attr]
    assert received.unfit == 4
    assert report(vehicle, 0).as_json()["unfit"] == {"Receiver: a.Motion failed its end-to-end check": 4}


def test_a_sender_that_is_spoiled_or_stuck_makes_the_signal_stale(car: Callable[..., Vehicle]) -> None:
    vehicle = car("e2e: P01, data_id: 0x123")
    protection = vehicle.ecus["Sender"].ports["a"].tx["Motion"].protection
    assert protection is not None and protection.counts and protection.checksum == "E2E P01"
    qualities: list[tuple[int, str]] = []
    vehicle.gateway.store[SPEED].listen(
        lambda signal: qualities.append((vehicle.kernel.now // (100 * MS), signal.datapoint.quality.value))
    )
    for at_ms, name, value in (
        (200, "stuck", True),
        (500, "stuck", False),
        (700, "wrong", True),
        (900, "wrong", False),
    ):
        vehicle.kernel.at(at_ms * MS, lambda name=name, value=value: setattr(protection, name, value))  # type: ignore[misc]
    drive(vehicle, 1200)
    changes = [one for number, one in enumerate(qualities) if number == 0 or one[1] != qualities[number - 1][1]]
    assert changes == [(0, "good"), (2, "stale"), (5, "good"), (7, "stale"), (9, "good")]


@pytest.mark.parametrize(
    ("protect", "reason"),
    [
        ("e2e: P07, data_id: 1", "Motion has 8 bytes; E2E P07 at byte 0 needs 20"),
        ("e2e: P01", "E2E P01 needs a `data_id`"),
        ("e2e: P01, data_id: 0x10000", "a number of 16 bits"),
        ("e2e: P02, data_id: [1, 2]", "a list of 16"),
        ("e2e: P02, data_id: [256, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]", "are bytes, 0 to 255"),
        ("e2e: P01, data_id: 1, counter: Speed", "leave `counter` and `checksum` out"),
        ("e2e: P03, data_id: 1", "P01"),
        ("e2e: P05, data_id: 1, offset: 3", "the header of E2E P05 at byte 3 overwrites Speed of a.Motion"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(car: Callable[..., Vehicle], protect: str, reason: str) -> None:
    with pytest.raises(VehicleFileError) as told:
        car(protect)
    assert reason in str(told.value)
    assert "car.yaml:8" in str(told.value)
