"""Compare the lengths of many random frames with their construction bit by bit: `python tests/campaigns/can_frames.py`."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "can")]

from frames import frame_and_wire  # noqa: E402

from gateway.can import BitRates, FrameTimes, frame_bits  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    times = FrameTimes(BitRates(500_000, 2_000_000))
    wrong = 0
    kinds: dict[str, int] = {}
    for _ in range(options.frames):
        frame, wire = frame_and_wire(chance)
        kind = "FD" if frame.fd else "remote" if frame.remote else "classic"
        kinds[kind] = kinds.get(kind, 0) + 1
        expected = (wire.nominal, wire.data)
        if frame_bits(frame) != expected or times.duration_ns(frame) != wire.nominal * 2000 + wire.data * 500:
            wrong += 1
            sys.stdout.write(f"{frame}: {frame_bits(frame)}, {times.duration_ns(frame)} ns, not {expected}\n")
    sys.stdout.write(f"seed {options.seed}: {options.frames} frames ({kinds}), {wrong} wrong\n")
    return 1 if wrong or not options.frames else 0


if __name__ == "__main__":
    raise SystemExit(main())
