"""A leaf's metadata as kuksa.val.v2 tells it."""

from __future__ import annotations

from typing import Any, Final

from kuksa.val.v2 import types_pb2

from gateway.domains.sdv.entry import Entry
from gateway.domains.sdv.wire import FIELDS
from gateway.routing import VssLeaf
from gateway.routing.vss import Kind

DATA_TYPES: Final = {
    datatype: getattr(types_pb2, f"DATA_TYPE_{datatype.removesuffix('[]').upper()}{'_ARRAY' * datatype.endswith('[]')}")
    for datatype in FIELDS
}
"""The numbers are the same in v1."""
ENTRY_TYPES: Final = {
    Kind.ATTRIBUTE: types_pb2.ENTRY_TYPE_ATTRIBUTE,
    Kind.SENSOR: types_pb2.ENTRY_TYPE_SENSOR,
    Kind.ACTUATOR: types_pb2.ENTRY_TYPE_ACTUATOR,
}


def metadata(entry: Entry) -> Any:
    """Its `Metadata`: limits and allowed values where it has some."""
    leaf = entry.leaf
    message = types_pb2.Metadata(
        path=leaf.path,
        id=entry.number,
        data_type=DATA_TYPES[leaf.datatype],
        entry_type=ENTRY_TYPES[leaf.kind],
        description=leaf.description,
        comment=leaf.comment,
        unit=leaf.unit,
    )
    if entry.sample_interval_ms:
        message.min_sample_interval.interval_ms = entry.sample_interval_ms
    for limit, field in ((leaf.minimum, message.min), (leaf.maximum, message.max)):
        if limit is not None:
            _put_limit(field, leaf, limit)
    if leaf.allowed:
        getattr(message.allowed_values, FIELDS[f"{leaf.element}[]"]).values.extend(leaf.allowed)
    return message


def _put_limit(field: Any, leaf: VssLeaf, limit: float) -> None:
    name = FIELDS[leaf.element]
    setattr(field, name, float(limit) if name in ("float", "double") else int(limit))
