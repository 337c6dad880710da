"""The words of `gateway units`: those of bluechictl, and what its options say."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

JOBS: Final = {"start": "StartUnit", "stop": "StopUnit", "reload": "ReloadUnit", "restart": "RestartUnit"}
VERBS: Final = (
    *("list", "list-files", *JOBS, "freeze", "thaw", "kill", "enable", "disable", "is-enabled", "status", "monitor"),
    *("metrics", "reset-failed", "daemon-reload", "get-default", "set-default", "set-loglevel"),
)


class Options(NamedTuple):
    """What the options say."""

    pattern: str | None
    signal: str
    whom: str
    watch: bool
    runtime: bool
    force: bool
    no_reload: bool
    as_json: bool


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
