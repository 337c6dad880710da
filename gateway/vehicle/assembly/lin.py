"""LIN buses of a vehicle file: their databases with ids and schedules, the bus, who sits on it as which node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gateway.can import Bus, BusEvent, BusEventKind, Controller, Frame
from gateway.database import Database, Message, Severity, Signal
from gateway.database.diagnostic import Findings
from gateway.database.ldf_schedules import check_slot
from gateway.database.lin import LinDescription, LinFrame, Responder, ScheduleTable, Slot, SlotKind
from gateway.database.lin_diagnostics import missing_diagnostics
from gateway.database.lin_wire import LAST_ID
from gateway.ecu import NOBODY
from gateway.errors import GatewayError, nearest
from gateway.lin import LinBus, LinNode
from gateway.sim import Kernel
from gateway.trace import BusInfo, LinFault, fault_frame
from gateway.vehicle.assembly.names import End
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.file.model import BusSpec
from gateway.vehicle.vehicle import Vehicle


def lin_database(name: str, spec: BusSpec, databases: Sequence[Database]) -> Database:
    """What the files of a LIN bus and its place in the vehicle file say together.

    Frames, ids and schedules come from the LDF, or from the vehicle file; a message that a DBC has as well has the
    DBC's signals. VehicleFileError with all faults, those of an LDF with its lines.
    """
    described = [database for database in databases if database.lin is not None]
    others = [database for database in databases if database.lin is None]
    if len(described) > 1:
        raise VehicleFileError(f"bus {name} has two LDFs; it can have one")
    _refuse_faulty(described)
    if described:
        lin = described[0].lin
        assert lin is not None
        messages = list(described[0].messages)
        nodes = list(described[0].nodes)
    else:
        lin, messages = _from_vehicle_file(name, spec, others)
        nodes = list(dict.fromkeys(node for database in others for node in database.nodes))
        messages += missing_diagnostics(messages)
    _check_rate(name, spec, lin)
    lin = _with_tables(name, spec, lin)
    if spec.commander and not described and spec.commander not in nodes:
        nodes.insert(0, spec.commander)
    table = chosen_table(name, spec, lin)
    own = {message.name: message for database in others for message in database.messages} if described else {}
    made = [_message(message, own.get(message.name), lin, table) for message in messages]
    files = [database.file for database in databases]
    diagnostics = tuple(each for database in databases for each in database.diagnostics)
    return Database(name, ", ".join(files), tuple(made), tuple(nodes), diagnostics, lin)


def _check_rate(name: str, spec: BusSpec, lin: LinDescription) -> None:
    """The bit rate is the LDF's; that of the vehicle file may only say the same."""
    if "bitrate" in spec.model_fields_set and spec.bitrate != lin.bit_rate:
        raise VehicleFileError(
            f"bus {name} has the bit rate {lin.bit_rate} in its LDF, not {spec.bitrate}: leave `bitrate` out"
        )


def _refuse_faulty(described: Sequence[Database]) -> None:
    faults: list[GatewayError] = [
        VehicleFileError(diagnostic.text, file=database.file, line=diagnostic.line)
        for database in described
        for diagnostic in database.diagnostics
        if diagnostic.severity is Severity.ERROR
    ]
    raise_all(faults)


def _from_vehicle_file(name: str, spec: BusSpec, databases: Sequence[Database]) -> tuple[LinDescription, list[Message]]:
    """A bus without an LDF: messages of a DBC, the rest from the vehicle file."""
    if spec.commander is None:
        raise VehicleFileError(f"bus {name} names no commander: give it `commander: ECU`, or an LDF as its database")
    if "bitrate" not in spec.model_fields_set:
        raise VehicleFileError(f"bus {name} has no bit rate: give it `bitrate: 19200`, or an LDF as its database")
    faults: list[GatewayError] = []
    frames: dict[str, LinFrame] = {}
    messages = []
    for message in (message for database in databases for message in database.messages):
        if message.extended or message.arbitration_id > LAST_ID or not 1 <= message.length <= 8:
            text = f"message {message.name} is no LIN frame: those have 1 to 8 bytes and identifiers up to {LAST_ID:#x}"
            faults.append(VehicleFileError(text, file=databases[0].file, line=message.line))
            continue
        publisher = next((sender for sender in message.senders if sender not in NOBODY), "")
        frames[message.name] = LinFrame(message.name, message.arbitration_id, message.length, publisher)
        messages.append(message)
    raise_all(faults)
    names = dict.fromkeys(node for database in databases for node in database.nodes)
    responders = {node: Responder(name=node) for node in names if node != spec.commander}
    return LinDescription(
        bit_rate=spec.bitrate, commander=spec.commander, responders=responders, frames=frames
    ), messages


def _with_tables(name: str, spec: BusSpec, lin: LinDescription) -> LinDescription:
    """With the schedule tables of the vehicle file besides those of the LDF."""
    tables = dict(lin.tables)
    findings = Findings()
    known = [*lin.frames, *lin.events, *lin.sporadics]
    for table, slots in spec.schedules.items():
        made = []
        for each in slots:
            kind = {"MasterReq": SlotKind.MASTER_REQUEST, "SlaveResp": SlotKind.SLAVE_RESPONSE}.get(each.frame)
            if kind is None and each.frame not in known:
                near = nearest(each.frame, known)
                raise VehicleFileError(
                    f"schedule {table} of {name} has a slot for {each.frame!r}, which is no frame{near}"
                )
            slot = Slot(kind or SlotKind.FRAME, each.delay, "" if kind else each.frame)
            check_slot(table, slot, lin, findings)
            made.append(slot)
        tables[table] = ScheduleTable(table, tuple(made))
    for diagnostic in findings.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            raise VehicleFileError(f"bus {name}: {diagnostic.text}")
    return replace(lin, tables=tables)


def chosen_table(name: str, spec: BusSpec, lin: LinDescription) -> str:
    """The schedule table that the commander begins with: the vehicle file's, otherwise the first."""
    if not lin.tables:
        raise VehicleFileError(
            f"bus {name} has no schedule table, so no frame would ever be on it: give it"
            " `schedules: {Normal: [{frame: NAME, delay: 10ms}]}`, or its LDF Schedule_tables"
        )
    if spec.schedule is None:
        return next(iter(lin.tables))
    if spec.schedule not in lin.tables:
        near = nearest(spec.schedule, list(lin.tables)) or f" (there are {', '.join(lin.tables)})"
        raise VehicleFileError(f"bus {name} has no schedule {spec.schedule!r}{near}")
    if not lin.tables[spec.schedule].slots:
        raise VehicleFileError(f"schedule {spec.schedule!r} of {name} has no slot")
    return spec.schedule


def _message(message: Message, described: Message | None, lin: LinDescription, table: str | None) -> Message:
    """A message with its cycle in the schedule, and with the signals of a DBC where that has it."""
    source = message if described is None else described
    fitting = [signal for signal in source.signals if signal.end_bit <= 8 * message.length]
    cycle_ns = lin.cycle_ns(message.name, table) if message.name in lin.frames else message.cycle_ns
    signals: tuple[Signal, ...] = tuple(replace(signal) for signal in fitting)
    return replace(message, cycle_ns=cycle_ns, signals=signals, comment=source.comment or message.comment)


def lin_bus(kernel: Kernel, name: str, database: Database, spec: BusSpec, index: int) -> LinBus:
    """The bus, with its schedule waiting for the commander to be switched on."""
    assert database.lin is not None
    bus = LinBus(kernel, name, database.lin, index=index)
    bus.commander.schedule(chosen_table(name, spec, database.lin))
    return bus


def attach(bus: Bus, name: str, node: str) -> Controller:
    """A controller for an ECU; on a LIN bus that of its node."""
    return bus.attach_node(name, node) if isinstance(bus, LinBus) else bus.attach(name)


def check_frame_target(bus: Bus, source: End, target: End) -> None:
    """A frame route to a LIN bus must lead to a frame that its schedule can have. VehicleFileError otherwise."""
    if not isinstance(bus, LinBus):
        return
    if source.key is None:
        raise VehicleFileError(f"all frames of {source.bus} cannot go to {bus.name}: a LIN bus has its own; name one")
    key = source.key if target.key is None else target.key
    frame = bus.frames_by_id.get(key)
    if frame is None:
        names = ", ".join(each.name for each in bus.frames_by_id.values())
        raise VehicleFileError(f"{bus.name} is a LIN bus and has no frame {key:#x}; name one of its frames ({names})")
    if source.message is not None and source.message.length != frame.length:
        raise VehicleFileError(
            f"{source} has {source.message.length} bytes, and {bus.name}.{frame.name} {frame.length}: route its signals"
        )


def hold_start_values(vehicle: Vehicle) -> None:
    """Until the first frame of a route to LIN has come, the gateway answers with the start values of its target."""
    for route in vehicle.gateway.frame_routes():
        controller = route.lane.controller
        key = route.rule.source_key if route.rule.target_key is None else route.rule.target_key
        if isinstance(controller, LinNode) and key is not None:
            message = vehicle.databases[controller.bus.name].by_id(key, False)
            if message is not None:
                controller.hold(Frame(key, message.initial))


def silent_nodes(database: Database) -> list[str]:
    """The nodes of a LIN bus, which are there whether they publish anything or not."""
    return [] if database.lin is None else [database.lin.commander, *database.lin.responders]


_FAULTS: Final = MappingProxyType(
    {
        BusEventKind.NO_RESPONSE: LinFault.NO_RESPONSE,
        BusEventKind.CHECKSUM: LinFault.CHECKSUM,
        BusEventKind.COLLISION: LinFault.CHECKSUM,
        BusEventKind.EVENT_COLLISION: LinFault.CHECKSUM,
        BusEventKind.LATE_RESPONSE: LinFault.FRAMING,
    }
)
"""What a recording says of responses that came to nothing."""


def lin_fault(bus: Bus, event: BusEvent) -> tuple[int, int, Frame, Controller, int, int] | None:
    """What stands in a recording for a fault of a LIN bus; None where a packet cannot hold it."""
    if not isinstance(bus, LinBus) or event.kind not in _FAULTS or event.frame is None:
        return None
    frame = fault_frame(event.frame.header, _FAULTS[event.kind], event.frame.data)
    sender = next((node for node in bus.nodes if node.name == event.controller), bus.commander.node)
    return event.time_ns, bus.index, frame, sender, event.time_ns, event.time_ns


def bus_info(bus: Bus) -> BusInfo:
    """A bus as a recording names it."""
    if not isinstance(bus, LinBus):
        return BusInfo(bus.name, bus.rates.nominal, bus.rates.data if bus.fd else 0)
    return BusInfo(bus.name, bus.rates.nominal, lin=True, classic=bus.classic_ids)
