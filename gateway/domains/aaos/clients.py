"""What clients may read and write: Android's permissions (android.car.permission), by client identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.domains.aaos.property import Property
from gateway.errors import nearest

_READ: Final = (
    ("PERF_VEHICLE_SPEED", "CAR_SPEED"),
    ("WHEEL_TICK", "CAR_SPEED"),
    ("PERF_ODOMETER", "CAR_MILEAGE"),
    ("PERF_STEERING_ANGLE", "READ_CAR_STEERING"),
    ("PERF_REAR_STEERING_ANGLE", "READ_CAR_STEERING"),
    ("INFO_", "CAR_INFO"),
    ("VEHICLE_CURB_WEIGHT", "CAR_INFO"),
    ("FUEL_DOOR_OPEN", "CAR_ENERGY_PORTS"),
    ("EV_CHARGE_PORT", "CAR_ENERGY_PORTS"),
    ("FUEL_LEVEL", "CAR_ENERGY"),
    ("EV_", "CAR_ENERGY"),
    ("RANGE_REMAINING", "CAR_ENERGY"),
    ("ENGINE_", "CAR_ENGINE_DETAILED"),
    ("TIRE_PRESSURE_DISPLAY", "READ_CAR_DISPLAY_UNITS"),
    ("TIRE_PRESSURE", "CAR_TIRES"),
    ("CRITICALLY_LOW_TIRE", "CAR_TIRES"),
    ("GEAR_SELECTION", "CAR_POWERTRAIN"),
    ("CURRENT_GEAR", "CAR_POWERTRAIN"),
    ("PARKING_BRAKE", "CAR_POWERTRAIN"),
    ("IGNITION_STATE", "CAR_POWERTRAIN"),
    ("NIGHT_MODE", "CAR_EXTERIOR_ENVIRONMENT"),
    ("ENV_", "CAR_EXTERIOR_ENVIRONMENT"),
    ("TURN_SIGNAL", "CAR_EXTERIOR_LIGHTS"),
    ("HEADLIGHTS", "CAR_EXTERIOR_LIGHTS"),
    ("HIGH_BEAM", "CAR_EXTERIOR_LIGHTS"),
    ("FOG_", "CAR_EXTERIOR_LIGHTS"),
    ("HAZARD", "CAR_EXTERIOR_LIGHTS"),
    ("ABS_ACTIVE", "CAR_DYNAMICS_STATE"),
    ("TRACTION", "CAR_DYNAMICS_STATE"),
    ("ELECTRONIC_STABILITY", "CAR_DYNAMICS_STATE"),
    ("HVAC_TEMPERATURE_DISPLAY", "READ_CAR_DISPLAY_UNITS"),
    ("HVAC_", "CONTROL_CAR_CLIMATE"),
    ("DOOR_", "CONTROL_CAR_DOORS"),
    ("WINDOW_", "CONTROL_CAR_WINDOWS"),
    ("MIRROR_", "CONTROL_CAR_MIRRORS"),
    ("SEAT_", "CONTROL_CAR_SEATS"),
)
"""By the beginning of a property's name; the first that fits counts. What is not here needs none."""
_WRITE: Final = {"CAR_EXTERIOR_LIGHTS": "CONTROL_CAR_EXTERIOR_LIGHTS", "CAR_ENERGY_PORTS": "CONTROL_CAR_ENERGY_PORTS"}
VENDOR: Final = "CAR_VENDOR_EXTENSION"
PREFIX: Final = "android.car.permission."
PERMISSIONS: Final = tuple(sorted({permission for _, permission in _READ} | set(_WRITE.values()) | {VENDOR}))
"""All that a property here needs."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. `permissions` None: all of them."""

    name: str = ""
    permissions: frozenset[str] | None = None

    def may_read(self, property_: Property) -> bool:
        return self.permissions is None or _needed(property_) in (None, *self.permissions)

    def may_write(self, property_: Property) -> bool:
        if self.permissions is None:
            return True
        needed = _needed(property_)
        return needed is None or _WRITE.get(needed, needed) in self.permissions


EVERYBODY: Final = Client()


class Clients:
    """The clients that are known, by identity. With none given everybody may do everything."""

    def __init__(self, permissions: Mapping[str, list[str]] | None = None) -> None:
        self._known = {
            name: Client(name, frozenset(one.removeprefix(PREFIX) for one in given))
            for name, given in (permissions or {}).items()
        }

    def client(self, identity: str | None) -> Client:
        """Who says to be this; a stranger, where some are known, has no permission."""
        if not self._known:
            return EVERYBODY
        return self._known.get(identity or "", Client(identity or "", frozenset()))


def wrong_permission(name: str) -> str | None:
    """What is wrong with the name of a permission; None for one that some property needs."""
    if name.removeprefix(PREFIX) in PERMISSIONS:
        return None
    near = nearest(name.removeprefix(PREFIX), list(PERMISSIONS))
    return f"no property needs the permission {name!r:.80}{near}; there are {', '.join(PERMISSIONS)}"


def _needed(property_: Property) -> str | None:
    if property_.is_vendors:
        return VENDOR
    return next((permission for start, permission in _READ if property_.name.startswith(start)), None)
