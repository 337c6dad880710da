"""The public API on a bus: the driver of `control.public`, and the agent's local one."""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

from gateway.orchestrator.control import Agent, Controller
from gateway.orchestrator.control.agent_api import AgentApi
from gateway.orchestrator.control.dispatch import Request
from gateway.orchestrator.control.messages import AGENT_NAME, CONTROLLER_NAME, Call, Reply, Signal
from gateway.orchestrator.dbus.convert import DBusMessage, from_dbus, to_dbus
from gateway.orchestrator.errors import OrchestratorError
from gateway.sim import calendar_ns

from dbus_fast import BusType, MessageType, NameFlag, RequestNameReply  # isort: skip
from dbus_fast.aio import MessageBus  # isort: skip
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError  # isort: skip

_PAUSE_S: Final = 0.001
_DBUS: Final = "org.freedesktop.DBus"
_OWNERS: Final = f"type='signal',sender='{_DBUS}',interface='{_DBUS}',member='NameOwnerChanged'"


class BusAddressError(OrchestratorError):
    """A bus that cannot be reached, or on which the name is taken."""


def bus_address(text: str) -> MessageBus:
    """A connection, not yet made, to `system`, `session`, or an address like `unix:path=/run/bus`."""
    try:
        if text in {"system", "session"}:
            return MessageBus(bus_type=BusType.SYSTEM if text == "system" else BusType.SESSION)
        return MessageBus(bus_address=text)
    except (InvalidAddressError, ValueError, OSError) as error:
        raise BusAddressError(
            f"{text!r} is no bus: write system, session or an address like unix:path=/run/dbus/system_bus_socket"
            f" ({error})"
        ) from None


async def connect(text: str) -> MessageBus:
    """A connection to a bus. BusAddressError says why there is none."""
    bus = bus_address(text)
    try:
        return await bus.connect()
    except (OSError, AuthError, EOFError, InvalidAddressError) as error:
        raise BusAddressError(f"cannot reach the bus {text}: {error}") from None


class _Service:
    """Calls from a bus to an API, and its signals to the bus."""

    def __init__(self, bus: MessageBus, handle: Callable[[Request], None], gone: Callable[[str], None]) -> None:
        self.bus = bus
        self._handle = handle
        self._gone = gone
        self._count = 0
        self._out: deque[DBusMessage] = deque()
        self._waits = False
        self._poll = select.poll()
        self._poll.register(bus._fd or 0, select.POLLOUT)

    def emit(self, signal: Signal, destination: str | None) -> None:
        self._send(signal, destination)

    def _send(self, message: Signal | Reply, destination: str | None) -> None:
        self._count += 1
        found = to_dbus(message, destination, self._count)
        if found is not None and self.bus.connected:
            found.serial = self.bus.next_serial()
            self._out.append(found)
            if not self._waits:
                self._flush()

    def _flush(self) -> None:
        """Hand messages over while the socket takes them: dbus-fast takes a full socket for a broken one."""
        self._waits = False
        bus = self.bus
        while self._out and bus.connected:
            writer = bus._writer
            busy = writer is None or writer.buf is not None or writer.messages
            if busy or not self._poll.poll(0):
                self._waits = True
                asyncio.get_running_loop().call_later(_PAUSE_S, self._flush)
                return
            bus.send(self._out.popleft())

    def received(self, message: DBusMessage) -> bool | None:
        """A message from the bus; True when it was for us."""
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged" and message.sender == _DBUS and not message.body[2]:
                self._gone(message.body[0])
            return None
        if message.message_type is not MessageType.METHOD_CALL or message.destination == _DBUS:
            return None
        call = from_dbus(message)
        assert isinstance(call, Call)
        sender = message.sender or ""
        self._handle(Request(call, sender, lambda reply: self._send(reply, sender)))
        return True


@contextlib.asynccontextmanager
async def _serve(
    address: str, names: Iterable[str], handle: Callable[[Request], None], gone: Callable[[str], None]
) -> AsyncIterator[_Service]:
    bus = await connect(address)
    service = _Service(bus, handle, gone)
    bus.add_message_handler(service.received)
    try:
        await bus.call(
            DBusMessage(
                destination=_DBUS, path="/org/freedesktop/DBus", interface=_DBUS, member="AddMatch",
                signature="s", body=[_OWNERS],
            )
        )  # fmt: skip
        for name in names:
            await _own(bus, name, address)
        yield service
    finally:
        bus.disconnect()
        with contextlib.suppress(Exception):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def _own(bus: MessageBus, name: str, address: str) -> None:
    try:
        reply = await bus.request_name(name, NameFlag.DO_NOT_QUEUE)
    except DBusError as error:
        raise BusAddressError(f"the bus {address} does not let us be {name}: {error.text}") from None
    if reply is not RequestNameReply.PRIMARY_OWNER:
        raise BusAddressError(f"{name} is taken on the bus {address}: another controller runs there")


@contextlib.asynccontextmanager
async def serve_public(controller: Controller, address: str) -> AsyncIterator[None]:
    """BlueChi's API on a bus, while the context lasts. BusAddressError."""
    public = controller.public
    async with _serve(address, [CONTROLLER_NAME], public.call, controller.client_gone) as service:
        public.emit = service.emit
        public.epoch_ns = calendar_ns() - controller.kernel.now
        try:
            yield
        finally:
            public.emit = _nobody


@contextlib.asynccontextmanager
async def serve_agent_api(agent: Agent, address: str) -> AsyncIterator[None]:
    """The agent's own API on its node's bus, while the context lasts. BusAddressError."""
    api = AgentApi(agent)
    async with _serve(address, [AGENT_NAME], api.call, lambda _name: None) as service:
        api.emit = service.emit
        api.epoch_ns = calendar_ns() - agent.kernel.now
        yield


def _nobody(*_: Any) -> None:
    """The bus is gone."""
