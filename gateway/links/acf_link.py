"""`acf:[HOST:]PORT` over UDP and `acf:INTERFACE` over raw Ethernet: a bus in IEEE 1722 AVTPDUs."""

from __future__ import annotations

import os
from typing import Final

from gateway.can import Frame
from gateway.links.acf import ETHERTYPE, LARGEST, Form
from gateway.links.acf_carrier import AcfCarrier
from gateway.links.addresses import address
from gateway.links.errors import LinkError
from gateway.links.ethernet_link import EthernetLink
from gateway.links.ethernet_ports import EthernetPort, Port, UdpPort
from gateway.links.gathering import Gathering
from gateway.links.link import LinkAddress, LinkRates
from gateway.links.link_options import LinkOptions

OPTIONS: Final = ("peer", "form", "bus", "stream", "after", "size", "urgent")
MULTICAST: Final = bytes.fromhex("91e0f000fe00")
"""The first of the locally administered multicast addresses of AVTP (IEEE 1722-2016, table B.9)."""


def acf_link(link: LinkAddress, rates: LinkRates) -> EthernetLink:
    """The link of an address. LinkError for options that cannot be."""
    options = LinkOptions(link, OPTIONS)
    stream = options.octets("stream", os.urandom(8))
    port, over_udp = _port(link, options)
    carrier = AcfCarrier(options.number("bus", 0, 0, 31), stream, _form(options), over_udp=over_udp)
    size = options.number("size", LARGEST, 1, LARGEST)
    gathering: Gathering[Frame] = Gathering(size, options.duration("after", 0))
    fd = rates.data_bitrate is not None
    return EthernetLink(str(link), port, carrier, gathering, fd=fd, urgent=options.identifiers("urgent"))


def _form(options: LinkOptions) -> Form:
    return Form(options.choice("form", Form.FULL.value, [form.value for form in Form]))


def _port(link: LinkAddress, options: LinkOptions) -> tuple[Port, bool]:
    """The port, and whether it is UDP. What does not end in a port is an interface."""
    if not link.channel.rpartition(":")[2].isdecimal():
        if ":" in link.channel:
            raise LinkError(f"link {link}: write acf:[HOST:]PORT for UDP or acf:INTERFACE for raw Ethernet")
        return EthernetPort(str(link), link.channel, ETHERTYPE, options.octets("peer", MULTICAST)), False
    return UdpPort(str(link), address(link.channel), options.address("peer")), True
