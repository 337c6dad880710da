"""Durations as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sim import DurationError, duration_ns, duration_text

UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("10ms", 10_000_000),
        ("1.5 s", 1_500_000_000),
        (" 200us ", 200_000),
        ("200µs", 200_000),
        ("200μs", 200_000),  # the Greek letter, which most keyboards have
        ("10min", 600_000_000_000),
        ("0.1s", 100_000_000),
        (".5ms", 500_000),
        ("0s", 0),
        ("2h", 7_200_000_000_000),
        ("1.000000001s", 1_000_000_001),
    ],
)
def test_durations(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


@given(st.integers(0, 10**6), st.integers(0, 999_999), st.sampled_from(sorted(UNITS)))
def test_a_decimal_fraction_is_exact_down_to_the_nanosecond(whole: int, fraction: int, unit: str) -> None:
    text = f"{whole}.{fraction:06d}{unit}"
    assert duration_ns(text) == int(Decimal(f"{whole}.{fraction:06d}") * UNITS[unit])


@given(st.integers(0, 999_999), st.sampled_from([1, 10**3, 10**6]))
def test_a_text_is_read_as_what_it_was_written_from(number: int, scale: int) -> None:
    assert duration_ns(duration_text(number * scale)) == number * scale


@given(st.integers(0, 10**15))
def test_a_text_is_right_to_three_decimals_of_its_unit(ns: int) -> None:
    text = duration_text(ns)
    unit = text.split()[1]
    assert abs(duration_ns(text) - ns) <= UNITS[unit] // 2000


@pytest.mark.parametrize(
    "text", ["", "10", "ms", "-1ms", "1,5s", "10 parsecs", "1.2.3s", "1e3s", "5m", "1 . 5s", "1.s", "10ms 5us", "٣ms"]
)
def test_anything_else_is_an_error_that_names_the_units(text: str) -> None:
    with pytest.raises(DurationError, match="is not a duration: a number and one of ns, us"):
        duration_ns(text)
