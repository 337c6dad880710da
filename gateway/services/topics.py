"""Where a signal lies: `vss/Vehicle/Speed`, and `vss/Vehicle/Cabin/.../set` to ask for a value.

MQTT's topics and Zenoh's key expressions are laid out alike. `vss/gateways/NAME` tells which gateways are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.services.errors import ServiceError

SET: Final = "/set"
ANSWER: Final = "/set/answer"
GATEWAYS: Final = "gateways"
_NAME: Final = re.compile(r"[^\s/#+*$?]+")
_PREFIX: Final = re.compile(r"[^\s/#+*$?]+(?:/[^\s/#+*$?]+)*")


class Topics:
    """The topics of a tree below a prefix. ServiceError for a prefix that cannot be part of a topic."""

    def __init__(self, prefix: str, paths: Iterable[str]) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ServiceError(f"{prefix!r} cannot begin a topic: it is like vss or fleet/car-1, without # + * $ ?")
        self.prefix: Final = prefix
        self.of: Final = {path: f"{prefix}/{path.replace('.', '/')}" for path in paths}
        """By path."""
        self.depth: Final = max((path.count(".") + 1 for path in self.of), default=0)
        """Levels of the longest path."""

    def gateway(self, name: str) -> str:
        """Where the gateway of this name tells that it is there. ServiceError for a name that a topic cannot have."""
        if not _NAME.fullmatch(name):
            raise ServiceError(f"{name!r} cannot be part of a topic: leave out spaces and / # + * $ ?")
        return f"{self.prefix}/{GATEWAYS}/{name}"

    def path(self, topic: str) -> str:
        """The path of a signal's topic, or of its `.../set`; of a strange topic something that is no path."""
        return topic.removeprefix(self.prefix + "/").removesuffix(SET).replace("/", ".")
