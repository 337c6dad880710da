"""Units of VSS to those of vehicle properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domains.aaos.units import PROPERTY_UNITS, VSS_UNITS, conversion


@pytest.mark.parametrize(
    ("vss", "unit", "value", "expected"),
    [
        ("km/h", "METER_PER_SEC", 36.0, 10.0),
        ("km", "METER", 309.3, 309300.0),
        ("kWh", "WATT_HOUR", 46.4, 46400.0),
        ("kPa", "BAR", 230.0, 2.3),
        ("psi", "KILOPASCAL", 1.0, 6.894757),
        ("celsius", "FAHRENHEIT", 100.0, 212.0),
        ("celsius", "FAHRENHEIT", -40.0, -40.0),
        ("celsius", "KELVIN", 0.0, 273.15),
        ("l", "US_GALLON", 3.785411784, 1.0),
        ("kW", "MILLIWATTS", 2.0, 2_000_000.0),
        ("min", "SECS", 2.0, 120.0),
        ("", "KILOMETER", 5.0, 5.0),
        ("percent", "", 5.0, 5.0),
    ],
)
def test_values_convert(vss: str, unit: str, value: float, expected: float) -> None:
    linear = conversion(vss, unit)
    assert linear is not None
    assert linear.forward(value) == pytest.approx(expected)


@pytest.mark.parametrize(("vss", "unit"), [("km/h", "CELSIUS"), ("kWh", "AMPERE_HOURS"), ("parsec", "METER")])
def test_other_dimensions_do_not_convert(vss: str, unit: str) -> None:
    assert conversion(vss, unit) is None


@given(st.sampled_from(sorted(VSS_UNITS)), st.sampled_from(sorted(PROPERTY_UNITS)), st.floats(-1e6, 1e6))
def test_what_converts_converts_back(vss: str, unit: str, value: float) -> None:
    linear = conversion(vss, unit)
    if linear is not None:
        assert linear.backward(linear.forward(value)) == pytest.approx(value, rel=1e-9, abs=1e-6)
