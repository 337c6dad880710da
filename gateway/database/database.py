"""A database: the messages of a bus and where its file is at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.database.diagnostic import Diagnostic
from gateway.database.errors import DatabaseError
from gateway.database.lin import LinDescription
from gateway.database.message import Message
from gateway.database.signal import Signal
from gateway.errors import nearest


@dataclass(frozen=True, slots=True, eq=False)
class Database:
    """All messages of one file, in the file's order. Immutable.

    `name` is that of the bus where the file gives one, otherwise the file's. Where a name or an identifier is there
    twice, the first message is found (and a diagnostic tells it); `messages` has all.
    """

    name: str
    file: str
    messages: tuple[Message, ...] = field(repr=False)
    nodes: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=(), repr=False)
    lin: LinDescription | None = field(default=None, repr=False)
    """What an LDF says besides: nodes, kinds of frames, schedules."""
    _by_name: Mapping[str, Message] = field(init=False, repr=False)
    _by_id: Mapping[tuple[int, bool], Message] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        backwards = self.messages[::-1]
        object.__setattr__(self, "_by_name", {message.name: message for message in backwards})
        object.__setattr__(self, "_by_id", {(m.arbitration_id, m.extended): m for m in backwards})

    def message(self, name: str) -> Message:
        """The message of that name; DatabaseError with the nearest name where there is none."""
        found = self._by_name.get(name)
        if found is None:
            near = nearest(name, list(self._by_name))
            raise DatabaseError(f"there is no message {name!r}{near}", file=self.file)
        return found

    def by_id(self, arbitration_id: int, extended: bool) -> Message | None:
        """The message with that 11-bit or 29-bit identifier."""
        return self._by_id.get((arbitration_id, extended))

    def find_signal(self, name: str) -> list[tuple[Message, Signal]]:
        """All signals of that name, `Signal` or `Message.Signal`, in the file's order; none is an empty list."""
        found = [(message, message.by_name[name]) for message in self.messages if name in message.by_name]
        if not found and "." in name:
            whose, _, which = name.rpartition(".")
            message = self._by_name.get(whose)
            if message is not None and which in message.by_name:
                found = [(message, message.by_name[which])]
        return found


def joined(name: str, databases: Sequence[Database]) -> Database:
    """Several files of one bus as one database; a single one as it is."""
    if len(databases) == 1:
        return databases[0]
    return Database(
        name=name,
        file=", ".join(database.file for database in databases),
        messages=tuple(message for database in databases for message in database.messages),
        nodes=tuple(dict.fromkeys(node for database in databases for node in database.nodes)),
        diagnostics=tuple(diagnostic for database in databases for diagnostic in database.diagnostics),
    )
