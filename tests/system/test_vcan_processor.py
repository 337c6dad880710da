"""Each kernel that `gateway vcan` boots has a processor that no other has, as long as there are enough."""

from __future__ import annotations

import os

import pytest

from gateway.vcan.processor import claimed


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Two that no machine has, so that kernels which run beside the tests do not claim them."""
    processors = {90_001, 90_002}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: processors)
    return processors


def test_each_has_its_own_and_the_third_has_none(two_processors: set[int]) -> None:
    with claimed() as one, claimed() as other, claimed() as third:
        assert {one, other} == two_processors
        assert third is None


def test_what_was_claimed_is_free_again_afterwards(two_processors: set[int]) -> None:
    for _ in range(3):
        with claimed() as one, claimed() as other:
            assert {one, other} == two_processors


def test_where_there_is_one_there_is_nothing_to_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {90_003})
    with claimed() as processor:
        assert processor is None
