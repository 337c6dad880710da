"""Moving a function from an ECU to a service: shadow, canary, cut-over, and falling back by itself."""

from gateway.orchestrator.migration.migration import Canary, Limits, Migration, Mode
from gateway.orchestrator.migration.report import Difference, FallBack, MigrationReport, Why

__all__ = ["Canary", "Difference", "FallBack", "Limits", "Migration", "MigrationReport", "Mode", "Why"]
