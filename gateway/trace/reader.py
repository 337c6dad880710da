"""What all readers of recordings offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from gateway.trace.errors import TraceError
from gateway.trace.files import Input
from gateway.trace.record import Event, Recorded


class TraceReader(ABC):
    """Frames of one recording, in the file's order. Iterate once; a context manager closes the file.

    A damaged file gives all whole frames and then says in `problem` what stopped it; TraceError comes only when
    there is not a single frame. What is not delivered is counted in `skipped`, by reason.
    """

    def __init__(self, source: Input) -> None:
        self.source = source
        self.file = source.name
        self.problem: str | None = None
        self.skipped: Counter[str] = Counter()
        self.comment = ""
        """What the writer of the file said about it (pcapng: the section's comment)."""

    @property
    @abstractmethod
    def buses(self) -> tuple[str, ...]:
        """Names of the buses seen so far; pcapng names those of its head before the first frame."""

    @abstractmethod
    def _records(self) -> Iterator[Recorded | Event]:
        """What `records` gives."""

    def records(self) -> Iterator[Recorded | Event]:
        """Frames and events in the file's order; TraceError when there are none. Closes the file in the end."""
        try:
            yield from self._records()
        finally:
            self.close()

    def __iter__(self) -> Iterator[Recorded]:
        """The frames; TraceError when there are none. Closes the file in the end."""
        found = False
        for record in self.records():
            if isinstance(record, Recorded):
                found = True
                yield record
        if not found:
            raise self.nothing()

    @property
    def position(self) -> int:
        """Bytes of the file that were consumed; with `size`, for showing progress."""
        return self.source.position

    @property
    def size(self) -> int:
        """Bytes of the file (compressed, when it is)."""
        return self.source.size

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def nothing(self) -> TraceError:
        if self.problem is not None:
            return TraceError(self.problem, file=self.file)
        if self.skipped:
            reasons = ", ".join(f"{count} skipped: {reason}" for reason, count in self.skipped.most_common(3))
            return TraceError(f"holds no CAN frame ({reasons})", file=self.file)
        return TraceError("is empty: it holds no CAN frame", file=self.file)
