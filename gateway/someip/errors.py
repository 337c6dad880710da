"""What can be wrong with bytes of a peer, and with a call."""

from __future__ import annotations

from gateway.errors import GatewayError


class SomeIpError(GatewayError):
    """Something about SOME/IP that cannot be: bytes that are no message, a value that a layout does not have."""


class MessageError(SomeIpError):
    """Bytes that are no SOME/IP message."""


class SdError(SomeIpError):
    """Bytes that are no message of the service discovery."""


class PayloadError(SomeIpError):
    """A payload that does not have the layout that was agreed, or a value that does not fit into it."""


class CallError(SomeIpError):
    """A call that did not succeed: the server answered with a return code, or not at all."""

    def __init__(self, sentence: str, return_code: int) -> None:
        super().__init__(sentence)
        self.return_code = return_code
