"""From the units of VSS to those of vehicle properties."""

from __future__ import annotations

from typing import Final, NamedTuple


class Unit(NamedTuple):
    """A unit in the dimension's base unit: `base = value * factor + offset`."""

    dimension: str
    factor: float
    offset: float = 0.0


VSS_UNITS: Final = {
    "m/s": Unit("speed", 1.0),
    "km/h": Unit("speed", 1 / 3.6),
    "mph": Unit("speed", 0.44704),
    "mm": Unit("length", 0.001),
    "cm": Unit("length", 0.01),
    "m": Unit("length", 1.0),
    "km": Unit("length", 1000.0),
    "inch": Unit("length", 0.0254),
    "celsius": Unit("temperature", 1.0, 273.15),
    "kelvin": Unit("temperature", 1.0),
    "fahrenheit": Unit("temperature", 5 / 9, 459.67 * 5 / 9),
    "ml": Unit("volume", 0.001),
    "l": Unit("volume", 1.0),
    "ns": Unit("time", 1e-9),
    "ms": Unit("time", 0.001),
    "s": Unit("time", 1.0),
    "min": Unit("time", 60.0),
    "h": Unit("time", 3600.0),
    "Wh": Unit("energy", 1.0),
    "kWh": Unit("energy", 1000.0),
    "mW": Unit("power", 0.001),
    "W": Unit("power", 1.0),
    "kW": Unit("power", 1000.0),
    "mA": Unit("current", 0.001),
    "A": Unit("current", 1.0),
    "mV": Unit("voltage", 0.001),
    "V": Unit("voltage", 1.0),
    "Ah": Unit("charge", 1.0),
    "Pa": Unit("pressure", 0.001),
    "mbar": Unit("pressure", 0.1),
    "kPa": Unit("pressure", 1.0),
    "bar": Unit("pressure", 100.0),
    "psi": Unit("pressure", 6.894757293168361),
    "degrees": Unit("angle", 1.0),
    "degree": Unit("angle", 1.0),
    "rpm": Unit("rotation", 1.0),
    "Hz": Unit("rotation", 60.0),
    "percent": Unit("ratio", 1.0),
}
PROPERTY_UNITS: Final = {
    "METER_PER_SEC": Unit("speed", 1.0),
    "MILES_PER_HOUR": Unit("speed", 0.44704),
    "KILOMETERS_PER_HOUR": Unit("speed", 1 / 3.6),
    "MILLIMETER": Unit("length", 0.001),
    "METER": Unit("length", 1.0),
    "KILOMETER": Unit("length", 1000.0),
    "MILE": Unit("length", 1609.344),
    "CELSIUS": Unit("temperature", 1.0, 273.15),
    "FAHRENHEIT": Unit("temperature", 5 / 9, 459.67 * 5 / 9),
    "KELVIN": Unit("temperature", 1.0),
    "MILLILITER": Unit("volume", 0.001),
    "LITER": Unit("volume", 1.0),
    "US_GALLON": Unit("volume", 3.785411784),
    "IMPERIAL_GALLON": Unit("volume", 4.54609),
    "NANO_SECS": Unit("time", 1e-9),
    "MILLI_SECS": Unit("time", 0.001),
    "SECS": Unit("time", 1.0),
    "WATT_HOUR": Unit("energy", 1.0),
    "KILOWATT_HOUR": Unit("energy", 1000.0),
    "MILLIWATTS": Unit("power", 0.001),
    "MILLIAMPERE": Unit("current", 0.001),
    "AMPERE": Unit("current", 1.0),
    "MILLIVOLT": Unit("voltage", 0.001),
    "AMPERE_HOURS": Unit("charge", 1.0),
    "KILOPASCAL": Unit("pressure", 1.0),
    "PSI": Unit("pressure", 6.894757293168361),
    "BAR": Unit("pressure", 100.0),
    "DEGREES": Unit("angle", 1.0),
    "RPM": Unit("rotation", 1.0),
    "HERTZ": Unit("rotation", 60.0),
    "PERCENTILE": Unit("ratio", 1.0),
}


class Linear(NamedTuple):
    """`property = signal * scale + offset`."""

    scale: float = 1.0
    offset: float = 0.0

    def forward(self, value: float) -> float:
        return value * self.scale + self.offset

    def backward(self, value: float) -> float:
        return (value - self.offset) / self.scale


SAME: Final = Linear()


def conversion(vss: str, unit: str) -> Linear | None:
    """From a VSS unit to one of `VehicleUnit`; None where there is none. Where one has no unit: as it is."""
    if not vss or not unit:
        return Linear()
    source, target = VSS_UNITS.get(vss), PROPERTY_UNITS.get(unit)
    if source is None or target is None or source.dimension != target.dimension:
        return None
    if source == target:
        return Linear()
    return Linear(source.factor / target.factor, (source.offset - target.offset) / target.factor)
