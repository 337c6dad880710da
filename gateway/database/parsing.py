"""cantools' parsers, kept from ending the program: whatever they raise becomes a DatabaseError or a diagnostic."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.database.diagnostic import Findings
from gateway.database.errors import DatabaseError
from gateway.database.later import import_later

if TYPE_CHECKING:
    from cantools.database.can.message import Message as ParsedMessage

    from gateway.database.dbc_attributes import Line
    from gateway.database.dbc_mend import Mended

ATTEMPTS: Final = 40
"""How often a file is parsed to find the statements that the parser does not take; then it goes on without all."""

_ABSURD: Final = {
    "sym": re.compile(r"^[ \t]*(?:Sig|Var|Mux|Len|DLC)[ \t]*=[^/\n]*?(?<![\w.])(\d{7,})(?!\w)", re.MULTILINE),
    "kcd": re.compile(r"""\b(?:offset|length)\s*=\s*["']\s*\+?(\d{7,})"""),
    "arxml": re.compile(r"<(?:START-POSITION|FRAME-LENGTH|LENGTH)>\s*\+?(\d{7,})"),
}
"""Numbers of a million and more where a format has positions and lengths. (DBC files are checked by `dbc_blocks`.)"""


class Parsed(NamedTuple):
    """What is of use in a parsed database."""

    name: str
    messages: Sequence[ParsedMessage]
    nodes: Sequence[str]


def parse(text: str, form: str, file: str | None = None) -> Parsed:
    """The database in `text`, of the format `form`. DatabaseError when it is none."""
    import_later("cantools", "tester")
    import cantools

    _refuse_absurd_places(text, form, file)
    try:
        with _quiet():
            found = cantools.database.load_string(text, form, strict=False, sort_signals=None)
    except (Exception, RecursionError) as error:
        line, reason = _reason(error, form)
        raise DatabaseError(
            f"this is no {form.upper()} file that can be read: {reason}", file=file, line=line
        ) from error
    if not isinstance(found, cantools.database.can.Database):
        raise DatabaseError("this file describes diagnostics, no messages", file=file)
    name = next((bus.name for bus in found.buses if bus.name), "")
    return Parsed(name, found.messages, [node.name for node in found.nodes])


def _refuse_absurd_places(text: str, form: str, file: str | None) -> None:
    """DatabaseError for a field millions of bits long or away: the parser would reserve memory for all of them."""
    pattern = _ABSURD.get(form)
    found = pattern.search(text) if pattern else None
    if found is not None:
        line = text.count("\n", 0, found.start(1)) + 1
        raise DatabaseError(f"{found[1]} is no place or length in a CAN message", file=file, line=line)


def parse_mended(mended: Mended) -> Parsed:
    """A mended DBC file. What the parser does not take even so is found by bisection, told and left out."""
    start = mended.start

    def attempt(others: Sequence[Line]) -> Parsed | DatabaseError:
        try:
            return parse("\n".join([start, *(line.text for line in others)]) + "\n", "dbc")
        except DatabaseError as error:
            return error

    return _without_offenders(attempt, mended.others, mended.findings)


def _without_offenders(
    attempt: Callable[[Sequence[Line]], Parsed | DatabaseError],
    others: list[Line],
    findings: Findings,
) -> Parsed:
    """The result with as many of the statements as the parser takes."""
    good: list[Line] = []
    rest = others
    for _ in range(ATTEMPTS):
        result = attempt([*good, *rest])
        if isinstance(result, Parsed):
            return result
        taken = _longest_start(attempt, good, rest)
        if taken == len(rest):
            break
        good += rest[:taken]
        findings.error(rest[taken].line, f"left out, for the parser says: {result.sentence.partition(': ')[2]}")
        rest = rest[taken + 1 :]
    result = attempt(good)
    if isinstance(result, Parsed):
        if rest:
            findings.error(rest[0].line, f"{len(rest)} statements that the parser does not take are left out")
        return result
    raise result


def _longest_start(
    attempt: Callable[[Sequence[Line]], Parsed | DatabaseError], good: list[Line], rest: list[Line]
) -> int:
    """How many of `rest` the parser takes until the first that it does not take."""
    low, high = 0, len(rest)
    while low < high:
        middle = (low + high + 1) // 2
        if isinstance(attempt([*good, *rest[:middle]]), Parsed):
            low = middle
        else:
            high = middle - 1
    return low


def _reason(error: BaseException, form: str) -> tuple[int | None, str]:
    """What the parser says in one line, and the line of the file if it says that."""
    text = " ".join(str(error).split()).removeprefix(f'{form.upper()}: "').removesuffix('"')
    found = re.match(r"Invalid syntax at line (\d+), column \d+: (.*)", text)
    line = int(found[1]) if found else None
    return line, (found[2] if found else text)[:300] or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the parser from logging: what it would say, the diagnostics say with lines."""
    logger = logging.getLogger("cantools.database.can.database")

    def refuse(record: logging.LogRecord) -> bool:
        return record is None

    logger.addFilter(refuse)
    try:
        yield
    finally:
        logger.removeFilter(refuse)
