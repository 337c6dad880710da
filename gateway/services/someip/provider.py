"""A service that the gateway offers: its methods give and take signals, its events follow them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gateway.errors import GatewayError
from gateway.services.policy import Pacer
from gateway.services.signals import Tell, Told
from gateway.services.someip.binding import BoundPayload, Sink, VssSink, write
from gateway.services.someip.definition import EventDefinition, FieldDefinition, MethodDefinition, ServiceDefinition
from gateway.sim import Kernel, Timer
from gateway.someip import CallError, PayloadError, ReturnCode, Served
from gateway.someip.server import Method

Notify = Callable[[EventDefinition, bytes], object]


class EventSource:
    """One event: watches its signals and sends as its policy says. What changes at one time goes out as one event."""

    def __init__(self, kernel: Kernel, definition: EventDefinition, notify: Notify, faults: Counter[str]) -> None:
        self.definition: Final = definition
        self.tell: Tell | None = None
        """Hears of the first value that the policy keeps back after each that goes out."""
        self.sent = 0
        self._kernel = kernel
        self._notify = notify
        self._faults = faults
        self._pacer = Pacer(definition.policy)
        self._timer = Timer(kernel, self._wake)
        self._look = self._changed_now
        self._looking = False
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        self._ends = [source.listen(self._changed) for source in self.definition.payload.sources]
        self._changed_now()

    def stop(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()
        self._timer.cancel()

    def payload(self) -> bytes | None:
        """The event as it would be now; None while its signals are not good, or do not fit."""
        try:
            return self.definition.payload.encode()
        except PayloadError as error:
            self._faults[f"{self.definition.name}: {error.sentence}"] += 1
            return None

    def _changed(self, _signal: object) -> None:
        if not self._looking:
            self._looking = True
            self._kernel.at(self._kernel.now, self._look)

    def _changed_now(self) -> None:
        self._looking = False
        now = self._kernel.now
        before = self._pacer.kept_back
        if self._pacer.changed(self.definition.payload.datapoint(now), now):
            self._send()
        elif before is None and (why := self._pacer.kept_back) is not None and self.tell is not None:
            for source in self.definition.payload.sources:
                sentence = f"{self.definition.name}: {self.definition.policy.sentence(why)}"
                self.tell(Told.HELD_BACK, source.path, sentence)
        self._set_timer()

    def _wake(self) -> None:
        now = self._kernel.now
        if self._pacer.wake(self.definition.payload.datapoint(now), now):
            self._send()
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self._pacer.deadline
        if deadline is not None:
            self._timer.set(deadline)
        else:
            self._timer.cancel()

    def _send(self) -> None:
        payload = self.payload()
        if payload is not None:
            self.sent += 1
            self._notify(self.definition, payload)


class Provider:
    """One offered service. `faults` counts what could not be, by what it was."""

    def __init__(self, kernel: Kernel, definition: ServiceDefinition, notify: Notify) -> None:
        self.definition: Final = definition
        self.faults: Final[Counter[str]] = Counter()
        self.events: Final = [EventSource(kernel, event, notify, self.faults) for event in definition.events]
        methods: dict[int, Method] = {}
        for each in definition.fields:
            if each.getter is not None:
                methods[each.getter] = partial(self._get, each)
            if each.setter is not None:
                methods[each.setter] = partial(self._set, each)
        for method in definition.methods:
            methods[method.id] = partial(self._call, method)
        self.served: Final = Served(definition.instance, definition.major, methods)
        self._tell: Tell | None = None

    def tell_of(self, tell: Tell) -> None:
        """Let somebody hear of what is refused, and of values that are held back."""
        self._tell = tell
        for event in self.events:
            event.tell = tell

    def start(self) -> None:
        for event in self.events:
            event.start()

    def stop(self) -> None:
        for event in self.events:
            event.stop()

    def initial(self, eventgroup: int) -> list[tuple[EventDefinition, bytes]]:
        """The values of the fields of an eventgroup, for who has just subscribed."""
        found = []
        for event in self.events:
            if event.definition.is_field and eventgroup in event.definition.groups:
                payload = event.payload()
                if payload is not None:
                    found.append((event.definition, payload))
        return found

    def _get(self, each: FieldDefinition, _payload: bytes) -> bytes:
        return self._encoded(each.name, each.payload)

    def _set(self, each: FieldDefinition, payload: bytes) -> bytes:
        """The answer is the value as it was taken: without the bits and bytes that mean nothing here."""
        taken = each.payload.layout.encode(each.payload.layout.decode(payload))
        self._write(each.name, each.payload, payload)
        return taken

    def _call(self, method: MethodDefinition, payload: bytes) -> bytes:
        self._write(method.name, method.request, payload, method)
        return b"" if method.response is None else self._encoded(method.name, method.response)

    def _encoded(self, name: str, bound: BoundPayload) -> bytes:
        try:
            payload = bound.encode()
        except PayloadError as error:
            self.faults[f"{name}: {error.sentence}"] += 1
            raise CallError(error.sentence, ReturnCode.NOT_OK) from None
        if payload is None:
            raise CallError(f"{name} has no good value", ReturnCode.NOT_READY)
        return payload

    def _refused(self, name: str, sinks: Sequence[Sink], why: str) -> None:
        for sink in sinks if self._tell is not None else ():
            if isinstance(sink, VssSink) and self._tell is not None:
                self._tell(Told.REQUEST_REFUSED, sink.signal.path, f"{name}: {why}")

    def _write(self, name: str, bound: BoundPayload, payload: bytes, method: MethodDefinition | None = None) -> None:
        values = bound.decode(payload)
        try:
            write([*values, *(method.sets if method is not None else ())])
        except GatewayError as error:
            self.faults[f"{name}: {error.sentence}"] += 1
            self._refused(name, [sink for sink, _ in values], error.sentence)
            raise CallError(error.sentence, ReturnCode.NOT_OK) from None
