"""A leaf's metadata as kuksa.val.v1 tells it."""

from __future__ import annotations

from typing import Any, Final

from kuksa.val.v1 import types_pb2

from gateway.domains.sdv.metadata_v2 import DATA_TYPES, ENTRY_TYPES
from gateway.routing import VssLeaf
from gateway.routing.vss import FLOATS, INTEGERS

METADATA_FIELDS: Final = frozenset(
    {
        types_pb2.FIELD_METADATA,
        types_pb2.FIELD_METADATA_DATA_TYPE,
        types_pb2.FIELD_METADATA_DESCRIPTION,
        types_pb2.FIELD_METADATA_ENTRY_TYPE,
        types_pb2.FIELD_METADATA_COMMENT,
        types_pb2.FIELD_METADATA_DEPRECATION,
        types_pb2.FIELD_METADATA_UNIT,
        types_pb2.FIELD_METADATA_VALUE_RESTRICTION,
        types_pb2.FIELD_METADATA_ACTUATOR,
        types_pb2.FIELD_METADATA_SENSOR,
        types_pb2.FIELD_METADATA_ATTRIBUTE,
    }
)


def put_metadata(message: Any, leaf: VssLeaf, fields: frozenset[int]) -> None:
    """Put in what `fields` ask for; type and kind always, for a client cannot read a value without them."""
    whole = types_pb2.FIELD_METADATA in fields
    message.data_type = DATA_TYPES[leaf.datatype]
    message.entry_type = ENTRY_TYPES[leaf.kind]
    for field, name, text in (
        (types_pb2.FIELD_METADATA_DESCRIPTION, "description", leaf.description),
        (types_pb2.FIELD_METADATA_COMMENT, "comment", leaf.comment),
        (types_pb2.FIELD_METADATA_UNIT, "unit", leaf.unit),
    ):
        if text and (whole or field in fields):
            setattr(message, name, text)
    if whole or types_pb2.FIELD_METADATA_VALUE_RESTRICTION in fields:
        _put_restriction(message, leaf)


def _put_restriction(message: Any, leaf: VssLeaf) -> None:
    if leaf.minimum is None and leaf.maximum is None and not leaf.allowed:
        return
    if leaf.element == "boolean":
        return
    if leaf.element == "string":
        message.value_restriction.string.allowed_values.extend(leaf.allowed)
        return
    if leaf.element in FLOATS:
        restriction, number = message.value_restriction.floating_point, float
    else:
        signed = INTEGERS[leaf.element][0] < 0
        restriction = message.value_restriction.signed if signed else message.value_restriction.unsigned
        number = int  # type: ignore[assignment]
    if leaf.minimum is not None:
        restriction.min = number(leaf.minimum)
    if leaf.maximum is not None:
        restriction.max = number(leaf.maximum)
    restriction.allowed_values.extend(leaf.allowed)
