"""What applications see of the car: `sdv` (kuksa.val, VISS) and `aaos` (the vehicle HAL). Knows `routing` and below."""

from gateway.domains.errors import Code, DomainError, MissingExtraError, ServeError, need_extra

__all__ = ["Code", "DomainError", "MissingExtraError", "ServeError", "need_extra"]
