"""What can go wrong on a segment: frames that are lost, doubled or late, hosts whose cable is out."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sim import Stream


@dataclass(slots=True)
class Faults:
    """Faults of a segment, drawn frame by frame from a seeded stream. Probabilities from 0 to 1.

    `jitter_ns`: frames are late by up to so much, each for itself, so that they may overtake each other.
    `cut`: names of hosts that nothing reaches and nothing comes from.
    """

    loss: float = 0.0
    duplication: float = 0.0
    jitter_ns: int = 0
    cut: set[str] = field(default_factory=set)

    def delays(self, random: Stream) -> list[int]:
        """How late each copy of a frame is, in nanoseconds; none when it is lost."""
        if not (self.loss or self.duplication or self.jitter_ns):
            return [0]
        if random.random() < self.loss:
            return []
        copies = 2 if random.random() < self.duplication else 1
        return [random.randrange(self.jitter_ns + 1) for _ in range(copies)]
