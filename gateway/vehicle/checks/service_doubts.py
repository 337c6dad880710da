"""What the services of a vehicle file can say, but hardly mean."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.database import Severity
from gateway.ecu import NOBODY
from gateway.vehicle.checks.findings import Finding
from gateway.vehicle.file.read import VehicleFile
from gateway.vehicle.file.services import written
from gateway.vehicle.vehicle import Vehicle


def taken_over(file: VehicleFile, vehicle: Vehicle) -> Iterator[Finding]:
    """Messages of other ECUs that the gateway sends in their place, because services write to signals in them."""
    if file.spec.services is None:
        return
    for place, text in written(file.spec.services):
        bus, _, rest = text.partition(".")
        name = rest.partition(".")[0]
        database = vehicle.databases.get(bus)
        message = next((m for m in database.messages if m.name == name), None) if database else None
        if message is None or vehicle.gateway.name in message.senders:
            continue
        owners = " and ".join(sender for sender in message.senders if sender not in NOBODY)
        if owners:
            sentence = f"{text} is written here, so the gateway sends {bus}.{name}, and {owners} does not any more"
            yield Finding(file.source.file, file.source.line(("services", *place)), Severity.WARNING, sentence)
