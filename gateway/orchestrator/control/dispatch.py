"""Objects on a bus: introspection, properties and methods from the tables of `interfaces`, whoever is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.errors import nearest
from gateway.orchestrator.control.interfaces import Interface, object_xml
from gateway.orchestrator.control.messages import DBUS_ERROR, Call, Failure, Reply, Return, Variant, failure
from gateway.orchestrator.errors import OrchestratorError

PROPERTIES: Final = "org.freedesktop.DBus.Properties"
INTROSPECTABLE: Final = "org.freedesktop.DBus.Introspectable"
PEER: Final = "org.freedesktop.DBus.Peer"
Answer = Callable[[Reply], None]
Handler = Callable[["Request"], None]


class Request(NamedTuple):
    """A client's call: `sender` is its name on the bus; `answer` may be called later."""

    call: Call
    sender: str
    answer: Answer

    def gives(self, signature: str = "", *body: Any) -> None:
        self.answer(Return(self.call.serial, signature, body))

    def fails(self, name: str, text: str) -> None:
        self.answer(Failure(self.call.serial, name, text))

    def passes_on(self, reply: Reply) -> None:
        """Another's answer as one's own."""
        self.answer(reply._replace(serial=self.call.serial))


class BusObject(NamedTuple):
    """An object: its interface, its methods, and how its properties are read."""

    interface: Interface
    methods: Mapping[str, Handler]
    properties: Callable[[], Mapping[str, Any]]


Find = Callable[[str], BusObject | None]


def dispatch(request: Request, find: Find, paths: Callable[[], Iterable[str]]) -> None:
    """Answer a call. `find`: the object of a path; `paths`: all paths, for introspection."""
    call = request.call
    found = find(call.path)
    try:
        if call.interface == INTROSPECTABLE and call.member == "Introspect":
            _introspect(request, found, paths())
        elif call.interface == PEER and call.member == "Ping":
            request.gives()
        elif found is None:
            request.fails(f"{DBUS_ERROR}.UnknownObject", f"Unknown object '{call.path}'.")
        elif call.interface == PROPERTIES:
            _property(request, found)
        else:
            _method(request, found)
    except OrchestratorError as error:
        request.answer(failure(call.serial, error))


def _introspect(request: Request, found: BusObject | None, paths: Iterable[str]) -> None:
    prefix = request.call.path.rstrip("/") + "/"
    children = dict.fromkeys(path.removeprefix(prefix).split("/")[0] for path in paths if path.startswith(prefix))
    if found is None and not children:
        request.fails(f"{DBUS_ERROR}.UnknownObject", f"Unknown object '{request.call.path}'.")
        return
    request.gives("s", object_xml((found.interface,) if found else (), list(children)))


def _property(request: Request, found: BusObject) -> None:
    call = request.call
    interface = str(call.body[0]) if call.body else ""
    if interface not in {found.interface.name, ""}:
        request.fails(f"{DBUS_ERROR}.UnknownInterface", f"Unknown interface '{interface}'.")
        return
    table = found.interface.properties
    if call.member == "GetAll" and call.signature == "s":
        values = found.properties()
        request.gives("a{sv}", {name: Variant(table[name].signature, values[name]) for name in table})
        return
    name = str(call.body[1]) if len(call.body) > 1 else ""
    if name not in table:
        request.fails(f"{DBUS_ERROR}.UnknownProperty", f"Unknown property '{name}'.{nearest(name, list(table))}")
    elif call.member == "Get" and call.signature == "ss":
        request.gives("v", Variant(table[name].signature, found.properties()[name]))
    elif call.member == "Set":
        request.fails(f"{DBUS_ERROR}.PropertyReadOnly", f"Property '{name}' is read-only.")
    else:
        request.fails(f"{DBUS_ERROR}.UnknownMethod", f"Unknown method '{call.member}'.")


def _method(request: Request, found: BusObject) -> None:
    call = request.call
    table = found.interface.methods
    if call.interface not in {found.interface.name, ""} or call.member not in table:
        near = nearest(call.member, list(table))
        request.fails(
            f"{DBUS_ERROR}.UnknownMethod", f"Unknown method {call.member} or interface {call.interface}.{near}"
        )
    elif call.signature != table[call.member].signature:
        text = (
            f"Invalid arguments '{call.signature}' to call {call.member}(), expecting '{table[call.member].signature}'."
        )
        request.fails(f"{DBUS_ERROR}.InvalidArgs", text)
    else:
        found.methods[call.member](request)
