"""Options of the service discovery as bytes (AUTOSAR PRS_SOMEIPServiceDiscoveryProtocol, 5.1.2.4).

Two bytes of length, counted from after the type; the type; a byte whose highest bit says that a receiver that does not
know the option may pass it over.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.ethernet import Endpoint, Transport, packed, unpacked
from gateway.someip.errors import SdError

_HEAD = struct.Struct(">HBB")
_PORT = struct.Struct(">BBH")
_PRIORITY = struct.Struct(">HH")
_CONFIGURATION: Final = 0x01
_LOAD_BALANCING: Final = 0x02
_IPV6: Final = 0x02
"""Between the type of an option for IPv4 and that for IPv6."""


class EndpointKind(IntEnum):
    """What an address is for; the number is the option's type for IPv4."""

    UNICAST = 0x04
    MULTICAST = 0x14
    SD = 0x24


class EndpointOption(NamedTuple):
    """An address, of IPv4 or IPv6. `protocol` is one of Transport, as a number."""

    endpoint: Endpoint
    protocol: int = Transport.UDP
    kind: EndpointKind = EndpointKind.UNICAST

    def __str__(self) -> str:
        protocol = {Transport.UDP: "UDP", Transport.TCP: "TCP"}.get(Transport(self.protocol), "?")
        return f"{self.kind.name.lower()} {protocol} {self.endpoint}"


class ConfigurationOption(NamedTuple):
    """Keys and values as DNS-SD has them; a key may have no value (None)."""

    items: tuple[tuple[str, str | None], ...]


class LoadBalancingOption(NamedTuple):
    """Which of several instances to prefer: the lowest priority, then by weight."""

    priority: int
    weight: int


class UnknownOption(NamedTuple):
    """An option of a type that is not known here, or (`damaged`) one whose content is not what its type has."""

    type: int
    data: bytes
    damaged: bool = False
    reserved: int = 0


Option = EndpointOption | ConfigurationOption | LoadBalancingOption | UnknownOption


def parse_options(data: bytes) -> list[Option]:
    """All options, in order. SdError when their lengths cannot be."""
    found: list[Option] = []
    position, size = 0, len(data)
    while position < size:
        if size - position < _HEAD.size:
            raise SdError(f"{size - position} bytes after the last option are too short for one more")
        length, kind, reserved = _HEAD.unpack_from(data, position)
        end = position + 3 + length
        if length < 1 or end > size:
            raise SdError(f"an SD option claims a length of {length}, and {size - position - 3} bytes follow")
        found.append(_parse(kind, reserved, data[position + 4 : end]))
        position = end
    return found


def _parse(kind: int, reserved: int, body: bytes) -> Option:
    if kind == _CONFIGURATION:
        return _configuration(body) or UnknownOption(kind, body, True, reserved)
    if kind == _LOAD_BALANCING:
        if len(body) != _PRIORITY.size:
            return UnknownOption(kind, body, True, reserved)
        return LoadBalancingOption(*_PRIORITY.unpack(body))
    purpose = _KINDS.get(kind & ~_IPV6)
    if purpose is None:
        return UnknownOption(kind, body, False, reserved)
    size = 16 if kind & _IPV6 else 4
    if len(body) != size + _PORT.size:
        return UnknownOption(kind, body, True, reserved)
    _, protocol, port = _PORT.unpack_from(body, size)
    if protocol not in (Transport.TCP, Transport.UDP):
        return UnknownOption(kind, body, True, reserved)
    return EndpointOption(Endpoint(unpacked(body[:size]), port), protocol, purpose)


def _configuration(body: bytes) -> ConfigurationOption | None:
    """Strings, each with its length before it, up to an empty one; None when they are none."""
    items: list[tuple[str, str | None]] = []
    position = 0
    while position < len(body) and body[position]:
        end = position + 1 + body[position]
        text = body[position + 1 : end]
        if end > len(body) or not text.isascii():
            return None
        key, equals, value = text.decode("ascii").partition("=")
        if not key:
            return None
        items.append((key, value if equals else None))
        position = end
    return ConfigurationOption(tuple(items)) if position < len(body) else None


_KINDS: Final = {int(kind): kind for kind in EndpointKind}


def build_option(option: Option) -> bytes:
    """The option as bytes. SdError for a configuration string of more than 255 bytes."""
    reserved = 0
    if isinstance(option, EndpointOption):
        address = packed(option.endpoint.host)
        kind = option.kind | (_IPV6 if len(address) == 16 else 0)
        body = address + _PORT.pack(0, option.protocol, option.endpoint.port)
    elif isinstance(option, ConfigurationOption):
        kind, body = _CONFIGURATION, b""
        for key, value in option.items:
            text = (key if value is None else f"{key}={value}").encode("ascii", "replace")
            if len(text) > 255:
                raise SdError(f"configuration string {key!r} has {len(text)} bytes; it can have 255")
            body += bytes([len(text)]) + text
        body += b"\0"
    elif isinstance(option, LoadBalancingOption):
        kind, body = _LOAD_BALANCING, _PRIORITY.pack(*option)
    else:
        kind, body, reserved = option.type, option.data, option.reserved
    return _HEAD.pack(len(body) + 1, kind, reserved) + body
