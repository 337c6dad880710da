"""gateway units: what bluechictl does, with its words."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.bus_client import Bus, with_client
from gateway.cli.options import Json
from gateway.cli.unit_words import VERBS, Options


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
    from gateway.cli.unit_verbs import action_of

    options = Options(pattern, signal, whom, watch, runtime, force, no_reload, as_json)
    action = action_of(verb, words or [], options)
    try:
        code = with_client(bus, action)
    except KeyboardInterrupt:
        code = 0
    sys.stdout.flush()
    if code:
        raise typer.Exit(code)
