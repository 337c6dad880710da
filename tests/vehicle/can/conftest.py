"""Lets the tests of this folder import `wire` (of the unit tests), `reference`, `analysis` and `bench`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "unit" / "can")]
