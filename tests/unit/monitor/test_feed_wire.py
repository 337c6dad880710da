"""A feed between processes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor_film import Film

from gateway.ui.feed_about import VehicleAbout
from gateway.ui.feed_rows import Part, Rows, Snapshot, Visible
from gateway.ui.feed_wire import built, plain

NUMBERS = st.frozensets(st.integers(0, 1 << 40), max_size=5)
VISIBLE = st.builds(
    Visible,
    parts=st.frozensets(st.sampled_from(Part)),
    rows=st.sampled_from(Rows),
    messages=st.none() | NUMBERS,
    decoded=NUMBERS,
    paths=st.none() | NUMBERS,
    story=st.none() | st.integers(0, 1 << 40),
)


def line_of(value: object) -> bytes:
    return json.dumps(plain(value)).encode()


def of_line(kind, line: bytes):
    return built(kind, json.loads(line))


@given(VISIBLE)
def test_what_is_on_a_screen_arrives_as_it_was_sent(visible: Visible) -> None:
    assert of_line(Visible, line_of(visible)) == visible


def test_the_picture_and_each_snapshot_of_a_vehicle_arrive_as_they_were_sent(film: Film) -> None:
    assert of_line(VehicleAbout, line_of(film.about)) == film.about
    for snapshot in film.snapshots:
        assert of_line(Snapshot, line_of(snapshot)) == snapshot
    first, last = film.snapshots[0], film.snapshots[-1]
    assert last.messages and last.routes and first.paths and last.ecus and last.buses
    assert any(row.values for row in last.messages)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_what_is_no_screen_is_refused(garbage: object) -> None:
    line = json.dumps(garbage).encode()
    try:
        found = of_line(Visible, line)
    except ValueError:
        return
    assert isinstance(found, Visible)


@pytest.mark.parametrize("line", [b"", b"{", b"[]\n", b'[["nonsense"], "all", null, [], null, null, null, null]'])
def test_what_is_not_even_json_or_too_little_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="Expecting|this is no|is not a valid|zip"):
        of_line(Visible, line)
