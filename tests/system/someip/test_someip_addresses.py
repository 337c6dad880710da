"""Addresses that this machine does not have are named, whatever the IP version."""

from __future__ import annotations

import pytest

from gateway.ethernet import Endpoint, EthernetError
from gateway.services.someip.interfaces import interface_of, multicast_trouble
from gateway.services.someip.socket_options import endpoint, named, place, scope_of


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("fd00:dead::77", "fd00:dead::77 is no address of this machine"),
        ("fe80::1%nope0", "there is no interface 'nope0' for fe80::1"),
    ],
)
def test_an_address_of_ipv6_that_is_not_here_is_refused(ipv6: None, address: str, sentence: str) -> None:
    with pytest.raises(EthernetError, match=sentence):
        scope_of(address)
    assert interface_of(address) is None
    assert multicast_trouble(address, "ff02::1:ff00", 30490) == f"{address} is no address of this machine"


def test_ipv4_has_no_scope() -> None:
    assert scope_of("127.0.0.1") == 0
    assert place("10.0.0.1", 30490, 3) == ("10.0.0.1", 30490)
    assert named("10.0.0.1", 3) == "10.0.0.1"


def test_only_addresses_of_one_link_get_the_interface() -> None:
    assert place("fe80::1%eth0", 30490, 3) == ("fe80::1", 30490, 0, 3)
    assert place("ff02::1:ff00", 30490, 3) == ("ff02::1:ff00", 30490, 0, 3)
    assert place("fd00::1", 30490, 3) == ("fd00::1", 30490, 0, 0)
    assert place("ff15::1", 30490, 3) == ("ff15::1", 30490, 0, 0)
    assert (named("fe80::1", 3), named("fd00::1", 3)) == ("fe80::1%3", "fd00::1")


def test_endpoints_are_kept_without_their_interface() -> None:
    assert endpoint(("fe80::2%eth0", 40000, 0, 3)) == Endpoint("fe80::2", 40000)
    assert endpoint(("10.0.0.2", 40000)) == Endpoint("10.0.0.2", 40000)
