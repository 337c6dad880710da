"""Addresses of ACF and PDU links: what each option takes, and what is told about one that cannot be."""

from __future__ import annotations

import pytest

from gateway.links import LinkError, LinkRates, open_link, parse_address

RATES = LinkRates(500_000, 2_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "acf:17220",
        "acf:127.0.0.1:17220,peer=127.0.0.1:17221,form=brief,bus=3,stream=00:11:22:33:44:55:00:01,after=1ms",
        "acf:eth0,peer=91:e0:f0:00:fe:01,size=1000",
        "pdu:20000,peer=127.0.0.1:20001,after=2ms,size=500,urgent=0x100 0x18DAF110x 291",
        "pdu:0,over=tcp",
        "pdu:[::1]:0,over=tcp,peer=[::1]:20000",
    ],
)
def test_links_over_ethernet(text: str) -> None:
    address = parse_address(text)
    assert open_link(address, RATES).name == str(address)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("acf:17220,pear=1", r"there is no option 'pear' \(did you mean 'peer'\?\)"),
        ("acf:17220,bus=32", "bus=32: it is a number from 0 to 31"),
        ("acf:17220,form=long", "form=long: it is full or brief"),
        ("acf:17220,stream=00", "it is 8 bytes"),
        ("acf:17220,peer=host", "peer=host"),
        ("acf:eth0,peer=91e0f000fe00", "it is 6 bytes like"),
        ("acf:a:b", r"write acf:\[HOST:\]PORT"),
        ("acf:17220,after=1", "after=1"),
        ("acf:17220@500k", "no CAN bit rate"),
        ("acf:17220,size=1401", "size=1401: it is a number from 1 to 1400"),
        ("pdu:eth0", "is not an address"),
        ("pdu:20000,over=sctp", "over=sctp: it is udp or tcp"),
        ("pdu:20000,urgent=0x800", "urgent=0x800: it is CAN identifiers"),
        ("pdu:20000,form=brief", "there is no option 'form'"),
    ],
)
def test_an_option_that_cannot_be_is_told(text: str, reason: str) -> None:
    with pytest.raises(LinkError, match=reason):
        open_link(parse_address(text), RATES)
