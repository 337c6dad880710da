"""A client of BlueChi's API, ours or the real one: what the command line is built on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from dbus_fast import MessageType
from dbus_fast.aio import MessageBus

from gateway.orchestrator.control import interfaces
from gateway.orchestrator.control.dispatch import PROPERTIES
from gateway.orchestrator.control.messages import AGENT_NAME, CONTROLLER_NAME, ROOT, Signal
from gateway.orchestrator.control.public import METRICS_PATH, node_path
from gateway.orchestrator.dbus.bus import connect
from gateway.orchestrator.dbus.convert import DBusMessage, from_dbus, value_from_dbus, value_to_dbus
from gateway.orchestrator.errors import OrchestratorError

_DBUS: Final = "org.freedesktop.DBus"
_UNKNOWN: Final = f"{_DBUS}.Error.ServiceUnknown"
Listener = Callable[[Signal], object]


class CallError(OrchestratorError):
    """The other end answered with an error; `name` is its D-Bus name."""

    exit_code = 1

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text or name)
        self.name = name


class Client:
    """A connection to a bus on which a controller is."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._listeners: list[Listener] = []
        bus.add_message_handler(self._received)

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, address: str) -> AsyncIterator[Client]:
        """BusAddressError when the bus cannot be reached."""
        bus = await connect(address)
        try:
            yield cls(bus)
        finally:
            bus.disconnect()
            with contextlib.suppress(Exception):
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _received(self, message: DBusMessage) -> None:
        if message.message_type is MessageType.SIGNAL:
            signal = from_dbus(message)
            assert isinstance(signal, Signal)
            for listener in list(self._listeners):
                listener(signal)

    async def listen(self, listener: Listener) -> None:
        """Hear all signals of the controller from now on."""
        if not self._listeners:
            rule = f"type='signal',sender='{CONTROLLER_NAME}'"
            await self._ask(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", rule)
        self._listeners.append(listener)

    async def listen_to_agent(self, listener: Listener) -> None:
        """Hear when the agent of this bus comes or goes, or its state is another."""
        changes = f"type='signal',path='{ROOT}',interface='{PROPERTIES}',member='PropertiesChanged'"
        owners = f"type='signal',sender='{_DBUS}',interface='{_DBUS}',member='NameOwnerChanged',arg0='{AGENT_NAME}'"
        for rule in (changes, owners):
            await self._ask(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", rule)
        self._listeners.append(listener)

    async def agent_online(self) -> bool:
        """Whether the agent of this bus is there and has its controller."""
        try:
            found = await self.properties(ROOT, interfaces.AGENT.name, of=AGENT_NAME)
        except CallError as error:
            if error.name == _UNKNOWN:
                return False
            raise
        return bool(found["Status"] == "online")

    async def _ask(self, to: str, path: str, interface: str, member: str, signature: str, *body: Any) -> list[Any]:
        reply = await self._bus.call(
            DBusMessage(
                destination=to,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=value_to_dbus(body),
            )
        )
        if reply is None:
            return []
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            if to == CONTROLLER_NAME and reply.error_name == _UNKNOWN:
                text = "no controller on this bus; start `gateway run --dbus BUS` (or `gateway controller`) there"
            raise CallError(reply.error_name or "", text)
        return [value_from_dbus(item) for item in reply.body]

    async def controller(self, member: str, *body: Any) -> list[Any]:
        """A method of the controller. CallError."""
        method = interfaces.CONTROLLER.methods[member]
        return await self._ask(CONTROLLER_NAME, ROOT, interfaces.CONTROLLER.name, member, method.signature, *body)

    async def node(self, name: str, member: str, *body: Any) -> list[Any]:
        """A method of a node. CallError."""
        method = interfaces.NODE.methods[member]
        path = node_path(name)
        return await self._ask(CONTROLLER_NAME, path, interfaces.NODE.name, member, method.signature, *body)

    async def monitor(self, path: str, member: str, *body: Any) -> list[Any]:
        method = interfaces.MONITOR.methods[member]
        return await self._ask(CONTROLLER_NAME, path, interfaces.MONITOR.name, member, method.signature, *body)

    async def job(self, path: str, member: str) -> list[Any]:
        return await self._ask(CONTROLLER_NAME, path, interfaces.JOB.name, member, "")

    async def properties(self, path: str, interface: str, *, of: str = CONTROLLER_NAME) -> dict[str, Any]:
        """All properties of an object as plain values."""
        found = await self._ask(of, path, PROPERTIES, "GetAll", "s", interface)
        return {name: variant.value for name, variant in found[0].items()}

    async def do(self, node: str, method: str, *body: Any) -> str:
        """A job of a node's unit, until its end: its result."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        results: dict[str, str] = {}
        wanted: list[str] = []

        def heard(signal: Signal) -> None:
            if signal.member == "JobRemoved":
                results[signal.body[1]] = signal.body[4]
                if wanted and wanted[0] in results and not done.done():
                    done.set_result(results[wanted[0]])

        await self.listen(heard)
        try:
            wanted.append((await self.node(node, method, *body))[0])
            if wanted[0] in results and not done.done():
                done.set_result(results[wanted[0]])
            return await done
        finally:
            self._listeners.remove(heard)


METRICS: Final = METRICS_PATH
