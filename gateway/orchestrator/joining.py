"""Many simulated nodes that join a controller, ours or a real one, by D-Bus peer to peer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from gateway.orchestrator.control import Agent, AgentConfig
from gateway.orchestrator.control.proxies import ProxyRunner
from gateway.orchestrator.dbus import AgentDialler
from gateway.orchestrator.engine import Engine, JobType
from gateway.orchestrator.simulated import SimulatedRunner
from gateway.orchestrator.units import UnitFiles
from gateway.sim import Kernel, Streams

_UNIT = """[Unit]
Description=Simulated unit {number}
[Service]
Type=notify
Restart=on-failure
ExecStart=/usr/bin/unit{number}
[X-Simulation]
ReadyAfter=5ms..50ms
"""
_FAULTY = "ExitAfter=10s\nExitStatus=1\n"


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many nodes, how called, with how many units; `faulty` of these end with an error every 10 s."""

    address: str
    count: int = 1
    prefix: str = "node-"
    units: int = 5
    faulty: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    heartbeat_ns: int = 2_000_000_000

    def names(self) -> list[str]:
        return [f"{self.prefix}{number}" for number in range(1, self.count + 1)]

    def texts(self) -> dict[str, str]:
        """The unit files of each node."""
        if self.files:
            return dict(self.files)
        texts = {
            f"unit{number}.service": _UNIT.format(number=number) + (_FAULTY if number <= self.faulty else "")
            for number in range(1, self.units + 1)
        }
        return {**texts, "default.target": f"[Unit]\nWants={' '.join(texts)}\n"}


@contextlib.asynccontextmanager
async def joined(kernel: Kernel, crowd: Crowd, seed: int = 0) -> AsyncIterator[list[Agent]]:
    """The agents, looking for their controller, while the context lasts."""
    streams = Streams(seed)
    agents: list[Agent] = []
    diallers: list[AgentDialler] = []
    for name in crowd.names():
        proxies = ProxyRunner(SimulatedRunner(kernel, streams.stream(f"node/{name}")))
        engine = Engine(kernel, name, UnitFiles(name, crowd.texts()), proxies)
        config = AgentConfig(name=name, address=crowd.address, heartbeat_ns=crowd.heartbeat_ns)
        agent = Agent(kernel, engine, config)
        proxies.agent = agent
        agents.append(agent)
        diallers.append(AgentDialler(agent))
        if engine.files.has(engine.files.default_target):
            engine.submit(JobType.START, engine.files.default_target)
        agent.start()
    try:
        yield agents
    finally:
        for dialler in diallers:
            await dialler.close()
