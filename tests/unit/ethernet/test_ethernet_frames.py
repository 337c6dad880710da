"""Ethernet frames as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ethernet import Endpoint, EthernetError, Packet, TcpFlags, TcpHead, build, is_multicast, packed, parse
from gateway.ethernet.addresses import group_mac

V4 = Endpoint("10.0.0.1", 30490), Endpoint("224.224.224.245", 30490)
V6 = Endpoint("fd00::1", 30490), Endpoint("ff14::4:0", 30490)
MACS = bytes.fromhex("020000000001"), bytes.fromhex("01005e60e0f5")


@given(
    st.sampled_from([V4, V6]),
    st.binary(max_size=200),
    st.none() | st.builds(TcpHead, st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.sampled_from(TcpFlags)),
)
def test_a_packet_is_what_was_built(ends: tuple[Endpoint, Endpoint], payload: bytes, tcp: TcpHead | None) -> None:
    packet = Packet(*ends, payload, tcp)
    frame = build(packet, *MACS)
    assert len(frame) >= 60
    assert parse(frame) == packet


@given(st.binary(max_size=100))
def test_any_bytes_give_a_packet_or_nothing(data: bytes) -> None:
    parse(data)
    frame = bytearray(build(Packet(*V4, data), *MACS))
    for place in range(0, len(frame), 7):
        frame[place] ^= 0xFF
        parse(bytes(frame))


def test_groups_have_their_mac_addresses() -> None:
    assert group_mac("224.224.224.245").hex(":") == "01:00:5e:60:e0:f5"
    assert group_mac("ff14::4:0").hex(":") == "33:33:00:04:00:00"
    assert is_multicast("239.1.1.1")
    assert not is_multicast("10.0.0.1")


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(EthernetError, match="'10.0.0' is no IP address"):
        packed("10.0.0")
