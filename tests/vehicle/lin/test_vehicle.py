"""LIN in a vehicle file: routes both ways, VSS, rest bus, behaviours, what is refused."""

import json
from pathlib import Path

import pytest

from gateway.can import BusEventKind, Frame
from gateway.errors import GatewayError
from gateway.lin import LinBus
from gateway.routing import Quality
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, load

SECOND = 1_000_000_000
MS = 1_000_000
LDF = """\
LIN_description_file;
LIN_protocol_version = "2.2";
LIN_language_version = "2.2";
LIN_speed = 19.2 kbps;
Nodes { Master: BCM, 5 ms, 0.1 ms; Slaves: WLM, DSP; }
Signals {
  LeftTarget: 8, 255, BCM, WLM;
  LeftPosition: 8, 7, WLM, BCM;
  Trouble: 1, 0, WLM, BCM;
  Switch: 2, 0, DSP, BCM;
}
Frames {
  WindowCommand: 0x10, BCM, 2 { LeftTarget, 0; }
  WindowState: 0x21, WLM, 2 { LeftPosition, 0; Trouble, 8; }
  WindowSwitch: 0x20, DSP, 1 { Switch, 0; }
}
Node_attributes {
  WLM { LIN_protocol = "2.2"; configured_NAD = 1; product_id = 1, 1; response_error = Trouble; }
  DSP { LIN_protocol = "2.2"; configured_NAD = 2; product_id = 1, 2; }
}
Schedule_tables {
  Normal { WindowCommand delay 10 ms; WindowState delay 10 ms; WindowSwitch delay 5 ms; }
  Diagnostic { WindowState delay 10 ms; MasterReq delay 10 ms; SlaveResp delay 10 ms; }
}
"""
DBC = """\
VERSION ""

NS_ :

BS_:

BU_: Cluster Panel GW

BO_ 560 DoorStatus: 2 GW
 SG_ WindowLeft : 0|8@1+ (1,0) [0|255] "%" Cluster

BO_ 561 Wishes: 2 Panel
 SG_ WindowLeft : 0|8@1+ (1,0) [0|255] "%" GW

BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 561 100;
"""
WLM = """\
from gateway.ecu import Ecu, on


class Wlm:
    def __init__(self, ecu: Ecu) -> None:
        self.target = ecu.rx("WindowCommand.LeftTarget")
        self.position = ecu.tx("WindowState.LeftPosition")

    @on("WindowCommand")
    def go(self) -> None:
        if self.target.value != 255:
            self.position.value = self.target.value


class Bcm:
    def __init__(self, ecu: Ecu) -> None:
        self.ecu = ecu
        self.state = ecu.rx("WindowState.LeftPosition")
        self.seen = []

    @on("WindowState")
    def came(self) -> None:
        self.seen.append(self.state.value)
"""
TREE = {
    "Vehicle": {
        "type": "branch",
        "description": "car",
        "children": {
            "Window": {
                "type": "actuator",
                "datatype": "uint8",
                "description": "opening",
                "dbc2vss": {"signal": "doors.WindowState.LeftPosition", "on_change": True},
                "vss2dbc": {"signal": "doors.WindowCommand.LeftTarget"},
            }
        },
    }
}
ROUTES = """
  - {from: doors.WindowState.LeftPosition, to: body.DoorStatus.WindowLeft}
"""


class Car:
    """A vehicle file with a body bus and a LIN bus, in pieces that a test can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.doors = "{kind: lin, database: doors.ldf, schedule: Normal}"
        self.ecus = "  WLM: {on: [doors], behaviour: wlm.py:Wlm}"
        self.routes = ROUTES
        self.more = ""
        self.ldf = LDF

    def load(self) -> Vehicle:
        (self.folder / "doors.ldf").write_text(self.ldf)
        (self.folder / "body.dbc").write_text(DBC)
        (self.folder / "wlm.py").write_text(WLM)
        (self.folder / "signals.json").write_text(json.dumps(TREE))
        path = self.folder / "vehicle.yaml"
        path.write_text(f"""\
vehicle: test
buses:
  body: {{kind: can, bitrate: 125k, database: body.dbc}}
  doors: {self.doors}
ecus:
{self.ecus}
gateway:
  routes: {self.routes}
{self.more}
""")
        return load(path, Kernel(), seed=1)


@pytest.fixture
def car(tmp_path):
    return Car(tmp_path)


def driven(vehicle: Vehicle, until_ns: int = SECOND) -> Vehicle:
    if vehicle.kernel.now == 0:
        vehicle.start()
    vehicle.kernel.run(until_ns)
    return vehicle


def latest(vehicle: Vehicle, bus: str, identifier: int) -> list[bytes]:
    found: list[bytes] = []
    vehicle.buses[bus].attach("listener").receive(identifier, lambda frame: found.append(frame.data))
    return found


class TestRestBus:
    def test_nodes_of_the_ldf_answer_with_start_values_and_its_commander_runs_the_schedule(self, car):
        car.ecus = "  {}"
        vehicle = car.load()
        states = latest(vehicle, "doors", 0x21)

        driven(vehicle)

        assert set(vehicle.ecus) >= {"BCM", "WLM", "DSP"}
        assert states == [b"\x07\x00"] * 40
        assert vehicle.buses["doors"].errors == 0

    def test_ecus_behave_on_lin(self, car):
        car.ecus += "\n  BCM: {on: [doors, body], behaviour: wlm.py:Bcm}"
        vehicle = driven(car.load())

        assert set(vehicle.ecus["BCM"].behaviour.seen) == {7}
        assert not vehicle.failures


class TestRoutes:
    def test_a_signal_goes_from_lin_to_can(self, car):
        vehicle = car.load()
        states = latest(vehicle, "body", 560)

        driven(vehicle)

        assert set(states) == {b"\x07\x00"}
        assert vehicle.gateway.balanced
        assert vehicle.gateway.routes[0].counts.forwarded == 40

    def test_and_from_can_to_lin(self, car):
        car.routes += "  - {from: body.Wishes.WindowLeft, to: doors.WindowCommand.LeftTarget}\n"
        vehicle = car.load()
        positions = latest(vehicle, "body", 560)
        vehicle.start()
        vehicle.kernel.run(SECOND)
        vehicle.ecus["Panel"].tx("Wishes.WindowLeft").value = 55

        driven(vehicle, 2 * SECOND)

        assert positions[-1] == bytes((55, 0))
        assert vehicle.gateway.balanced
        assert vehicle.buses["doors"].errors == 0

    def test_a_composed_frame_is_answered_by_the_gateway_only(self, car):
        car.routes += "  - {from: body.Wishes.WindowLeft, to: doors.WindowCommand.LeftTarget}\n"
        vehicle = car.load()
        senders = set()
        vehicle.buses["doors"].taps.append(
            lambda _, frame, sender: senders.add(sender.name) if frame.header == 0x10 else None
        )

        driven(vehicle)

        assert senders == {"GW"}
        assert vehicle.event_count("doors", BusEventKind.COLLISION) == 0

    def test_a_frame_goes_from_can_to_lin_as_another(self, car):
        car.routes += "  - {from: body.Wishes, to: doors.WindowCommand}\n"
        vehicle = car.load()
        commands = latest(vehicle, "doors", 0x10)

        driven(vehicle)

        assert commands[-1] == b"\x00\x00"
        assert vehicle.buses["doors"].errors == 0

    @pytest.mark.parametrize(
        ("route", "sentence"),
        [
            ("{from: body.Wishes, to: doors}", "doors is a LIN bus and has no frame 0x231"),
            ("{from: body, to: doors}", "all frames of body cannot go to doors"),
            ("{from: body.Wishes, to: doors.WindowSwitch}", "has 2 bytes"),
        ],
    )
    def test_a_frame_that_lin_does_not_have_is_refused(self, car, route, sentence):
        car.routes = f"[{route}]"

        with pytest.raises(GatewayError) as caught:
            car.load()

        assert sentence in str(caught.value)

    def test_what_came_by_lin_goes_stale_after_three_cycles_of_the_schedule(self, car):
        vehicle = car.load()
        driven(vehicle)
        vehicle.ecus["WLM"].switch_off()
        states = latest(vehicle, "body", 560)

        driven(vehicle, 2 * SECOND)

        assert vehicle.gateway.routes[0].timeout_ns == 3 * 25 * MS
        assert states == []
        assert vehicle.event_count("doors", BusEventKind.NO_RESPONSE) == 40


class TestVss:
    def test_a_lin_signal_feeds_a_path_and_a_wish_for_it_goes_down(self, car):
        car.more = "  signals: signals.json"
        vehicle = driven(car.load())
        window = vehicle.gateway.store["Vehicle.Window"]
        assert (window.datapoint.value, window.datapoint.quality) == (7, Quality.GOOD)

        window.actuate(100)
        driven(vehicle, 2 * SECOND)

        assert window.datapoint.value == 100
        assert vehicle.buses["doors"].errors == 0

    LDF_OF_BOTH = LDF.replace("LeftTarget: 8, 255, BCM, WLM;", "LeftTarget: 8, 255, BCM, WLM; Slow: 8, 3, BCM, WLM;")
    LDF_OF_BOTH = LDF_OF_BOTH.replace("{ LeftTarget, 0; }", "{ LeftTarget, 0; Slow, 8; }")

    def test_one_frame_carries_a_route_and_a_wish(self, car):
        car.ldf = self.LDF_OF_BOTH
        car.more = "  signals: signals.json"
        car.routes += "  - {from: body.Wishes.WindowLeft, to: doors.WindowCommand.Slow}\n"
        vehicle = car.load()
        commands = latest(vehicle, "doors", 0x10)
        vehicle.start()
        vehicle.ecus["Panel"].switch_on()

        driven(vehicle)
        assert commands[0] == b"\xff\x03"  # start values until something is known
        assert commands[-1] == b"\xff\x00"
        vehicle.gateway.store["Vehicle.Window"].actuate(100)
        driven(vehicle, 2 * SECOND)
        assert commands[-1] == b"\x64\x00"
        vehicle.ecus["Panel"].tx("Wishes.WindowLeft").value = 55
        driven(vehicle, 3 * SECOND)
        assert commands[-1] == b"\x64\x37"
        vehicle.ecus["Panel"].switch_off()
        driven(vehicle, 4 * SECOND)
        vehicle.gateway.store["Vehicle.Window"].actuate(20)
        driven(vehicle, 5 * SECOND)

        assert commands[-1] == b"\x14\x37"
        assert vehicle.gateway.balanced
        assert vehicle.buses["doors"].errors == 0

    def test_one_signal_of_it_cannot_be_both(self, car):
        car.more = "  signals: signals.json"
        car.routes += "  - {from: body.Wishes.WindowLeft, to: doors.WindowCommand.LeftTarget}\n"

        with pytest.raises(
            GatewayError,
            match=r"doors\.WindowCommand\.LeftTarget is the target of a route and of the actuator Vehicle\.W",
        ):
            car.load()


class TestSchedules:
    def test_the_commanders_ecu_changes_the_table(self, car):
        car.ecus += "\n  BCM: {on: [doors, body], behaviour: wlm.py:Bcm}"
        vehicle = driven(car.load())
        vehicle.ecus["BCM"].schedule("doors", "Diagnostic")
        commands = latest(vehicle, "doors", 0x10)

        driven(vehicle, 2 * SECOND)

        assert len(commands) <= 1  # the slot that has just begun

    def test_another_ecu_cannot(self, car):
        vehicle = driven(car.load())

        with pytest.raises(GatewayError, match="WLM is not the commander of doors; that is BCM"):
            vehicle.ecus["WLM"].schedule("doors", "Diagnostic")
        with pytest.raises(GatewayError, match="body is no LIN bus"):
            vehicle.ecus["Panel"].schedule("body", "Diagnostic")

    def test_the_vehicle_file_may_have_tables_of_its_own(self, car):
        car.doors = (
            "{kind: lin, database: doors.ldf, schedule: Slow, schedules: {Slow: [{frame: WindowState, delay: 100ms}]}}"
        )
        vehicle = car.load()
        states = latest(vehicle, "doors", 0x21)

        driven(vehicle)

        assert len(states) == 10
        assert vehicle.gateway.routes[0].timeout_ns == 300 * MS


class TestDbc:
    DBC = """\
VERSION ""

NS_ :

BS_:

BU_: BCM WLM

BO_ 33 WindowState: 2 WLM
 SG_ LeftPosition : 0|8@1+ (0.5,0) [0|100] "%" BCM

"""

    def test_signals_come_from_a_dbc_and_ids_from_the_ldf(self, car):
        (car.folder / "lin.dbc").write_text(self.DBC)
        car.doors = "{kind: lin, database: [doors.ldf, lin.dbc], schedule: Normal}"

        vehicle = car.load()

        assert vehicle.databases["doors"].message("WindowState").signal("LeftPosition").scale == 0.5
        assert vehicle.databases["doors"].message("WindowCommand").arbitration_id == 0x10

    def test_a_dbc_alone_with_the_rest_in_the_vehicle_file(self, car):
        (car.folder / "lin.dbc").write_text(self.DBC)
        car.doors = (
            "{kind: lin, database: lin.dbc, bitrate: 9600, commander: BCM, schedule: Only,"
            " schedules: {Only: [{frame: WindowState, delay: 20ms}]}}"
        )
        car.ecus = "  {}"
        vehicle = car.load()
        states = latest(vehicle, "doors", 0x21)

        driven(vehicle)

        assert len(states) == 50
        bus = vehicle.buses["doors"]
        assert isinstance(bus, LinBus)
        assert bus.description.bit_rate == 9600


REFUSED = {
    "no commander": (
        "{kind: lin, database: lin.dbc, bitrate: 9600}",
        "vehicle.yaml:4: bus doors names no commander: give it `commander: ECU`",
    ),
    "nobody to command": (
        "{kind: lin, database: doors.ldf, restbus: false}",
        "vehicle.yaml:4: nobody runs the schedule of doors: its rest bus is off; put the commander BCM under `ecus`",
    ),
    "no bit rate": ("{kind: lin, database: lin.dbc, commander: BCM}", "bus doors has no bit rate"),
    "unknown schedule": (
        "{kind: lin, database: doors.ldf, schedule: Norml}",
        "vehicle.yaml:4: bus doors has no schedule 'Norml' (did you mean 'Normal'?)",
    ),
    "another commander": (
        "{kind: lin, database: doors.ldf, commander: WLM}",
        "vehicle.yaml:4: the commander of doors is BCM in its LDF, not WLM",
    ),
    "an LDF on CAN": ("{kind: can, database: doors.ldf}", "doors.ldf is an LDF, and doors is no LIN bus"),
    "a schedule on CAN": ("{kind: can, database: body.dbc, schedule: Normal}", "so its kind must be lin"),
    "a slot that is too short": (
        "{kind: lin, database: doors.ldf, schedules: {X: [{frame: WindowState, delay: 3ms}]}}",
        "vehicle.yaml:4: bus doors: table X: the slot of 3 ms is too short for WindowState: it needs 4.767 ms",
    ),
    "an unknown frame in a schedule": (
        "{kind: lin, database: doors.ldf, schedules: {X: [{frame: WindowStat, delay: 30ms}]}}",
        "which is no frame (did you mean 'WindowState'?)",
    ),
    "another bit rate": (
        "{kind: lin, database: doors.ldf, bitrate: 9600}",
        "vehicle.yaml:4: bus doors has the bit rate 19200 in its LDF, not 9600: leave `bitrate` out",
    ),
    "two LDFs": ("{kind: lin, database: [doors.ldf, doors.ldf]}", "bus doors has two LDFs"),
}


class TestRefused:
    @pytest.mark.parametrize("name", REFUSED)
    def test_with_a_sentence_and_its_line(self, car, name):
        car.doors, sentence = REFUSED[name]
        car.routes = "[]"
        car.ecus = "  {}" if "WLM" not in car.doors else car.ecus
        (car.folder / "lin.dbc").write_text(TestDbc.DBC)

        with pytest.raises(GatewayError) as caught:
            car.load()

        assert sentence in str(caught.value)
        assert caught.value.exit_code == 2

    def test_the_gateway_as_a_commander_that_nobody_plays(self, car):
        car.ldf = LDF.replace("BCM", "GW")
        car.ecus, car.routes = "  {}", "[]"

        with pytest.raises(GatewayError, match="nobody runs the schedule of doors: GW is the gateway, which runs none"):
            car.load()

    def test_an_ldf_without_schedule_tables(self, car):
        car.ldf = LDF[: LDF.index("Schedule_tables")]
        car.routes = "[]"

        with pytest.raises(GatewayError, match=r"vehicle\.yaml:4: bus doors has no schedule table, so no frame would"):
            car.load()

    def test_a_faulty_ldf_with_its_own_line(self, car):
        car.ldf = LDF.replace("WindowSwitch delay 5 ms", "WindowSwitsch delay 5 ms")

        with pytest.raises(GatewayError, match=r"doors\.ldf:22: table Normal has a slot for frame 'WindowSwitsch'"):
            car.load()


def test_the_same_seed_is_the_same_trace(car):
    def trace() -> list[tuple[int, int, bytes]]:
        vehicle = car.load()
        seen: list[tuple[int, int, bytes]] = []

        def note(time_ns: int, frame: Frame, _sender: object) -> None:
            seen.append((time_ns, frame.header, frame.data))

        for bus in vehicle.buses.values():
            bus.taps.append(note)
        driven(vehicle)
        return seen

    assert trace() == trace()
