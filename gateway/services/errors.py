"""What can be wrong with a service, and with a request to one."""

from __future__ import annotations

from gateway.errors import GatewayError


class ServiceError(GatewayError):
    """A service that cannot be offered or reached: no address, no certificate, no tree."""


class MissingExtraError(ServiceError):
    """A package that only an extra brings."""


class RequestError(ServiceError):
    """A request of a client that cannot be fulfilled; the client is told the sentence."""


def need_extra(what: str, extra: str, error: ImportError) -> MissingExtraError:
    """The error for `what`, which needs an extra that is not installed."""
    return MissingExtraError(f"{what} needs {error.name or error}: pip install 'vehicle-gateway[{extra}]'")
