"""Vehicles that are broken on purpose: what is done to the template's vehicle, and what is asked about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gateway
from gateway.can import EXTENDED, Controller, Frame
from gateway.explain import Answer, Fault, Journal, Scene, Told, asked, names_of, open_recording, recording_of, why
from gateway.hil.wire import Changed, Cut, Destroyed, Overrun, Shorted
from gateway.lin import NoResponse, WrongChecksum
from gateway.routing import SignalError
from gateway.sim import Kernel, Stream, Streams
from gateway.vehicle import Recorder, Selection, Vehicle, load
from gateway.vehicle.selection import keep

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
    """One broken vehicle. `edit` changes its files, `during` breaks it while it drives, `says` stands in the first line."""

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
BUSY = Frame(0x0A0, bytes(8))


def _speed_by_standard_frames(vehicle: Vehicle) -> None:
    """Another Motor, whose identifiers have 11 bits."""
    vehicle.ecu("Motor").silence("VehicleSpeed")
    intruder("powertrain", Frame(SPEED, bytes(4)), 20 * MS)(vehicle)


def _extended(vehicle: Vehicle) -> None:
    vehicle.ecu("Motor").silence("VehicleSpeed")
    intruder("powertrain", Frame(SPEED | EXTENDED, bytes(4)), 20 * MS)(vehicle)


PLANTED = [
    Planted(
        "scale of the sender", "Vehicle.Speed", Fault.OUT_OF_RANGE,
        r"last frame at 1\.9\d\d s on powertrain from Motor, the transform refused it: 655\.35 is above max 300"
        r" of powertrain\.VehicleSpeed\.Speed \(powertrain\.dbc\)",
        during=changed(SPEED, lambda frame: frame.data[:2] + b"\xff\xff"),
    ),
    Planted(
        "scale of the route", "body.ClusterInfo.DisplaySpeed", Fault.OUT_OF_RANGE,
        r"route r2 .* dropped it: the transform's result [\d.]+ \(made of [\d.]+\) is above max 310"
        r" of ClusterInfo\.DisplaySpeed \(vehicle\.yaml:27\)",
        edit=replaced("vehicle.yaml", "scale: 1.03", "scale: 10300"), at_ns=6 * S,
    ),
    Planted(
        "wrong bus", "Vehicle.Speed", Fault.WRONG_BUS,
        r"0x100 VehicleSpeed never comes on body, but on powertrain, from Motor",
        edit=both(BODY_SPEED, leaf("Vehicle.Speed", dbc2vss={"signal": "body.VehicleSpeed.Speed"})),
    ),
    Planted(
        "filtered by when", "body.MotorStatus", Fault.CONDITION,
        r"last frame at 1\.9\d\d s on powertrain, route r1 powertrain\.MotorStatus -> body filtered it:"
        r" its condition `Rpm > 19000` is not met \(Rpm = \d+\) \(vehicle\.yaml:24\)",
        edit=route('when: "Rpm > 19000"'),
    ),
    Planted(
        "filtered by every", "body.MotorStatus", Fault.RATE_LIMIT,
        r"rate limit: at most one every 5 s \(vehicle\.yaml:24\)",
        edit=route("every: 5s"),
    ),
    Planted(
        "sender hangs", "Vehicle.Speed", Fault.ECU_SILENT,
        r"is stale since 1\.2\d\d s: its sender Motor sends nothing at all on powertrain since 1\.1\d\d s: it hangs",
        during=at(lambda vehicle: vehicle.ecu("Motor").hang()),
    ),
    Planted(
        "sender without power", "Vehicle.Speed", Fault.ECU_OFF, r"its sender Motor has no power since 1\.200 s",
        during=at(lambda vehicle: vehicle.ecu("Motor").switch_off()),
    ),
    Planted(
        "behaviour failed", "Vehicle.Speed", Fault.ECU_FAILED,
        r"the behaviour of its sender Motor failed at \d\.\d+ s: ZeroDivisionError.* \(motor\.py:\d+\)",
        edit=replaced("ecus/motor.py", "self.speed.value = self.speed_ms * 3.6",
                      "self.speed.value = 1 / max(0.0, 1.0 - self.heat_degc / 30)"),
        at_ns=6 * S,
    ),
    Planted(
        "message silenced", "powertrain.VehicleSpeed", Fault.MESSAGE_SILENT,
        r"its sender Motor does not send it since the start, though it sends other messages on powertrain",
        during=lambda vehicle: vehicle.ecu("Motor").silence("VehicleSpeed"),
    ),
    Planted(
        "starved by arbitration", "Vehicle.Speed", Fault.LOST_ARBITRATION,
        r"sent by Motor, it loses arbitration for \d+(\.\d+)? ms to 0x0A0 of Intruder, which is at (9\d|100)% of the load",
        during=intruder("powertrain", BUSY, MS, 5),
    ),
    Planted(
        "late by arbitration", "powertrain.VehicleSpeed", Fault.LOST_ARBITRATION,
        r"sent by Motor, it lost arbitration for \d(\.\d+)? ms to 0x0A0 of Intruder, which is at \d\d% of the load",
        during=intruder("powertrain", BUSY, 13 * MS, 40),
    ),
    Planted(
        "sender bus-off", "Vehicle.Speed", Fault.BUS_OFF,
        r"its sender Motor is bus-off on powertrain since 1\.2\d\d s after \d+ errors",
        during=failing("Motor", "powertrain"),
    ),
    Planted(
        "unit stopped", "Vehicle.Speed", Fault.UNIT_STOPPED,
        r"unit motor\.service on central, which runs its sender Motor, is stopped since 1\.2\d\d s",
        edit=unit("motor", "ecu: Motor"), during=kill_unit("motor.service"),
    ),
    Planted(
        "unit of routes stopped", "body.MotorStatus", Fault.UNIT_STOPPED,
        r"unit routing\.service on central, which runs route r1 .*, is stopped \(vehicle\.yaml:24\)",
        edit=unit("routing", "routes: [1]"), during=kill_unit("routing.service"),
    ),
    Planted(
        "29 bits in the database, 11 on the bus", "Vehicle.Speed", Fault.WRONG_ID_KIND,
        r"the frames of powertrain have 0x100 with 11 bits, and the database has 0x100x VehicleSpeed with 29",
        edit=EXTENDED_SPEED, during=_speed_by_standard_frames,
    ),
    Planted(
        "11 bits in the database, 29 on the bus", "powertrain.VehicleSpeed", Fault.WRONG_ID_KIND,
        r"the frames of powertrain have 0x100x with 29 bits, and the database has 0x100 VehicleSpeed with 11",
        during=_extended,
    ),
    Planted(
        "wrong length", "Vehicle.Speed", Fault.WRONG_LENGTH,
        r"last frame at 1\.9\d\d s on powertrain has 2 bytes, VehicleSpeed\.Speed reaches to byte 4",
        during=changed(SPEED, lambda frame: frame.data[:2]),
    ),
    Planted(
        "mapping missing", "Vehicle.Speed", Fault.NOT_FED, r"the mapping has no dbc2vss for it.* \(signals\.json:6\)",
        edit=leaf("Vehicle.Speed", dbc2vss=None),
    ),
    Planted(
        "actuator refused", "Vehicle.Lamp", Fault.TARGET_REFUSED,
        r"its target value was refused at 1\.200 s: Vehicle\.Lamp cannot be 7.* \(signals\.json:\d+\)",
        edit=both(
            database("body", "BO_ 528 Dash", 'BO_ 560 LampCommand: 1 GW\n SG_ Lamp : 0|1@1+ (1,0) [0|1] "" Lamps\n\nBO_ 528 Dash'),
            leaf("Vehicle.Lamp", type="actuator", datatype="uint8", vss2dbc={"signal": "body.LampCommand.Lamp"}),
        ),
        during=actuate("Vehicle.Lamp", 7),
    ),
    Planted(
        "queue full", "body.MotorStatus", Fault.QUEUE_FULL,
        r"route r1 .* dropped it: queue full: too many frames wait towards body \(vehicle\.yaml:25\)",
        edit=both(route("latency: 1500ms"), replaced("vehicle.yaml", "  name: GW", "  queue: 2\n  name: GW")),
    ),
    Planted(
        "ECU left out", "Vehicle.Speed", Fault.ECU_LEFT_OUT, r"its sender Motor is left out of this run \(--only, --without\)",
        without=frozenset({"Motor"}),
    ),
    Planted(
        "gateway left out", "Vehicle.Speed", Fault.GATEWAY_LEFT_OUT, r"the gateway GW is left out of this run",
        without=frozenset({"gateway"}),
    ),
    Planted(
        "gateway without power", "body.MotorStatus", Fault.GATEWAY_OFF, r"the gateway GW has no power since 1\.200 s",
        during=at(gateway_off),
    ),
    Planted(
        "gateway without power, above", "Vehicle.Speed", Fault.GATEWAY_OFF, r"the gateway GW has no power since 1\.200 s",
        during=at(gateway_off),
    ),
    Planted(
        "gateway's wire cut", "body.MotorStatus", Fault.GATEWAY_DEAF,
        r"r1 .* makes nothing of the frames that come on powertrain: the gateway does not receive them",
        during=cut("powertrain", "GW"),
    ),
    Planted(
        "gateway loses frames", "Vehicle.Speed", Fault.GATEWAY_DEAF,
        r"is stale since 1\.2\d\d s: 0x100 VehicleSpeed comes on powertrain, last at 1\.9\d\d s, and the gateway does not",
        during=at(lambda vehicle: vehicle.buses["powertrain"].disturb(Overrun(None, 1, stream(), "GW"))),
    ),
    Planted(
        "wrong checksum", "Vehicle.Speed", Fault.WRONG_CHECKSUM,
        r"is good.* has Checksum \d+, and \d+ would be right: who checks it refuses it",
        during=at(lambda vehicle: protection(vehicle, wrong=True)),
    ),
    Planted(
        "counter stuck", "powertrain.VehicleSpeed", Fault.COUNTER_STUCK,
        r"has Counter \d+ like the \d+ before it: who checks it refuses it",
        during=at(lambda vehicle: protection(vehicle, stuck=True)),
    ),
    Planted(
        "bus cut", "body.DashStatus", Fault.BUS_SILENT,
        r"nothing at all comes on body since 1\.\d+ s, neither from Dash nor from GW nor from Lamps: its wire is cut",
        during=cut("body"),
    ),
    Planted(
        "bus shorted", "body.DashStatus", Fault.BUS_DISTURBED,
        r"no frame gets through on body since 1\.\d+ s: \d+ errors of .*Dash",
        during=at(lambda vehicle: vehicle.buses["body"].disturb(Shorted())),
    ),
    Planted(
        "unknown multiplexer", "Vehicle.Powertrain.Temperature", Fault.MULTIPLEXED_OUT,
        r"has State = 1, which the database does not know, and Temperature is there with 2 only \(powertrain\.dbc\)",
        edit=both(MULTIPLEXED, replaced("ecus/motor.py", "self.temperature.value =", "_ =")),
    ),
    Planted(
        "value not in the table", "Vehicle.Powertrain.State", Fault.NOT_MAPPED,
        r"the transform refused it: Ready is not in the mapping \(signals\.json:\d+\)",
        edit=leaf(
            "Vehicle.Powertrain.State", datatype="string",
            dbc2vss={"signal": "powertrain.MotorStatus.State", "interval_ms": 0,
                     "transform": {"mapping": [{"from": "Off", "to": "off"}]}},
        ),
    ),
    Planted(
        "value not in the route's map", "body.DashStatus.SpeedWarning", Fault.NOT_MAPPED,
        r"route r2 .* dropped it: Ready is not in its map, which has Off \(vehicle\.yaml:2\d\)",
        edit=replaced(
            "vehicle.yaml", "{from: powertrain.VehicleSpeed.Speed, to: body.ClusterInfo.DisplaySpeed, scale: 1.03, timeout: 100ms}",
            "{from: powertrain.MotorStatus.State, to: body.DashStatus.SpeedWarning, map: {Off: 0}}",
        ),
    ),
    Planted(
        "no result", "Vehicle.Powertrain.Temperature", Fault.NO_RESULT, r"the transform refused it: .*zero.* \(signals\.json:\d+\)",
        edit=leaf("Vehicle.Powertrain.Temperature",
                  dbc2vss={"signal": "powertrain.MotorStatus.Temperature", "interval_ms": 0, "transform": {"math": "1 / (x - x)"}}),
    ),
    Planted(
        "the gateway's own frame", "Vehicle.Powertrain.Temperature", Fault.OWN_FRAME,
        r"its message on body is sent by the gateway itself, which does not receive what it sends",
        edit=leaf("Vehicle.Powertrain.Temperature", dbc2vss={"signal": "body.MotorStatus.Temperature"}),
    ),
    Planted(
        "LIN node does not answer", "Vehicle.Seat", Fault.NO_RESPONSE, r"no response to its headers on seat, last at 1\.9\d\d s",
        edit=lin, during=at(lambda vehicle: vehicle.buses["seat"].disturb(NoResponse())),
    ),
    Planted(
        "LIN checksum", "Vehicle.Seat", Fault.WRONG_CHECKSUM, r"wrong checksum to its headers on seat, last at 1\.9\d\d s",
        edit=lin, during=at(lambda vehicle: vehicle.buses["seat"].disturb(WrongChecksum())),
    ),
    Planted("nothing", "Vehicle.Speed", Fault.NONE, r"is good, [\d.]+ at 1\.\d+ s: nothing is wrong with it"),
]  # fmt: skip
