"""Lets the tests of this folder import `wire`, the independent construction of a frame's bits."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
