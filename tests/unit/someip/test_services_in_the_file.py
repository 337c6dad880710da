"""The `services:` of a vehicle file: each fault with its line and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.vehicle.checks.check import check

DATA = Path(__file__).parents[2] / "data" / "someip"
HEAD = """\
vehicle: test
buses:
  body: {kind: can, bitrate: 500k, database: car.dbc, restbus: false}
gateway:
  signals: signals.json
services:
  types:
    Pair: {a: uint8, b: uint8}
  offer:
"""


def faults(folder: Path, text: str) -> list[tuple[int | None, str]]:
    for name in ("car.dbc", "signals.json"):
        shutil.copy(DATA / name, folder)
    path = folder / "vehicle.yaml"
    path.write_text(text)
    return [(finding.line, finding.text) for each in check([path]) for finding in each.findings]


def test_the_vehicle_of_the_tests_has_no_faults() -> None:
    assert [finding for each in check([DATA / "vehicle.yaml"]) for finding in each.findings] == []


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        (
            "fields: {F: {type: float32, signal: Vehicle.Pedal.Positon, get: 1}}",
            "did you mean 'Vehicle.Pedal.Position'",
        ),
        ("fields: {F: {type: uint8, signal: Vehicle.Route.Name, get: 1}}", "is text (any), and uint8 is not"),
        ("fields: {F: {type: string, signal: Vehicle.Pedal.Position, get: 1}}", "is a number, and string is not"),
        ("fields: {F: {type: unit8, signal: Vehicle.Pedal.Position, get: 1}}", "did you mean 'uint8'"),
        ("fields: {F: {type: uint8, signal: Vehicle.Pedal.Position}}", "at least one of get, set and notify"),
        ("fields: {F: {type: uint8, signal: Vehicle.Pedal.Position, get: 0x8001}}", "0x8001 is no method id"),
        ("events: {E: {id: 5, type: uint8, signal: Vehicle.Pedal.Position}}", "0x0005 is no event id"),
        ("events: {E: {id: 0x8001, signal: Vehicle.Pedal.Position}}", "neither a type nor members"),
        ("events: {E: {id: 0x8001, type: uint8}}", "it has no signal"),
        ("events: {E: {id: 0x8001, type: uint8, signal: bdoy.X.Y}}", "did you mean 'body'"),
        ("events: {E: {id: 0x8001, type: uint8, signal: body.PedalStatus}}", "is no signal: write bus.Message.Signal"),
        ("events: {E: {id: 0x8001, type: uint8, signal: body.PedalStatus.Postion}}", "has no signal 'Postion'"),
        ("events: {E: {id: 0x8001, type: 'uint8[]', signal: body.PedalStatus.Position}}", "is one value"),
        (
            "events: {E: {id: 0x8001, type: uint8, signal: body.HeaterCommand.Mode, map: {Of: 0}}}",
            "no value 'Of' (did you mean 'Off'?)",
        ),
        (
            "events: {E: {id: 0x8001, type: uint8, signal: body.HeaterCommand.Mode, map: {Off: 256}}}",
            "256 does not fit into uint8",
        ),
        (
            "events: {E: {id: 0x8001, type: uint8, signal: body.PedalStatus.Position, map: {1: 1}, scale: 2}}",
            "no `scale`",
        ),
        (
            "events: {E: {id: 0x8001, type: uint8, signal: body.PedalStatus.Position, send: cyclic}}",
            "sent cyclically has a `cycle`",
        ),
        ("events: {E: {id: 0x8001, type: Pair, members: {c: {value: 1}}}}", "Pair has no member 'c'"),
        ("events: {E: {id: 0x8001, type: Pair, members: {a: {value: 1}}}}", "b: it has no signal"),
        (
            "fields: {F: {type: float32, signal: Vehicle.Pedal.Position, set: 3}}",
            "Vehicle.Pedal.Position is of type sensor: only an actuator has a setter",
        ),
        (
            "fields: {F: {members: {a: {type: float32, signal: Vehicle.Pedal.Position}}, set: 3}}",
            "a: Vehicle.Pedal.Position is of type sensor",
        ),
        (
            "fields: {F: {type: uint8, signal: body.HeaterStatus.Level, set: 3}}",
            "is written here, so the gateway sends body.HeaterStatus, and Heater does not any more",
        ),
        ("methods: {M: {id: 1, sets: {body.PedalStatus.Pressed: 1}}}", "and Pedal does not any more"),
        (
            "methods: {M: {id: 1, request: {p: {members: {q: {type: bool, signal: body.PedalStatus.Pressed}}}}}}",
            "and Pedal does not any more",
        ),
        ("methods: {M: {id: 1, sets: {body.HeaterCommand.Mode: Sideways}}}", "has no value 'Sideways'"),
        ("methods: {M: {id: 1, request: {p: {type: uint9}}}}", "p: there is no type 'uint9'"),
        ("groups: {1: {multicast: '10.0.0.7:1'}}", "10.0.0.7 is no multicast address"),
        ("groups: {x: {}}", "input should be a valid integer"),
        ("instance: 0", "greater than or equal to 1"),
        ("tpc: 5", "did you mean 'tcp'"),
    ],
)
def test_a_fault_has_its_line_and_says_what_to_do(tmp_path: Path, item: str, wrong: str) -> None:
    found = faults(tmp_path, f"{HEAD}    S:\n      service: 0x1234\n      udp: 30501\n      {item}\n")
    assert [line for line, _ in found] == [13]
    assert wrong in found[0][1]


@pytest.mark.parametrize(
    ("services", "wrong"),
    [
        (
            "    A: {service: 1, udp: 5}\n    B: {service: 1, udp: 6}\n",
            (11, "B and A both are service 0x0001 instance 1"),
        ),
        (
            "    A: {service: 1, udp: 5}\n    B: {service: 1, instance: 2, udp: 5}\n",
            (11, "B and A are two instances of one service at port 5: a message could not tell which"),
        ),
        ("    A: {service: 1}\n", (10, "it has no port: give it `udp: PORT` or `tcp: PORT`")),
        ("    A: {service: 1, udp: 30490}\n", (10, "UDP port 30490 is the service discovery's")),
        (
            "    A: {service: 1, udp: 5}\n  consume:\n    B:\n      service: 2\n"
            "      fields: {F: {type: float32, signal: Vehicle.Pedal.Position, set: 3}}\n",
            (14, "Vehicle.Pedal.Position is of type sensor: only an actuator has a setter"),
        ),
        (
            "    A: {service: 1, udp: 5}\n  consume:\n    B: {service: 1, instance: 1}\n",
            (12, "B is service 0x0001, which is offered here as A"),
        ),
        (
            "    A: {service: 1, udp: 5}\n  address: car\n",
            (6, "'car' is no IP address: write it like 10.0.0.1 or fd00::1"),
        ),
        (
            "    A: {service: 1, udp: 5}\n  discovery: {group: 10.0.0.9}\n",
            (6, "discovery: 10.0.0.9 is no multicast address"),
        ),
        (
            "    A: {service: 1, udp: 5}\n  discovery: {ttl: 1500ms}\n",
            (6, "discovery: ttl is in whole seconds, at least one"),
        ),
    ],
)
def test_services_that_cannot_be_together_are_refused(tmp_path: Path, services: str, wrong: tuple[int, str]) -> None:
    assert faults(tmp_path, HEAD + services) == [wrong]


def test_a_message_of_a_route_is_not_a_services_as_well(tmp_path: Path) -> None:
    text = HEAD.replace(
        "  signals: signals.json\n",
        "  routes:\n    - {from: far.PedalStatus.Position, to: body.HeaterCommand.Fan}\n",
    ).replace("buses:\n", "buses:\n  far: {kind: can, bitrate: 500k, database: car.dbc, restbus: false}\n")
    text += "    S: {service: 1, udp: 5, methods: {M: {id: 1, request: {p: {type: uint8, signal: body.HeaterCommand.Level}}}}}\n"
    found = faults(tmp_path, text)
    assert any("is the target of a route and of an actuator" in sentence for _, sentence in found)


def test_all_faults_of_all_services_are_told_at_once(tmp_path: Path) -> None:
    services = (
        "    A: {service: 0x12345, udp: 5}\n    B: {service: 2}\n    C: {service: 3, udp: 5, fields: {F: {get: 1}}}\n"
    )
    assert [line for line, _ in faults(tmp_path, HEAD + services)] == [10, 11, 12]
