"""All commands under one name. A command's file is imported when it is asked for, so that each starts quickly."""

from __future__ import annotations

import importlib
from typing import Final

import typer

from gateway.version import __version__

COMMANDS: Final = {
    "run": "Drive a vehicle, in virtual or in wall time.",
    "replay": "Let recorded drives flow through the gateway as if the car were there.",
    "decode": "Decode a whole log, to the terminal or into a file.",
    "check": "Check vehicle files, databases and mappings, and name each fault with its line.",
    "stats": "Tell load, periods, jitter, gaps and unknown ids of a recording.",
    "diff": "Compare two recordings by message and signal: what differs first, and where it came from.",
    "plot": "Draw signals of a recording into a picture.",
    "guess": "Tell what the frames of an unknown car may mean, and write a first DBC.",
    "explain": "Tell why a signal is stale, or what happened to a frame: in a recording, or while it runs.",
    "timing": "Worst-case response times by analysis, beside what a run or a recording showed.",
    "monitor": "Watch a vehicle, a real bus or a recording in a terminal.",
    "web": "Watch a vehicle that runs, or a real bus, in a browser.",
    "trace": "Watch all buses of a vehicle live in Wireshark.",
    "wireshark-profile": "Write what Wireshark must know to dissect a vehicle.",
    "new": "Write a vehicle project to begin with.",
    "bench": "Measure this installation against what a user would write today.",
    "nodes": "List the nodes of a running controller, ours or a real one.",
    "units": "List, start, stop and watch units on nodes, with bluechictl's words.",
    "is-online": "Tell by the exit code whether an agent, a node or all nodes are online.",
    "controller": "Be BlueChi's controller by a controller.conf, without a vehicle.",
    "agent": "Join a controller as one node with real or simulated units, by an agent.conf.",
    "agents": "Join a controller as many nodes with simulated units.",
    "someip": "Tell what is offered over SOME/IP, who has subscribed, what is missing and why; values; configure vsomeip.",
    "doctor": "Tell what works on this machine, what does not, and what to type.",
    "vcan": "Run a command where there is real vcan, whatever this machine's kernel has.",
}
"""Each is the function NAME_command of the file of that name, in this folder; a - is a _ there."""


def make_app(wanted: str | None) -> typer.Typer:
    """The whole command line, of which only the command `wanted` can do its work; the others are there for the help."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_gateway)
    for name, text in COMMANDS.items():
        if name == wanted:
            function = name.replace("-", "_")
            module = importlib.import_module(f"gateway.cli.{function}")
            settings = getattr(module, "CONTEXT_SETTINGS", None)
            app.command(name=name, help=text, context_settings=settings)(getattr(module, f"{function}_command"))
        else:
            app.command(name=name, help=text)(_elsewhere)
    return app


def _elsewhere() -> None:
    """Stands in the help for a command that was not asked for."""


def _version(value: bool) -> None:
    if value:
        typer.echo(f"vehicle-gateway {__version__}")
        raise typer.Exit


def _gateway(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """A whole vehicle from one file: virtual ECUs on exact CAN buses, a gateway, and the domains above it."""
    del version
