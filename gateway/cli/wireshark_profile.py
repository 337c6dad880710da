"""gateway wireshark-profile: what Wireshark must know to dissect a vehicle's buses and services."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import VehiclePath, find_vehicle
from gateway.sim import Kernel
from gateway.vehicle import build, read_vehicle
from gateway.vehicle.wireshark.profile import profile, profile_folder, write_profile


def wireshark_profile_command(
    vehicle: VehiclePath = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The profile's folder; default: where Wireshark keeps profiles.")
    ] = None,
) -> None:
    """Write a profile: messages and signals by name, SOME/IP ports and service names, ISO-TP identifiers."""
    file = read_vehicle(find_vehicle(vehicle))
    files = profile(build(file, Kernel()), file.spec)
    name = out.name if out is not None else re.sub(r"[^A-Za-z0-9._-]+", "-", file.spec.vehicle)
    folder = out or profile_folder(name)
    write_profile(folder, files)
    sys.stdout.write(f"{folder}: {', '.join(sorted(files))}\n")
    if out is None:
        sys.stdout.write(f"wireshark -C {name} (or tshark -C {name})\n")
