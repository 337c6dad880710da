"""The errors of this room. Each that a D-Bus client may see has the name of its D-Bus error."""

from __future__ import annotations

from typing import ClassVar

from gateway.errors import GatewayError


class OrchestratorError(GatewayError):
    """A node, unit or job cannot do what was asked. `dbus_name`: what a client on D-Bus is told."""

    dbus_name: ClassVar[str] = "org.freedesktop.DBus.Error.Failed"


class UnitFileError(OrchestratorError):
    """A unit file that cannot be read at all."""

    dbus_name = "org.freedesktop.systemd1.BadUnitSetting"


class NoSuchUnitError(OrchestratorError):
    """A unit that the node does not know."""

    dbus_name = "org.freedesktop.systemd1.NoSuchUnit"


class BadUnitError(OrchestratorError):
    """A unit whose file was refused."""

    dbus_name = "org.freedesktop.systemd1.BadUnitSetting"


class JobError(OrchestratorError):
    """A job that cannot be put into the queue."""

    dbus_name = "org.freedesktop.systemd1.TransactionJobsConflicting"


class CycleError(OrchestratorError):
    """An order of units that has no beginning; `units` are those on the cycle, in their order."""

    dbus_name = "org.freedesktop.systemd1.TransactionOrderIsCyclic"

    def __init__(self, sentence: str, units: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.units = units


class DestructiveError(OrchestratorError):
    """A job that would throw out another one, in mode `fail`."""

    dbus_name = "org.freedesktop.systemd1.TransactionIsDestructive"


class WrongArgumentError(OrchestratorError):
    """A value that cannot be one."""

    dbus_name = "org.freedesktop.DBus.Error.InvalidArgs"


class OfflineError(OrchestratorError):
    """The node is not connected."""

    dbus_name = "org.eclipse.bluechi.Offline"


class NoSuchSubscriptionError(OrchestratorError):
    """A subscription that a monitor does not have."""

    dbus_name = "org.eclipse.bluechi.NoSuchSubscription"


class UnknownObjectError(OrchestratorError):
    """No node, job or monitor is there."""

    dbus_name = "org.freedesktop.DBus.Error.UnknownObject"


class NotAllowedError(OrchestratorError):
    """An agent whose name is not among the allowed ones, or taken."""

    dbus_name = "org.freedesktop.DBus.Error.AddressInUse"


class ConfigError(OrchestratorError):
    """A configuration file with a fault."""
