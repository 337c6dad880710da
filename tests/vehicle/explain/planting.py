"""How vehicles are broken on purpose: changes of the template's files, and what is done while it drives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gateway
from gateway.can import EXTENDED, Controller, Frame
from gateway.explain import Answer, Fault, Journal, Scene, Told, asked, names_of, open_recording, recording_of, why
from gateway.hil.wire import Changed, Cut, Destroyed
from gateway.routing import SignalError
from gateway.sim import Kernel, Stream, Streams
from gateway.vehicle import Recorder, Selection, Vehicle, load
from gateway.vehicle.assembly.selection import keep

TEMPLATE = Path(gateway.__file__).parent / "cli" / "templates" / "new"
MS = 1_000_000
S = 1_000_000_000
BROKEN_NS = 1200 * MS
END_NS = 2 * S
SPEED, STATUS = 0x100, 0x180

Edit = Callable[[Path], object]
During = Callable[[Vehicle], object]


@dataclass(frozen=True)
class Planted:
    """One broken vehicle. `edit` changes its files, `during` breaks it while it drives, `says` is in the first line."""

    name: str
    asked: str
    fault: Fault
    says: str
    edit: Edit = lambda folder: None
    during: During = lambda vehicle: None
    without: frozenset[str] = frozenset()
    at_ns: int = END_NS


def build(planted: Planted, folder: Path) -> Vehicle:
    """The broken vehicle, switched off."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    planted.edit(folder)
    kernel = Kernel()
    vehicle = load(folder, kernel)
    keep(vehicle, Selection(without=planted.without))
    return vehicle


def drive(planted: Planted, folder: Path) -> Path:
    """Drive a broken vehicle for two seconds, and record it."""
    vehicle = build(planted, folder)
    trace = folder / "run.pcapng"
    recorder = Recorder(vehicle, trace, seed=0)
    recorder.start()
    vehicle.start()
    planted.during(vehicle)
    vehicle.kernel.run(planted.at_ns)
    recorder.close()
    return trace


def ask_while_it_runs(planted: Planted, folder: Path) -> Told:
    """What the running vehicle answers, as over its socket."""
    vehicle = build(planted, folder)
    journal = Journal(vehicle)
    journal.start()
    vehicle.start()
    planted.during(vehicle)
    vehicle.kernel.run(planted.at_ns)
    recording = recording_of(vehicle, journal.frames())
    journal.close()
    return asked(recording, names_of(recording.about, vehicle), f"signal {planted.asked}")


def ask(planted: Planted, folder: Path, trace: Path) -> Answer:
    """What `gateway explain` answers: from the recording and the vehicle file alone."""
    recording = open_recording(trace)
    names = names_of(recording.about, load(folder, Kernel()))
    return why(Scene(recording.table, names, planted.at_ns), planted.asked)


# Changes of files


def replaced(file: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        path = folder / file
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))

    return edit


def both(*edits: Edit) -> Edit:
    def edit(folder: Path) -> None:
        for each in edits:
            each(folder)

    return edit


def leaf(path: str, **attributes: object) -> Edit:
    """A leaf of the VSS tree with other attributes; None takes one out."""

    def edit(folder: Path) -> None:
        file = folder / "dbc" / "signals.json"
        tree = json.loads(file.read_text())
        node = {"children": tree}
        for name in path.split("."):
            node = node["children"].setdefault(name, {"type": "sensor"})
        for key, value in attributes.items():
            if value is None:
                del node[key]
            else:
                node[key] = value
        file.write_text(json.dumps(tree, indent=2))

    return edit


ROUTE = "{from: powertrain.MotorStatus, to: body}"


def route(more: str) -> Edit:
    return replaced("vehicle.yaml", ROUTE, ROUTE.replace("}", f", {more}}}"))


def database(bus: str, old: str, new: str) -> Edit:
    return replaced(f"dbc/{bus}.dbc", old, new)


# What is done while it drives


def at(action: Callable[[Vehicle], object]) -> During:
    def during(vehicle: Vehicle) -> None:
        vehicle.kernel.at(BROKEN_NS, lambda: action(vehicle))

    return during


def stream() -> Stream:
    return Streams(1).stream("planted")


def changed(key: int, change: Callable[[Frame], bytes]) -> During:
    return at(lambda vehicle: vehicle.buses["powertrain"].disturb(Changed(frozenset([key]), 1, stream(), change)))


def intruder(bus: str, frame: Frame, every_ns: int, burst: int = 1) -> During:
    """Somebody that the database does not know."""

    def during(vehicle: Vehicle) -> None:
        controller: Controller = vehicle.buses[bus].attach("Intruder")

        def send() -> None:
            for _ in range(burst):
                if controller.queued < 60:
                    controller.send(frame)
            vehicle.kernel.after(every_ns, send)

        vehicle.kernel.at(BROKEN_NS, send)

    return during


def failing(ecu: str, bus: str) -> During:
    def begin(vehicle: Vehicle) -> None:
        vehicle.ecu(ecu).ports[bus].controller.recovers = False
        vehicle.buses[bus].disturb(Destroyed(None, 1.0, stream(), frozenset([ecu])))

    return at(begin)


def cut(bus: str, *names: str) -> During:
    def begin(vehicle: Vehicle) -> None:
        everybody = [controller.name for controller in vehicle.buses[bus].controllers]
        vehicle.buses[bus].disturb(Cut(frozenset(names or everybody)))

    return at(begin)


def gateway_off(vehicle: Vehicle) -> None:
    for controller in vehicle.gateway.controllers.values():
        controller.switch_off()


def kill_unit(unit: str) -> During:
    def kill(vehicle: Vehicle) -> None:
        assert vehicle.fleet is not None
        vehicle.fleet.node("central").engine.units[unit].kill("all", 15)

    return at(kill)


def actuate(path: str, value: int) -> During:
    def ask_for(vehicle: Vehicle) -> None:
        try:
            vehicle.gateway.store[path].actuate(value)
        except SignalError:
            return
        raise AssertionError("it was to be refused")

    return at(ask_for)


def protection(vehicle: Vehicle, **flags: bool) -> None:
    found = vehicle.ecu("Motor").ports["powertrain"].tx["VehicleSpeed"].protection
    assert found is not None
    for name, value in flags.items():
        setattr(found, name, value)


UNITS = "\ndomains:\n  nodes:\n    central:\n      units:\n        {unit}: {{{what}}}\n"


def during_pedal(percent: float) -> During:
    def press(vehicle: Vehicle) -> None:
        vehicle.ecu("Motor").input("pedal").value = percent

    return press


def unit(name: str, what: str) -> Edit:
    def edit(folder: Path) -> None:
        path = folder / "vehicle.yaml"
        path.write_text(path.read_text() + UNITS.format(unit=name, what=what))

    return edit


LDF = """LIN_description_file;
LIN_protocol_version = "2.1";
LIN_language_version = "2.1";
LIN_speed = 19.2 kbps;
Nodes { Master: CEM, 5 ms, 0.1 ms; Slaves: Seat; }
Signals { Position: 8, 0, Seat, CEM; }
Frames { SeatState: 2, Seat, 2 { Position, 0; } }
Node_attributes { Seat { LIN_protocol = "2.1"; configured_NAD = 0x01; product_id = 0x1, 0x2; P2_min = 50 ms; ST_min = 0 ms; } }
Schedule_tables { Normal { SeatState delay 10 ms; } }
"""


def lin(folder: Path) -> None:
    """One more bus, with a seat."""
    (folder / "dbc" / "seat.ldf").write_text(LDF)
    replaced(
        "vehicle.yaml",
        "\necus:",
        "\n  seat: {kind: lin, database: dbc/seat.ldf, schedule: Normal}\n\necus:",
    )(folder)
    leaf("Vehicle.Seat", datatype="uint8", dbc2vss={"signal": "seat.SeatState.Position", "interval_ms": 0})(folder)


END_TO_END = replaced(
    "vehicle.yaml", "{counter: Counter, checksum: Checksum, algorithm: crc8-j1850}", "{e2e: P01, data_id: 0x123}"
)
SILENCED_NOBODY = replaced(
    "vehicle.yaml", "  powertrain.VehicleSpeed: {counter: Counter, checksum: Checksum, algorithm: crc8-j1850}", "  {}"
)
EXTENDED_SPEED = both(
    database("powertrain", "BO_ 256 VehicleSpeed: 4 Motor", f"BO_ {0x80000000 | SPEED} VehicleSpeed: 4 Motor"),
    database("powertrain", 'BA_ "GenMsgCycleTime" BO_ 256 20;', f'BA_ "GenMsgCycleTime" BO_ {0x80000000 | SPEED} 20;'),
    database("powertrain", "CM_ BO_ 256", f"CM_ BO_ {0x80000000 | SPEED}"),
)
MULTIPLEXED = both(
    database("powertrain", " SG_ State : 24|2@1+", " SG_ State M : 24|2@1+"),
    database("powertrain", " SG_ Temperature : 16|8", " SG_ Temperature m2 : 16|8"),
)
BODY_SPEED = database(
    "body",
    "BO_ 528 DashStatus",
    'BO_ 256 VehicleSpeed: 4 Vector__XXX\n SG_ Speed : 16|16@1+ (0.01,0) [0|300] "km/h" Dash\n\nBO_ 528 DashStatus',
)
LAMP_COMMAND = database(
    "body", "BO_ 528 Dash", 'BO_ 560 LampCommand: 1 GW\n SG_ Lamp : 0|1@1+ (1,0) [0|1] "" Lamps\n\nBO_ 528 Dash'
)
BUSY = Frame(0x0A0, bytes(8))


def speed_by_standard_frames(vehicle: Vehicle) -> None:
    """Another Motor, whose identifiers have 11 bits."""
    vehicle.ecu("Motor").silence("VehicleSpeed")
    intruder("powertrain", Frame(SPEED, bytes(4)), 20 * MS)(vehicle)


def extended_speed(vehicle: Vehicle) -> None:
    vehicle.ecu("Motor").silence("VehicleSpeed")
    intruder("powertrain", Frame(SPEED | EXTENDED, bytes(4)), 20 * MS)(vehicle)
