"""D-Bus messages as plain values: what controller and agents say to each other, on a wire or in the simulation.

Bodies are tuples of Python values by their signature: integers, text, booleans, lists for arrays, tuples for
structures, dictionaries, and `Variant`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gateway.orchestrator.errors import OrchestratorError

CONTROLLER_NAME: Final = "org.eclipse.bluechi"
AGENT_NAME: Final = "org.eclipse.bluechi.Agent"
ROOT: Final = "/org/eclipse/bluechi"
INTERNAL_CONTROLLER: Final = "org.eclipse.bluechi.internal.Controller"
INTERNAL_AGENT: Final = "org.eclipse.bluechi.internal.Agent"
INTERNAL_PROXY: Final = "org.eclipse.bluechi.internal.Proxy"
AGENT_METRICS: Final = "org.eclipse.bluechi.internal.Agent.Metrics"
INTERNAL_PATH: Final = f"{ROOT}/internal"
AGENT_PATH: Final = f"{ROOT}/internal/agent"
PROXY_PATH: Final = f"{ROOT}/internal/proxy"
DBUS_ERROR: Final = "org.freedesktop.DBus.Error"


class Variant(NamedTuple):
    """A value that carries its signature."""

    signature: str
    value: Any


class Call(NamedTuple):
    """A method call. `serial` 0: no answer is wanted."""

    serial: int
    path: str
    interface: str
    member: str
    signature: str = ""
    body: tuple[Any, ...] = ()


class Return(NamedTuple):
    """The answer to the call with this serial."""

    serial: int
    signature: str = ""
    body: tuple[Any, ...] = ()


class Failure(NamedTuple):
    """The error that a call led to."""

    serial: int
    name: str
    text: str


class Signal(NamedTuple):
    """Something that happened."""

    path: str
    interface: str
    member: str
    signature: str = ""
    body: tuple[Any, ...] = ()


Message = Call | Return | Failure | Signal
Reply = Return | Failure
Answered = Callable[[Reply], None]


def failure(serial: int, error: OrchestratorError) -> Failure:
    """An error as a client sees it."""
    return Failure(serial, error.dbus_name, str(error))
