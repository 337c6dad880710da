"""The airbag control unit: tells a crash, and does not forget it."""

from __future__ import annotations

from gateway.ecu import Ecu, every


class Acu:
    """Inputs: `impact` (None, Front, Side or Rear), `belt` (Open or Buckled)."""

    def __init__(self, ecu: Ecu) -> None:
        self.events = 0
        self.impact = ecu.input("impact", "None")
        self.belt = ecu.input("belt", "Buckled")
        self.crash_out = ecu.tx("CrashStatus.Crash")
        self.airbag_out = ecu.tx("CrashStatus.AirbagDeployed")
        self.belt_out = ecu.tx("CrashStatus.Belt")
        self.events_out = ecu.tx("CrashStatus.EventCounter")

    @every("10ms")
    def watch(self) -> None:
        """A crash stays told until power is lost."""
        self.belt_out.value = str(self.belt.value)
        impact = str(self.impact.value)
        if impact != "None" and not self.events:
            self.events = 1
            self.events_out.value = self.events
            self.airbag_out.value = "No" if impact == "Rear" else "Yes"
            self.crash_out.value = impact
