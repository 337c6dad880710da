"""`gateway vcan -- COMMAND`: the command with real SocketCAN buses, also where the machine's kernel has none."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from gateway.cli.options import duration_option
from gateway.vcan import Kernel, run

CONTEXT_SETTINGS: Final = {"allow_interspersed_args": False}
"""Options after the command's name are the command's."""
_NAMES: Final = "GATEWAY_VCAN"


class KernelChoice(enum.StrEnum):
    """Whose SocketCAN to use."""

    AUTO = "auto"
    HOST = "host"
    UML = "uml"


def vcan_command(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.", metavar="COMMAND [ARG]...")],
    buses: Annotated[int, typer.Option(help="How many buses: vcan0, vcan1 and so on.", min=1, max=64)] = 2,
    names: Annotated[str | None, typer.Option(help="Their names instead, with commas between.")] = None,
    memory: Annotated[str, typer.Option(help="Memory of the booted kernel.")] = "1G",
    timeout: Annotated[str | None, typer.Option(help="Stop after this time (90s, 5min): exit code 124.")] = None,
    kernel: Annotated[KernelChoice, typer.Option(help="The machine's own kernel, a booted one, or what there is.")] = (
        KernelChoice.AUTO
    ),
) -> None:
    """Run COMMAND with real SocketCAN interfaces, on a machine without them under a kernel booted for it (no root).

    The exit code is the command's; 124 when the time was up, 126 and 127 as in a shell, 99 when the kernel failed.
    """
    called = tuple(names.split(",")) if names is not None else tuple(f"vcan{number}" for number in range(buses))
    choice = None if kernel is KernelChoice.AUTO else Kernel(kernel.value)
    limit_ns = duration_option(timeout)
    limit_s = None if limit_ns is None else limit_ns / 1e9
    with _named(called):
        code = run(command, names=called, memory=memory, timeout_s=limit_s, kernel=choice)
    raise typer.Exit(code)


@contextmanager
def _named(buses: tuple[str, ...]) -> Iterator[None]:
    """Let the command find the names of its buses in its environment, so that it can say how it is repeated."""
    before = os.environ.get(_NAMES)
    os.environ[_NAMES] = ",".join(buses)
    try:
        yield
    finally:
        os.environ.pop(_NAMES)
        if before is not None:
            os.environ[_NAMES] = before
