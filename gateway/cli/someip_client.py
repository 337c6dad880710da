"""`gateway someip get|set|subscribe`: the values of a running service, by the types of the vehicle file."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from gateway.sim import Clock, Kernel, run
from gateway.vehicle import VehicleFile, build

if TYPE_CHECKING:
    from gateway.services.someip import NodeOptions, ServiceDefinition

CLIENT_VERBS: Final = {"get": ("SERVICE.NAME",), "set": ("SERVICE.NAME", "VALUE"), "subscribe": ("SERVICE.NAME",)}
"""Each with the words that it takes."""


class Client(NamedTuple):
    """Where to ask from, and the services that are known."""

    options: NodeOptions
    services: list[ServiceDefinition]


def client_of(file: VehicleFile, changed: dict[str, Any]) -> Client:
    """A client beside the vehicle of a file; `changed`: its own address, and group and port of the discovery."""
    node = build(file, Kernel()).someip
    if node is None:
        raise typer.BadParameter(f"{file.source.file} has no `services`")
    own = node.options.address
    if "address" not in changed:
        if not own.startswith("127."):
            raise typer.BadParameter(f"say with --address which address of this machine to ask from; {own} is taken")
        changed = {"address": "127.0.0.3" if own == "127.0.0.2" else "127.0.0.2", **changed}
    definitions = [each.definition for each in node.providers.values()]
    definitions += [each.definition for each in node.consumers]
    return Client(replace(node.options, client_port=0, **changed), definitions)


def ask(client: Client, verb: str, words: Sequence[str], duration_ns: int | None) -> None:
    """Do it and print values, one a line, as JSON. GatewayError for what cannot be."""
    from gateway.services.someip import asking

    if len(words) != len(CLIENT_VERBS[verb]):
        raise typer.BadParameter(f"write `gateway someip {verb} {' '.join(CLIENT_VERBS[verb])}`")
    asked = asking.find_asked(client.services, words[0])
    if verb == "get":
        _print(_run(asking.get(client.options, asked)))
    elif verb == "set":
        _print(_run(asking.put(client.options, asked, _value(words[1]))))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            for what, count in _run(asking.follow(client.options, asked, duration_ns, _print)).items():
                sys.stderr.write(f"{what} ({count})\n")


def _run(what: Coroutine[Any, Any, Any]) -> Any:
    return run(what, Kernel(), Clock.WALL)


def _value(text: str) -> Any:
    """JSON, or text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(_short(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _short(value: Any) -> Any:
    """With the digits that a float32 has, where the number is one."""
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    few = float(f"{value:.7g}")
    return few if ctypes.c_float(few).value == value else value
