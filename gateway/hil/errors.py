"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class HilError(GatewayError):
    """A test asks for something that its vehicle does not have, or that cannot be."""


class ForgottenAwaitError(HilError):
    """An expectation that nobody awaits checks nothing."""


class ImpossibleOnLinkError(HilError):
    """What only a simulated bus can do, asked of a real one."""


class EcuFailedError(HilError):
    """The behaviour of an ECU raised an error while the test ran."""


class ExpectationError(AssertionError):
    """What was expected did not happen; the text tells what came instead."""


class LeftOutWarning(UserWarning):
    """Frames of a recording are not played, because who sends them lives in this vehicle."""


class FaultLeftBehindWarning(UserWarning):
    """A test ended while a fault that it had put in was still there; it has been taken out."""
