"""Compiles the hot rooms with mypyc into a copy of the package: `python compile_hot_rooms.py [FOLDER]`.

The same sources run plain and compiled, with the same results. The copy goes to `build/compiled`; put that on PYTHONPATH
to run it. Without a C compiler or mypyc nothing is made, and everything runs plain. With `--if-made` nothing is made
either: it prints the folder when the copy is there and up to date.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent
HOT = (
    "sim/kernel.py",
    "can/frame.py",
    "can/bits.py",
    "can/timing.py",
    "can/controller.py",
    "can/events.py",
    "can/errors.py",
    "can/bus.py",
    "lin/timing.py",
    "lin/way.py",
    "lin/node.py",
    "lin/schedule.py",
    "lin/responses.py",
    "lin/sleep.py",
    "lin/commander.py",
    "lin/bus.py",
    "com/protection.py",
    "com/transmit.py",
    "com/receive.py",
    "ecu/inputs.py",
    "ecu/schedule.py",
    "links/linked_bus.py",
    "routing/expiry.py",
    "routing/store.py",
    "routing/journey.py",
    "routing/lane.py",
    "routing/route.py",
    "routing/frame_route.py",
    "routing/signal_route.py",
)


def fingerprint() -> str:
    """Of everything that the compiled copy is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted((ROOT / "gateway").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def compile_into(folder: Path) -> bool:
    """Make the compiled copy in `folder`; True when it is there and up to date."""
    if is_current(folder):
        return True
    if shutil.which(os.environ.get("CC", "cc")) is None:
        print("no C compiler here: everything runs plain", file=sys.stderr)
        return False
    try:
        import mypyc  # noqa: F401
        import setuptools  # noqa: F401
    except ImportError as error:
        print(f"no {error.name} here (pip install 'vehicle-gateway[compiled]'): everything runs plain", file=sys.stderr)
        return False
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "gateway", folder / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    paths = [f"gateway/{path}" for path in HOT]
    code = (
        "from mypyc.build import mypycify; from setuptools import setup;"
        f"setup(name='hot', packages=[], ext_modules=mypycify({['--strict', *paths]!r}, opt_level='3', debug_level='0'))"
    )
    environment = {**os.environ, "MYPYPATH": str(folder), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code, "build_ext", "--inplace"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout[-3000:] + done.stderr[-3000:], file=sys.stderr)
        print("the hot rooms could not be compiled: everything runs plain", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return False
    shutil.rmtree(folder / "build", ignore_errors=True)
    (folder / "fingerprint").write_text(fingerprint())
    return True


def is_current(folder: Path) -> bool:
    """The compiled copy is there, and made from the sources as they are."""
    stamp = folder / "fingerprint"
    return stamp.is_file() and stamp.read_text() == fingerprint()


if __name__ == "__main__":
    if sys.argv[1:] == ["--if-made"]:
        print(ROOT / "build" / "compiled" if is_current(ROOT / "build" / "compiled") else "")
        sys.exit()
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "compiled"
    sys.exit(0 if compile_into(target) else 3)
