"""Names of units: kinds, templates, instances, specifiers, escaping (systemd.unit(5), systemd-escape(1))."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_VALID: Final = re.compile(r"[A-Za-z0-9:_.\\@-]+\.(service|target)")
_ANY: Final = re.compile(r"[A-Za-z0-9:_.\\@-]+\.[a-z]+")
_ESCAPED: Final = re.compile(r"\\x([0-9a-fA-F]{2})")
_PATH_ESCAPED: Final = re.compile(r"_([0-9a-f]{2})")
LONGEST: Final = 255


class UnitName(NamedTuple):
    """A unit's name in parts: `prefix@instance.kind`; instance None without `@`, empty for a template."""

    prefix: str
    instance: str | None
    kind: str

    @property
    def is_template(self) -> bool:
        return self.instance == ""

    @property
    def template(self) -> str | None:
        """The template that this is an instance of."""
        return f"{self.prefix}@.{self.kind}" if self.instance else None


def split(name: str) -> UnitName:
    """A name's parts; the name must be valid."""
    stem, _, kind = name.rpartition(".")
    prefix, at, instance = stem.partition("@")
    return UnitName(prefix, instance if at else None, kind)


def is_valid(name: str) -> bool:
    """Whether a service or a target can be called so."""
    return len(name) <= LONGEST and _VALID.fullmatch(name) is not None and not name.startswith("@")


def looks_like_unit(name: str) -> bool:
    return len(name) <= LONGEST and _ANY.fullmatch(name) is not None


def escape(text: str) -> str:
    """A text as part of a unit's name, as `systemd-escape`."""
    found = []
    for index, byte in enumerate(text.encode()):
        char = chr(byte)
        if char == "/":
            found.append("-")
        elif (char.isascii() and char.isalnum()) or char in ":_" or (char == "." and index > 0):
            found.append(char)
        else:
            found.append(f"\\x{byte:02x}")
    return "".join(found)


def unescape(text: str) -> str:
    """What `escape` was given."""
    plain = text.replace("-", "/")
    raw = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), plain)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") if _ESCAPED.search(plain) else raw


def specified(text: str, name: str, host: str) -> str:
    """The text with its specifiers filled in; unknown ones stay as they are."""
    if "%" not in text:
        return text
    parts = split(name)
    instance = parts.instance or ""
    values = {
        "n": name,
        "N": name.rpartition(".")[0],
        "p": parts.prefix,
        "P": unescape(parts.prefix),
        "i": instance,
        "I": unescape(instance),
        "j": parts.prefix.rpartition("-")[2],
        "J": unescape(parts.prefix.rpartition("-")[2]),
        "H": host,
        "l": host.partition(".")[0],
        "%": "%",
        "t": "/run",
        "T": "/tmp",  # noqa: S108 - systemd's word for the folder
        "S": "/var/lib",
        "C": "/var/cache",
        "L": "/var/log",
        "E": "/etc",
    }
    return re.sub(r"%(.)", lambda match: values.get(match[1], match[0]), text)


def path_label(text: str) -> str:
    """A text as one label of a D-Bus path, as systemd's `bus_label_escape`."""
    if not text:
        return "_"
    found = []
    for index, byte in enumerate(text.encode()):
        char = chr(byte)
        plain = char.isascii() and (char.isalpha() or (char.isdigit() and index > 0))
        found.append(char if plain else f"_{byte:02x}")
    return "".join(found)


def from_path_label(label: str) -> str:
    """What `path_label` was given."""
    if label == "_":
        return ""
    raw = _PATH_ESCAPED.sub(lambda match: chr(int(match[1], 16)), label)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")
