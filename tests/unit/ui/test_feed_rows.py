"""What a look at a vehicle is made of: changed bits, JSON, and what a browser may ask for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ui.errors import UiError
from gateway.ui.feed_json import text_of
from gateway.ui.feed_rows import Part, Rows
from gateway.ui.feed_subscription import changed_bits
from gateway.ui.web_session import MOST_SHOWN, visible_of


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_changed_bits_lead_from_one_payload_to_the_other(before: bytes, after: bytes) -> None:
    changed = changed_bits(before, after) or bytes(len(after))
    assert len(changed) == len(after)
    common = min(len(before), len(after))
    assert bytes(a ^ b for a, b in zip(before, changed[:common], strict=False)) == after[:common]
    assert set(changed[common:]) <= {0xFF}


def test_an_unchanged_payload_has_no_changed_bits() -> None:
    assert changed_bits(b"\x01\x02", b"\x01\x02") == b""


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_json_does_not_know_become_null(value: float) -> None:
    text = text_of({"messages": [[1, {"deep": (value, 2.5)}]]})
    assert json.loads(text) == {"messages": [[1, {"deep": [None, 2.5]}]]}


def test_a_browser_says_what_it_shows() -> None:
    visible = visible_of({"parts": ["buses", "journeys"], "decoded": [3, 4], "paths": [], "story": 7})
    assert visible.parts == {Part.BUSES, Part.JOURNEYS}
    assert visible.rows is Rows.CHANGED
    assert visible.decoded == {3, 4}
    assert visible.paths == frozenset()
    assert visible.messages is None
    assert visible.story == 7


@pytest.mark.parametrize(
    "show",
    [
        None,
        [],
        {"parts": "buses"},
        {"parts": ["secrets"]},
        {"parts": [["buses"]]},
        {"decoded": "12"},
        {"decoded": [-1]},
        {"decoded": [True]},
        {"decoded": [1.5]},
        {"paths": {"1": 2}},
        {"messages": list(range(MOST_SHOWN + 1))},
        {"story": "7"},
        {"story": 1 << 60},
    ],
)
def test_what_nobody_can_show_is_refused_with_a_sentence(show: object) -> None:
    with pytest.raises(UiError):
        visible_of(show)
