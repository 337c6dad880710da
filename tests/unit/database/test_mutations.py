"""The short form of the campaign: mutated databases and payloads raise nothing but what the user can act on."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

CAMPAIGN = Path(__file__).parents[2] / "campaigns" / "database.py"


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("database_campaign", CAMPAIGN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mutated_databases_and_payloads(campaign: ModuleType) -> None:
    known = campaign.small_of(campaign.sources())
    report = campaign.run(150, 10_000, 7, known)
    assert report.findings == []
    assert report.counts["loaded databases"] > len(known) + 100
    assert report.counts["payloads"] == 10_000
