"""The states of units, by systemd's names."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Active(StrEnum):
    """A unit's active state."""

    ACTIVE = "active"
    RELOADING = "reloading"
    INACTIVE = "inactive"
    FAILED = "failed"
    ACTIVATING = "activating"
    DEACTIVATING = "deactivating"


class Freezer(StrEnum):
    """Whether a unit's processes are frozen."""

    RUNNING = "running"
    FROZEN = "frozen"


UP: Final = frozenset({Active.ACTIVE, Active.RELOADING})
COMING: Final = UP | {Active.ACTIVATING}
DOWN: Final = frozenset({Active.INACTIVE, Active.FAILED})
GOING: Final = DOWN | {Active.DEACTIVATING}


class ServiceState(StrEnum):
    """A service's sub state."""

    DEAD = "dead"
    START_PRE = "start-pre"
    START = "start"
    START_POST = "start-post"
    RUNNING = "running"
    EXITED = "exited"
    RELOAD = "reload"
    STOP = "stop"
    STOP_SIGTERM = "stop-sigterm"
    STOP_SIGKILL = "stop-sigkill"
    STOP_POST = "stop-post"
    FINAL_SIGTERM = "final-sigterm"
    FINAL_SIGKILL = "final-sigkill"
    FAILED = "failed"
    AUTO_RESTART = "auto-restart"


ACTIVE_OF: Final = {
    ServiceState.DEAD: Active.INACTIVE,
    ServiceState.START_PRE: Active.ACTIVATING,
    ServiceState.START: Active.ACTIVATING,
    ServiceState.START_POST: Active.ACTIVATING,
    ServiceState.RUNNING: Active.ACTIVE,
    ServiceState.EXITED: Active.ACTIVE,
    ServiceState.RELOAD: Active.RELOADING,
    ServiceState.STOP: Active.DEACTIVATING,
    ServiceState.STOP_SIGTERM: Active.DEACTIVATING,
    ServiceState.STOP_SIGKILL: Active.DEACTIVATING,
    ServiceState.STOP_POST: Active.DEACTIVATING,
    ServiceState.FINAL_SIGTERM: Active.DEACTIVATING,
    ServiceState.FINAL_SIGKILL: Active.DEACTIVATING,
    ServiceState.FAILED: Active.FAILED,
    ServiceState.AUTO_RESTART: Active.ACTIVATING,
}
