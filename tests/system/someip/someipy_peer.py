"""someipy (GPL-3.0, in an environment and a process of its own) as a client: it subscribes, and tells lines of JSON.

python someipy_peer.py 10.9.0.2 SOCKET      after someipyd has been started with that socket
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from someipy import (
    ClientServiceInstance,
    Event,
    EventGroup,
    Method,
    ServiceBuilder,
    TransportLayerProtocol,
    connect_to_someipy_daemon,
)
from someipy.someipy_logging import set_someipy_log_level

UDP = TransportLayerProtocol.UDP


def tell(what: str, **more: object) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


async def main() -> None:
    set_someipy_log_level(logging.CRITICAL)
    address, path = sys.argv[1:3]
    daemon = await connect_to_someipy_daemon({"socket_path": path})
    group = EventGroup(id=1, events=[Event(id=0x8001, protocol=UDP), Event(id=0x8002, protocol=UDP)])
    method = Method(id=0x0003, protocol=UDP)
    builder = ServiceBuilder().with_service_id(0x1234).with_major_version(1)
    service = builder.with_eventgroup(group).with_method(method).build()
    client = ClientServiceInstance(daemon, service, instance_id=1, endpoint_ip=address, endpoint_port=33333)
    client.register_callback(lambda event, payload: tell("event", event=event, payload=payload.hex()))
    client.subscribe_eventgroup(group, ttl_subscription_seconds=5)
    while True:  # again and again: the answer may come before the event that the test waits for
        try:
            answer = await asyncio.wait_for(client.call_method(0x0003, b"\x07"), 5)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it is asked again
            tell("no answer", error=repr(error))
        else:
            tell("answer", code=answer.return_code.name, payload=answer.payload.hex())
        await asyncio.sleep(1)


asyncio.run(main())
