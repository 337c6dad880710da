"""The one root of all errors that are meant for the user; every room derives its own from it."""

from __future__ import annotations


class GatewayError(Exception):
    """Something the user can act on: a sentence and, where known, the file and line it is about.

    `str()` gives `file:line: sentence`, as compilers do, so that editors can jump there. The command line prints it
    and exits with `exit_code`.
    """

    exit_code = 2

    def __init__(self, sentence: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.file = file
        self.line = line

    def __str__(self) -> str:
        if self.file is None:
            return self.sentence
        if self.line is None:
            return f"{self.file}: {self.sentence}"
        return f"{self.file}:{self.line}: {self.sentence}"


def nearest_path(name: str, paths: list[str]) -> str:
    """As `nearest`, of names with dots of which an end may be given: `Sped` is near `Vehicle.Speed`."""
    words = name.count(".") + 1
    ends = {".".join(path.split(".")[-words:]): path for path in reversed(paths)}
    close = _near(name, list(ends))
    return nearest(name, paths) if close is None else f" (did you mean {ends[close]!r}?)"


def nearest(name: str, names: list[str]) -> str:
    """The end of a sentence about an unknown name: ` (did you mean 'Speed'?)`, or nothing when no name is near."""
    close = _near(name, names)
    return "" if close is None else f" (did you mean {close!r}?)"


def _near(name: str, names: list[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if not close:
        lower = {known.lower(): known for known in names}
        close = [lower[found] for found in difflib.get_close_matches(name.lower(), list(lower), n=3, cutoff=0.6)]
    swapped = [known for known in close if sorted(known.lower()) == sorted(name.lower())]
    return next(iter(swapped or close), None)
