"""What can be wrong with a request of an application, and with serving one at all."""

from __future__ import annotations

from enum import Enum

from gateway.errors import GatewayError


class Code(Enum):
    """Why a request was refused; the names are those of gRPC."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    UNAVAILABLE = "UNAVAILABLE"


class DomainError(GatewayError):
    """A request that cannot be fulfilled, with the code that its protocol tells."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ServeError(GatewayError):
    """A domain that cannot be served: no address, no key, no tree."""


class MissingExtraError(ServeError):
    """A package that only an extra brings."""


def need_extra(what: str, extra: str, error: ImportError) -> MissingExtraError:
    """The error for `what`, which needs an extra that is not installed."""
    return MissingExtraError(f"{what} needs {error.name or error}: pip install 'vehicle-gateway[{extra}]'")
