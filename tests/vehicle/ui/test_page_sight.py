"""What a page in another process sees of a vehicle is what the feed in the vehicle's own process sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.sim import NS_PER_S
from gateway.ui.desk import Desk
from gateway.ui.feed_rows import Part, Visible
from gateway.ui.page_sight import VALUES
from gateway.ui.page_source import ROOM

ALL = Visible(parts=frozenset(Part))


@pytest.fixture
def page(watched):
    return watched.page()


def test_both_see_the_same(watched, page) -> None:
    there = watched.feed.subscribe(ALL)
    here = page.sight.subscribe(ALL)
    for _ in range(3):
        watched.run(1.05)
        page.ask(ALL)
        far, near = here.snapshot(), there.snapshot()
        assert replace(far, messages=()) == replace(near, messages=())
        # Periods are means over what is looked at together, which is more at a time here.
        assert [row._replace(period_ns=0, jitter_ns=0) for row in far.messages] == [
            row._replace(period_ns=0, jitter_ns=0) for row in near.messages
        ]
    assert page.sight.about == watched.feed.about
    assert [entry.about for entry in page.sight.entries] == watched.feed.messages


def test_signals_are_decoded_on_the_other_side(watched, page) -> None:
    watched.run(1)
    numbers = frozenset(range(len(watched.feed.messages)))
    near = watched.feed.subscribe(replace(ALL, decoded=numbers)).snapshot()
    page.ask(ALL)
    far = page.sight.subscribe(replace(ALL, decoded=numbers)).snapshot()
    assert [row.values for row in far.messages] == [row.values for row in near.messages]
    assert any(row.values and any(value.label for value in row.values) for row in far.messages)


def test_what_has_not_changed_is_not_told_again(watched, page) -> None:
    page.ask(ALL)
    watched.run(1)
    page.source.receive(page.sight.request([ALL], frozenset(Part)))
    first = page.source.outgoing()
    page.sight.take(first)
    page.source.receive(page.sight.request([ALL], frozenset(Part)))
    second = page.source.outgoing()
    page.sight.take(second)
    assert len(second) < len(first) / 3


def test_plotted_signals_come_between_the_tables(watched, page) -> None:
    watched.run(1)
    page.ask(ALL)
    speed = next(about.number for about in page.sight.paths if about.path == "Vehicle.Speed")
    watched.run(8)
    page.ask(replace(ALL, paths=frozenset({speed})), parts=VALUES)
    (row,) = page.sight.path_rows(frozenset({speed}))
    assert row.value == next(iter(watched.feed.path_rows(frozenset({speed})))).value
    assert not page.sight.event_rows()


def test_the_way_of_a_frame_is_told_in_full(watched, page) -> None:
    watched.run(1.05)
    number = watched.number("chassis.WheelSpeeds")
    shown = replace(ALL, frames_of=frozenset({number}))
    page.ask(shown)
    row = next(
        row
        for row in page.sight.journeys(shown)
        if all(hop.sent_ns is not None for hop in row.hops if hop.decision == "forwarded")
    )
    assert row.message == number
    page.ask(replace(shown, story=row.number))
    story = page.sight.story(row.number)
    assert story is not None
    assert (story.first.bus, story.first.sender, story.first.message) == ("chassis", "ESP", number)
    assert story.first.requested_ns <= story.first.start_ns < story.first.end_ns == row.time_ns
    assert "GW" not in story.first.receivers
    out = next(hop for hop in story.hops if hop.route == 2).out
    assert out is not None
    assert page.sight.entries[out.message].about.title == "powertrain.WheelSpeeds"
    assert out.requested_ns == row.time_ns + 200_000
    assert out.end_ns == row.hops[0].sent_ns


def test_commands_are_answered(watched) -> None:
    page = watched.page(Desk())
    answers: list[str | None] = []
    page.sight.do({"undo": 1}, answers.append)
    page.ask()
    assert answers == ["no faults can be put in here: what is shown is a recording or a real bus"]
    page.sight.do({"nonsense": 1}, answers.append)
    page.ask()
    assert answers[-1] is not None
    assert page.sight.kinds is None


def test_a_jump_begins_the_counts_anew(watched, page) -> None:
    watched.run(2)
    page.ask(ALL)
    page.source.forget()
    watched.run(0.1)
    page.ask(ALL)
    rows = page.sight.subscribe(ALL).snapshot().messages
    assert 0 < max(row.frames for row in rows) <= 11


def test_a_page_that_does_not_ask_is_bounded_and_told(watched, page) -> None:
    watched.feed.detach()
    page.ask(ALL)
    seconds = 2 * ROOM * NS_PER_S // (watched.vehicle.kernel.now + NS_PER_S) // 1700
    watched.run(min(seconds, 90))
    page.ask(ALL)
    assert page.sight.missed > 0
    counted = sum(entry.count for entry in page.sight.entries)
    assert counted + page.sight.missed == page.sight.frames
    assert page.sight.lost == page.sight.missed


def test_a_page_that_ends_leaves_nothing_on_the_vehicle(watched) -> None:
    watched.feed.detach()
    page = watched.page()
    assert all(bus.record is not None for bus in watched.vehicle.buses.values())
    watched.run(0.5)
    page.source.close()
    assert all(bus.record is None and not bus.taps for bus in watched.vehicle.buses.values())


@pytest.mark.parametrize("line", [b'{"ask": 1}\n', b'{"ask": [["secrets"], null, [], []]}\n', b"[\n"])
def test_what_is_no_request_is_refused(page, line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        page.source.receive(line)


def test_who_begins_to_receive_after_the_page_has_begun_is_told(watched, page) -> None:
    watched.run(0.1)
    message = next(each for each in watched.vehicle.databases["chassis"].messages if each.name == "WheelSpeeds")
    watched.vehicle.ecu("EPS").rx(f"WheelSpeeds.{message.signals[0].name}")
    watched.run(1)
    number = watched.number("chassis.WheelSpeeds")
    shown = replace(ALL, frames_of=frozenset({number}))
    page.ask(shown)
    row = page.sight.journeys(shown)[0]
    page.ask(replace(shown, story=row.number))
    story = page.sight.story(row.number)
    assert story is not None
    assert "EPS" in story.first.receivers
