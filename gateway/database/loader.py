"""From a file to a database."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.database.checks import check
from gateway.database.database import Database
from gateway.database.diagnostic import Findings
from gateway.database.errors import DatabaseError

if TYPE_CHECKING:
    from gateway.database.convert import Origin
    from gateway.database.parsing import Parsed

FORMATS: Final = {".dbc": "dbc", ".kcd": "kcd", ".sym": "sym", ".arxml": "arxml", ".ldf": "ldf"}
LARGEST: Final = 256 << 20
"""Bytes of a file that is still read; a whole vehicle in ARXML has some 100 MB."""


def load(path: str | Path) -> Database:
    """The database in a DBC, KCD, SYM, ARXML or LDF file.

    A DBC or LDF file with faults is loaded as far as it can be; each fault is among the database's `diagnostics` with what was
    done about it. DatabaseError for a file that cannot be read, is empty or is no database.
    """
    path = Path(path)
    text = _text(path)
    form = FORMATS.get(path.suffix.lower()) or _sniffed(text, str(path))
    if form == "ldf":
        from gateway.database.ldf import load_ldf

        return load_ldf(path, text)
    return _dbc(path, text) if form == "dbc" else _other(path, text, form)


def _text(path: Path) -> str:
    """The file as text: UTF-8 or UTF-16 if it is that, otherwise Windows-1252, in which the editors write."""
    file = str(path)
    try:
        if path.stat().st_size > LARGEST:
            raise DatabaseError(f"it has more than {LARGEST >> 20} MB: that is no database", file=file)
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DatabaseError(f"the database cannot be read: {reason}", file=file) from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    elif data.count(0) > len(data) // 100:
        raise DatabaseError("this is a binary file, not a database (DBC, KCD, SYM, ARXML or LDF)", file=file)
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if not text.strip():
        what = "an LDF" if path.suffix.lower() == ".ldf" else "a database (DBC, KCD, SYM, ARXML or LDF)"
        raise DatabaseError(f"the file is empty; {what} was expected", file=file)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def _sniffed(text: str, file: str) -> str:
    """The format of a file whose name does not tell it."""
    head = text[:4096]
    if re.search(r"<AUTOSAR[\s>]", head):
        return "arxml"
    if "<NetworkDefinition" in head:
        return "kcd"
    if re.search(r"^FormatVersion\s*=", head, re.MULTILINE):
        return "sym"
    if re.search(r"^\s*LIN_description_file\s*;", text, re.MULTILINE):
        return "ldf"
    if re.search(r"^\s*(?:VERSION|NS_|BS_|BU_|BO_)[\s:]", text, re.MULTILINE):
        return "dbc"
    raise DatabaseError("this is no database; DBC, KCD, SYM, ARXML and LDF files are read", file=file)


def _dbc(path: Path, text: str) -> Database:
    from gateway.database.dbc_mend import Mended
    from gateway.database.dbc_scan import scan
    from gateway.database.parsing import parse_mended

    mended = Mended(scan(text))
    if not mended.understood:
        line = next((diagnostic.line for diagnostic in mended.findings.diagnostics), None)
        raise DatabaseError("this is no DBC file: no statement in it is understood", file=str(path), line=line)
    parsed = parse_mended(mended)
    given = mended.given_names
    parsed = parsed._replace(nodes=[given.get(node, node) for node in parsed.nodes])
    return _database(path, parsed, mended.origins, mended.findings)


def _other(path: Path, text: str, form: str) -> Database:
    from gateway.database.convert import Origin
    from gateway.database.parsing import parse

    parsed = parse(text, form, str(path))
    return _database(path, parsed, [Origin() for _ in parsed.messages], Findings())


def _database(path: Path, parsed: Parsed, origins: list[Origin], findings: Findings) -> Database:
    from gateway.database.convert import message_from

    messages = []
    for parsed_message, origin in zip(parsed.messages, origins, strict=True):
        message = message_from(parsed_message, origin, findings)
        if parsed_message.is_container:
            findings.warn(None, f"message {message.name} is a container; the PDUs in it are not decoded")
        check(message, findings)
        messages.append(message)
    if not messages:
        findings.warn(None, "the database has no message")
    name = parsed.name or path.stem
    return Database(name, str(path), tuple(messages), tuple(parsed.nodes), findings.in_order())
