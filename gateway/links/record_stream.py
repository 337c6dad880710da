"""Records out of a stream that comes in pieces."""

from __future__ import annotations

from gateway.links.records import Record
from gateway.links.wire import HEAD, decode, record_length


class RecordStream:
    """Records of a stream that comes in pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        self._data += data

    @property
    def partial(self) -> bool:
        """Whether bytes wait for the rest of their record."""
        return len(self._data) > 0

    def next(self) -> Record | None:
        """The next record; None until its last byte is there. Raises `RecordError`."""
        data = self._data
        if len(data) < HEAD:
            return None
        end = HEAD + record_length(data)
        if len(data) < end:
            return None
        body = bytes(data[HEAD:end])
        del data[:end]
        return decode(body)
