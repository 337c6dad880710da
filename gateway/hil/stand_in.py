"""Objects that stand for something of the vehicle, and are not its value."""

from __future__ import annotations

from gateway.hil.errors import HilError


class StandIn:
    """Compared with a value or used as a truth it would say the same always: that is an error, not a result."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StandIn):
            return self is other
        raise HilError(f"{self!r} is not its value, so it equals nothing: compare .value")

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise HilError(f"{self!r} is not its value, so it has no truth: ask for .value")
