"""Values of directives: booleans, time spans, words, command lines, signals. ValueError says what is wrong."""

from __future__ import annotations

import re
import shlex
import signal
from typing import Final

from gateway.orchestrator.units.spec import Command

_TRUE: Final = frozenset({"1", "yes", "y", "true", "t", "on"})
_FALSE: Final = frozenset({"0", "no", "n", "false", "f", "off"})
_SPAN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zµμ]*)", re.IGNORECASE)
_UNITS_NS: Final = {
    "": 1_000_000_000,
    **dict.fromkeys(("ns", "nsec"), 1),
    **dict.fromkeys(("us", "usec", "µs", "μs"), 1_000),
    **dict.fromkeys(("ms", "msec"), 1_000_000),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1_000_000_000),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60_000_000_000),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3_600_000_000_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000_000_000),
}


def boolean(text: str) -> bool:
    """systemd's words for yes and no."""
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def span_ns(text: str) -> int | None:
    """A time span like `5min 20s`, a number alone being seconds; None for `infinity`."""
    text = text.strip()
    if text == "infinity":
        return None
    total, at = 0, 0
    while at < len(text):
        found = _SPAN.match(text, at)
        if found is None or found[2] not in _UNITS_NS:
            raise ValueError(f"{text!r} is not a time span: write it like 5s, 100ms or 1min 30s")
        whole, _, fraction = found[1].partition(".")
        scale = _UNITS_NS[found[2]]
        total += int(whole) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)
        at = found.end()
    if not text:
        raise ValueError("the time span is empty")
    return total


def words(text: str) -> list[str]:
    """Words between blanks, quotes and backslashes taken as in C."""
    return shlex.split(text, comments=False, posix=True)


def command(text: str) -> Command:
    """A command line with systemd's prefixes; its program must be an absolute path or a plain name."""
    body = text
    ignore = False
    while body[:1] in {"-", "@", "+", "!", ":"}:
        ignore = ignore or body[0] == "-"
        body = body[1:]
    argv = words(body)
    if not argv:
        raise ValueError(f"{text!r} names no program")
    if "/" in argv[0] and not argv[0].startswith("/"):
        raise ValueError(f"{argv[0]!r} is a relative path: write an absolute one or a plain name")
    return Command(tuple(argv), ignore)


def signal_number(text: str) -> int:
    """A signal's number: 9, KILL or SIGKILL."""
    if text.isdigit():
        number = int(text)
    else:
        name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
        number = int(getattr(signal, name, 0))
    if not 1 <= number <= 64:
        raise ValueError(f"{text!r} is no signal")
    return number


def integer(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"{text!r} is not a number")
    return int(text)
