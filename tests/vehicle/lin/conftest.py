"""Lets the tests of this folder import `lin_bench`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]
