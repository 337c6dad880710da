"""The section `nodes` of a vehicle file's domains: computers, their units, and who may depend on whom."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.ecu import Ecu
from gateway.errors import GatewayError, nearest
from gateway.orchestrator.control import ControllerConfig, NodeConfig
from gateway.orchestrator.engine import Runner
from gateway.orchestrator.errors import OrchestratorError
from gateway.orchestrator.fleet import Fleet
from gateway.orchestrator.programs import ECU, ROUTES, EcuPart, Part, PartRunner, RoutesPart
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.units import UnitFiles
from gateway.vehicle.behaviours import load_class
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.file import VehicleFile
from gateway.vehicle.model import Duration, OneOrMore
from gateway.vehicle.source import Place
from gateway.vehicle.vehicle import Vehicle

PLACE: Final[Place] = ("domains", "nodes")
Parts = dict[tuple[str, ...], Part]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitSection(_Section):
    """A unit inline: `text` in systemd's syntax, or what it is and what it needs."""

    text: str | None = Field(None, description="A whole unit file")
    ecu: str | None = Field(None, description="It is this ECU of the vehicle")
    routes: list[int] | None = Field(None, description="It is these routes of the gateway, counted from 1")
    python: str | None = Field(None, description="It is a service of the simulation: FILE:CLASS")
    on: OneOrMore = Field(default_factory=list, description="python: the buses that it is on")
    run: str | None = Field(None, description="It is this command line")
    type: Literal["simple", "exec", "oneshot", "notify"] = "notify"
    restart: str = "no"
    requires: OneOrMore = Field(default_factory=list)
    wants: OneOrMore = Field(default_factory=list)
    binds_to: OneOrMore = Field(default_factory=list)
    after: OneOrMore = Field(default_factory=list)
    before: OneOrMore = Field(default_factory=list)
    ready_after: str | None = Field(None, description="Simulated: 20ms, or 20ms..80ms drawn from the seed")
    exit_after: str | None = None
    fail_starts: int | None = None

    def as_text(self, name: str) -> str:
        """As a unit file."""
        if self.text is not None:
            return self.text
        relations = {"Requires": self.requires, "Wants": self.wants, "BindsTo": self.binds_to}
        unit = [f"{key}={' '.join(names)}" for key, names in {**relations, "Before": self.before}.items() if names]
        after = list(dict.fromkeys([*self.after, *self.requires, *self.binds_to]))
        unit += [f"After={' '.join(after)}"] if after else []
        lines = ["[Unit]", *unit]
        if name.endswith(".service"):
            lines += ["[Service]", f"Type={self.type}", f"Restart={self.restart}", f"ExecStart={self.command(name)}"]
        model = {"ReadyAfter": self.ready_after, "ExitAfter": self.exit_after, "FailStarts": self.fail_starts}
        lines += ["[X-Simulation]", *(f"{key}={value}" for key, value in model.items() if value is not None)]
        return "\n".join(lines) + "\n"

    def command(self, name: str) -> str:
        if self.ecu is not None or self.python is not None:
            return f"{ECU} {self.ecu if self.ecu is not None else name.removesuffix('.service')}"
        if self.routes is not None:
            return f"{ROUTES} {' '.join(str(number) for number in self.routes)}"
        return self.run or f"/usr/bin/{name.removesuffix('.service')}"


class NodeSection(_Section):
    """A computer."""

    files: str | None = Field(None, description="A folder with unit files")
    units: dict[str, UnitSection] = Field(default_factory=dict)
    target: str | None = Field(None, description="Started at power on; default.target where there is one")
    latency: Duration = Field(200_000, description="To the controller")
    depends_on: OneOrMore = Field(default_factory=list, description="Nodes that its units may depend on; * for all")
    external: bool = Field(False, description="A real agent joins as this node")
    processes: bool = Field(False, description="Its programs are real processes of this machine (needs wall time)")


def build_fleet(vehicle: Vehicle, file: VehicleFile) -> Fleet | None:
    """The nodes of a vehicle; None where it has none. VehicleFileError with all faults."""
    given = file.spec.domains.get("nodes")
    if given is None:
        return None
    return _Builder(vehicle, file).build(given)


class _Builder:
    def __init__(self, vehicle: Vehicle, file: VehicleFile) -> None:
        self.vehicle = vehicle
        self.file = file
        self.faults: list[GatewayError] = []
        self.parts: Parts = {(ECU, name): EcuPart(ecu) for name, ecu in vehicle.ecus.items()}

    def build(self, given: Any) -> Fleet:
        sections = self._sections(given)
        config = ControllerConfig(
            nodes={
                name: NodeConfig(allow_dependencies_on=frozenset(section.depends_on))
                for name, section in sections.items()
            }
        )
        fleet = Fleet(self.vehicle.kernel, config, self.vehicle.streams)
        for name, section in sections.items():
            if not section.external:
                self._node(fleet, name, section)
        raise_all(self.faults)
        return fleet

    def _sections(self, given: Any) -> dict[str, NodeSection]:
        if not isinstance(given, dict):
            raise self.file.source.error("nodes must be a mapping of names", PLACE)
        found = {}
        for name, section in given.items():
            try:
                found[str(name)] = NodeSection.model_validate({} if section is None else section)
            except ValidationError as error:
                for details in error.errors():
                    place: Place = (*PLACE, name, *details["loc"])
                    known = [*NodeSection.model_fields, *UnitSection.model_fields]
                    near = nearest(str(place[-1]), known) if details["type"] == "extra_forbidden" else ""
                    where = ".".join(str(part) for part in place)
                    self.faults.append(self.file.source.error(f"{where}: {details['msg']}{near}", place))
        return found

    def _node(self, fleet: Fleet, name: str, section: NodeSection) -> None:
        texts = {}
        for unit, inline in section.units.items():
            full = unit if unit.endswith((".service", ".target")) else f"{unit}.service"
            place: Place = (*PLACE, name, "units", unit)
            try:
                self._part(full, inline)
            except GatewayError as error:
                line = error.line if error.file else self.file.source.line(place)
                self.faults.append(
                    VehicleFileError(error.sentence, file=error.file or self.file.source.file, line=line)
                )
            texts[full] = inline.as_text(full)
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
        for unit in node.engine.loaded():
            for note in unit.spec.notes:
                if note.refused:
                    self.faults.append(VehicleFileError(f"{unit.name}: {note.text}", file=note.file, line=note.line))
        if section.target is not None and not files.has(section.target):
            near = nearest(section.target, files.names())
            self.faults.append(
                self.file.source.error(f"node {name} has no unit {section.target}{near}", (*PLACE, name, "target"))
            )

    def _runner(self, fleet: Fleet, name: str, section: NodeSection) -> Runner:
        if section.processes:
            from gateway.orchestrator.processes import ProcessRunner

            return ProcessRunner(fleet.kernel)
        return SimulatedRunner(fleet.kernel, fleet.streams.stream(f"node/{name}"))

    def _part(self, name: str, unit: UnitSection) -> None:
        """What of the vehicle a unit is; it is left to the unit to switch it on."""
        vehicle = self.vehicle
        if unit.ecu is not None:
            vehicle.ecu(unit.ecu)
            vehicle.managed.add(unit.ecu)
        if unit.routes is not None:
            count = len(vehicle.gateway.routes)
            wrong = [number for number in unit.routes if not 1 <= number <= count]
            if wrong:
                raise VehicleFileError(f"there is no route {wrong[0]}: the gateway has {count}")
            routes = [vehicle.gateway.routes[number - 1] for number in unit.routes]
            self.parts[tuple(unit.command(name).split())] = RoutesPart(routes)
        if unit.python is not None:
            self._service(name.removesuffix(".service"), unit, unit.python)

    def _service(self, name: str, unit: UnitSection, reference: str) -> None:
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
