"""What `dumpsys` shows of the vehicle HAL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.domains.aaos.hal import VehicleHal
from gateway.domains.aaos.property import by_id
from gateway.domains.aaos.values import PropertyValue, RawValue, Status

HELP: Final = """\
Options:
--help: this help
--list: the properties and their areas
--get NAME|ID...: values of properties
no option: the state with all values
"""


def dump(hal: VehicleHal, options: Sequence[str]) -> str:
    """The text for these options of `dumpsys android.hardware.automotive.vehicle.IVehicle/default`."""
    if not options:
        return "\n".join([*_state(hal), *map(_line, hal.values())]) + "\n"
    if options[0] == "--list":
        return "\n".join(_listed(hal)) + "\n"
    if options[0] == "--get" and len(options) > 1:
        wanted = {option.upper() for option in options[1:]}
        lines = [_line(value) for value in hal.values() if wanted & {_name(value.place.prop), *_ids(value.place.prop)}]
        return ("\n".join(lines) if lines else f"no such property: {' '.join(options[1:])}") + "\n"
    return HELP


def _state(hal: VehicleHal) -> Iterable[str]:
    yield f"vehicle-gateway vehicle HAL: {len(hal.configs)} properties, {hal.streams} event streams"
    for place, rate in sorted(hal.sample_rates.items()):
        yield f"sampled: {_name(place.prop)} area 0x{place.area:X} at {rate:g}/s"


def _listed(hal: VehicleHal) -> Iterable[str]:
    for number, config in sorted(hal.configs.items()):
        areas = " ".join(f"0x{area:X}" for area in config.area_ids)
        mode = config.prop.change_mode.name
        yield f"0x{number:08X} {_name(number)} {config.access.name} {mode} areas {areas}"


def _line(value: PropertyValue) -> str:
    text = _text(value.raw) if value.status is Status.AVAILABLE else value.status.name
    return f"0x{value.place.prop:08X} {_name(value.place.prop)} area 0x{value.place.area:X}: {text} @{value.time_ns}"


def _text(raw: RawValue) -> str:
    parts = [str(list(numbers)) for numbers in (raw.int32, raw.int64) if numbers]
    if raw.floats:
        parts.append("[" + ", ".join(f"{number:g}" for number in raw.floats) + "]")
    if raw.bytes:
        parts.append(raw.bytes.hex(" "))
    if raw.string or not parts:
        parts.append(repr(raw.string))
    return " ".join(parts)


def _name(number: int) -> str:
    known = by_id().get(number)
    return known.name if known is not None else f"VENDOR_{number:08X}"


def _ids(number: int) -> tuple[str, str]:
    return str(number), f"0X{number:08X}"
