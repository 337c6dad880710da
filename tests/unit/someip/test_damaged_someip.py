"""Damaged bytes for each codec: a value or this project's error, quickly; the campaign's short form."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

CAMPAIGN = Path(__file__).parents[2] / "campaigns" / "someip.py"


def campaign_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("someip_campaign", CAMPAIGN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = path
    return module


MODULE = campaign_module()


@pytest.mark.parametrize("name", list(MODULE.codecs()))
def test_damaged_bytes_are_refused_or_understood(name: str) -> None:
    seeds, take = MODULE.codecs()[name]
    MODULE.campaign(seeds, take, 3000, random.Random(7))


def test_an_entry_of_no_known_type_can_be_told() -> None:
    """Found by the campaign: its text raised an error."""
    data = bytes.fromhex(
        "c00000000000002000000020000000001234ffffff000003ffff0000100000112200000007000003000000000000000c"
        "000904000a00000200119c40"
    )
    MODULE.take_sd(data, random.Random(0))
