"""What stands behind BUS= on the command line."""

from __future__ import annotations

import pytest

from gateway.links import LinkAddress, LinkError, LinkRates, open_link, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("vcan0", LinkAddress("socketcan", "vcan0")),
        ("socketcan:can0", LinkAddress("socketcan", "can0")),
        ("pcan:PCAN_USBBUS1@125k", LinkAddress("pcan", "PCAN_USBBUS1", 125_000)),
        ("pcan:PCAN_USBBUS1@500k/2M", LinkAddress("pcan", "PCAN_USBBUS1", 500_000, 2_000_000)),
        (
            "udp_multicast:ff15:7079::1,port=4000",
            LinkAddress("udp_multicast", "ff15:7079::1", options={"port": "4000"}),
        ),
        (
            "slcan:/dev/ttyUSB0@83.3k,sleep_after_open=2",
            LinkAddress("slcan", "/dev/ttyUSB0", 83_300, options={"sleep_after_open": "2"}),
        ),
    ],
)
def test_an_address_is_interface_channel_rates_and_options(text: str, address: LinkAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "names no channel"),
        ("virtual:", "names no channel"),
        ("vcan0@fast", "'fast' is not a bit rate"),
        ("vcan0@500k/", "'' is not a bit rate"),
        ("virtual:0,port", "'port' is no KEY=VALUE"),
        ("1:0", "'1' is no interface's name"),
    ],
)
def test_what_is_no_address_gets_a_sentence(text: str, part: str) -> None:
    with pytest.raises(LinkError, match="link") as caught:
        parse_address(text)
    assert part in caught.value.sentence


def test_a_bit_rate_for_socketcan_names_the_command_that_sets_it() -> None:
    with pytest.raises(LinkError, match="ip link set can0 type can bitrate 250000"):
        open_link(parse_address("can0@250k"), LinkRates(500_000, None))
