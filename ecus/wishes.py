"""Messages that carry wishes: which of their fields asks for something now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.com import RxSignal
from gateway.ecu import Ecu


class Wishes:
    """The wish fields of one message. A field that changed is a wish; when none changed, all are."""

    def __init__(self, ecu: Ecu, message: str, fields: Iterable[str]) -> None:
        self._signals: Mapping[str, RxSignal] = {field: ecu.rx(f"{message}.{field}") for field in fields}
        self._before = {field: signal.label for field, signal in self._signals.items()}

    def take(self) -> dict[str, int | float | str]:
        """The wishes of the frame that has just come, by field."""
        now = {field: signal.label for field, signal in self._signals.items()}
        changed = {field: value for field, value in now.items() if value != self._before[field]}
        self._before = now
        return changed or now
