"""Between our messages and dbus-fast's."""

from __future__ import annotations

from typing import Any, Final

from gateway.orchestrator.control.messages import AGENT_NAME, Call, Failure, Message, Return, Signal, Variant
from gateway.orchestrator.errors import OrchestratorError

try:
    import dbus_fast
    from dbus_fast import Message as DBusMessage
    from dbus_fast import MessageFlag, MessageType
except ImportError as error:  # pragma: no cover - depends on the installation
    raise OrchestratorError("D-Bus needs the package dbus-fast: pip install 'vehicle-gateway[orchestrator]'") from error

__all__ = ["AGENT_NAME", "DBusMessage", "from_dbus", "to_dbus", "value_to_dbus"]
_OWN_SERIALS: Final = 1 << 31
_FLAT: Final = (str, int, float, bytes)


def value_to_dbus(value: Any) -> Any:
    """A value of ours as dbus-fast takes it: structures as lists, variants as its own."""
    if isinstance(value, _FLAT):
        return value
    if isinstance(value, Variant):
        return dbus_fast.Variant(value.signature, value_to_dbus(value.value))
    if isinstance(value, dict):
        return {key: value_to_dbus(item) for key, item in value.items()}
    return [value_to_dbus(item) for item in value]


def value_from_dbus(value: Any) -> Any:
    """A value of dbus-fast as ours."""
    if isinstance(value, _FLAT):
        return value
    if isinstance(value, dbus_fast.Variant):
        return Variant(value.signature, value_from_dbus(value.value))
    if isinstance(value, dict):
        return {key: value_from_dbus(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [value_from_dbus(item) for item in value]
    return value


def from_dbus(message: DBusMessage) -> Message | None:
    """A message as ours; None for a kind that is none."""
    body = tuple(value_from_dbus(item) for item in message.body)
    kind = message.message_type
    if kind is MessageType.METHOD_CALL:
        quiet = bool(message.flags & MessageFlag.NO_REPLY_EXPECTED)
        serial = 0 if quiet else message.serial
        return Call(serial, message.path or "", message.interface or "", message.member or "", message.signature, body)
    if kind is MessageType.METHOD_RETURN:
        return Return(message.reply_serial, message.signature, body)
    if kind is MessageType.ERROR:
        text = str(body[0]) if body else ""
        return Failure(message.reply_serial, message.error_name or "", text)
    if kind is MessageType.SIGNAL:
        return Signal(message.path or "", message.interface or "", message.member or "", message.signature, body)
    return None


def to_dbus(message: Message, destination: str | None, count: int) -> DBusMessage | None:
    """A message as dbus-fast's; `count` numbers what is no call. None for an answer that nobody wants."""
    serial = _OWN_SERIALS | count
    if isinstance(message, Call):
        return DBusMessage(
            destination=destination,
            path=message.path,
            interface=message.interface,
            member=message.member,
            signature=message.signature,
            body=value_to_dbus(message.body),
            serial=message.serial,
        )
    if isinstance(message, Signal):
        return DBusMessage(
            message_type=MessageType.SIGNAL,
            destination=destination,
            path=message.path,
            interface=message.interface,
            member=message.member,
            signature=message.signature,
            body=value_to_dbus(message.body),
            serial=serial,
        )
    if message.serial == 0:
        return None
    if isinstance(message, Failure):
        return DBusMessage(
            message_type=MessageType.ERROR,
            destination=destination,
            error_name=message.name,
            reply_serial=message.serial,
            signature="s",
            body=[message.text],
            serial=serial,
        )
    return DBusMessage(
        message_type=MessageType.METHOD_RETURN,
        destination=destination,
        reply_serial=message.serial,
        signature=message.signature,
        body=value_to_dbus(message.body),
        serial=serial,
    )
