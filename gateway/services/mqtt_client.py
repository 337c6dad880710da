"""aiomqtt's client with what it lacks here: a bounded inbox that counts, messages handed over many at a time, a clean end.

Two of its private names are used: the paho client below it, and its future of the lost connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, cast

from gateway.services.errors import need_extra
from gateway.services.mqtt_options import MqttOptions

try:
    import aiomqtt
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
except ImportError as error:
    raise need_extra("MQTT (--bus mqtt)", "mqtt", error) from None

__all__ = ["TIMEOUT_S", "Expiry", "Properties", "aiomqtt", "correlated", "hand_over", "hang_up", "new_client"]

_QUIET: Final = logging.getLogger("gateway.services.mqtt")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False

TIMEOUT_S: Final = 3.0
"""For the broker to answer."""
REQUESTS: Final = 1000
"""Set requests that wait; more are dropped, and counted."""


def new_client(
    options: MqttOptions, name: str, tls: object, will: tuple[str, bytes], dropped: Callable[[], object]
) -> aiomqtt.Client:
    """A client that is not connected yet. `will`: topic and payload, retained; `dropped` is called for what had no room."""
    assert options.address is not None
    version = aiomqtt.ProtocolVersion(options.version)
    # Nothing is kept for us while we are away: an old wish must not come true later.
    session: dict[str, Any] = {"clean_start": True}
    if version is not aiomqtt.ProtocolVersion.V5:
        session = {"clean_session": True}
    return aiomqtt.Client(
        options.address.host,
        options.address.port,
        identifier=name,
        username=options.username,
        password=options.password,
        protocol=version,
        will=aiomqtt.Will(*will, 1, retain=True),
        timeout=TIMEOUT_S,
        keepalive=options.keepalive_s,
        tls_context=cast(Any, tls),
        logger=_QUIET,
        max_queued_incoming_messages=REQUESTS,
        queue_type=cast(Any, lambda maxsize: _Inbox(dropped, maxsize)),
        **session,
    )


def hand_over(client: aiomqtt.Client, topic: str, data: bytes, properties: Properties | None) -> None:
    """Queue a retained message with QoS 0 without waiting for its way to the socket; all go in the order they came.

    Every so often one must be published and awaited, so that no more are queued than the broker takes. MqttCodeError.
    """
    info = cast(Any, client)._client.publish(topic, data, 0, True, properties)
    if info.rc:
        raise aiomqtt.MqttCodeError(info.rc, "Could not publish message")


def hang_up(client: aiomqtt.Client) -> None:
    """Leave nothing behind of a connection that broke or was never made: aiomqtt leaves its socket open then, and
    asyncio complains of what broke it when nobody has looked."""
    paho = getattr(client, "_client", None)
    if paho is not None and paho.socket() is not None:
        paho._sock_close()
    lost = getattr(client, "_disconnected", None)
    if isinstance(lost, asyncio.Future) and lost.done() and not lost.cancelled():
        lost.exception()


def correlated(data: bytes | None) -> Properties | None:
    """Properties of an answer, with the correlation data of its request."""
    if data is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.CorrelationData = data
    return properties


class Expiry(Properties):
    """How long a message is worth keeping. Packed once: paho looks at all properties that there are, each time."""

    def __init__(self, seconds: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        self.MessageExpiryInterval = seconds
        object.__setattr__(self, "packed", super().pack())  # type: ignore[no-untyped-call]

    def pack(self) -> bytes:
        packed: bytes = self.packed  # type: ignore[attr-defined]
        return packed


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """What has come; what there is no room for is counted."""

    def __init__(self, dropped: Callable[[], object], maxsize: int) -> None:
        super().__init__(maxsize)
        self._dropped = dropped

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if self.full():
            self._dropped()
        else:
            super().put_nowait(item)
