"""gateway someip: what is offered, who has subscribed, what is missing and why; values; a configuration for vsomeip."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import Json, duration_option
from gateway.sim import Clock, Kernel, run
from gateway.vehicle import VehicleFile, build, read_vehicle

if TYPE_CHECKING:
    from gateway.services.someip import NodeOptions
    from gateway.services.someip.monitor import Monitor

VERBS = ("monitor", "get", "set", "subscribe", "vsomeip")
CONTEXT_SETTINGS = {"ignore_unknown_options": True}
"""Values may be below zero."""


def someip_command(
    verb: Annotated[
        str,
        typer.Argument(
            metavar="VERB",
            help="monitor: listen and tell; get, set, subscribe: values of a running service; vsomeip: print vsomeip.json"
            " for the vehicle's other side.",
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VEHICLE]|SERVICE.NAME [VALUE]",
            help="monitor: look for what this vehicle consumes, at its address. get, set, subscribe: a field or an event;"
            " the value as JSON.",
        ),
    ] = None,
    vehicle: Annotated[
        Path, typer.Option(metavar="FILE", help="get, set, subscribe: the vehicle file that has the types.")
    ] = Path("vehicle.yaml"),
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Of this machine, where to listen or ask from; 127.0.0.1, or another, if absent. vsomeip: of its host.",
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Multicast group of the service discovery.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its UDP port.")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Listen so long; until Ctrl-C if absent.")
    ] = None,
    application: Annotated[
        str, typer.Option(metavar="NAME", help="vsomeip: of the application (VSOMEIP_APPLICATION_NAME).")
    ] = "client",
    as_json: Json = False,
) -> None:
    """Tell what is offered over SOME/IP, who has subscribed to it, what is missing and why; values; configure vsomeip."""
    if verb not in VERBS:
        raise typer.BadParameter(f"there is no verb {verb!r}: write {' or '.join(VERBS)}")
    for word in words or ():
        if word.startswith("--"):
            raise typer.BadParameter(f"there is no option {word}")
    if verb in ("get", "set", "subscribe"):
        from gateway.cli.someip_client import ask, client_of

        client = client_of(read_vehicle(vehicle), _changed(address, group, port))
        ask(client, verb, words or [], duration_option(duration))
        return
    if len(words or ()) > 1:
        raise typer.BadParameter(f"{verb} takes one vehicle file")
    path = Path(words[0]) if words else None
    if verb == "vsomeip":
        _vsomeip(read_vehicle(path or vehicle), address, application)
        return
    from gateway.services.someip.listening import listen, trouble
    from gateway.services.someip.monitor import Monitor

    options, monitor = _options(read_vehicle(path) if path is not None else None, address, group, port, Monitor())
    told = (lambda _line: None) if as_json else _line
    with contextlib.suppress(KeyboardInterrupt):
        run(listen(monitor, options, duration_option(duration), told), Kernel(), Clock.WALL)
    troubles = trouble(monitor, options)
    if as_json:
        sys.stdout.write(json.dumps({**monitor.as_json(), "network": troubles}, indent=2) + "\n")
    else:
        _summary(monitor, troubles)


def _options(
    file: VehicleFile | None, address: str | None, group: str | None, port: int | None, monitor: Monitor
) -> tuple[NodeOptions, Monitor]:
    from dataclasses import replace

    from gateway.services.someip import NodeOptions
    from gateway.someip import SD_GROUP, SD_GROUP_V6

    options = NodeOptions("127.0.0.1")
    if file is not None:
        node = build(file, Kernel()).someip
        if node is None:
            raise typer.BadParameter(f"{file.source.file} has no `services`")
        options = node.options
        monitor.wanted = [consumer.definition for consumer in node.consumers]
    if address is not None and group is None and (":" in address) is not (":" in options.group):
        group = SD_GROUP_V6 if ":" in address else SD_GROUP
    return replace(options, **_changed(address, group, port)), monitor


def _changed(address: str | None, group: str | None, port: int | None) -> dict[str, Any]:
    changed = {"address": address, "group": group, "sd_port": port}
    return {key: value for key, value in changed.items() if value is not None}


def _vsomeip(file: VehicleFile, address: str | None, application: str) -> None:
    """Print the configuration; what vsomeip cannot do goes to standard error."""
    from gateway.ethernet import packed
    from gateway.services.someip.vsomeip import Configuration

    node = build(file, Kernel()).someip
    if node is None:
        raise typer.BadParameter(f"{file.source.file} has no `services`")
    own = node.options.address
    if address is None and not own.startswith("127."):
        raise typer.BadParameter("say at which address vsomeip is, with --address")
    where = address or ("127.0.0.2" if own == "127.0.0.1" else "127.0.0.1")
    if len(packed(where)) != len(packed(own)):
        raise typer.BadParameter(f"{where} and {own}, where the vehicle is, are not of one IP version")
    offered = [each.definition for each in node.providers.values()]
    consumed = [each.definition for each in node.consumers]
    made = Configuration(node.options, offered, consumed, address=where, application=application)
    sys.stdout.write(json.dumps(made.document, indent=2) + "\n")
    for note in made.notes:
        sys.stderr.write(note + "\n")


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _summary(monitor: Monitor, troubles: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("SERVICE", "VERSION", "OFFERED BY", "AT", "SUBSCRIBERS"):
        table.add_column(title, overflow="fold")
    for seen in monitor.services.values():
        groups = [
            f"{group}: {where}" + ("" if standing == "acknowledged" else f" ({standing})")
            for (own, group), who in sorted(monitor.subscribers.items())
            if own == seen.instance
            for where, standing in who.items()
        ]
        others = monitor.strangers.get(seen.instance, set())
        host = seen.host + (f" (and, ignored, {', '.join(sorted(others))})" if others else "")
        subscribers = "\n".join(groups) or ("none" if monitor.complete else "?")
        table.add_row(str(seen.instance), f"{seen.major}.{seen.minor}", host, "\n".join(seen.places), subscribers)
    console = Console(highlight=False, markup=False)
    console.print(table)
    for missing in monitor.missing():
        _line(f"missing: {missing.service} for {missing.who}: {missing.why}")
    if not monitor.complete and monitor.services:
        _line("subscriptions are unicast: run as root, or with CAP_NET_RAW, to see those of other programs")
    for text in troubles:
        _line(f"network: {text}")
