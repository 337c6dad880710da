"""A seed decides everything, faults and stimuli included."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gateway
from gateway.hil import faults, sine

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"


def digest(seed: int) -> str:
    """A hash over all frames of two seconds with chance in them."""
    total = hashlib.sha256()

    async def main() -> None:
        async with gateway.load(VEHICLE, seed=seed) as vehicle:
            vehicle.at("300ms", faults.BitErrors("powertrain", probability=0.05), lasting="500ms")
            vehicle.at("400ms", faults.Corrupted("chassis.WheelSpeeds", probability=0.3), lasting="500ms")
            vehicle.at("500ms", faults.Delayed("body", by="1ms", jitter="3ms"), lasting="500ms")
            with vehicle["body"].periodic("RainLight", every="30ms", Brightness=sine(1000, 500, "1s")):
                await vehicle.run_for("2s")
            for time_ns, bus, frame, sender, requested_ns, start_ns in vehicle.history.frames:
                total.update(f"{time_ns} {bus} {frame} {sender.name} {requested_ns} {start_ns}".encode())

    gateway.hil.run(main())
    return total.hexdigest()


def test_the_same_seed_gives_the_same_frames() -> None:
    assert digest(5) == digest(5)


def test_another_seed_gives_others() -> None:
    assert digest(5) != digest(6)
