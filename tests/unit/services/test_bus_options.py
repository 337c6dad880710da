"""Topics, rules, and where a broker or a Zenoh network is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.services.errors import ServiceError
from gateway.services.mqtt_options import Tls, mqtt_place
from gateway.services.policy import EventPolicy
from gateway.services.rules import DEFAULT_POLICY, Rules, SignalRule
from gateway.services.topics import Topics
from gateway.services.zenoh_options import ZenohOptions, endpoint


def test_topics_are_paths_with_slashes_below_a_prefix() -> None:
    topics = Topics("fleet/car-1", ["Vehicle.Speed", "Vehicle.Cabin.Door.IsOpen"])
    assert topics.of["Vehicle.Cabin.Door.IsOpen"] == "fleet/car-1/Vehicle/Cabin/Door/IsOpen"
    assert topics.path("fleet/car-1/Vehicle/Speed/set") == "Vehicle.Speed"
    assert topics.gateway("demo-ev") == "fleet/car-1/gateways/demo-ev"
    assert topics.depth == 4


@pytest.mark.parametrize("prefix", ["", "/vss", "vss/", "a//b", "vss/#", "a+", "a b", "$SYS"])
def test_a_prefix_that_no_topic_can_have_is_told(prefix: str) -> None:
    with pytest.raises(ServiceError, match="cannot begin a topic"):
        Topics(prefix, [])


def test_a_name_that_no_topic_can_have_is_told() -> None:
    with pytest.raises(ServiceError, match="cannot be part of a topic"):
        Topics("vss", []).gateway("my car")


def test_the_first_rule_that_matches_counts() -> None:
    often, rarely = EventPolicy(interval_ns=1), EventPolicy(interval_ns=2)
    rules = Rules([SignalRule(("Vehicle.*.Speed", "Vehicle.Speed"), often, 1), SignalRule(("Vehicle",), rarely, 2)])
    assert rules.of("Vehicle.Speed").qos == 1
    assert rules.policy_of("Vehicle.Motor.Speed") is often
    assert rules.of("Vehicle.Motor.Front.Speed").qos == 2
    assert rules.policy_of("Trailer.Speed") is DEFAULT_POLICY


@pytest.mark.parametrize(
    ("text", "host", "port", "secure", "username"),
    [
        ("mqtt://broker", "broker", 1883, False, None),
        ("mqtts://broker", "broker", 8883, True, None),
        ("mqtt://[::1]:1884/", "::1", 1884, False, None),
        ("mqtts://me:se%40cret@10.0.0.1:9", "10.0.0.1", 9, True, "me"),
    ],
)
def test_where_a_broker_is(text: str, host: str, port: int, secure: bool, username: str | None) -> None:
    place = mqtt_place(text)
    assert (place.address.host, place.address.port, place.secure, place.username) == (host, port, secure, username)
    assert "se@cret" not in repr(place)


@pytest.mark.parametrize("text", ["mqtt://", "http://broker", "mqtt://broker:70000", "mqtt://broker/x", "mqtt://a:b:c"])
def test_what_is_no_broker(text: str) -> None:
    with pytest.raises(ServiceError, match="is no broker"):
        mqtt_place(text)


def test_certificates_that_cannot_be_read_are_told_with_their_file(tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("nonsense")
    for tls, reason in (
        (Tls(ca=tmp_path / "none.pem"), "none.pem: cannot be read"),
        (Tls(ca=nonsense), "ca.pem: is no PEM file"),
        (Tls(certificate=nonsense, private_key=nonsense), "ca.pem: is no PEM file"),
        (Tls(certificate=nonsense), "needs both"),
    ):
        with pytest.raises(ServiceError) as told:
            tls.context()
        assert reason in str(told.value)


def test_zenoh_stays_on_this_machine_unless_told_otherwise() -> None:
    assert ZenohOptions().settings() == {
        "mode": "peer",
        "connect/endpoints": [],
        "listen/endpoints": ["tcp/127.0.0.1:0"],
        "scouting/multicast/interface": "lo",
    }
    connected = ZenohOptions(mode="client", connect=("tcp/10.0.0.1:7447",)).settings()
    assert connected["scouting/multicast/enabled"] is False
    assert "listen/endpoints" not in connected


def test_what_is_no_endpoint_of_zenoh() -> None:
    assert endpoint("tcp/10.0.0.1:7447") == "tcp/10.0.0.1:7447"
    for text in ("10.0.0.1:7447", "tcp/10.0.0.1", "x"):
        with pytest.raises(ServiceError, match="is no endpoint"):
            endpoint(text)
