"""Random numbers by name: each user of chance has a stream of its own, and all come from one seed.

So a run is repeated exactly from its seed, and an ECU that draws once more changes nothing for the others.
"""

from __future__ import annotations

import hashlib
import random

Stream = random.Random


class Streams:
    """Named streams of one seed. The same seed and name give the same numbers on any machine and Python."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        """The stream called `name`; asked again, the same one, where it stands."""
        if name not in self._streams:
            digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
            self._streams[name] = random.Random(int.from_bytes(digest[:16], "big"))  # noqa: S311 - simulation, not secrets
        return self._streams[name]
