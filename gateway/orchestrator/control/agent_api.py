"""The agent's own API on its node's bus: proxies by hand, another controller, how it is connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.orchestrator.control import interfaces
from gateway.orchestrator.control.dispatch import PROPERTIES, BusObject, Request, dispatch
from gateway.orchestrator.control.messages import ROOT, Signal, Variant
from gateway.orchestrator.engine import Exit
from gateway.orchestrator.errors import JobError, WrongArgumentError

if TYPE_CHECKING:
    from gateway.orchestrator.control.agent import Agent


class _Waiting:
    """A client of CreateProxy that waits for the target."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def executed(self) -> None:
        """Nothing to tell."""

    def notified(self, variables: Mapping[str, str]) -> None:
        """Nothing to tell."""

    def exited(self, end: Exit) -> None:
        if end.clean:
            self._request.gives()
        else:
            self._request.fails("org.eclipse.bluechi.ActivationFailed", "the target could not be activated")


class AgentApi:
    """The object of an agent. `emit`: where signals go; the driver sets it."""

    def __init__(self, agent: Agent) -> None:
        self._agent: Final = agent
        self.emit: Callable[[Signal, str | None], None] = _nobody
        self.epoch_ns = 0
        agent.watchers.append(self._status_changed)

    def call(self, request: Request) -> None:
        dispatch(request, lambda path: self._object if path == ROOT else None, lambda: [ROOT])

    @property
    def _object(self) -> BusObject:
        methods = {
            "CreateProxy": self._create,
            "RemoveProxy": self._remove,
            "SwitchController": self._switch,
        }
        return BusObject(interfaces.AGENT, methods, self._properties)

    def _properties(self) -> Mapping[str, Any]:
        agent = self._agent
        offset = self.epoch_ns
        lost, seen = agent.disconnected_ns, agent.last_seen_ns
        return {
            "Status": _word(agent.online),
            "LogLevel": agent.log_level,
            "LogTarget": agent.config.log_target,
            "DisconnectTimestamp": (offset + lost) // 1000 if lost else 0,
            "DisconnectTimestampMonotonic": lost // 1000,
            "LastSeenTimestamp": (offset + seen) // 1000 if seen else 0,
            "LastSeenTimestampMonotonic": seen // 1000,
            "ControllerAddress": agent.config.address,
        }

    def _create(self, request: Request) -> None:
        service, node, unit = request.call.body
        if service in self._agent.proxies.proxies:
            raise JobError(f"there is a proxy {service} already")
        self._agent.proxies.create(service, node, unit, _Waiting(request))

    def _remove(self, request: Request) -> None:
        self._agent.proxies.remove(request.call.body[0])
        request.gives()

    def _switch(self, request: Request) -> None:
        address = request.call.body[0]
        if not address or "=" not in address:
            raise WrongArgumentError(f"{address!r} is no D-Bus address: write it like tcp:host=10.0.0.1,port=842")
        if address == self._agent.config.address:
            raise WrongArgumentError("the controller has this address already")
        self._agent.switch_controller(address)
        self._changed("ControllerAddress", address)
        request.gives()

    def _status_changed(self, online: bool) -> None:
        self._changed("Status", _word(online))

    def _changed(self, name: str, value: str) -> None:
        body: tuple[Any, ...] = (interfaces.AGENT.name, {name: Variant("s", value)}, [])
        self.emit(Signal(ROOT, PROPERTIES, "PropertiesChanged", "sa{sv}as", body), None)


def _word(online: bool) -> str:
    return "online" if online else "offline"


def _nobody(_signal: Signal, _destination: str | None) -> None:
    """No bus yet."""
