"""gateway agent: one BlueChi agent by its own configuration file; its units are processes here, or simulated."""

from __future__ import annotations

import contextlib
import platform
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.controller import For, last, run_for, text_of, writer
from gateway.cli.options import duration_option
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.orchestrator.control import Agent
    from gateway.orchestrator.control.config import AgentConfig
    from gateway.sim import Kernel


class Units(Enum):
    """What runs when a unit is started."""

    PROCESSES = "processes"
    SIMULATED = "simulated"


def agent_command(
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="agent.conf in BlueChi's format.")] = None,
    dbus: Annotated[
        str | None, typer.Option(metavar="BUS", help="Serve the agent's API: system, session or an address.")
    ] = None,
    user: Annotated[bool, typer.Option("--user", help="Serve it on the user's bus, as bluechi-agent --user.")] = False,
    files: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Unit files.")] = None,
    units: Annotated[Units, typer.Option(help="What a unit's programs are.")] = Units.PROCESSES,
    duration: For = None,
    seed: Annotated[int, typer.Option(help="Simulated units: what chance begins with.")] = 0,
) -> None:
    """Join a controller, ours or a real one, as one node with the units of a folder, until Ctrl-C."""
    from gateway.orchestrator.control.config import AgentConfig, parse_agent_config
    from gateway.orchestrator.dbus import AgentDialler, serve_agent_api
    from gateway.orchestrator.log import Log
    from gateway.orchestrator.telling import log_agent
    from gateway.sim import Kernel

    settings = AgentConfig() if config is None else parse_agent_config(text_of(config), str(config))
    settings = replace(settings, name=settings.name or platform.node())
    if user and dbus is not None:
        raise GatewayError("--user is --dbus session: say one of the two")
    bus = "session" if user else dbus
    kernel = Kernel()
    agent = _agent(kernel, settings, files, units, seed)
    log = Log(lambda: agent.log_level, writer(settings, "gateway-agent"))
    log_agent(agent, log)
    for note in (*settings.notes, *(note for unit in agent.engine.loaded() for note in unit.spec.notes)):
        log.warn(str(note))

    async def join(for_ns: int | None) -> None:
        async with contextlib.AsyncExitStack() as services:
            if bus is not None:
                await services.enter_async_context(serve_agent_api(agent, bus))
                log.info(f"org.eclipse.bluechi.Agent on the bus {bus}")
            dialler = AgentDialler(agent, told=log.warn)
            services.push_async_callback(dialler.close)
            _power_on(agent)
            agent.start()
            await last(for_ns)

    run_for(kernel, join(duration_option(duration)), log)


def _agent(kernel: Kernel, settings: AgentConfig, files: Path | None, units: Units, seed: int) -> Agent:
    from gateway.orchestrator.control import Agent
    from gateway.orchestrator.control.proxies import ProxyRunner
    from gateway.orchestrator.engine import Engine, Runner
    from gateway.orchestrator.processes import ProcessRunner
    from gateway.orchestrator.simulated import SimulatedRunner
    from gateway.orchestrator.units import UnitFiles
    from gateway.sim import Streams

    simulated = units is Units.SIMULATED
    runner: Runner = SimulatedRunner(kernel, Streams(seed).stream("units")) if simulated else ProcessRunner(kernel)
    proxies = ProxyRunner(runner)
    engine = Engine(kernel, settings.name, UnitFiles(settings.name, {}, files), proxies)
    agent = proxies.agent = Agent(kernel, engine, settings)
    return agent


def _power_on(agent: Agent) -> None:
    """Start the default target, where there is one."""
    from gateway.orchestrator.engine import JobType

    target = agent.engine.files.default_target
    if agent.engine.files.has(target):
        agent.engine.submit(JobType.START, target)
