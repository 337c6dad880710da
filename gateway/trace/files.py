"""Files as bytes: plain or gzip, with the position for progress and every fault as a TraceError."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from gateway.trace.errors import TraceError, os_sentence

GZIP_MAGIC = b"\x1f\x8b"


class Input(io.BufferedIOBase):
    """A recording open for reading. Never allocates more for a read than the file can give.

    A read of damaged gzip data gives what there was and notes it in `damage`.
    """

    def __init__(self, stream: BinaryIO, name: str = "<stream>", size: int = 0) -> None:
        self._raw = stream
        self._read: Callable[[int], bytes] = stream.read
        self._name = name
        self.size = size
        self._end = 0
        self.damage: str | None = None
        self._start = stream.read(len(GZIP_MAGIC))
        if self._start == GZIP_MAGIC:
            self._unzip()

    def _unzip(self) -> None:
        import gzip

        start, raw = self._start, self._raw
        self._start = b""
        # read1 gives what there is before it meets damage; read would lose it.
        self._read = gzip.GzipFile(fileobj=cast(BinaryIO, io.BufferedReader(_Rejoined(start, raw)))).read1

    @property
    def name(self) -> str:
        return self._name

    @property
    def position(self) -> int:
        """Bytes consumed of the file as it lies on disk."""
        try:
            return self._end if self.closed else self._raw.tell()
        except OSError:  # a pipe
            return 0

    def readable(self) -> bool:
        return True

    def read(self, count: int | None = -1, /) -> bytes:
        """At most `count` bytes (all when None or -1), fewer at the end only. TraceError: cannot read."""
        if count is None or count == -1:
            parts = []
            while part := self.read(1 << 20):
                parts.append(part)
            return b"".join(parts)
        if count < 0:
            raise TraceError("is damaged: an object is shorter than its own head", file=self._name)
        parts = []
        while count > 0 and (part := self._read_some(min(count, 1 << 20))):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def peek(self, count: int) -> bytes:
        """The next bytes without consuming them; fewer when there are fewer."""
        self._start = self.read(count) + self._start
        return self._start[:count]

    def read1(self, count: int = -1, /) -> bytes:
        return self.read(1 << 16 if count < 0 else count)

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read_some(self, count: int) -> bytes:
        if self._start:
            data, self._start = self._start[:count], self._start[count:]
            return data
        try:
            return self._read(count)
        except (EOFError, zlib.error) as fault:
            self.damage = f"the gzip data is damaged or ends early ({fault})"
            return b""
        except OSError as fault:
            if fault.errno is None:  # gzip.BadGzipFile
                self.damage = f"the gzip data is damaged ({fault})"
                return b""
            raise TraceError(os_sentence("read", fault), file=self._name) from fault

    def close(self) -> None:
        if not self.closed:
            self._end = self.position
            self._raw.close()
        super().close()


class _Rejoined(io.RawIOBase):
    """A stream with the bytes that were already taken from it put back in front."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._start[: len(view)] if self._start else self._stream.read(len(view))
        self._start = self._start[len(data) :]
        view[: len(data)] = data
        return len(data)


def open_input(path: Path) -> Input:
    """Open for reading; gzip is recognised by its first bytes. TraceError: missing, not readable, empty."""
    try:
        stream = path.open("rb")
    except OSError as fault:
        raise TraceError(os_sentence("opened", fault), file=str(path)) from fault
    size = os.fstat(stream.fileno()).st_size
    if size == 0 and path.is_file():
        stream.close()
        raise TraceError("is empty", file=str(path))
    try:
        return Input(stream, str(path), size)
    except OSError as fault:
        stream.close()
        raise TraceError(os_sentence("read", fault), file=str(path)) from fault


def open_output(path: Path) -> BinaryIO:
    """Open for writing, compressed when the name ends in `.gz` (without name or date in it). TraceError: cannot."""
    try:
        stream = path.open("wb")
    except OSError as fault:
        raise TraceError(os_sentence("written", fault), file=str(path)) from fault
    if path.suffix.lower() != ".gz":
        return stream
    return _gzip_output(stream)


def _gzip_output(stream: BinaryIO) -> BinaryIO:
    import gzip

    class Compressed(gzip.GzipFile):
        def close(self) -> None:
            super().close()
            stream.close()

    return cast(BinaryIO, Compressed(filename="", mode="wb", fileobj=stream, mtime=0))


class Output:
    """Blocks of bytes gathered and written in large pieces. Every fault is a TraceError."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._name = str(getattr(stream, "name", "") or "<stream>")
        self._blocks: list[bytes] = []
        self._held = 0

    def append(self, block: bytes) -> None:
        self._blocks.append(block)
        self._held += len(block)
        if self._held >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the stream, and the stream's own buffer to the system."""
        data = b"".join(self._blocks)
        self._blocks.clear()
        self._held = 0
        try:
            self._stream.write(data)
            self._stream.flush()
        except OSError as fault:
            raise TraceError(os_sentence("written", fault), file=self._name) from fault

    def close(self) -> None:
        if self._stream.closed:
            return
        try:
            self.flush()
        finally:
            try:
                self._stream.close()
            except OSError as fault:
                raise TraceError(os_sentence("written", fault), file=self._name) from fault
