"""The mapping between CAN and VSS of a vehicle file."""

from __future__ import annotations

from gateway.vehicle.file import VehicleFile
from gateway.vehicle.vehicle import Vehicle


def build_signals(vehicle: Vehicle, file: VehicleFile) -> None:
    """Give the gateway the signals of the file's VSS tree."""
