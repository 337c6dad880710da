"""The feed says what the vehicle does: counted another way, or planted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.can import KEY_MASK, Controller, Frame
from gateway.hil.wire import Shorted
from gateway.ui.feed_about import BusKind, PartKind
from gateway.ui.feed_rows import Part, Rows, Visible

ALL = Visible(parts=frozenset(Part))


def test_the_picture_has_everybody_on_their_buses(watched) -> None:
    about = watched.feed.about
    assert [(bus.name, bus.kind) for bus in about.buses] == [
        ("powertrain", BusKind.CAN),
        ("chassis", BusKind.CAN_FD),
        ("body", BusKind.CAN),
        ("doors", BusKind.LIN),
    ]
    parts = {part.name: part for part in about.parts}
    assert parts["GW"].kind is PartKind.GATEWAY
    assert parts["BCM"].buses == ("body", "doors")
    assert parts["DCDC"].kind is PartKind.REST_BUS
    assert len(about.routes) == len(watched.vehicle.gateway.routes)
    lines = Path(about.routes[0].file).read_text().splitlines()
    assert about.routes[0].source in lines[about.routes[0].line - 1]
    assert about.domains == ("VSS",)


def test_messages_are_counted_as_the_buses_count_them(watched) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    for bus in watched.vehicle.buses.values():

        def tap(_time: int, frame: Frame, _sender: Controller, name: str = bus.name) -> None:
            seen[name, frame.header & KEY_MASK] += 1

        bus.taps.append(tap)
    watched.run(3)
    snapshot = watched.feed.subscribe(ALL).snapshot()
    abouts = watched.feed.messages
    assert {(abouts[row.number].bus, abouts[row.number].key): row.frames for row in snapshot.messages} == seen
    assert snapshot.frames == seen.total() == sum(row.frames for row in snapshot.buses)


def test_periods_are_the_cycle_times_of_the_database(watched) -> None:
    watched.run(5)
    rows = {row.number: row for row in watched.feed.subscribe(ALL).snapshot().messages}
    row = rows[watched.number("powertrain.MotorStatus")]
    assert row.period_ns == pytest.approx(10e6, rel=0.01)
    assert row.jitter_ns < 0.5e6
    assert row.sender == "Inverter"
    assert not row.stale


def test_signals_are_decoded_for_who_shows_them_only(watched) -> None:
    watched.run(1)
    number = watched.number("powertrain.VcuStatus")
    rows = watched.feed.subscribe(replace(ALL, decoded=frozenset({number}))).snapshot().messages
    assert [row.number for row in rows if row.values is not None] == [number]
    row = next(row for row in rows if row.number == number)
    about = watched.feed.messages[number]
    message = watched.vehicle.databases["powertrain"].message("VcuStatus")
    named = {signal.name: value for signal, value in zip(about.signals, row.values or (), strict=True)}
    assert {name: value.value for name, value in named.items()} == message.decode(row.data)
    assert named["Gear"].label == message.labels(row.data)["Gear"]


def test_changes_are_told_once(watched) -> None:
    subscription = watched.feed.subscribe(replace(ALL, rows=Rows.CHANGED))
    watched.run(1)
    first = subscription.snapshot()
    assert first.messages and first.new_messages and first.new_paths
    again = subscription.snapshot()
    assert not again.messages and not again.paths and not again.new_messages and not again.new_paths
    watched.run(0.0101)
    fast = subscription.snapshot().messages
    assert 0 < len(fast) < len(first.messages)
    row = next(row for row in fast if row.number == watched.number("powertrain.MotorStatus"))
    before = next(old for old in first.messages if old.number == row.number)
    assert bytes(a ^ b for a, b in zip(before.data, row.data, strict=True)) == row.changed


def test_what_is_not_visible_is_not_computed(watched) -> None:
    watched.run(1)
    snapshot = watched.feed.subscribe(Visible(parts=frozenset({Part.BUSES}))).snapshot()
    assert snapshot.buses
    assert not (snapshot.messages or snapshot.routes or snapshot.paths or snapshot.ecus)


def test_a_silent_ecu_makes_its_messages_stale_and_its_signals(watched) -> None:
    watched.run(2)
    watched.vehicle.ecu("ESP").switch_off()
    watched.run(1)
    snapshot = watched.feed.subscribe(ALL).snapshot()
    rows = {watched.feed.messages[row.number].title: row for row in snapshot.messages}
    assert rows["chassis.WheelSpeeds"].stale
    assert not rows["powertrain.MotorStatus"].stale
    assert {row.name: row.state for row in snapshot.ecus}["ESP"] == "off"


def test_a_shorted_bus_is_seen_as_errors(watched) -> None:
    watched.run(1)
    watched.vehicle.buses["body"].disturb(Shorted())
    watched.run(1)
    snapshot = watched.feed.subscribe(ALL).snapshot()
    row = next(row for row in snapshot.buses if row.name == "body")
    assert row.state == "errors"
    assert row.error_rate > 100
    assert any(event.bus == "body" for event in snapshot.events)
    states = {row.name: row.state for row in snapshot.ecus}
    assert {states["BCM"], states["TPMS"]} & {"error-passive", "bus-off"}


def test_routes_balance_in_every_snapshot(watched) -> None:
    subscription = watched.feed.subscribe(ALL)
    for _ in range(20):
        watched.run(0.0503)
        for row in subscription.snapshot().routes:
            lost = sum(count for _, count in row.filtered) + sum(count for _, count in row.dropped)
            assert row.received == row.forwarded + lost


def test_a_feed_that_ends_leaves_nothing_on_the_vehicle(watched) -> None:
    watched.run(0.1)
    watched.feed.detach()
    for bus in watched.vehicle.buses.values():
        assert bus.record is None
        assert not bus.taps
    watched.run(1)
    assert watched.feed.subscribe(ALL).snapshot().frames > 0


def test_a_feed_beside_a_recording_takes_nothing_from_it(watched) -> None:
    watched.feed.detach()
    record: list[object] = []
    for bus in watched.vehicle.buses.values():
        bus.record = record  # type: ignore[assignment]
    watched.feed.attach()
    before = len(record)
    watched.run(1)
    snapshot = watched.feed.subscribe(ALL).snapshot()
    assert len(record) - before > 1000
    assert sum(row.frames for row in snapshot.messages) >= len(record) - before
    watched.feed.detach()
    assert all(not bus.taps and bus.record is record for bus in watched.vehicle.buses.values())
