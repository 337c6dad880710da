"""What events of a recording say, read back from how they are written."""

from __future__ import annotations

import pytest

from gateway.explain import ExplainError, SignalQuestion, parse_signal
from gateway.explain.told import Failed, QualityChanged, TargetRefused, Told, told_in


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "powertrain: bus-off: Motor 180#0102: TEC 256",
            Told(5, "powertrain", "bus-off", "Motor", "180#0102", "TEC 256"),
        ),
        ("body: off: GW: it has no power", Told(5, "body", "off", "GW", "", "it has no power")),
        (
            "body: no header for 4 s: BCM: the bus: sleeps",
            Told(5, "body", "no header for 4 s", "BCM", "", "the bus: sleeps"),
        ),
        ("Motor: failed: motor.py:12: ValueError: no: x", Failed(5, "Motor", "motor.py:12", "ValueError: no: x")),
        ("Vehicle.Lamp: target refused: it cannot be 7: no", TargetRefused(5, "Vehicle.Lamp", "it cannot be 7: no")),
        ("Vehicle.Speed: stale", QualityChanged(5, "Vehicle.Speed", "stale")),
        ("r1 a.B -> c filtered: rate limit; 100#00", None),
        ("hello", None),
        ("", None),
    ],
)
def test_an_event_is_read_as_it_was_written(text: str, told: object) -> None:
    assert told_in(5, text) == told


def test_a_question_about_a_signal() -> None:
    assert parse_signal("Vehicle.Speed") == SignalQuestion("Vehicle.Speed")
    assert parse_signal("body.ClusterInfo@1.5s") == SignalQuestion("body.ClusterInfo", 1_500_000_000)
    for wrong in ("", "@1s", "Vehicle.Speed@", "Vehicle.Speed@12"):
        with pytest.raises(ExplainError, match="names no signal"):
            parse_signal(wrong)
