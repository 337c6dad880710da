"""When gathered frames go out: full, waited long enough, urgent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.links.gathering import Gathering

MS = 1_000_000


def test_without_waiting_each_goes_out_by_itself() -> None:
    gathering: Gathering[str] = Gathering(100, 0)
    assert [one.items for one in gathering.add(b"abc", "a", 0)] == [["a"]]
    assert gathering.deadline is None


def test_the_first_part_waits_for_others_and_no_longer() -> None:
    gathering: Gathering[str] = Gathering(100, 2 * MS)
    assert gathering.add(b"abc", "a", 5 * MS) == []
    assert gathering.add(b"def", "b", 6 * MS) == []
    assert gathering.deadline == 7 * MS
    assert gathering.due(7 * MS - 1) == []
    (out,) = gathering.due(7 * MS)
    assert (out.parts, out.items) == ([b"abc", b"def"], ["a", "b"])
    assert gathering.deadline is None


def test_what_does_not_fit_any_more_begins_the_next_datagram() -> None:
    gathering: Gathering[str] = Gathering(10, MS)
    assert gathering.add(bytes(6), "a", 0) == []
    assert [one.items for one in gathering.add(bytes(6), "b", 0)] == [["a"]]
    assert [one.items for one in gathering.add(bytes(4), "c", 0)] == [["b", "c"]]


def test_what_is_urgent_takes_along_all_that_waits() -> None:
    gathering: Gathering[str] = Gathering(100, MS)
    gathering.add(b"a", "a", 0)
    assert [one.items for one in gathering.add(b"b", "b", 0, urgent=True)] == [["a", "b"]]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3 * MS), st.booleans())), st.sampled_from((0, MS)))
def test_nothing_is_lost_or_out_of_order_and_no_datagram_is_too_large(
    parts: list[tuple[int, int, bool]], wait_ns: int
) -> None:
    gathering: Gathering[int] = Gathering(50, wait_ns)
    out = []
    now = 0
    for number, (size, pause_ns, urgent) in enumerate(parts):
        now += pause_ns
        out += gathering.due(now)
        out += gathering.add(bytes(size), number, now, urgent=urgent)
    out.append(gathering.take())
    assert [item for one in out for item in one.items] == list(range(len(parts)))
    assert all(sum(map(len, one.parts)) <= 50 for one in out)
