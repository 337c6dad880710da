"""The attributes of parsed messages and signals, and what those of Vector's interaction layer mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.database.message import SendType

NS_PER_MS: Final = 1_000_000
SEND_TYPES: Final = {
    "cyclic": SendType.CYCLIC,
    "cyclicx": SendType.CYCLIC,
    "periodic": SendType.CYCLIC,
    "fixedperiodic": SendType.CYCLIC,
    "spontaneous": SendType.ON_CHANGE,
    "spontan": SendType.ON_CHANGE,
    "spontanx": SendType.ON_CHANGE,
    "onchange": SendType.ON_CHANGE,
    "event": SendType.ON_CHANGE,
    "triggered": SendType.ON_CHANGE,
    "onwrite": SendType.ON_WRITE,
    "ifactive": SendType.IF_ACTIVE,
    "enabledperiodic": SendType.IF_ACTIVE,
    "cyclicifactive": SendType.CYCLIC_IF_ACTIVE,
    "cyclicifactivex": SendType.CYCLIC_IF_ACTIVE,
    "cyclicandspontaneous": SendType.CYCLIC_ON_CHANGE,
    "cyclicandspontan": SendType.CYCLIC_ON_CHANGE,
    "cyclicandspontanx": SendType.CYCLIC_ON_CHANGE,
    "cyclicandonchange": SendType.CYCLIC_ON_CHANGE,
    "cyclicandevent": SendType.CYCLIC_ON_CHANGE,
    "cyclicandtriggered": SendType.CYCLIC_ON_CHANGE,
    "eventperiodic": SendType.CYCLIC_ON_CHANGE,
    "onrequest": SendType.ON_REQUEST,
}
"""Names in use for the values of GenMsgSendType, in small letters without separators."""


class ParsedAttributes:
    """The attributes of one message or signal, enumerations as their names; defaults where it has none of its own."""

    def __init__(self, specifics: Any) -> None:
        """`specifics`: the parser's DbcSpecifics, None in formats that have none."""
        self._definitions: Mapping[str, Any] = (specifics.attribute_definitions if specifics else None) or {}
        given = (specifics.attributes if specifics else None) or {}
        self.own = {name: _value(attribute.value, attribute.definition) for name, attribute in given.items()}

    def value(self, name: str) -> int | float | str | None:
        """Its own value, else the definition's default."""
        if name in self.own:
            return self.own[name]
        definition = self._definitions.get(name)
        return None if definition is None else definition.default_value

    def time_ns(self, name: str) -> int:
        """A time that the file has in milliseconds; 0 where it has none."""
        return time_ns(self.value(name)) or 0

    def count(self, name: str) -> int:
        """A number of times; 0 where the file has none."""
        return self.time_ns(name) // NS_PER_MS

    def send_type(self, name: str | None, cycle_ns: int | None) -> SendType:
        """The send type by its name; a message of which only a cycle time is said is a cyclic one."""
        found = SEND_TYPES.get(re.sub(r"[^a-z]", "", (name or "").lower()), SendType.NONE)
        if found is SendType.NONE and cycle_ns is not None and "GenMsgSendType" not in self.own:
            return SendType.CYCLIC
        return found


def time_ns(milliseconds: object) -> int | None:
    """Nanoseconds; None for what is no time that anything can have."""
    if not isinstance(milliseconds, int | float) or not math.isfinite(milliseconds) or not 0 < milliseconds < 1e12:
        return None
    return round(milliseconds * NS_PER_MS)


def _value(value: Any, definition: Any) -> int | float | str:
    if definition.type_name == "ENUM" and isinstance(value, int) and 0 <= value < len(definition.choices or ()):
        return str(definition.choices[value])
    return value if isinstance(value, int | float) else str(value)
