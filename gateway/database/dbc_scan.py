"""A DBC file as statements with their lines, however faulty the file.

A pattern for each kind of statement is tried where its keyword stands. What matches none is told and skipped up to the
next line that begins with a keyword, so that one fault costs one statement. The patterns are wider than the format
where real files are (names of any characters, comments without `;`); `dbc_mend` tells and mends that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_KEYWORDS: Final = """
BA_ BA_DEF_ BA_DEF_DEF_ BA_DEF_DEF_REL_ BA_DEF_REL_ BA_DEF_SGTYPE_ BA_REL_ BA_SGTYPE_ BO_ BO_TX_BU_ BS_ BU_
BU_BO_REL_ BU_EV_REL_ BU_SG_REL_ CAT_ CAT_DEF_ CM_ ENVVAR_DATA_ EV_ EV_DATA_ FILTER NS_ NS_DESC_ SG_ SG_MUL_VAL_
SGTYPE_ SGTYPE_VAL_ SIG_GROUP_ SIG_TYPE_REF_ SIG_VALTYPE_ SIGTYPE_VALTYPE_ VAL_ VAL_TABLE_ VERSION
"""
KEYWORDS: Final = frozenset(_KEYWORDS.split())
_PARTS: Final = {
    "ID": r"\d{1,20}",
    "NAME": r'[^\s:;,|@"()\[\]]{1,1000}',
    "NUMBER": r"[-+]?(?:\d{1,60}\.?\d{0,60}|\.\d{1,60})(?:[eE][-+]?\d{1,6})?(?![\w.])",
    "STRING": r'"(?:\\"|[^"])*"',
    "END": r"\s*(?:;|(?=^[ \t]*(?:BO_|SG_|CM_|VAL_|BA_|BU_|BA_DEF_|SIG_VALTYPE_)\s)|\Z)",
}
_PATTERNS: Final = {
    "VERSION": r"VERSION\s*(?P<text>STRING)",
    "NS_": r"NS_\s*:(?:\s+\w+_(?:DEF_|DESC_)?[ \t]*$|\s+FILTER[ \t]*$)*",
    "BS_": r"BS_\s*:[^\n]*",
    "BU_": r"BU_\s*:(?P<names>(?:[ \t]*[^\s:;]+)*(?:\n[ \t]+(?!\w+_\s)[^\s:;]+)*)",
    "BO_": r"BO_\s+(?P<id>ID)\s+(?P<name>NAME)\s*:\s*(?P<length>\w{1,20})(?:[ \t]+(?P<sender>NAME))?",
    "SG_": (
        r"SG_\s+(?P<name>NAME)(?:\s+(?P<mux>[mM]\w*))?\s*:\s*(?P<start>ID)\s*\|\s*(?P<length>ID)\s*@\s*(?P<order>\d)"
        r"\s*(?P<sign>[-+])\s*\(\s*(?P<scale>NUMBER)\s*,\s*(?P<offset>NUMBER)\s*\)"
        r"\s*\[\s*(?P<min>NUMBER)\s*\|\s*(?P<max>NUMBER)\s*\]\s*(?P<unit>STRING)"
        r"(?P<receivers>(?:[ \t]*NAME(?:\s*,\s*NAME)*)*)"
    ),
    "BO_TX_BU_": r"BO_TX_BU_\s+(?P<id>ID)\s*:\s*(?P<names>[^;\n\"]*)END",
    "VAL_": r"VAL_\s+(?:(?P<id>ID)\s+)?(?P<name>NAME)(?:(?P<pairs>(?:\s*NUMBER\s*STRING)*)|\s+(?P<table>NAME))END",
    "VAL_TABLE_": r"VAL_TABLE_\s+(?P<name>NAME)(?P<pairs>(?:\s*NUMBER\s*STRING)*)END",
    "CM_": (
        r"CM_\s+(?:(?P<kind>SG_|BO_|BU_|EV_)\s+)?(?:(?P<id>ID)\s+)?(?:(?P<name>NAME)\s+)?"
        r"(?P<text>STRING)END"
    ),
    "BA_DEF_": (
        r"BA_DEF_\s+(?:(?P<kind>SG_|BO_|BU_|EV_)\s+)?(?P<name>STRING)\s*(?P<type>\w+)"
        r"(?P<rest>[^;\"]*(?:STRING[^;\"]*)*);"
    ),
    "BA_DEF_DEF_": r"BA_DEF_DEF_\s+(?P<name>STRING)\s*(?P<value>NUMBER|STRING)END",
    "BA_": (
        r"BA_\s+(?P<name>STRING)\s*(?:(?P<kind>SG_|BO_|BU_|EV_)\s+(?:(?P<id>ID)\s+)?(?:(?P<of>NAME)\s+)??)?"
        r"(?P<value>NUMBER|STRING)END"
    ),
    "SIG_VALTYPE_": r"SIG_VALTYPE_\s+(?P<id>ID)\s+(?P<name>NAME)\s*:?\s*(?P<type>\d+)END",
    "SG_MUL_VAL_": (
        r"SG_MUL_VAL_\s+(?P<id>ID)\s+(?P<name>NAME)\s+(?P<selector>NAME)"
        r"(?P<ranges>\s+ID\s*-\s*ID(?:\s*,?\s*ID\s*-\s*ID)*)END"
    ),
}
_SKIP: Final = re.compile(r"(?:\s+|//[^\n]*)+")
_WORD: Final = re.compile(r"\w+")
_NEXT: Final = re.compile(rf"^[ \t]*(?=(?:{'|'.join(sorted(KEYWORDS, key=len, reverse=True))})(?!\w))", re.MULTILINE)
_GENERIC: Final = re.compile(r'\w+[^;"]*(?:"(?:\\"|[^"])*"[^;"]*)*;')


def _compiled(pattern: str) -> re.Pattern[str]:
    for name, part in _PARTS.items():
        pattern = re.sub(rf"(?<![A-Z_<?]){name}(?![A-Z_>])", part.replace("\\", r"\\"), pattern)
    return re.compile(pattern, re.MULTILINE)


_LOOSE_COMMENT: Final = _compiled(
    r'CM_\s+(?:(?P<kind>SG_|BO_|BU_|EV_)\s+)?(?:(?P<id>ID)\s+)?(?:(?P<name>NAME)\s+)?(?P<text>"[^\n]*")\s*;[ \t]*$'
)
"""A comment on one line with quotation marks in it."""
_COMPILED: Final = {keyword: _compiled(pattern) for keyword, pattern in _PATTERNS.items()}


class Statement(NamedTuple):
    """One statement: its keyword, its line, and the groups of its pattern. Keyword "" is what was not understood."""

    keyword: str
    line: int
    parts: dict[str, str | None]
    text: str


def scan(text: str) -> Iterator[Statement]:
    """All statements of the file in order. `text` of one that is not understood is its first line."""
    position, line, counted = 0, 1, 0
    while True:
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped else position
        if position >= len(text):
            return
        line += text.count("\n", counted, position)
        counted = position
        statement, position = _statement(text, position, line)
        if statement is not None:
            yield statement


def _statement(text: str, position: int, line: int) -> tuple[Statement | None, int]:
    """What stands at `position`, and where it ends. None for statements that say nothing to us."""
    word = _WORD.match(text, position)
    keyword = word[0] if word else ""
    pattern = _COMPILED.get(keyword)
    found = pattern.match(text, position) if pattern else None
    if found is None and keyword == "CM_":
        found = _LOOSE_COMMENT.match(text, position)
    if found is not None:
        return Statement(keyword, line, found.groupdict(), found[0]), found.end()
    if keyword in KEYWORDS and pattern is None:
        generic = _GENERIC.match(text, position)
        if generic is not None:
            return None, generic.end()
    following = _NEXT.search(text, word.end() if word else position + 1)
    end = following.end() if following else len(text)
    return Statement("", line, {"keyword": keyword}, text[position:end].split("\n", 1)[0].strip()), max(
        end, position + 1
    )
