"""What Android reads from a property's `configArray`, where no property file gives it (VehicleProperty.aidl)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.domains.aaos.values import PropertyConfig

_GEARS: Final = ("GEAR_SELECTION", "CURRENT_GEAR")
_NEAR: Final = 1e-6


def with_config_array(config: PropertyConfig, step: float | None) -> PropertyConfig:
    """The gears that there are; of HVAC_TEMPERATURE_SET range and step. `step`: between its values; None: not known."""
    if config.config_array:
        return config
    areas = list(config.areas.values())
    if config.prop.name in _GEARS and areas:
        return replace(config, config_array=areas[0].enum_values)
    if config.prop.name != "HVAC_TEMPERATURE_SET" or step is None:
        return config
    limits = {(area.minimum, area.maximum) for area in areas}
    if len(limits) != 1:
        return config
    low, high = limits.pop()
    return config if low is None or high is None else replace(config, config_array=_temperatures(low, high, step))


def _temperatures(low: float, high: float, step: float) -> tuple[int, ...]:
    """Lowest, highest and step in tenths of a degree Celsius, then of Fahrenheit: each value of one has one of the other.

    Nothing where tenths cannot tell them, or the steps do not end at the highest.
    """
    tenths = (low * 10, high * 10, step * 10, low * 18 + 320, high * 18 + 320, step * 18)
    whole = tuple(round(number) for number in tenths)
    exact = all(abs(number - near) < _NEAR for number, near in zip(tenths, whole, strict=True))
    return whole if exact and whole[2] > 0 and (whole[1] - whole[0]) % whole[2] == 0 else ()
