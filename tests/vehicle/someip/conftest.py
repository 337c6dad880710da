"""Lets the tests of this folder import `someip_bench`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from someip_bench import SomeIpBench


@pytest.fixture
def bench() -> SomeIpBench:
    return SomeIpBench()
