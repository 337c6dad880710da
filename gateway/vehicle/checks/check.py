"""Looks for faults in vehicle files, databases, mappings and drive cycles, and finds all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.database import Database, Severity, load
from gateway.errors import GatewayError, nearest
from gateway.routing import VssMapping, load_mapping, load_tree
from gateway.sim import NS_PER_S, Clock, Kernel, SimulationLoop, run
from gateway.vehicle.assembly.build import Builder
from gateway.vehicle.assembly.drive import read_drive
from gateway.vehicle.checks.domain_files import domain_faults
from gateway.vehicle.checks.doubts import doubts, unrouted
from gateway.vehicle.checks.findings import Finding, database_findings
from gateway.vehicle.errors import faults_of
from gateway.vehicle.file.read import VehicleFile, read_faulty
from gateway.vehicle.vehicle import Vehicle

LONGEST_BOOT_NS: Final = 10 * NS_PER_S
_DATABASES: Final = (".dbc", ".kcd", ".sym", ".arxml")
_YAML: Final = (".yaml", ".yml")
_SECTIONS: Final = ("vehicle", "buses", "ecus", "gateway")


@dataclass(slots=True)
class Checked:
    """One file that was looked at. `messages`, `signals`: what a database or a mapping has of them."""

    file: str
    messages: int = 0
    signals: int = 0
    findings: list[Finding] = field(default_factory=list)

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The item that `--json` prints."""
        return {
            "file": self.file,
            "messages": self.messages,
            "signals": self.signals,
            "diagnostics": [
                {"line": finding.line, "severity": finding.severity.value, "text": finding.text}
                for finding in self.findings
            ],
        }


class Check:
    """Looks at files one after the other. `checked`: what was found, by file, in the order of looking.

    Databases given to it, and those of vehicles that it has seen, are what mappings are held against.
    """

    def __init__(self, databases: Mapping[str, Path] | None = None) -> None:
        self.checked: dict[str, Checked] = {}
        self.databases: dict[str, Database] = {}
        for bus, path in (databases or {}).items():
            found = self.database(path)
            if found is not None:
                self.databases[bus] = found

    def file(self, path: Path) -> None:
        """Look at a file, of whatever kind it is."""
        ending = path.suffix.lower()
        if path.is_dir() or (ending in _YAML and not _is_tree(path)):
            self.vehicle(path)
        elif ending in {".json", ".vspec", *_YAML}:
            self.mapping(path)
        elif ending == ".csv":
            self.drive(path)
        else:
            self.database(path)

    def database(self, path: Path) -> Database | None:
        """Look at a database on its own."""
        try:
            database = load(path)
        except GatewayError as error:
            self._take(error, path)
            return None
        self._database(database)
        return database

    def drive(self, path: Path) -> None:
        """Look at a drive cycle on its own."""
        self._checked(path)
        try:
            read_drive(path)
        except GatewayError as error:
            self._take(error, path)

    def mapping(self, path: Path) -> None:
        """Look at a VSS tree: at its rules as well, where databases are known."""
        checked = self._checked(path)
        try:
            if self.databases:
                self._mapping(load_mapping(path, self.databases))
            else:
                checked.signals = len(load_tree(path))
                rules = sum(leaf.dbc2vss is not None for leaf in load_tree(path).values())
                if rules:
                    text = f"{rules} mappings to CAN are not looked at: give the vehicle file, or --database BUS=FILE"
                    checked.findings.append(Finding(str(path), None, Severity.INFO, text))
        except GatewayError as error:
            self._take(error, path)

    def vehicle(self, path: Path) -> None:
        """Look at a vehicle file and all that it names; boot its ECUs once, for what only their behaviours can tell."""
        path = path / "vehicle.yaml" if path.is_dir() else path
        self._checked(path)
        file, faults = read_faulty(path)
        for fault in faults:
            self._take(fault, path)
        if file is None:
            return
        builder = Builder(file, Kernel(), seed=0)
        vehicle = builder.assemble()
        for database in vehicle.databases.values():
            self._database(database)
        self.databases |= vehicle.databases
        for fault in builder.faults:
            self._take(fault, path)
        if vehicle.mapping is not None:
            self._mapping(vehicle.mapping)
        if file.spec.drive:
            self._checked(file.folder / file.spec.drive)
        for fault in domain_faults(file, vehicle):
            self._take(fault, path)
        for finding in doubts(file, vehicle):
            self._add(finding)
        for finding in () if builder.faults else unrouted(file, vehicle):
            self._add(finding)
        self._boot(file, builder)

    def _boot(self, file: VehicleFile, builder: Builder) -> None:
        vehicle = builder.vehicle
        for name in builder.silent:
            vehicle.ecus.pop(name, None)
        run(_boot(vehicle), vehicle.kernel, Clock.VIRTUAL)
        for failure in vehicle.failures:
            if failure.ecu in builder.silent:
                continue
            self._add(Finding(failure.file, failure.line, Severity.ERROR, f"{failure.ecu}: {failure.error}"))
        failed = {failure.ecu for failure in vehicle.failures}
        for ecu in vehicle.ecus.values():
            for channel in ecu.tracks:
                if channel not in ecu.inputs and ecu.name not in failed:
                    near = nearest(channel, list(ecu.inputs))
                    text = f"column '{ecu.name}.{channel}': {ecu.name} has no input {channel!r}{near}"
                    drive = str(file.folder / (file.spec.drive or ""))
                    self._add(Finding(drive, 1, Severity.WARNING, text))

    # Keeping

    def _checked(self, path: str | Path) -> Checked:
        file = shown(path)
        if file not in self.checked:
            self.checked[file] = Checked(file)
        return self.checked[file]

    def _add(self, finding: Finding) -> None:
        checked = self._checked(finding.file or "")
        finding = finding._replace(file=checked.file)
        if finding not in checked.findings:
            checked.findings.append(finding)

    def _take(self, error: GatewayError, path: Path) -> None:
        for fault in faults_of(error):
            self._add(Finding(fault.file or str(path), fault.line, Severity.ERROR, fault.sentence))

    def _database(self, database: Database) -> None:
        files = database.file.split(", ")
        if len(files) > 1:
            for file in files:
                self.database(Path(file))
            return
        checked = self._checked(database.file)
        checked.messages = len(database.messages)
        checked.signals = sum(len(message.signals) for message in database.messages)
        for finding in database_findings([database]):
            self._add(finding)

    def _mapping(self, mapping: VssMapping) -> None:
        checked = self._checked(mapping.file)
        rules = [rule.leaf.path for rule in mapping.upward] + [rule.leaf.path for rule in mapping.downward]
        checked.signals = len(set(rules))
        places = {(place.bus, place.message.name) for rule in mapping.upward for place in rule.places}
        places |= {(rule.place.bus, rule.place.message.name) for rule in mapping.downward}
        checked.messages = len(places)
        for note in mapping.notes:
            path = next((word for word in note.split() if word.rstrip(",:") in mapping.tree), "")
            line = mapping.tree.place(path.rstrip(",:"))[1] if path else None
            self._add(Finding(mapping.file, line, Severity.WARNING, note))


async def _boot(vehicle: Vehicle) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    vehicle.start()
    last = max((ecu.boot_ns for ecu in vehicle.ecus.values()), default=0)
    await loop.sleep_until(min(last, LONGEST_BOOT_NS))
    vehicle.stop()


def _is_tree(path: Path) -> bool:
    """Whether a YAML file is a VSS overlay rather than a vehicle file."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return False
    if not isinstance(data, dict) or any(section in data for section in _SECTIONS):
        return False
    return any(isinstance(value, dict) and {"type", "datatype"} & set(value) for value in data.values())


def shown(path: str | Path) -> str:
    """A path as it is told: from here where it lies below."""
    path = Path(path)
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except ValueError:
        return str(path)


def check(paths: Iterable[Path], databases: Mapping[str, Path] | None = None) -> list[Checked]:
    """Look at files; vehicle files first, so that mappings are held against their databases."""
    found = Check(databases)
    ordered = sorted(paths, key=lambda path: not (path.is_dir() or path.suffix.lower() in _YAML))
    for path in ordered:
        found.file(path)
    return list(found.checked.values())
