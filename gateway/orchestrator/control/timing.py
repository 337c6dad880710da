"""How long a start took: from the request to its end, and on the node itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.orchestrator.control.jobs import UnitJob
from gateway.orchestrator.control.messages import Failure, Reply

if TYPE_CHECKING:
    from gateway.orchestrator.control.controller import Controller

_UNIT: Final = "org.freedesktop.systemd1.Unit"


def measure_start(controller: Controller, job: UnitJob) -> None:
    """Ask the node when the unit began and was active; tell the client both times."""
    node = controller.nodes[job.node]
    whole = (controller.kernel.now - job.asked_ns) // 1000
    if not node.online:
        return

    def answered(reply: Reply) -> None:
        if isinstance(reply, Failure):
            return
        values = reply.body[0]
        begun = values["InactiveExitTimestampMonotonic"].value
        active = values["ActiveEnterTimestampMonotonic"].value
        controller.public.start_metrics(job, whole, max(0, active - begun))

    node.call("GetUnitProperties", "ss", (job.unit, _UNIT), answered)
