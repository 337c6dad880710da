"""Frames and recordings for the tests of this folder."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, LENGTHS, REMOTE, Frame
from gateway.trace import Direction

IDENTIFIERS = st.integers(0, 0x7FF) | st.integers(0, 0x1FFFFFFF).map(lambda identifier: identifier | EXTENDED)


def _classic() -> st.SearchStrategy[Frame]:
    return st.builds(Frame, IDENTIFIERS, st.binary(max_size=8))


def _remote() -> st.SearchStrategy[Frame]:
    return IDENTIFIERS.map(lambda identifier: Frame(identifier | REMOTE, b""))


def _error() -> st.SearchStrategy[Frame]:
    return st.builds(
        lambda kind, data: Frame(ERROR | kind, data), st.integers(0, 0x1FF), st.binary(min_size=8, max_size=8)
    )


def _flexible() -> st.SearchStrategy[Frame]:
    payloads = st.sampled_from(LENGTHS).flatmap(lambda length: st.binary(min_size=length, max_size=length))
    flags = st.sampled_from((0, BRS, ESI, BRS | ESI))
    return st.builds(lambda identifier, flag, data: Frame(identifier | FD | flag, data), IDENTIFIERS, flags, payloads)


@pytest.fixture(scope="session")
def classic_frames() -> st.SearchStrategy[Frame]:
    """Data frames of classic CAN."""
    return _classic()


@pytest.fixture(scope="session")
def frames() -> st.SearchStrategy[Frame]:
    """Every kind of frame a recording can hold."""
    return _classic() | _remote() | _error() | _flexible()


@pytest.fixture(scope="session")
def seen(frames: st.SearchStrategy[Frame]) -> st.SearchStrategy[list[tuple[int, int, Frame, Direction]]]:
    """A recording: time in ns, index of one of two buses, frame, direction; in order of time, from 0 or from today."""
    start = st.just(0) | st.integers(1_500_000_000, 2_000_000_000).map(lambda second: second * 1_000_000_000)
    entry = st.tuples(st.integers(0, 60 * 10**9), st.integers(0, 1), frames, st.sampled_from(Direction))
    entries = st.lists(entry, min_size=1, max_size=30).map(lambda rows: sorted(rows, key=lambda row: row[0]))
    return st.builds(lambda at, rows: [(at + row[0], *row[1:]) for row in rows], start, entries)
