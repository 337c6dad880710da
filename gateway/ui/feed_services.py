"""Rows of the SOME/IP services, read from the vehicle's SOME/IP host when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from gateway.ui.feed_rows import Counted, ServiceRow
from gateway.vehicle import Vehicle

if TYPE_CHECKING:
    from gateway.services.someip.status import ConsumedStatus, OfferedStatus

LATELY: Final = 8
"""Notes of a service that are told."""


def service_rows(vehicle: Vehicle) -> Iterator[ServiceRow]:
    """What the vehicle offers, then what it consumes; nothing where it has no services."""
    host = vehicle.someip
    if host is None:
        return
    status = host.status()
    notes = [str(note) for note in host.notes.items]
    for offered in status.offered:
        yield _offered(offered, status.address, notes)
    for consumed in status.consumed:
        yield _consumed(consumed, notes)


def _offered(service: OfferedStatus, address: str, notes: list[str]) -> ServiceRow:
    subscribers = tuple(f"{one} (eventgroup {group})" for group, all_ in service.subscribers.items() for one in all_)
    return ServiceRow(
        service.name,
        service.instance,
        "offered",
        "subscribed" if subscribers else "offered",
        address,
        subscribers,
        _counted(service.events),
        _counted(service.answers),
        _counted(service.faults),
        _lately(service.instance, notes),
    )


def _consumed(service: ConsumedStatus, notes: list[str]) -> ServiceRow:
    checks = tuple(f"{event}: {state}" for event, state in service.checks.items())
    groups = tuple(f"eventgroup {group}: {standing}" for group, standing in service.groups.items())
    return ServiceRow(
        service.name,
        service.instance,
        "consumed",
        "missing" if service.host is None else "found",
        service.missing if service.host is None else service.host,
        (*groups, *checks),
        _counted(service.events),
        (),
        _counted(service.faults),
        _lately(service.instance, notes),
    )


def _counted(counts: Mapping[str, int]) -> Counted:
    return tuple(sorted((name, count) for name, count in counts.items() if count))


def _lately(instance: str, notes: list[str]) -> tuple[str, ...]:
    return tuple(note for note in notes if instance in note)[-LATELY:]
