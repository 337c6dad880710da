"""The server's side of calls: requests in, answers out, with the right return code for each that cannot be served.

The order in which a request is looked at is that of PRS_SOMEIPProtocol, 4.2.6: protocol version, service, interface
version, method, message type, payload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from gateway.someip.errors import CallError, PayloadError
from gateway.someip.message import PROTOCOL_VERSION, Message, MessageType, ReturnCode
from gateway.someip.sd_events import Instance

Method = Callable[[bytes], bytes]
"""Takes the payload of a request, gives that of the response. PayloadError: malformed; CallError: its return code."""
_REQUESTS: Final = (MessageType.REQUEST, MessageType.REQUEST_NO_RETURN)


class Served(NamedTuple):
    """A service instance behind a port."""

    instance: Instance
    major: int
    methods: Mapping[int, Method]


class Server:
    """All that is served at one port: there, a service id stands for one instance. `counts`: answers by return code."""

    def __init__(self) -> None:
        self.counts: Final[Counter[ReturnCode]] = Counter()
        self._served: dict[int, Served] = {}

    def add(self, served: Served) -> None:
        self._served[served.instance.service] = served

    def remove(self, instance: Instance) -> None:
        self._served.pop(instance.service, None)

    def receive(self, message: Message) -> Message | None:
        """The answer to a message, where it gets one: only a REQUEST does."""
        if message.type not in _REQUESTS and message.type in MessageType.__members__.values():
            self.counts[ReturnCode.WRONG_MESSAGE_TYPE] += 1
            return None  # an answer or an event to us: answering that could go on for ever
        payload = b""
        code = self._refusal(message)
        if code == ReturnCode.OK:
            try:
                payload = self._served[message.service].methods[message.method](message.payload)
            except PayloadError:
                code = ReturnCode.MALFORMED_MESSAGE
            except CallError as error:
                code = error.return_code
        self.counts[_known(code)] += 1
        if message.type == MessageType.REQUEST_NO_RETURN:
            return None
        kind = MessageType.RESPONSE if code == ReturnCode.OK else MessageType.ERROR
        return message._replace(payload=payload, type=kind, return_code=code, protocol_version=PROTOCOL_VERSION)

    def _refusal(self, message: Message) -> int:
        if message.protocol_version != PROTOCOL_VERSION:
            return ReturnCode.WRONG_PROTOCOL_VERSION
        served = self._served.get(message.service)
        if served is None:
            return ReturnCode.UNKNOWN_SERVICE
        if message.interface_version != served.major:
            return ReturnCode.WRONG_INTERFACE_VERSION
        if message.method not in served.methods:
            return ReturnCode.UNKNOWN_METHOD
        return ReturnCode.OK if message.type in _REQUESTS else ReturnCode.WRONG_MESSAGE_TYPE


def _known(code: int) -> ReturnCode:
    try:
        return ReturnCode(code)
    except ValueError:
        return ReturnCode.NOT_OK
