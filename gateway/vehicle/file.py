"""Reading the vehicle file: every fault with its line, all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import nearest
from gateway.vehicle.errors import VehicleFileError
from gateway.vehicle.model import VehicleSpec
from gateway.vehicle.source import Source, read


class VehicleFile(NamedTuple):
    """The parsed file, where it came from, and the folder that its paths are relative to."""

    spec: VehicleSpec
    source: Source
    folder: Path


def read_vehicle(path: str | Path) -> VehicleFile:
    """Read and check a vehicle file; a folder means its `vehicle.yaml`. VehicleFileError with all faults."""
    path = Path(path)
    if path.is_dir():
        path = path / "vehicle.yaml"
    source = read(path)
    try:
        spec = VehicleSpec.model_validate(source.data)
    except ValidationError as error:
        faults = [_fault(source, details) for details in error.errors()]
        first = faults[0]
        raise VehicleFileError(first.sentence, file=first.file, line=first.line, more=tuple(faults[1:])) from None
    return VehicleFile(spec, source, path.parent)


def _fault(source: Source, details: ErrorDetails) -> VehicleFileError:
    place = tuple(part for part in details["loc"])
    where = ".".join(str(part) for part in place)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        return source.error(f"unknown key {place[-1]!r}{nearest(str(place[-1]), known)}", place)
    if kind == "missing":
        return source.error(f"{where} is missing", place)
    text = str(details["ctx"]["error"]) if kind == "value_error" and "ctx" in details else details["msg"].lower()
    return source.error(f"{where}: {text}", place)


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    """The keys that the model has at a place."""
    found: Any = VehicleSpec
    for part in place:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            if part not in fields:
                return []
            found = fields[str(part)].annotation
        else:
            # A list or a mapping of sections: the part was its index or its name.
            found = next((arg for arg in get_args(found) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return [field.alias or name for name, field in found.model_fields.items()]
    return []
