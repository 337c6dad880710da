"""The demo's files: databases without a fault, also for other tools, and what routes and mapping need of them."""

from __future__ import annotations

import cantools
import pytest
from demo_bench import VEHICLE_FILE

from gateway.database import Database, load
from gateway.routing import load_mapping
from gateway.vehicle import read_vehicle

FOLDER = VEHICLE_FILE.parent / "dbc"
BUSES = ("powertrain", "chassis", "body")


def databases() -> dict[str, Database]:
    return {bus: load(FOLDER / f"{bus}.dbc") for bus in BUSES}


@pytest.mark.parametrize("bus", BUSES)
def test_a_database_has_no_diagnostic(bus: str) -> None:
    assert load(FOLDER / f"{bus}.dbc").diagnostics == ()


@pytest.mark.parametrize("bus", BUSES)
def test_cantools_takes_a_database_strictly_and_encodes_the_same_start_values(bus: str) -> None:
    theirs = cantools.database.load_file(FOLDER / f"{bus}.dbc", strict=True)
    for message in load(FOLDER / f"{bus}.dbc").messages:
        other = theirs.get_message_by_name(message.name)
        values = other.decode(message.initial, decode_choices=False)
        assert bytes(other.encode(values, strict=False)) == message.initial
        assert (other.frame_id, other.length, other.is_fd) == (message.arbitration_id, message.length, message.fd)


@pytest.mark.parametrize("bus", BUSES)
def test_every_start_value_is_in_its_signals_range(bus: str) -> None:
    for message in load(FOLDER / f"{bus}.dbc").messages:
        for signal in message.signals:
            assert signal.to_raw(signal.to_physical(signal.initial_raw)) == signal.initial_raw, signal.name


@pytest.mark.parametrize("bus", BUSES)
def test_every_message_has_a_comment_and_a_sender(bus: str) -> None:
    for message in load(FOLDER / f"{bus}.dbc").messages:
        assert message.comment, message.name
        assert message.senders, message.name


def test_what_the_gateway_brings_to_a_bus_is_its_own_message_there() -> None:
    known = databases()
    for route in read_vehicle(VEHICLE_FILE).spec.gateway.routes:
        bus, _, rest = route.target.partition(".")
        name = rest.partition(".")[0] or route.source.split(".")[1]
        assert known[bus].message(name).senders == ("GW",), route.target


def test_a_frame_that_is_routed_as_it_is_has_one_layout_on_both_buses() -> None:
    known = databases()
    for route in read_vehicle(VEHICLE_FILE).spec.gateway.routes:
        if "." in route.target:
            continue
        bus, name = route.source.split(".")
        here, there = known[bus].message(name), known[route.target].message(name)
        assert (here.arbitration_id, here.length) == (there.arbitration_id, there.length)
        layout = [[(s.name, s.start, s.length, s.scale, s.offset, s.unit) for s in m.signals] for m in (here, there)]
        assert layout[0] == layout[1]


def test_the_mapping_has_no_note_and_goes_both_ways() -> None:
    mapping = load_mapping(FOLDER / "signals.json", databases())
    assert mapping.notes == ()
    assert len(mapping.upward) >= 35
    assert len(mapping.downward) >= 6
    assert all(rule.leaf.kind.value == "actuator" for rule in mapping.downward)
    assert all(rule.place.message.senders == ("GW",) for rule in mapping.downward)


def test_the_databases_show_what_such_files_have() -> None:
    messages = [message for database in databases().values() for message in database.messages]
    signals = [signal for message in messages for signal in message.signals]
    assert {signal.big_endian for signal in signals} == {True, False}
    assert any(signal.is_multiplexer for signal in signals)
    assert any(message.extended for message in messages)
    assert {message.length for message in messages if message.fd} == {12, 16, 24, 64}
    assert any(message.start_delay_ns for message in messages)
