"""`gateway someip vsomeip`: what vsomeip is told of a vehicle's services, and what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.app import make_app
from gateway.services.someip.vsomeip import Configuration
from gateway.sim import Kernel
from gateway.vehicle import build, read_vehicle

DATA = Path(__file__).parents[2] / "data" / "someip"


@pytest.fixture
def car(tmp_path: Path) -> Path:
    for path in DATA.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path / "vehicle.yaml"


def changed(car: Path, old: str, new: str) -> None:
    text = car.read_text()
    assert old in text
    car.write_text(text.replace(old, new))


def configured(car: Path) -> Configuration:
    node = build(read_vehicle(car), Kernel()).someip
    assert node is not None
    offered = [each.definition for each in node.providers.values()]
    consumed = [each.definition for each in node.consumers]
    return Configuration(node.options, offered, consumed, address="10.0.0.2", application="hu")


def test_a_client_knows_where_the_offered_services_are(car: Path) -> None:
    document = configured(car).document
    assert (document["unicast"], document["routing"], document["applications"][0]["name"]) == ("10.0.0.2", "hu", "hu")
    comfort = document["services"][0]
    assert comfort == {
        "service": "0x1234",
        "instance": "0x0001",
        "unreliable": "30501",
        "reliable": {"port": "30502", "enable-magic-cookies": "false"},
        "unicast": "10.0.0.1",
        "someip-tp": {"client-to-service": ["0x0003", "0x0010", "0x0011", "0x0012"]},
    }
    discovery = document["service-discovery"]
    assert (discovery["multicast"], discovery["port"], discovery["ttl"]) == ("224.224.224.245", "30490", "3")
    assert "e2e" not in document


def test_a_server_offers_what_the_vehicle_looks_for(car: Path) -> None:
    navigation = configured(car).document["services"][1]
    assert "unicast" not in navigation
    assert (navigation["service"], navigation["instance"], navigation["unreliable"]) == ("0x2222", "0x0001", "30509")
    assert navigation["events"][0] == {"event": "0x8001", "is_field": "true", "is_reliable": "false"}
    assert navigation["eventgroups"] == [{"eventgroup": "0x0001", "events": ["0x8001", "0x8003", "0x8002", "0x8004"]}]


def test_protected_events_are_checked_and_sent_protected(car: Path) -> None:
    changed(car, "id: 0x8010", "id: 0x8010\n          e2e: {profile: P04, data_id: 0x01001234, max_delta: 3}")
    changed(
        car, "Distance: {id: 0x8002,", "Distance: {id: 0x8002, e2e: {profile: P04, data_id: 0x01005678, offset: 9},"
    )
    made = configured(car)
    common = {"profile": "P04"}
    assert made.document["e2e"]["protected"] == [
        common
        | {"service_id": "0x1234", "event_id": "0x8010", "variant": "checker", "crc_offset": "64"}
        | {"data_id": "0x1001234", "max_delta_counter": "3"},
        common
        | {"service_id": "0x2222", "event_id": "0x8002", "variant": "protector", "crc_offset": "72"}
        | {"data_id": "0x5678", "max_delta_counter": "1"},
    ]
    assert made.notes == []


def test_what_vsomeip_cannot_do_is_said_and_left_out(car: Path) -> None:
    changed(car, "id: 0x8010", "id: 0x8010\n          e2e: {profile: P06, data_id: 0x1234}")
    changed(car, "Distance: {id: 0x8002,", "Distance: {id: 0x8002, e2e: {profile: P04, data_id: 0x5678},")
    made = configured(car)
    assert "e2e" not in made.document
    assert made.notes == [
        "Comfort.Pedals: vsomeip has no E2E P06; it would take the header as payload",
        "Navigation.Distance: vsomeip sends E2E P04 with the instance in the highest byte of the data identifier:"
        " only data_id 0x01005678 would be understood",
    ]


def test_the_command_prints_it(car: Path) -> None:
    app = make_app("someip")
    done = CliRunner().invoke(app, ["someip", "vsomeip", str(car), "--address", "10.0.0.7", "--application", "hu"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["unicast"] == "10.0.0.7"
    refused = CliRunner().invoke(app, ["someip", "vsomeip", str(car)])
    assert refused.exit_code == 2
    assert "say at which address vsomeip is, with --address" in refused.output
    refused = CliRunner().invoke(app, ["someip", "vsomeip", str(car), "--address", "fd00::1"])
    assert refused.exit_code == 2
    assert "are not of one IP version" in refused.output
