"""A service that somebody else offers: its events and fields feed signals and CAN frames; target values call its setters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.errors import GatewayError
from gateway.routing import VssSignal
from gateway.services.someip.binding import BoundPayload, write
from gateway.services.someip.definition import FieldDefinition, MethodDefinition, ServiceDefinition
from gateway.services.someip.reception import Reception
from gateway.sim import Kernel
from gateway.someip import Answer, Found, Message, PayloadError, ReturnCode, code_text

Call = Callable[[int, bytes, Callable[[Answer], object]], object]
"""Sends a request: method, payload, what to do with the answer."""


Done = Callable[[Answer], object]
Request = Callable[["Consumer", int, bytes, Done], object]
"""As Call, for a consumer."""


class Consumer:
    """One consumed service. `found`: where it is; `faults` counts what could not be, by what it was; `unwanted`: events
    that come with an eventgroup and are not ours to take, by their ids."""

    def __init__(self, kernel: Kernel, definition: ServiceDefinition, call: Request) -> None:
        self.definition: Final = definition
        self.found: Found | None = None
        self.missing = "not looked for yet"
        self.on_found: Callable[[], object] | None = None
        self.faults: Final[Counter[str]] = Counter()
        self.unwanted: Final[Counter[int]] = Counter()
        self._call: Call = partial(call, self)
        self._receptions: Final = {event.id: Reception(kernel, event, self._refused) for event in definition.events}
        self._ends: list[Callable[[], None]] = []

    @property
    def events(self) -> dict[str, int]:
        """What was taken of each event."""
        return {each.event.name: each.count for each in self._receptions.values() if each.count}

    @property
    def checks(self) -> dict[str, str]:
        """How far each event that is protected end to end can be relied on."""
        return {each.event.name: each.check.state.value for each in self._receptions.values() if each.check is not None}

    @property
    def groups(self) -> list[int]:
        """The eventgroups that have what we want."""
        return list(dict.fromkeys(group for event in self.definition.events for group in event.groups))

    def start(self) -> None:
        self.missing = "nobody offers it"
        for each in self.definition.fields:
            if each.setter is not None:
                for signal in each.payload.sources:
                    self._ends.append(signal.listen_target(partial(self._target, each)))
        for method in self.definition.methods:
            for signal in method.request.sources:
                self._ends.append(signal.listen(partial(self._trigger, method)))

    def stop(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()

    def available(self, found: Found) -> None:
        self.found = found
        self.missing = ""
        for reception in self._receptions.values():
            reception.start()
        for each in self.definition.fields:
            if each.getter is not None:
                self._call(each.getter, b"", partial(self._got, each.name, each.payload))
        if self.on_found is not None:
            self.on_found()

    def unavailable(self, why: str) -> None:
        """What it fed is not fresh any more."""
        self.found = None
        self.missing = why
        for reception in self._receptions.values():
            reception.stop()
        for each in self.definition.fields:
            each.payload.lose()

    def event(self, message: Message) -> None:
        """Take a notification."""
        reception = self._receptions.get(message.method)
        if reception is None:
            self.unwanted[message.method] += 1
        elif message.interface_version != self.definition.major:
            self.faults[f"{reception.event.name}: interface version {message.interface_version}"] += 1
        else:
            payload = reception.take(message)
            if payload is not None:
                self._take(reception.event.name, reception.event.payload, payload)

    def _refused(self, why: str) -> None:
        self.faults[why] += 1

    def _got(self, name: str, payload: BoundPayload, answer: Answer) -> None:
        if answer.return_code == ReturnCode.OK:
            self._take(name, payload, answer.payload)
        else:
            self.faults[f"{name}: {code_text(answer.return_code)}"] += 1

    def _take(self, name: str, bound: BoundPayload, payload: bytes) -> None:
        try:
            write(bound.decode(payload))
        except (PayloadError, GatewayError) as error:
            self.faults[f"{name}: {error.sentence}"] += 1

    def _target(self, each: FieldDefinition, signal: VssSignal) -> None:
        """An actuator that this field stands for is asked for a value."""
        value = signal.target.value
        assert each.setter is not None and value is not None
        part = each.payload.parts[0]
        payload = each.payload.layout.encode(part.conversion.to_payload(value))
        self._call(each.setter, payload, partial(self._done, each.name))

    def _trigger(self, method: MethodDefinition, _signal: VssSignal) -> None:
        """A signal of the request has changed: call."""
        try:
            payload = method.request.encode()
        except PayloadError as error:
            self.faults[f"{method.name}: {error.sentence}"] += 1
            return
        if payload is not None:
            done = (
                partial(self._got, method.name, method.response)
                if method.response
                else partial(self._done, method.name)
            )
            self._call(method.id, payload, done)

    def _done(self, name: str, answer: Answer) -> None:
        if answer.return_code != ReturnCode.OK:
            self.faults[f"{name}: {code_text(answer.return_code)}"] += 1
