"""The vehicle file: its model, its errors with line numbers, building and running it. Knows everything below."""

from pathlib import Path

from gateway.sim import Kernel
from gateway.vehicle.assembly.build import Builder
from gateway.vehicle.assembly.lin import bus_info, lin_fault
from gateway.vehicle.assembly.names import End, resolve
from gateway.vehicle.assembly.selection import Selection
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.model import VehicleSpec, json_schema
from gateway.vehicle.file.read import VehicleFile, read_vehicle
from gateway.vehicle.recording.about import About, AboutBus, AboutRule, describe, read_about
from gateway.vehicle.recording.noted import Decided, FrameNote, SourceNote, decided_in, note_of
from gateway.vehicle.recording.notes import EventNote, Notes
from gateway.vehicle.recording.recorder import Recorder
from gateway.vehicle.report import BusReport, Report, RouteReport, SignalReport, report
from gateway.vehicle.run import RunOptions, Service, drive
from gateway.vehicle.vehicle import Vehicle

__all__ = [
    "About",
    "AboutBus",
    "AboutRule",
    "BusReport",
    "Decided",
    "End",
    "EventNote",
    "FrameNote",
    "Notes",
    "Recorder",
    "Report",
    "RouteReport",
    "RunOptions",
    "Selection",
    "Service",
    "SignalReport",
    "SourceNote",
    "Vehicle",
    "VehicleFile",
    "VehicleFileError",
    "VehicleSpec",
    "build",
    "bus_info",
    "decided_in",
    "describe",
    "drive",
    "json_schema",
    "lin_fault",
    "load",
    "note_of",
    "read_about",
    "read_vehicle",
    "report",
    "resolve",
]


def build(file: VehicleFile, kernel: Kernel, seed: int = 0) -> Vehicle:
    """The vehicle of a file that has been read, everything switched off."""
    return Builder(file, kernel, seed).build()


def load(path: str | Path, kernel: Kernel, seed: int = 0) -> Vehicle:
    """Read a vehicle file and build it. VehicleFileError with all faults of the file."""
    return build(read_vehicle(path), kernel, seed)
