"""What applications see of the car: `sdv` (kuksa.val, VISS) and `aaos` (the vehicle HAL). Knows `routing` and below."""

import os

from gateway.domains.errors import Code, DomainError, MissingExtraError, ServeError, need_extra

__all__ = ["Code", "DomainError", "MissingExtraError", "ServeError", "need_extra"]

# grpc reads it when it is imported. What fails is told by us, in one line.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
