"""What can go wrong before, around and after the command; each error carries the exit code that a shell would give."""

from __future__ import annotations

from gateway.errors import GatewayError


class VcanError(GatewayError):
    """The command was not run: bad arguments, or no kernel with SocketCAN to be had here."""


class CommandNotFoundError(VcanError):
    """No such command in PATH, or no such file."""

    exit_code = 127


class CommandNotExecutableError(VcanError):
    """The command's file is there but may not be executed."""

    exit_code = 126


class CommandTimedOutError(VcanError):
    """The time limit passed; command and kernel are gone."""

    exit_code = 124


class KernelFailedError(VcanError):
    """The kernel did not come up, or went down before the command had ended."""

    exit_code = 99
