"""Mutated vehicle projects give a vehicle or a GatewayError, nothing else: `python tests/campaigns/vehicle.py --files N`.

Each mutated `vehicle.yaml` is read, built and driven for 50 ms of virtual time, and checked as `gateway check` does. A
quarter of the runs mutate the drive cycle or the mapping besides. Exit code 1 when anything else came.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
sys.path[:] = [str(ROOT), str(HERE), *(path for path in sys.path if Path(path or ".").resolve() != HERE)]

import vehicle_mutations  # noqa: E402

from gateway.errors import GatewayError  # noqa: E402
from gateway.sim import Kernel  # noqa: E402
from gateway.vehicle import load  # noqa: E402
from gateway.vehicle.checks.check import check  # noqa: E402

sys.path.remove(str(HERE))
TEMPLATE = ROOT / "gateway" / "cli" / "templates" / "new"
SLOW_S = 10.0


def drive(folder: Path) -> str:
    """What became of it: the kind of error, or `drives`."""
    try:
        kernel = Kernel()
        vehicle = load(folder, kernel)
    except GatewayError as error:
        return type(error).__name__ if error.sentence else "an error without a sentence"
    vehicle.start()
    kernel.run(50_000_000)
    assert vehicle.gateway.balanced
    return "drives"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    outcomes: Counter[str] = Counter()
    wrong = 0
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "car"
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        original = (folder / "vehicle.yaml").read_bytes()
        others = {name: (folder / name).read_bytes() for name in ("drive.csv", "dbc/signals.json")}
        for number, text in enumerate(vehicle_mutations.mutations(original, options.seed, options.files)):
            (folder / "vehicle.yaml").write_bytes(text)
            for name, content in others.items():
                mutate = chance.random() < 0.25
                changed = next(vehicle_mutations.mutations(content, options.seed + number, 1)) if mutate else content
                (folder / name).write_bytes(changed)
            started = time.monotonic()
            try:
                outcomes[drive(folder)] += 1
                check([folder])
            except Exception:  # noqa: BLE001 - what the campaign looks for
                wrong += 1
                sys.stdout.write(
                    f"--- file {number}\n{text.decode('utf-8', 'backslashreplace')}\n{traceback.format_exc()}\n"
                )
            if time.monotonic() - started > SLOW_S:
                wrong += 1
                sys.stdout.write(f"--- file {number} took {time.monotonic() - started:.1f} s\n")
    sys.stdout.write(f"seed {options.seed}: {options.files} files, {wrong} wrong; {dict(outcomes)}\n")
    return 1 if wrong or not options.files else 0


if __name__ == "__main__":
    raise SystemExit(main())
