"""Names, numbers and strings of a DBC file, so that the format's strict grammar takes them."""

from __future__ import annotations

import re
from typing import Final

from gateway.database.dbc_scan import KEYWORDS

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS: Final = "X__"


class Names:
    """Names that are no identifiers, each with one that stands for it while the parser has the file."""

    def __init__(self) -> None:
        self._mended: dict[str, str] = {}

    def mended(self, name: str) -> str:
        """The name itself where the format allows it, otherwise one that it does allow."""
        if name in self._mended:
            return self._mended[name]
        if _IDENTIFIER.fullmatch(name) and name not in KEYWORDS and not name.startswith(_OURS):
            return name
        mended = f"{_OURS}{len(self._mended)}_{re.sub('[^A-Za-z0-9_]', '_', name)[:40]}"
        self._mended[name] = mended
        return mended

    @property
    def given(self) -> dict[str, str]:
        """From the names that stand for others to those."""
        return {mended: name for name, mended in self._mended.items()}


def listed(text: str | None) -> list[str]:
    """The names in a list with commas or only spaces between them."""
    return [name for name in re.split(r"[,\s]+", text or "") if name]


def number(text: str | None) -> str:
    """A number with a digit before its point."""
    return re.sub(r"^([-+]?)\.", r"\g<1>0.", text or "0")


def whole(text: str) -> int | None:
    """A whole number, written however; None for any other."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if abs(value) < 1e18 and value == int(value) else None


def string(quoted: str | None) -> str:
    """A string literal that ends where it should: quotation marks inside escaped, no backslash before the last."""
    inner = re.sub(r'(?<!\\)"', r"\\" + '"', (quoted or '""')[1:-1])
    return f'"{inner} "' if inner.endswith("\\") else f'"{inner}"'
