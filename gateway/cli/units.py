"""gateway units: what bluechictl does, with its words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.bus_client import Bus, with_client
from gateway.cli.options import Json

if TYPE_CHECKING:
    from gateway.orchestrator.dbus import Client

JOBS: Final = {"start": "StartUnit", "stop": "StopUnit", "reload": "ReloadUnit", "restart": "RestartUnit"}
VERBS: Final = (
    *("list", "list-files", *JOBS, "freeze", "thaw", "kill", "enable", "disable", "is-enabled", "status", "monitor"),
    *("metrics", "reset-failed", "daemon-reload", "get-default", "set-default", "set-loglevel"),
)
Action = Callable[["Client"], Coroutine[Any, Any, int]]


def units_command(
    verb: Annotated[str, typer.Argument(metavar="VERB", help=", ".join(VERBS))],
    words: Annotated[list[str] | None, typer.Argument(metavar="[NODE [UNIT...]]", help="What it is about.")] = None,
    bus: Bus = None,
    pattern: Annotated[str | None, typer.Option("--filter", metavar="GLOB", help="list: only such units.")] = None,
    signal: Annotated[str, typer.Option(help="kill: which signal.")] = "15",
    whom: Annotated[str, typer.Option("--kill-whom", help="kill: all, main or control.")] = "all",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="status: again at each change.")] = False,
    runtime: Annotated[bool, typer.Option("--runtime", help="enable, disable: until the next start only.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="enable, set-default: over what is there.")] = False,
    no_reload: Annotated[bool, typer.Option("--no-reload", help="enable, disable: without daemon-reload.")] = False,
    as_json: Json = False,
) -> None:
    """List, start, stop, watch units on the nodes of a controller."""
    from gateway.cli.unit_verbs import Options, action_of

    options = Options(pattern, signal, whom, watch, runtime, force, no_reload, as_json)
    action = action_of(verb, words or [], options)
    try:
        code = with_client(bus, action)
    except KeyboardInterrupt:
        code = 0
    sys.stdout.flush()
    if code:
        raise typer.Exit(code)
