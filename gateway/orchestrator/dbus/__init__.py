"""D-Bus by dbus-fast: the public API on a bus, and peer-to-peer connections between controller and agents."""

from gateway.orchestrator.dbus.activation import inherited_sockets
from gateway.orchestrator.dbus.bus import BusAddressError, bus_address, serve_agent_api, serve_public
from gateway.orchestrator.dbus.client import Client
from gateway.orchestrator.dbus.peers import AgentDialler, PeerServer, serve_peers

__all__ = [
    "AgentDialler",
    "BusAddressError",
    "Client",
    "PeerServer",
    "bus_address",
    "inherited_sockets",
    "serve_agent_api",
    "serve_peers",
    "serve_public",
]
