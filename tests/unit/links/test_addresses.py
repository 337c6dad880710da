"""Addresses on the command line."""

from __future__ import annotations

import pytest

from gateway.links.addresses import Address, address
from gateway.links.errors import LinkError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("29536", Address("127.0.0.1", 29536)),
        ("0.0.0.0:1", Address("0.0.0.0", 1)),
        ("pi.local:29536", Address("pi.local", 29536)),
        ("[::1]:5", Address("::1", 5)),
    ],
)
def test_an_address_is_a_port_or_a_host_and_a_port(text: str, expected: Address) -> None:
    assert address(text) == expected
    assert address(str(expected)) == expected


@pytest.mark.parametrize("text", ["", ":5", "host", "host:", "::1:5", "host:-1", "host:٣"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(LinkError, match="address"):
        address(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("99999", "99999 is no port: a port is 1 to 65535"),
        ("host:70000", "70000 is no port (in 'host:70000'): a port is 1 to 65535"),
    ],
)
def test_what_is_no_port_is_told(text: str, told: str) -> None:
    with pytest.raises(LinkError) as caught:
        address(text)
    assert str(caught.value) == told
