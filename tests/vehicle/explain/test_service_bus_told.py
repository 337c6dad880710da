"""What the service bus refused or held back is in the recording, and explain tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from planting import MS, Planted, S, ask_while_it_runs, drive, during_pedal, leaf

from gateway.explain import Fault, asked, names_of, open_recording
from gateway.services.errors import RequestError
from gateway.services.outbox import Outbox
from gateway.services.policy import EventPolicy
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, load
from gateway.vehicle.served.service_bus import signals_of

POLICY = EventPolicy(interval_ns=S)
FAN = "Vehicle.Fan"


def serve(vehicle: Vehicle) -> None:
    """A receiver that wants at most one value a second, and a client that asks for what cannot be."""
    signals = signals_of(vehicle, "MQTT")
    outbox = Outbox(vehicle.kernel, signals.by_path.values(), lambda path: POLICY, signals.held_back)

    def take() -> None:
        while outbox.take() is not None:
            pass
        vehicle.kernel.after(MS, take)

    def ask(path: str) -> None:
        with pytest.raises(RequestError):
            signals.set(path, b'{"value": 3}')

    vehicle.ecu("Motor").input("pedal").value = 100
    take()
    vehicle.kernel.at(500 * MS, lambda: ask("Vehicle.Speed"))
    vehicle.kernel.at(600 * MS, lambda: ask(FAN))


BUS = Planted(
    "service bus", "Vehicle.Speed", Fault.NONE, "", edit=leaf(FAN, type="actuator", datatype="uint8"), during=serve
)


def test_a_recording_tells_of_values_held_back_and_of_requests_refused(tmp_path: Path) -> None:
    folder = tmp_path / "car"
    recording = open_recording(drive(BUS, folder))
    names = names_of(recording.about, load(folder, Kernel()))
    speed = "\n".join(asked(recording, names, "signal Vehicle.Speed").lines)
    assert "Vehicle.Speed is good" in speed
    assert "MQTT held its value back: at most one every 1 s" in speed
    assert "MQTT refused a request for it: Vehicle.Speed is a sensor, no actuator: it can only be read" in speed
    fan = asked(recording, names, f"signal {FAN}").lines[0]
    assert fan == (
        f"{FAN} keeps its value: its target value was refused at 0.600 s, over MQTT: nobody drives {FAN} (signals.json:32)"
    )


def test_a_vehicle_that_runs_tells_it_too(tmp_path: Path) -> None:
    told = "\n".join(ask_while_it_runs(BUS, tmp_path / "car").lines)
    assert "MQTT held its value back: at most one every 1 s" in told


SOMEIP = """
services:
  offer:
    Dynamics:
      service: 0x1234
      udp: 30501
      fields:
        Speed: {type: float32, signal: Vehicle.Speed, notify: 0x8001, every: 500ms}
"""


def test_an_event_of_someip_that_is_held_back_is_told(tmp_path: Path) -> None:
    def offer(folder: Path) -> None:
        file = folder / "vehicle.yaml"
        file.write_text(file.read_text() + SOMEIP)

    folder = tmp_path / "car"
    planted = Planted("offered", "Vehicle.Speed", Fault.NONE, "", edit=offer, during=during_pedal(100))
    recording = open_recording(drive(planted, folder))
    names = names_of(recording.about, load(folder, Kernel()))
    lines = "\n".join(asked(recording, names, "signal Vehicle.Speed").lines)
    assert "SOME/IP held its value back: Speed: at most one every 500 ms" in lines
