"""The monitor: what an onlooker of the service discovery can tell, and why something is missing."""

from __future__ import annotations

import pytest

from gateway.ethernet import Endpoint, Transport
from gateway.services.someip import ServiceDefinition
from gateway.services.someip.monitor import Monitor
from gateway.someip import EndpointOption, Entry, EntryType, Instance, SdMessage
from gateway.someip.sd_message import sd_message

S = 1_000_000_000
GROUP = Endpoint("224.224.224.245", 30490)
GATEWAY, CLIENT, OTHER = (Endpoint(f"10.0.0.{number}", 30490) for number in (1, 2, 3))
OFFER = Entry(EntryType.OFFER, 0x1234, 1, 1, 3, 7, options=(EndpointOption(Endpoint("10.0.0.1", 30501)),))
EVENTS = EndpointOption(Endpoint("10.0.0.2", 40000))
SUBSCRIBE = Entry(EntryType.SUBSCRIBE, 0x1234, 1, 1, 3, eventgroup=1, options=(EVENTS,))
FIND = Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF)


def hear(monitor: Monitor, entry: Entry, source: Endpoint, target: Endpoint = GROUP, now: int = 0) -> list[str]:
    return monitor.receive(sd_message(SdMessage((entry,)).build(), 1).build(), source, target, now)


def test_offers_are_told_once_and_forgotten_with_their_time() -> None:
    monitor = Monitor()
    assert hear(monitor, OFFER, GATEWAY) == ["10.0.0.1 offers 1234.0001, version 1.7, at UDP 10.0.0.1:30501"]
    assert hear(monitor, OFFER, GATEWAY, now=2 * S) == []
    assert list(monitor.expire(4 * S)) == []
    assert list(monitor.expire(5 * S)) == ["10.0.0.1 no longer offers 1234.0001: its time to live ran out"]
    hear(monitor, OFFER, GATEWAY, now=6 * S)
    assert hear(monitor, OFFER._replace(ttl=0), GATEWAY, now=6 * S) == ["10.0.0.1 takes its offer of 1234.0001 back"]
    assert monitor.services == {}


def test_subscriptions_are_told_with_their_answers() -> None:
    monitor = Monitor()
    hear(monitor, OFFER, GATEWAY)
    assert not monitor.complete
    assert hear(monitor, SUBSCRIBE, CLIENT, GATEWAY) == []
    ack = SUBSCRIBE._replace(type=EntryType.ACK, options=())
    assert hear(monitor, ack, GATEWAY, CLIENT) == [
        "subscription of UDP 10.0.0.2:40000 to 1234.0001 eventgroup 1: acknowledged"
    ]
    assert hear(monitor, ack._replace(ttl=0), GATEWAY, CLIENT) == [
        "subscription of UDP 10.0.0.2:40000 to 1234.0001 eventgroup 1: refused"
    ]
    assert monitor.complete
    assert monitor.as_json()["services"][0]["subscribers"] == {"1": {"UDP 10.0.0.2:40000": "refused"}}
    assert hear(monitor, SUBSCRIBE._replace(ttl=0), CLIENT, GATEWAY) == [
        "UDP 10.0.0.2:40000 ends its subscription to 1234.0001 eventgroup 1"
    ]


def test_what_is_looked_for_and_not_offered_is_missing() -> None:
    monitor = Monitor()
    assert hear(monitor, FIND, CLIENT) == ["10.0.0.2 looks for 1234.any"]
    assert [tuple(missing) for missing in monitor.missing()] == [("1234.any", "10.0.0.2", "nobody offers it")]
    hear(monitor, FIND._replace(instance=2), CLIENT)
    hear(monitor, OFFER, GATEWAY)
    assert [tuple(missing) for missing in monitor.missing()] == [
        ("1234.0002", "10.0.0.2", "only 1234.0001 version 1.7 is offered")
    ]


def test_a_stranger_is_shown_beside_the_owner() -> None:
    monitor = Monitor()
    hear(monitor, OFFER, GATEWAY)
    assert hear(monitor, OFFER, OTHER) == ["10.0.0.3 offers 1234.0001 as well, which 10.0.0.1 offers"]
    assert hear(monitor, OFFER, OTHER) == []
    assert monitor.as_json()["services"][0]["strangers"] == ["10.0.0.3"]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (ServiceDefinition("S", Instance(0x9999, 1), 1), "nobody offers it"),
        (ServiceDefinition("S", Instance(0x1234, 2), 1), "only 1234.0001 version 1.7 is offered"),
        (ServiceDefinition("S", Instance(0x1234, 1), 2), "10.0.0.1 offers major version 1, and the file says 2"),
        (
            ServiceDefinition("S", Instance(0x1234, 1), 1, owner="10.0.0.9"),
            "10.0.0.1 offers it, and only 10.0.0.9 may",
        ),
        (ServiceDefinition("S", Instance(0x1234, 1), 1, reliable=True), "10.0.0.1 does not offer it over TCP"),
        (ServiceDefinition("S", Instance(0x1234, 0xFFFF), 1), None),
    ],
)
def test_what_the_vehicle_consumes_and_lacks_has_its_reason(wanted: ServiceDefinition, why: str | None) -> None:
    monitor = Monitor(wanted=[wanted])
    hear(monitor, OFFER, GATEWAY)
    assert [missing.why for missing in monitor.missing()] == ([why] if why else [])


def test_what_is_no_sd_message_is_told() -> None:
    monitor = Monitor()
    assert monitor.receive(b"abc", CLIENT, GROUP, 0) == [
        "10.0.0.2 sends what is no SD message: 3 bytes are too short for a SOME/IP message, whose header has 16"
    ]


def test_an_endpoint_over_tcp_is_named_so() -> None:
    monitor = Monitor()
    option = EndpointOption(Endpoint("fd00::1", 5), Transport.TCP)
    assert hear(monitor, OFFER._replace(options=(option,)), GATEWAY)[0].endswith("at TCP [fd00::1]:5")
