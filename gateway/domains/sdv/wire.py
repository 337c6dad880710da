"""Values in the messages of kuksa.val: which field holds a leaf's datatype, in v1's `Datapoint` and v2's `Value` alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.domains.errors import Code, DomainError
from gateway.routing import Value, VssLeaf

_SCALARS: Final = {
    "string": "string",
    "boolean": "bool",
    **dict.fromkeys(("int8", "int16", "int32"), "int32"),
    "int64": "int64",
    **dict.fromkeys(("uint8", "uint16", "uint32"), "uint32"),
    "uint64": "uint64",
    "float": "float",
    "double": "double",
}
FIELDS: Final[Mapping[str, str]] = {
    **_SCALARS,
    **{f"{datatype}[]": f"{field}_array" for datatype, field in _SCALARS.items()},
}
"""The field of each datatype: the small integers travel as 32 bits."""
NS_PER_S: Final = 1_000_000_000


def put(message: Any, leaf: VssLeaf, value: Value) -> None:
    """Set the value in a v1 `Datapoint` or a v2 `Value`."""
    field = FIELDS[leaf.datatype]
    if value.__class__ is list:
        array = getattr(message, field)
        array.SetInParent()
        array.values.extend(value)
    else:
        setattr(message, field, value)


def taken(message: Any, oneof: str, leaf: VssLeaf) -> object:
    """What a v1 `Datapoint` or a v2 `Value` holds. DomainError for another type than the leaf's, or for nothing."""
    field = message.WhichOneof(oneof)
    expected = FIELDS[leaf.datatype]
    if field is None:
        raise DomainError(Code.INVALID_ARGUMENT, f"no value for {leaf.path}, which takes {leaf.range_text}")
    if field != expected:
        raise DomainError(
            Code.INVALID_ARGUMENT, f"{leaf.path} is {leaf.datatype}, which travels as {expected}, not as {field}"
        )
    value = getattr(message, field)
    return list(value.values) if field.endswith("_array") else value


def put_time(timestamp: Any, time_ns: int) -> None:
    """Set a `google.protobuf.Timestamp` to nanoseconds since 1970."""
    timestamp.seconds, timestamp.nanos = divmod(time_ns, NS_PER_S)


def delimited(number: int, data: bytes) -> bytes:
    """A field with a length before it, as protobuf writes it."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """A number below 2**64 in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
