"""The other side's configuration for vsomeip: a client of what a vehicle offers, a server of what it consumes.

The keys are those of vsomeip's documentation (vsomeipConfiguration.md, 3.5). What its end-to-end protection cannot do is
said, not written: profile 6; of profiles 4 and 5 instances above 255; and its sender of profile 4 puts the instance into
the highest byte of the data identifier (profile04/protector.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.com.e2e_profiles import E2EConfig, Profile
from gateway.services.someip.definition import EventDefinition, ServiceDefinition
from gateway.services.someip.options import NodeOptions
from gateway.someip import ANY_INSTANCE

_MS: Final = 1_000_000
PORT: Final = 30509
"""Of services that a vehicle consumes: its file does not say at which port they are. The first; the next has the next."""
_NOT_THERE: Final = frozenset({Profile.P06})
_ONE_BYTE: Final = frozenset({Profile.P04, Profile.P05})


class Configuration:
    """`document`: for vsomeip, as JSON; `notes`: what it cannot do, for the user."""

    def __init__(
        self,
        options: NodeOptions,
        offered: Sequence[ServiceDefinition],
        consumed: Sequence[ServiceDefinition],
        *,
        address: str,
        application: str,
    ) -> None:
        self.notes: Final[list[str]] = []
        services = [_external(each, options.address) for each in offered]
        services += [_own(each, PORT + number) for number, each in enumerate(consumed)]
        protected = [
            entry
            for variant, definitions in (("checker", offered), ("protector", consumed))
            for definition in definitions
            for event in definition.events
            if event.protection is not None
            for entry in self._protected(definition, event, event.protection, variant)
        ]
        self.document: Final[dict[str, Any]] = {
            "unicast": address,
            "logging": {"level": "info", "console": "true"},
            "applications": [{"name": application, "id": "0x1277"}],
            "services": services,
            "routing": application,
            "service-discovery": _discovery(options),
        }
        if protected:
            self.document["e2e"] = {"e2e_enabled": "true", "protected": protected}

    def _protected(
        self, service: ServiceDefinition, event: EventDefinition, config: E2EConfig, variant: str
    ) -> list[dict[str, str]]:
        assert isinstance(config.data_id, int)
        name, instance, data_id = f"{service.name}.{event.name}", _instance(service), config.data_id
        if config.profile in _NOT_THERE:
            self.notes.append(f"{name}: vsomeip has no E2E {config.profile.value}; it would take the header as payload")
            return []
        if config.profile in _ONE_BYTE and instance > 0xFF:
            self.notes.append(f"{name}: vsomeip has E2E {config.profile.value} for instances 1 to 255 only")
            return []
        if config.profile is Profile.P04 and variant == "protector":
            if data_id >> 24 != instance:
                right = instance << 24 | data_id & 0xFFFFFF
                self.notes.append(
                    f"{name}: vsomeip sends E2E P04 with the instance in the highest byte of the data identifier:"
                    f" only data_id 0x{right:08X} would be understood"
                )
                return []
            data_id &= 0xFFFFFF
        return [
            {
                "service_id": _hex(service.instance.service),
                "event_id": _hex(event.id),
                "profile": config.profile.value,
                "variant": variant,
                "crc_offset": str(8 * config.offset),
                "data_id": f"0x{data_id:X}",
                "max_delta_counter": str(config.max_delta),
            }
        ]


def _hex(number: int) -> str:
    return f"0x{number:04X}"


def _discovery(options: NodeOptions) -> dict[str, str]:
    timing = options.timing
    return {
        "enable": "true",
        "multicast": options.group,
        "port": str(options.sd_port),
        "protocol": "udp",
        "initial_delay_min": str(timing.initial_delay_ns[0] // _MS),
        "initial_delay_max": str(timing.initial_delay_ns[1] // _MS),
        "repetitions_base_delay": str(timing.repetition_base_ns // _MS),
        "repetitions_max": str(timing.repetitions),
        "ttl": str(timing.ttl_s),
        "cyclic_offer_delay": str(timing.cyclic_ns // _MS),
        "request_response_delay": str(timing.response_delay_ns[1] // _MS),
    }


def _instance(service: ServiceDefinition) -> int:
    """Where any will do, the first."""
    instance = service.instance.instance
    return 1 if instance == ANY_INSTANCE else instance


def _place(service: ServiceDefinition, udp: int | None, tcp: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {"service": _hex(service.instance.service), "instance": _hex(_instance(service))}
    if udp is not None:
        found["unreliable"] = str(udp)
    if tcp is not None:
        found["reliable"] = {"port": str(tcp), "enable-magic-cookies": "false"}
    return found


def _external(service: ServiceDefinition, host: str) -> dict[str, Any]:
    """A service of the vehicle: at `host`; long requests to it go in segments."""
    found = {**_place(service, service.udp, service.tcp), "unicast": host}
    requests = [each.id for each in service.methods]
    requests += [each.setter for each in service.fields if each.setter is not None]
    if requests and service.udp is not None:
        found["someip-tp"] = {"client-to-service": [_hex(each) for each in sorted(requests)]}
    return found


def _own(service: ServiceDefinition, port: int) -> dict[str, Any]:
    """A service that the vehicle looks for: vsomeip is to offer it."""
    udp, tcp = (None, port) if service.reliable else (port, None)
    found = _place(service, udp, tcp)
    reliable = str(service.reliable).lower()
    groups: dict[int, list[str]] = {}
    for event in service.events:
        for group in event.groups:
            groups.setdefault(group, []).append(_hex(event.id))
    found["events"] = [
        {"event": _hex(each.id), "is_field": str(each.is_field).lower(), "is_reliable": reliable}
        for each in service.events
    ]
    found["eventgroups"] = [{"eventgroup": _hex(group), "events": events} for group, events in sorted(groups.items())]
    if udp is not None and service.events:
        found["someip-tp"] = {"service-to-client": [_hex(each.id) for each in service.events]}
    return found
