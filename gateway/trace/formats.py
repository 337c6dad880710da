"""Which file ending means which format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.errors import nearest
from gateway.trace.candump import CandumpReader, CandumpWriter
from gateway.trace.capture import CaptureReader, CaptureWriter
from gateway.trace.errors import TraceError
from gateway.trace.files import open_input, open_output
from gateway.trace.pcapng import Flush
from gateway.trace.reader import TraceReader
from gateway.trace.record import BusInfo
from gateway.trace.writer import TraceWriter

if TYPE_CHECKING:
    from gateway.trace.columns import Columns

FOREIGN: Final = (".asc", ".blf", ".trc", ".mf4", ".csv")
"""Through python-can."""
WRITE_ENDINGS: Final = (".pcapng", ".log", *FOREIGN)
READ_ENDINGS: Final = (".pcapng", ".pcap", ".log", ".txt", *FOREIGN)
"""All of them also with `.gz`."""


def open_reader(path: str | Path) -> TraceReader:
    """A reader for the file, chosen by its ending. TraceError: unknown ending, missing, empty, another format."""
    path = Path(path)
    ending = _ending(path, READ_ENDINGS, "read")
    source = open_input(path)
    try:
        if ending in (".pcapng", ".pcap"):
            return CaptureReader(source)
        if ending in (".log", ".txt"):
            return CandumpReader(source)
        from gateway.trace.foreign_reader import ForeignReader

        return ForeignReader(source, ending)
    except TraceError:
        source.close()
        raise


def open_writer(
    path: str | Path, buses: Sequence[BusInfo], comment: str = "", flush: Flush = Flush.CHUNKS
) -> TraceWriter:
    """A writer for the file, chosen by its ending; an existing file is replaced. TraceError: unknown ending, cannot.

    `comment` (pcapng only) is kept at the head of the file. `flush` concerns pcapng and candump logs.
    """
    path = Path(path)
    ending = _ending(path, WRITE_ENDINGS, "written")
    if ending == ".pcapng":
        return CaptureWriter(open_output(path), buses, comment, flush)
    if ending == ".log":
        return CandumpWriter(open_output(path), buses, flush)
    from gateway.trace.foreign_writer import open_foreign

    return open_foreign(path, ending, buses)


def load_columns(path: str | Path) -> Columns:
    """A whole recording as NumPy arrays. TraceError as for reading frame by frame."""
    from gateway.trace.columns import load

    with open_reader(path) as reader:
        return load(reader)


def _ending(path: Path, known: Sequence[str], done: str) -> str:
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if endings and endings[-1] == ".gz":
        endings.pop()
    ending = endings[-1] if endings else ""
    if ending in known:
        return ending
    hint = "; write .pcapng instead" if ending == ".pcap" else nearest(ending, list(known))
    what = f"a recording {ending!r}" if ending else "a recording without a file ending"
    raise TraceError(f"{what} cannot be {done}{hint}; the formats are {', '.join(known)}", file=str(path))
