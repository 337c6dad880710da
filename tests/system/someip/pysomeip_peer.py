"""pysomeip as a client or as a server, told what to do by lines on standard input, telling lines of JSON.

python pysomeip_peer.py client 10.9.0.2      then `subscribe 1`, `call 0003 07 30501`, `stop`
python pysomeip_peer.py server 10.9.0.2      then `notify 4 09`
python pysomeip_peer.py client fd00:9::2 fd00:9::1 eth0      over IPv6, at an interface
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys

from someip import config, header, sd, service

GATEWAY = sys.argv[3] if len(sys.argv) > 3 else "10.9.0.1"
INTERFACE = sys.argv[4] if len(sys.argv) > 4 else None
FAMILY, GROUP = (socket.AF_INET6, "ff02::1:ff00") if INTERFACE else (socket.AF_INET, "224.224.224.245")
logging.basicConfig(level=logging.WARNING)


def tell(what: str, **more: object) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


class Port(sd.SOMEIPDatagramProtocol):
    """Where events and answers come."""

    def message_received(self, message, address, multicast) -> None:
        kind = message.message_type.name.lower()
        wire = message.build().hex()
        tell(kind, method=message.method_id, payload=message.payload.hex(), code=message.return_code.name, wire=wire)


class Listener(sd.ClientServiceListener):
    def service_offered(self, found, source) -> None:
        tell("offered", service=found.service_id, host=source[0])

    def service_stopped(self, found, source) -> None:
        tell("stopped", service=found.service_id, host=source[0])


class Navigation(service.SimpleService):
    service_id, version_major, version_minor = 0x2222, 1, 0

    def __init__(self, instance_id: int) -> None:
        super().__init__(instance_id)
        self.group = service.SimpleEventgroup(self, id=1)
        self.group.values[4] = b"\x01"
        self.register_eventgroup(self.group)
        self.register_method(0x0001, lambda message, address: bytes.fromhex("0000000b efbbbf 6e6f776865726500"))
        self.register_method(0x0003, self._set)

    def _set(self, message, address) -> bytes:
        tell("set", payload=message.payload.hex())
        return message.payload

    def client_subscribed(self, subscription, source) -> None:
        super().client_subscribed(subscription, source)
        tell("subscribed", host=source[0])


async def lines():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        yield line


async def client(protocol: sd.ServiceDiscoveryProtocol, address: str) -> None:
    transport, port = await Port.create_unicast_endpoint(local_addr=(address, 0))
    protocol.discovery.watch_all_services(Listener())
    protocol.start()
    tell("ready")
    async for command, *arguments in lines():
        if command == "subscribe":
            group = config.Eventgroup(
                service_id=0x1234,
                instance_id=1,
                major_version=1,
                eventgroup_id=int(arguments[0]),
                sockname=transport.get_extra_info("sockname"),
                protocol=header.L4Protocols.UDP,
            )
            protocol.discovery.find_subscribe_eventgroup(group)
        elif command == "call":
            request = header.SOMEIPHeader(
                service_id=0x1234,
                method_id=int(arguments[0], 16),
                client_id=1,
                session_id=1,
                interface_version=int(arguments[3]) if len(arguments) > 3 else 1,
                message_type=header.SOMEIPMessageType.REQUEST,
                payload=bytes.fromhex(arguments[1].replace("-", "")),
            )
            port.send(request.build(), (GATEWAY, int(arguments[2])))
        else:
            break
    protocol.stop()
    await asyncio.sleep(0.1)


async def server(protocol: sd.ServiceDiscoveryProtocol, address: str) -> None:
    _, offered = await Navigation.create_unicast_endpoint(1, local_addr=(address, 40222))
    offered.start_announce(protocol.announcer)
    protocol.start()
    tell("ready")
    async for command, *arguments in lines():
        if command == "notify":
            offered.group.values[int(arguments[0])] = bytes.fromhex(arguments[1])
            offered.group.notify_once([int(arguments[0])])
        else:
            break
    offered.stop_announce(protocol.announcer)
    await asyncio.sleep(0.1)
    protocol.stop()


async def main() -> None:
    role, address = sys.argv[1:3]
    _, _, protocol = await sd.ServiceDiscoveryProtocol.create_endpoints(
        family=FAMILY, local_addr=address, multicast_addr=GROUP, multicast_interface=INTERFACE
    )
    protocol.timings.INITIAL_DELAY_MAX = 0.1
    await (client if role == "client" else server)(protocol, address)


asyncio.run(main())
