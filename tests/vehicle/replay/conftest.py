"""Logs, databases and small vehicles for replaying; the real drives, where they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gateway.can import Frame
from gateway.trace.candump_lines import format_line

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"

SMALL_DBC = """VERSION ""
NS_ :
BS_:
BU_: VCU ESP GW

BO_ 256 Speed: 8 ESP
 SG_ Value : 0|16@1+ (0.01,0) [0|300] "km/h" VCU
 SG_ State : 16|2@1+ (1,0) [0|3] "" VCU

BO_ 257 Torque: 4 VCU
 SG_ Actual : 0|16@1- (0.5,0) [0|0] "Nm" ESP

BO_ 258 Shown: 2 GW
 SG_ Speed : 0|8@1+ (1,0) [0|255] "km/h" VCU

VAL_ 256 State 0 "Still" 1 "Moving" ;
"""


@pytest.fixture
def small_dbc(tmp_path: Path) -> Path:
    """Speed (0x100, 8 bytes), Torque (0x101, 4 bytes), Shown (0x102, 2 bytes, from the gateway)."""
    path = tmp_path / "small.dbc"
    path.write_text(SMALL_DBC)
    return path


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[..., Path]:
    """`write_log("a.log", [(time_ns, bus, frame), ...])` writes a candump log."""

    def write(name: str, frames: Iterable[tuple[int, str, Frame]]) -> Path:
        path = tmp_path / name
        path.write_text("".join(format_line(*entry) for entry in frames))
        return path

    return write


@pytest.fixture(scope="session")
def real_drive() -> Callable[[str], Path]:
    """A recording of a real car by its file name."""

    def find(name: str) -> Path:
        path = DATA / "real-drives" / name
        if not path.is_file():
            pytest.skip(f"needs the real drive {name}, which is not in this checkout")
        return path

    return find


@pytest.fixture(scope="session")
def opendbc_file() -> Callable[[str], Path]:
    """A database of the package opendbc by its file name."""

    def find(name: str) -> Path:
        opendbc = pytest.importorskip("opendbc", reason="needs opendbc: pip install 'vehicle-gateway[test]'")
        return next(Path(opendbc.__file__).parent.rglob(name))

    return find
