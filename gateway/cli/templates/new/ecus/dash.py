"""The dashboard: warns of speed."""

from __future__ import annotations

from gateway.ecu import Ecu, on

LIMIT_KMH = 130.0


class Dash:
    def __init__(self, ecu: Ecu) -> None:
        self.speed = ecu.rx("ClusterInfo.DisplaySpeed")
        self.warning = ecu.tx("DashStatus.SpeedWarning")

    @on("ClusterInfo")
    def show(self) -> None:
        """Called each time the message has come."""
        self.warning.value = "On" if self.speed.value > LIMIT_KMH else "Off"
