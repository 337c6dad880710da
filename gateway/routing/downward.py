"""From VSS to CAN: the target values of actuators into messages that the gateway sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from gateway.database import EncodeError, Message
from gateway.routing.rules import CanValue, Defaults, DownwardRule, Place
from gateway.routing.store import SignalError, SignalStore, VssSignal

Send = Callable[[str, Message, dict[str, CanValue]], object]
"""Sends a message: bus, message, values of its signals (those not given have their start value)."""


class Command:
    """One downward rule at work: its counts, and the last value that went out or was refused."""

    def __init__(self, rule: DownwardRule) -> None:
        self.rule: Final = rule
        self.sent: int = 0
        self.refused: int = 0
        self.last_sent: CanValue | None = None
        self.last_refusal: str = ""
        self.last_refused_ns: int = 0


class VssToCan:
    """The downward rules at work: a target value becomes a signal of a message, which is sent with all that is known.

    What was asked for stays in the message for the next time; other signals have their value from `defaults`. Whoever
    asks for a value that cannot be sent gets the SignalError.
    """

    def __init__(
        self, rules: Iterable[DownwardRule], store: SignalStore, send: Send, defaults: Defaults | None = None
    ) -> None:
        self.commands: Final = [Command(rule) for rule in rules]
        self.on_refusal: Callable[[Command], object] | None = None
        """Called with each command whose target value has just been refused."""
        self._send = send
        self._values: dict[tuple[str, Message], dict[str, CanValue]] = {}
        for command in self.commands:
            place = command.rule.place
            self._values.setdefault((place.bus, place.message), dict((defaults or {}).get(place.message, {})))
            store.declare(command.rule.leaf.path).listen_target(partial(self._actuate, command))

    def values(self, bus: str, message: Message) -> Mapping[str, CanValue]:
        """What the next frame of the message is made of."""
        return self._values.get((bus, message), {})

    def _actuate(self, command: Command, signal: VssSignal) -> None:
        value = signal.target.value
        assert value is not None
        place = command.rule.place
        try:
            wanted = command.rule.to_can(value)
            values = {**self._values[place.bus, place.message], place.signal.name: wanted}
            try:
                self._send(place.bus, place.message, _active(place, values))
            except EncodeError as error:
                raise SignalError(f"{signal.path} cannot be {value!r}: {error.sentence}") from None
        except SignalError as error:
            command.refused += 1
            command.last_refusal = error.sentence
            command.last_refused_ns = signal.target.time_ns
            if self.on_refusal is not None:
                self.on_refusal(command)
            raise
        self._values[place.bus, place.message] = values
        command.sent += 1
        command.last_sent = wanted


def _active(place: Place, values: Mapping[str, CanValue]) -> dict[str, CanValue]:
    """The values that are in the payload together with the signal; the multiplexer is set for it where it must be."""
    message = place.message
    raws = {name: message.by_name[name].to_raw(value) for name, value in values.items()}
    chosen = dict(values)
    signal = place.signal
    while signal.multiplexer_signal is not None:
        selector = message.by_name[signal.multiplexer_signal]
        if raws.get(selector.name, selector.initial_raw) not in signal.multiplexer_ids:
            raws[selector.name] = signal.multiplexer_ids[0]
            chosen[selector.name] = selector.to_physical(signal.multiplexer_ids[0])
        signal = selector

    def is_active(name: str) -> bool:
        own = message.by_name[name]
        while own.multiplexer_signal is not None:
            selector = message.by_name[own.multiplexer_signal]
            if raws.get(selector.name, selector.initial_raw) not in own.multiplexer_ids:
                return False
            own = selector
        return True

    return {name: value for name, value in chosen.items() if is_active(name)}
