"""Reading the vehicle file: every fault with its line, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import GatewayError, nearest
from gateway.vehicle.errors import VehicleFileError, raise_all
from gateway.vehicle.file.model import VehicleSpec
from gateway.vehicle.file.source import Place, Source, read

_ROUTES: Final = ("gateway", "routes")
_SERVICES: Final = (("services", "offer"), ("services", "consume"))
_ROUNDS: Final = 5
"""A fault can hide one more; so often what is at fault is left out to find the rest."""


class VehicleFile(NamedTuple):
    """The parsed file, where it came from, and the folder that its paths are relative to."""

    spec: VehicleSpec
    source: Source
    folder: Path
    left_out: frozenset[str] = frozenset()
    """Buses and ECUs whose description has faults, in a file that is only looked at for more of them."""

    def existing(self, text: str, *place: str | int) -> Path:
        """The file that is named at `place`. VehicleFileError, with the line of that, when there is none."""
        path = self.folder / text
        if not path.is_file():
            raise self.source.error(f"{text} is a folder" if path.is_dir() else f"there is no file {text}", place)
        return path


def read_vehicle(path: str | Path) -> VehicleFile:
    """Read and check a vehicle file; a folder means its `vehicle.yaml`. VehicleFileError with all faults."""
    source = read(_file(path))
    try:
        spec = VehicleSpec.model_validate(source.data)
    except ValidationError as error:
        raise_all([*source.faults, *_faults(source, error)])
        raise
    raise_all(list(source.faults))
    return VehicleFile(spec, source, _file(path).parent)


def read_faulty(path: str | Path) -> tuple[VehicleFile | None, list[GatewayError]]:
    """As much of a vehicle file as can be read, and its faults. None where nothing is left to look at."""
    path = _file(path)
    try:
        source = read(path)
    except VehicleFileError as error:
        return None, [error]
    faults: list[GatewayError] = list(source.faults)
    left_out: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            spec = VehicleSpec.model_validate(source.data)
            return VehicleFile(spec, source, path.parent, frozenset(left_out)), faults
        except ValidationError as error:
            faults += _faults(source, error)
            places = {_section(tuple(details["loc"])) for details in error.errors()}
            left_out |= {str(place[1]) for place in places if len(place) == 2 and place[0] in {"buses", "ecus"}}
            source = _without(source, places)
    return None, faults


def _file(path: str | Path) -> Path:
    path = Path(path)
    return path / "vehicle.yaml" if path.is_dir() else path


# Faults of the model


def _faults(source: Source, error: ValidationError) -> list[VehicleFileError]:
    """One for each place; a value that could be one of several types gets one sentence."""
    found: dict[tuple[Any, ...], VehicleFileError] = {}
    for details in error.errors():
        place = tuple(details["loc"])
        missing = details["type"] == "missing"
        while place and place not in source.lines and not missing:
            place = place[:-1]
        fault = _fault(source, details, place)
        if place in found and not missing:
            found[place].sentence += f", or: {fault.sentence.partition(': ')[2]}"
        else:
            found[place] = fault
    return list(found.values())


def _fault(source: Source, details: ErrorDetails, place: tuple[Any, ...]) -> VehicleFileError:
    where = ".".join(str(part) for part in place)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        near = nearest(str(place[-1]), known) or f" (there are {', '.join(known)})"
        return source.error(f"unknown key {place[-1]!r}{near}", place)
    if kind == "missing":
        return source.error(f"{where} is missing", place)
    text = str(details["ctx"]["error"]) if kind == "value_error" and "ctx" in details else details["msg"]
    return source.error(f"{where}: {text[:1].lower()}{text[1:]}", place)


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    """The keys that the model has at a place."""
    found: Any = VehicleSpec
    for part in place:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            if part not in fields:
                return []
            found = _there(fields[str(part)].annotation)
        else:
            # A list or a mapping of sections: the part was its index or its name.
            found = _there(get_args(found)[-1] if get_args(found) else None)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return [field.alias or name for name, field in found.model_fields.items()]
    return []


def _there(annotation: Any) -> Any:
    """What a value is when it is given, and not in its short form: of `X | None` and of `str | X` it is X."""
    choices = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return next((choice for choice in choices if choice not in (NoneType, str)), None)


# What is left of a file without its faults


def _section(place: Place) -> Place:
    """What to leave out for a fault: a whole bus, ECU, route and so on; in `gateway` and at the top one key."""
    if place[:2] == _ROUTES or place[:2] in _SERVICES:
        return place[:3]
    return place[:2] if place[:1] in {("buses",), ("ecus",), ("protect",), ("links",), ("gateway",)} else place[:1]


def _without(source: Source, places: set[Place]) -> Source:
    """The source with some places left out. What must be there and is not becomes something harmless."""
    data = dict(source.data)
    lines = dict(source.lines)
    gone = sorted((place for place in places if place[:2] == _ROUTES and len(place) == 3), reverse=True)
    for place in places:
        if len(place) == 1:
            data.pop(str(place[0]), None)
        elif len(place) == 2 and isinstance(data.get(str(place[0])), dict):
            data[str(place[0])] = {key: value for key, value in data[str(place[0])].items() if key != place[1]}
    for place in places:
        if place[:2] in _SERVICES and len(place) == 3:
            services = data.get("services")
            if isinstance(services, dict) and isinstance(services.get(str(place[1])), dict):
                kept = {key: value for key, value in services[str(place[1])].items() if key != place[2]}
                data["services"] = {**services, str(place[1]): kept}
    for place in gone:
        section = data.get("gateway")
        if isinstance(section, dict) and isinstance(section.get("routes"), list):
            index = int(place[2])
            data["gateway"] = {**section, "routes": section["routes"][:index] + section["routes"][index + 1 :]}
            lines = _renumbered(lines, index)
    if not isinstance(data.get("vehicle"), str) or ("vehicle",) in places:
        data["vehicle"] = "unnamed"
    if not data.get("buses"):
        data["buses"] = {"(none)": {}}
    return Source(source.file, data, lines)


def _renumbered(lines: Mapping[Place, int], index: int) -> dict[Place, int]:
    """The lines of places when one route is gone."""
    found: dict[Place, int] = {}
    for place, line in lines.items():
        if place[:2] != _ROUTES or len(place) == 2 or int(place[2]) < index:
            found[place] = line
        elif int(place[2]) > index:
            found[(*_ROUTES, int(place[2]) - 1, *place[3:])] = line
    return found
