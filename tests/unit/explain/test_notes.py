"""What the recorder writes beside frames and as events, read back."""

from __future__ import annotations

import pytest

from gateway.explain import Decided, FrameNote, SourceNote, decided_in, note_of


@pytest.mark.parametrize(
    ("comment", "note"),
    [
        ("VCU", FrameNote("VCU", 0)),
        ("VCU, waited 123.456 us", FrameNote("VCU", 123_456)),
        ("VCU, waited 0.5 us", FrameNote("VCU", 500)),
        ("My ECU, the second", FrameNote("My ECU, the second", 0)),
        (
            "GW, waited 2.000 us; r1 from a.Speed at 1.000000001; r12 from b.0x3A0 at 12.500000000",
            FrameNote(
                "GW", 2000, (SourceNote("r1", "a.Speed", 1_000_000_001), SourceNote("r12", "b.0x3A0", 12_500_000_000))
            ),
        ),
        ("", FrameNote()),
        ("somebody; else's comment", FrameNote()),
    ],
)
def test_comments_of_frames(comment: str, note: FrameNote) -> None:
    assert note_of(comment) == note


@pytest.mark.parametrize(
    ("text", "decided"),
    [
        (
            "r3 a.Speed -> b filtered: rate limit; 100#0102",
            Decided("r3", "a.Speed", "b", "filtered", "rate limit", "100#0102", None),
        ),
        (
            "r3 a.Speed -> b.X dropped: queue full; 100#",
            Decided("r3", "a.Speed", "b.X", "dropped", "queue full", "100#", None),
        ),
        (
            "r1 a -> b dropped: lost when the controller left the bus; 18DAF110##1AABB received at 0.001234567",
            Decided("r1", "a", "b", "dropped", "lost when the controller left the bus", "18DAF110##1AABB", 1_234_567),
        ),
        ("body: bus-off: GW: 32 errors", None),
        ("", None),
    ],
)
def test_events_of_routes(text: str, decided: Decided | None) -> None:
    assert decided_in(text) == decided
