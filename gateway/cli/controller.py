"""gateway controller: BlueChi's controller without a vehicle, by its own configuration file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import duration_option
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.orchestrator.control import AgentConfig, ControllerConfig
    from gateway.orchestrator.log import Log, Write
    from gateway.sim import Kernel

For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="End after this time; else with Ctrl-C.")]


def controller_command(
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="controller.conf in BlueChi's format.")] = None,
    dbus: Annotated[str | None, typer.Option(metavar="BUS", help="Serve the API: system, session or an address.")] = (
        None
    ),
    host: Annotated[str, typer.Option(help="UseTCP: listen there.")] = "127.0.0.1",
    socket: Annotated[Path | None, typer.Option(metavar="PATH", help="UseUDS: listen at this unix socket.")] = None,
    duration: For = None,
) -> None:
    """Be BlueChi's controller, until Ctrl-C; sockets of systemd's socket activation are taken."""
    from gateway.orchestrator.control import Controller
    from gateway.orchestrator.control.config import ControllerConfig, parse_controller_config
    from gateway.orchestrator.dbus import inherited_sockets
    from gateway.orchestrator.log import Log
    from gateway.orchestrator.telling import log_controller
    from gateway.sim import Kernel

    settings = ControllerConfig() if config is None else parse_controller_config(text_of(config), str(config))
    inherited = inherited_sockets()
    tcp = (host, settings.port) if settings.use_tcp else None
    unix = socket if settings.use_uds else None
    if tcp is None and unix is None and not inherited:
        raise GatewayError("no agent could join: UseTCP is off, and there is no --socket PATH for UseUDS")
    kernel = Kernel()
    controller = Controller(kernel, settings)
    log = Log(lambda: controller.log_level, writer(settings, "gateway-controller"))
    log_controller(controller, log)
    for note in settings.notes:
        log.warn(str(note))

    async def serve(for_ns: int | None) -> None:
        from gateway.orchestrator.dbus import serve_peers, serve_public

        async with contextlib.AsyncExitStack() as services:
            if dbus is not None:
                await services.enter_async_context(serve_public(controller, dbus))
                log.info(f"org.eclipse.bluechi on the bus {dbus}")
            peers = serve_peers(controller, tcp=tcp, unix=unix, inherited=inherited)
            server = await services.enter_async_context(peers)
            controller.start()
            log.info(f"agents join at {', '.join(server.addresses)}")
            log.info(f"nodes: {', '.join(controller.nodes) or 'none is allowed'}")
            await last(for_ns)

    run_for(kernel, serve(duration_option(duration)), log)


def text_of(path: Path) -> str:
    """GatewayError for a file that cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise GatewayError(f"cannot be read: {error.strerror}", file=str(path)) from None


def writer(settings: ControllerConfig | AgentConfig, program: str) -> Write:
    """Where the log goes."""
    from gateway.orchestrator.log import log_to, quiet

    return quiet if settings.quiet else log_to(settings.log_target, program)


async def last(for_ns: int | None) -> None:
    """Until the time is over."""
    if for_ns is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(for_ns / 1e9)


def run_for(kernel: Kernel, main: Coroutine[Any, Any, None], log: Log) -> None:
    """Run in wall time to the end, or to Ctrl-C."""
    from gateway.sim import Clock, run

    try:
        run(main, kernel, Clock.WALL)
    except KeyboardInterrupt:
        log.info("ended")
