"""The command line in this process: as a user calls it, without the time that an interpreter takes to start."""

from __future__ import annotations

import io
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from gateway.cli import main


class Done(NamedTuple):
    """What a command wrote, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def gateway(*words: str | Path, folder: Path | None = None) -> Done:
    """`gateway WORDS`, in a folder."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    arguments = mock.patch.object(sys, "argv", ["gateway", *map(str, words)])
    with arguments, chdir(folder or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Done(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())
