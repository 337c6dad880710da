"""`pdu:[HOST:]PORT`: a bus as AUTOSAR PDUs, over UDP, or with `over=tcp` over TCP."""

from __future__ import annotations

from typing import Final

from gateway.can import BRS, FD, Frame
from gateway.links.addresses import address
from gateway.links.errors import LinkError
from gateway.links.ethernet_link import EthernetLink
from gateway.links.ethernet_ports import UdpPort
from gateway.links.gathering import Gathering
from gateway.links.link import Link, LinkAddress, LinkRates
from gateway.links.link_options import LinkOptions
from gateway.links.pdu_transport import LARGEST, PduCarrier, PduMap
from gateway.links.pdu_transport_tcp import PduTcpLink

OPTIONS: Final = ("peer", "over", "after", "size", "urgent")


def pdu_link(link: LinkAddress, rates: LinkRates) -> Link:
    """The link of an address. LinkError for options that cannot be."""
    options = LinkOptions(link, OPTIONS)
    here, peer = address(link.channel), options.address("peer")
    try:
        carrier = PduCarrier(PduMap(link.pdus, FD if rates.data_bitrate in (None, rates.bitrate) else FD | BRS))
    except LinkError as error:
        raise LinkError(f"link {link}: {error.sentence}") from None
    size = options.number("size", LARGEST, 1, LARGEST)
    gathering: Gathering[Frame] = Gathering(size, options.duration("after", 0))
    fd, urgent = rates.data_bitrate is not None, options.identifiers("urgent")
    if options.choice("over", "udp", ("udp", "tcp")) == "tcp":
        return PduTcpLink(str(link), here, peer, carrier, gathering, fd=fd, urgent=urgent)
    return EthernetLink(str(link), UdpPort(str(link), here, peer), carrier, gathering, fd=fd, urgent=urgent)
