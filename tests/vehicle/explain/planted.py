"""Vehicles that are broken on purpose: what is broken, what is asked, and what the first line must say."""

from planting import (
    BODY_SPEED,
    BUSY,
    END_TO_END,
    EXTENDED_SPEED,
    LAMP_COMMAND,
    MS,
    MULTIPLEXED,
    SPEED,
    Planted,
    S,
    actuate,
    at,
    both,
    changed,
    cut,
    extended_speed,
    failing,
    gateway_off,
    intruder,
    kill_unit,
    leaf,
    lin,
    protection,
    replaced,
    route,
    speed_by_standard_frames,
    stream,
    unit,
)

from gateway.explain import Fault
from gateway.hil.wire import Overrun, Shorted
from gateway.lin import NoResponse, WrongChecksum

PLANTED = [
    Planted(
        "scale of the sender", "Vehicle.Speed", Fault.OUT_OF_RANGE,
        r"last frame at 1\.9\d\d s on powertrain from Motor, the transform refused it: 655\.35 is above max 300"
        r" of powertrain\.VehicleSpeed\.Speed \(powertrain\.dbc\)",
        during=changed(SPEED, lambda frame: frame.data[:2] + b"\xff\xff"),
    ),
    Planted(
        "above the leaf's maximum", "Vehicle.Speed", Fault.WRONG_TYPE,
        r"is stale since \d\.\d+ s: last frame at 5\.9\d\d s on powertrain from Motor, the transform refused it:"
        r" [\d.]+ is above max 1 of Vehicle\.Speed \(signals\.json:\d+\)",
        edit=leaf("Vehicle.Speed", max=1), at_ns=6 * S,
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
        edit=EXTENDED_SPEED, during=speed_by_standard_frames,
    ),
    Planted(
        "11 bits in the database, 29 on the bus", "powertrain.VehicleSpeed", Fault.WRONG_ID_KIND,
        r"the frames of powertrain have 0x100x with 29 bits, and the database has 0x100 VehicleSpeed with 11",
        during=extended_speed,
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
            LAMP_COMMAND,
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
        "ECU left out", "Vehicle.Speed", Fault.ECU_LEFT_OUT, r"its sender Motor is left out of this run \(--without Motor\)",
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
        r"is good.* has Checksum \d+, and \d+ would be right: nobody here checks it .protect has no e2e",
        during=at(lambda vehicle: protection(vehicle, wrong=True)),
    ),
    Planted(
        "counter stuck", "powertrain.VehicleSpeed", Fault.COUNTER_STUCK,
        r"has Counter \d+ like the \d+ before it: nobody here checks it .protect has no e2e",
        during=at(lambda vehicle: protection(vehicle, stuck=True)),
    ),
    Planted(
        "end-to-end CRC wrong", "Vehicle.Speed", Fault.E2E_REFUSED,
        r"is stale since .*, the end-to-end check \(E2E P01\) refused it: .*identifier.* \(vehicle\.yaml:\d+\)",
        edit=END_TO_END, during=at(lambda vehicle: protection(vehicle, wrong=True)),
    ),
    Planted(
        "end-to-end counter stuck", "powertrain.VehicleSpeed", Fault.E2E_REFUSED,
        r"comes, .*, the end-to-end check \(E2E P01\) refused it: .*counter.* \(vehicle\.yaml:\d+\)",
        edit=END_TO_END, during=at(lambda vehicle: protection(vehicle, stuck=True)),
    ),
    Planted(
        "end-to-end check of a route", "body.ClusterInfo", Fault.E2E_REFUSED,
        r"route r2 .* dropped it: end-to-end check failed \(vehicle\.yaml:\d+\)",
        edit=END_TO_END, during=at(lambda vehicle: protection(vehicle, wrong=True)),
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
            "vehicle.yaml",
            "{from: powertrain.VehicleSpeed.Speed, to: body.ClusterInfo.DisplaySpeed, scale: 1.03, timeout: 100ms}",
            "{from: powertrain.MotorStatus.State, to: body.DashStatus.SpeedWarning, map: {Off: 0}}",
        ),
    ),
    Planted(
        "no result", "Vehicle.Powertrain.Temperature", Fault.NO_RESULT,
        r"the transform refused it: .*zero.* \(signals\.json:\d+\)",
        edit=leaf("Vehicle.Powertrain.Temperature",
                  dbc2vss={"signal": "powertrain.MotorStatus.Temperature", "interval_ms": 0,
                           "transform": {"math": "1 / (x - x)"}}),
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
