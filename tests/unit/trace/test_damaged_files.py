"""The short form of the campaign of damaged recordings."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_damaged_recordings_raise_trace_error_or_are_read():
    path = Path(__file__).parents[2] / "campaigns" / "trace.py"
    spec = importlib.util.spec_from_file_location("campaign_of_traces", path)
    campaign = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(campaign)

    ended = campaign.run(inputs=3000, seed=7)

    assert ended.total() == 3000
    assert {how.split()[0] for how in ended} == {".pcapng", ".log", ".asc", ".blf", ".trc", ".csv"}
