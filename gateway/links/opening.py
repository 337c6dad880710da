"""From an address to its link: SocketCAN's own sockets, datagrams of ours, or python-can for all others."""

from __future__ import annotations

from gateway.links.link import ACF, PDU, SOCKETCAN, Link, LinkAddress, LinkRates
from gateway.links.socketcan import SocketCanLink


def open_link(address: LinkAddress, rates: LinkRates) -> Link:
    """The link of an address, for a bus with these bit rates. LinkError for what the interface cannot have."""
    if address.interface == SOCKETCAN:
        return SocketCanLink(address, rates)
    if address.interface == ACF:
        from gateway.links.acf_link import acf_link

        return acf_link(address, rates)
    if address.interface == PDU:
        from gateway.links.pdu_transport_link import pdu_link

        return pdu_link(address, rates)
    # python-can brings every adapter and log format with it, and takes half a second for that.
    from gateway.links.python_can import PythonCanLink

    return PythonCanLink(address, rates)
