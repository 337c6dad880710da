"""Set requests over MQTT: what a message asks for, and where its answer goes.

A client of MQTT 5 names a response topic, and correlation data that come back with the answer (MQTT 5, 4.10). Without
one, or from a client of MQTT 3.1.1, the answer goes to `.../set/answer`, with the `id` that the payload may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.services.topics import ANSWER, SET, Topics

if TYPE_CHECKING:
    import aiomqtt


class SetRequest(NamedTuple):
    """A message to `.../set`."""

    topic: str
    data: bytes
    answer_topic: str
    correlation: bytes | None


def set_request(message: aiomqtt.Message, topics: Topics) -> SetRequest:
    """The request that a message is.

    A response topic below our own prefix is not taken: what we may publish there is not for others to decide.
    """
    topic = message.topic.value
    data = message.payload if isinstance(message.payload, bytes) else b""
    wanted = getattr(message.properties, "ResponseTopic", None)
    correlation = getattr(message.properties, "CorrelationData", None)
    if not isinstance(wanted, str) or not _is_for_others(wanted, topics):
        return SetRequest(topic, data, topic.removesuffix(SET) + ANSWER, correlation)
    return SetRequest(topic, data, wanted, correlation)


def _is_for_others(topic: str, topics: Topics) -> bool:
    own = f"{topics.prefix}/"
    return bool(topic) and not topic.startswith((own, "$")) and not set(topic) & {"+", "#", "\0"}
