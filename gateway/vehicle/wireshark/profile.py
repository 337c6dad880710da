"""A Wireshark profile for a vehicle: what each port, identifier and service is, so that nothing is dissected as what
it is not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gateway.lin import LinBus
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.file.model import VehicleSpec
from gateway.vehicle.file.services import ConsumeSpec, OfferSpec, ServicesSpec
from gateway.vehicle.vehicle import Vehicle
from gateway.vehicle.wireshark.signals import WiresharkBus, identifiers, row, signal_tables

DIAGNOSTIC_IDS: Final = range(0x7DF, 0x7F0)
"""Of OBD (ISO 15765-4): the functional request and the requests and answers of eight ECUs."""
SD_PORT: Final = 30490


def profile(vehicle: Vehicle, spec: VehicleSpec) -> Mapping[str, str]:
    """The files of the profile: text by name."""
    buses = [
        WiresharkBus(name, isinstance(bus, LinBus), vehicle.databases[name].messages)
        for name, bus in vehicle.buses.items()
    ]
    return {
        "preferences": _preferences(buses),
        "decode_as_entries": "".join(_decode_as(spec.services)),
        "heuristic_protos": "someip_udp_heur,1\nsomeip_tcp_heur,1\n",
        **signal_tables(buses),
        **service_tables(spec.services),
    }


def _preferences(buses: Iterable[WiresharkBus]) -> str:
    free = [number for number in DIAGNOSTIC_IDS if number not in identifiers(buses)]
    lines = [
        f"iso15765.can.ids: {','.join(_ranges(free))}",
        # With it, a go-to-sleep command (0x3C, 00 FF FF FF FF FF FF FF) is told as a malformed transport frame.
        "iso15765.lin_diag: FALSE",
        "someip.payload_dissector_activated: TRUE",
        "gui.column.format: " + ", ".join(f'"{title}", "{form}"' for title, form in _COLUMNS),
    ]
    return "".join(f"{line}\n" for line in lines)


_COLUMNS: Final = (
    ("No.", "%m"),
    ("Time", "%t"),
    ("Bus", "%Cus:frame.interface_name:0:R"),
    ("Sender", "%Cus:frame.comment:1:R"),
    ("Protocol", "%p"),
    ("Length", "%L"),
    ("Info", "%i"),
)


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    """`0x7df-0x7ef`, with gaps where numbers are missing."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    for first, last in runs:
        yield f"{first:#x}-{last:#x}" if last > first else f"{first:#x}"


def _decode_as(services: ServicesSpec | None) -> Iterator[str]:
    ports = {("udp", SD_PORT if services is None else services.discovery.port)}
    if services is not None:
        for offer in services.offer.values():
            ports |= {("udp", offer.udp)} if offer.udp else set()
            ports |= {("tcp", offer.tcp)} if offer.tcp else set()
            ports |= {
                ("udp", int(group.multicast.rpartition(":")[2])) for group in offer.groups.values() if group.multicast
            }
    for transport, port in sorted(ports):
        yield f"decode_as_entry: {transport}.port,{port},(none),SOME/IP\n"


def service_tables(services: ServicesSpec | None) -> Mapping[str, str]:
    """Names of services, methods, events and eventgroups; nothing for a vehicle without SOME/IP."""
    if services is None:
        return {}
    known: dict[str, OfferSpec | ConsumeSpec] = {**services.consume, **services.offer}
    names, methods, groups = [], [], []
    for name, service in known.items():
        number = f"{service.service:04x}"
        names.append(row(number, name))
        methods += [row(number, f"{method:04x}", text) for method, text in _methods(service)]
        groups += [row(number, f"{group:04x}", f"{name} {group:#x}") for group in sorted(_groups(service))]
    return {
        "SOMEIP_service_identifiers": "".join(names),
        "SOMEIP_method_event_identifiers": "".join(methods),
        "SOMEIP_eventgroup_identifiers": "".join(groups),
    }


def _methods(service: OfferSpec | ConsumeSpec) -> Iterator[tuple[int, str]]:
    for name, method in service.methods.items():
        yield method.id, name
    for name, event in service.events.items():
        yield event.id, name
    for name, field in service.fields.items():
        for verb, number in (("get", field.get), ("set", field.set), ("notify", field.notify)):
            if number is not None:
                yield number, f"{name} {verb}"


def _groups(service: OfferSpec | ConsumeSpec) -> set[int]:
    told = [*service.events.values(), *(field for field in service.fields.values() if field.notify is not None)]
    return {group for each in told for group in each.group}


def profile_folder(name: str) -> Path:
    """Where Wireshark looks for a profile of this name."""
    named = os.environ.get("WIRESHARK_CONFIG_DIR")
    if named:
        return Path(named) / "profiles" / name
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "wireshark" / "profiles" / name


def write_profile(folder: Path, files: Mapping[str, str]) -> None:
    """Write a profile's files, instead of those of these names. VehicleFileError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise VehicleFileError(f"cannot be written: {(error.strerror or '').lower()}", file=str(folder)) from None
