"""The monitor on a real network: by its multicast, and by all frames of the interface where that is allowed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from gateway.ethernet import Endpoint, Packet, is_multicast
from gateway.services.someip.interfaces import Sniffer, interface_of, multicast_trouble, route_trouble
from gateway.services.someip.monitor import Monitor
from gateway.services.someip.options import NodeOptions
from gateway.services.someip.sockets import SocketNetwork
from gateway.sim import SimulationLoop


async def listen(
    monitor: Monitor, options: NodeOptions, duration_ns: int | None, told: Callable[[str], object]
) -> None:
    """Listen so long, or until cancelled; `told` gets what changes. EthernetError when the group cannot be joined."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    network = SocketNetwork(loop, options.address)

    def hear(data: bytes, source: Endpoint, target: Endpoint) -> None:
        for line in monitor.receive(data, source, target, loop.pace.time_ns()):
            told(line)

    def see(packet: Packet) -> None:
        if options.sd_port in (packet.source.port, packet.target.port) and not is_multicast(packet.target.host):
            hear(packet.payload, packet.source, packet.target)

    port = network.open_group(options.group, options.sd_port, hear)
    sniffer = None
    name = interface_of(options.address)
    with contextlib.suppress(PermissionError):
        if name is not None:
            sniffer = Sniffer(loop, name, see)
            monitor.complete = True
    try:
        if duration_ns is None:
            await loop.create_future()
        else:
            await loop.sleep_until(duration_ns)
    except asyncio.CancelledError:
        pass  # Ctrl-C: what was seen is told all the same
    finally:
        port.close()
        if sniffer is not None:
            sniffer.close()
        await network.close()
        for line in monitor.expire(loop.pace.time_ns()):
            told(line)


def trouble(monitor: Monitor, options: NodeOptions) -> list[str]:
    """What of this machine's network keeps services from being found or reached."""
    found = [multicast_trouble(options.address, options.group, options.sd_port)]
    for seen in monitor.services.values():
        away = route_trouble(options.address, seen.host)
        if away is not None:
            found.append(f"{seen.instance} is offered by {seen.host}, but {away}")
    return [text for text in found if text is not None]
