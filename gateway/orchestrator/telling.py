"""What a controller and an agent have to log: who came and went, what was asked, what units do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.orchestrator.control import Agent, Controller
from gateway.orchestrator.control.controller import NodeEvent
from gateway.orchestrator.control.jobs import UnitJob
from gateway.orchestrator.engine import Active, Job, JobResult, Unit
from gateway.orchestrator.log import Log


def log_controller(controller: Controller, log: Log) -> None:
    """INFO: nodes come; WARN: they go, or are refused; DEBUG: jobs."""

    def node(event: NodeEvent) -> None:
        text = f"node {event.node or 'without a name'}: {event.what}"
        (log.info if event.what == "online" else log.warn)(text)

    def job(ended: UnitJob, result: str) -> None:
        log.debug(f"job {ended.id}: {ended.method} {ended.unit} on {ended.node}: {result}")

    controller.watchers.append(node)
    controller.job_watchers.append(job)


def log_agent(agent: Agent, log: Log) -> None:
    """INFO: the controller is there; WARN: it is gone; ERROR: units fail; DEBUG: all else that units do."""

    def online(here: bool) -> None:
        if here:
            log.info(f"connected to the controller as {agent.name}")
        else:
            log.warn("the connection to the controller is lost")

    reasons: set[str] = set()

    def refused(reason: str) -> None:
        if reason not in reasons:
            reasons.add(reason)
            log.error(f"the controller refuses {agent.name}: {reason}")

    agent.on_refused = refused
    agent.watchers.append(online)
    agent.engine.observers.append(_Units(log))


class _Units:
    """Logs what units do."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def state_changed(self, unit: Unit, before: Active) -> None:
        if unit.active is Active.FAILED and before is not unit.active:
            self._log.error(f"{unit.name}: failed with result '{unit.result}'")
        else:
            self._log.debug(f"{unit.name}: {unit.active} ({unit.sub})")

    def job_running(self, job: Job) -> None:
        self._log.debug(f"{job.unit.name}: {job.type} begins")

    def job_removed(self, job: Job, result: JobResult) -> None:
        self._log.debug(f"{job.unit.name}: {job.type}: {result}")

    def unit_new(self, unit: Unit) -> None:
        """Nothing to log."""

    def unit_removed(self, unit: Unit) -> None:
        """Nothing to log."""

    def properties_changed(self, unit: Unit, interface: str, values: Mapping[str, object]) -> None:
        """Nothing to log."""
