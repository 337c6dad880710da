"""The signal that is known already, which `--like` compares with: of the log itself, or of a CSV file."""

from __future__ import annotations

from pathlib import Path

from gateway.analysis.errors import AnalysisError
from gateway.analysis.plot_curve import Curve
from gateway.analysis.plot_files import curves_of_file, first_signal
from gateway.analysis.plot_signals import curves_of
from gateway.analysis.source import Source
from gateway.sim import NS_PER_S


def is_signal(like: str | None) -> bool:
    """Whether it is a signal of the log, and no `FILE.csv[:COLUMN]`."""
    return like is not None and Path(like.partition(":")[0]).suffix.lower() != ".csv"


def known_curve(source: Source, like: str) -> Curve:
    """The curve of a signal, or of a file's column (the first, where none is named). AnalysisError."""
    if is_signal(like):
        return curves_of(source, [like])[0]
    file, _, column = like.partition(":")
    name = column or first_signal(Path(file))
    curve = curves_of_file(Path(file), [name], origin_s=source.origin_ns / NS_PER_S)[0]
    if len(curve) and curve.times_s[0] > source.log.duration_ns / NS_PER_S:
        raise AnalysisError("its times are behind the end of the log: both must count from the same moment", file=file)
    return curve
