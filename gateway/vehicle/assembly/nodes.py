"""The section `nodes` of a vehicle file's domains: computers, their units, and who may depend on whom."""

from __future__ import annotations

from typing import Final

from gateway.ecu import Ecu
from gateway.errors import GatewayError, nearest
from gateway.orchestrator.control import ControllerConfig, NodeConfig
from gateway.orchestrator.engine import Runner
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.programs import ECU, ROUTES, EcuPart, Part, PartRunner, RoutesPart
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.units import UnitFiles
from gateway.vehicle.assembly.behaviours import load_class
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.file.model import NodeSpec, UnitSpec
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.file.source import Place
from gateway.vehicle.vehicle import Vehicle

SYSTEMD: Final = "gateway-systemd"
PLACE: Final[Place] = ("domains", "nodes")
Parts = dict[tuple[str, ...], Part]


def unit_text(name: str, unit: UnitSpec) -> str:
    """An inline unit as a unit file."""
    if unit.text is not None:
        return unit.text
    relations = {"Requires": unit.requires, "Wants": unit.wants, "BindsTo": unit.binds_to, "Before": unit.before}
    after = list(dict.fromkeys([*unit.after, *unit.requires, *unit.binds_to]))
    lines = ["[Unit]"]
    lines += [f"{key}={' '.join(names)}" for key, names in {**relations, "After": after}.items() if names]
    if name.endswith(".service"):
        command = " ".join(unit_command(name, unit))
        lines += ["[Service]", f"Type={unit.type}", f"Restart={unit.restart}", f"ExecStart={command}"]
    model = {"ReadyAfter": unit.ready_after, "ExitAfter": unit.exit_after, "FailStarts": unit.fail_starts}
    lines += ["[X-Simulation]", *(f"{key}={value}" for key, value in model.items() if value is not None)]
    return "\n".join(lines) + "\n"


def unit_command(name: str, unit: UnitSpec) -> tuple[str, ...]:
    """What an inline unit runs."""
    if unit.ecu is not None or unit.python is not None:
        return (ECU, unit.ecu if unit.ecu is not None else name.removesuffix(".service"))
    if unit.routes is not None:
        return (ROUTES, *(str(number) for number in unit.routes))
    if unit.systemd is not None:
        return (SYSTEMD, unit.systemd)
    return (unit.run or f"/usr/bin/{name.removesuffix('.service')}",)


def build_fleet(vehicle: Vehicle, file: VehicleFile) -> Fleet | None:
    """The nodes of a vehicle; None where it has none. VehicleFileError with all faults."""
    return _Builder(vehicle, file).build() if file.spec.domains.nodes else None


class _Builder:
    def __init__(self, vehicle: Vehicle, file: VehicleFile) -> None:
        self.vehicle = vehicle
        self.file = file
        self.faults: list[GatewayError] = []
        self.parts: Parts = {(ECU, name): EcuPart(ecu) for name, ecu in vehicle.ecus.items()}

    def build(self) -> Fleet:
        specs = self.file.spec.domains.nodes
        nodes = {name: NodeConfig(allow_dependencies_on=frozenset(spec.depends_on)) for name, spec in specs.items()}
        fleet = Fleet(self.vehicle.kernel, ControllerConfig(nodes=nodes), self.vehicle.streams)
        for name, spec in specs.items():
            if not spec.external:
                self._node(fleet, name, spec)
        raise_all(self.faults)
        return fleet

    def _node(self, fleet: Fleet, name: str, section: NodeSpec) -> None:
        texts = {}
        for unit, inline in section.units.items():
            if inline.systemd is not None and section.systemd is None:
                sentence = f"unit {unit} is one of systemd: say which bus it is on (`systemd: system`, at node {name})"
                self.faults.append(self.file.source.error(sentence, (*PLACE, name, "units", unit)))
            full = unit if unit.endswith((".service", ".target")) else f"{unit}.service"
            place: Place = (*PLACE, name, "units", unit)
            for part in (inline.ecu, *(f"r{number}" for number in inline.routes or ())):
                if part is not None:
                    self.vehicle.units[part] = f"{full} on {name}"
            try:
                self._part(full, inline)
            except GatewayError as error:
                line = error.line if error.file else self.file.source.line(place)
                self.faults.append(
                    VehicleFileError(error.sentence, file=error.file or self.file.source.file, line=line)
                )
            texts[full] = unit_text(full, inline)
        if "default.target" not in texts and section.target is None and section.files is None:
            texts["default.target"] = f"[Unit]\nWants={' '.join(texts)}\n"
        try:
            folder = self.file.folder / section.files if section.files else None
            files = UnitFiles(name, texts, folder)
            node = fleet.add(
                name,
                files,
                runner=PartRunner(fleet.kernel, self._runner(fleet, name, section), self.parts),
                target=section.target,
                latency_ns=section.latency,
            )
        except OrchestratorError as error:
            line = error.line if error.file else self.file.source.line((*PLACE, name))
            self.faults.append(VehicleFileError(error.sentence, file=error.file or self.file.source.file, line=line))
            return
        for loaded in node.engine.loaded():
            for note in loaded.spec.notes:
                if note.refused:
                    self.faults.append(VehicleFileError(f"{loaded.name}: {note.text}", file=note.file, line=note.line))
        if section.target is not None and not files.has(section.target):
            near = nearest(section.target, files.names())
            self.faults.append(
                self.file.source.error(f"node {name} has no unit {section.target}{near}", (*PLACE, name, "target"))
            )

    def _runner(self, fleet: Fleet, name: str, section: NodeSpec) -> Runner:
        runner: Runner
        if section.processes:
            from gateway.orchestrator.processes import ProcessRunner

            runner = ProcessRunner(fleet.kernel)
            fleet.closers.append(runner.close)
        else:
            runner = SimulatedRunner(fleet.kernel, fleet.streams.stream(f"node/{name}"))
        if section.systemd is None:
            return runner
        from gateway.orchestrator.systemd import SystemdRunner

        systemd = SystemdRunner(section.systemd, runner)
        fleet.closers.append(systemd.close)
        return systemd

    def _part(self, name: str, unit: UnitSpec) -> None:
        """What of the vehicle a unit is; it is left to the unit to switch it on."""
        vehicle = self.vehicle
        if unit.ecu is not None:
            vehicle.ecu(unit.ecu)
            vehicle.managed.add(unit.ecu)
        if unit.routes is not None:
            count = len(vehicle.gateway.routes)
            wrong = [number for number in unit.routes if not 1 <= number <= count]
            if wrong:
                raise VehicleFileError(f"there is no route {wrong[0]}: the gateway has 1 to {count}")
            routes = [vehicle.gateway.routes[number - 1] for number in unit.routes]
            self.parts[unit_command(name, unit)] = RoutesPart(routes)
        if unit.python is not None:
            self._service(name.removesuffix(".service"), unit, unit.python)

    def _service(self, name: str, unit: UnitSpec, reference: str) -> None:
        """A service in Python: a behaviour as an ECU has, on the buses that it names."""
        vehicle = self.vehicle
        if name in vehicle.ecus:
            raise VehicleFileError(f"service {name} has the name of an ECU")
        ecu = Ecu(vehicle.kernel, name, vehicle.streams.stream(f"service/{name}"))
        for bus in unit.on:
            if bus not in vehicle.buses:
                raise VehicleFileError(
                    f"{name} is on a bus {bus!r} that is not there{nearest(bus, list(vehicle.buses))}"
                )
            ecu.attach(bus, vehicle.buses[bus].attach(name), vehicle.databases[bus])
        ecu.behave(load_class(self.file.folder, reference))
        ecu.on_failure = vehicle.failures.append
        self.parts[ECU, name] = EcuPart(ecu)
        vehicle.services[name] = ecu
