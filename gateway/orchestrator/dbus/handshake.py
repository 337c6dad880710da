"""D-Bus's authentication, both ends, as objects that take bytes and give bytes (D-Bus specification, SASL profile)."""

from __future__ import annotations

from typing import Final

from gateway.orchestrator.errors import OrchestratorError

_LONGEST: Final = 16 << 10


class HandshakeError(OrchestratorError):
    """What came is not D-Bus."""


class _Lines:
    """Bytes to lines. `rest`: what comes after the handshake."""

    def __init__(self) -> None:
        self.rest = b""

    def take(self, data: bytes) -> None:
        self.rest += data
        if len(self.rest) > _LONGEST and b"\r\n" not in self.rest[:_LONGEST]:
            raise HandshakeError("the handshake has a line of more than 16 kB: this is not D-Bus")

    def next(self) -> str | None:
        line, end, rest = self.rest.partition(b"\r\n")
        if not end:
            return None
        self.rest = rest
        try:
            return line.decode("ascii")
        except UnicodeDecodeError:
            raise HandshakeError(f"{line[:20]!r} is no line of D-Bus's handshake") from None


class ServerHandshake:
    """The accepting end. EXTERNAL and ANONYMOUS are accepted: who may join is decided by the node's name.

    As sd-bus's server, a client may begin once it has named a mechanism; file descriptors are not passed.
    """

    def __init__(self, guid: str) -> None:
        self.done = False
        self._guid = guid
        self._lines = _Lines()
        self._greeted = False
        self._chosen = False
        self._count = 0

    @property
    def rest(self) -> bytes:
        return self._lines.rest

    def receive(self, data: bytes) -> bytes:
        """What to answer. HandshakeError: hang up."""
        if not self._greeted and data:
            if data[0] != 0:
                raise HandshakeError(
                    f"the connection begins with {data[:20]!r} instead of a nul byte: this is not D-Bus"
                )
            self._greeted = True
            data = data[1:]
        self._lines.take(data)
        answers = b""
        while not self.done and (line := self._lines.next()) is not None:
            self._count += 1
            if self._count > 50:
                raise HandshakeError("the handshake has no end")
            answers += self._answer(line)
        return answers

    def _answer(self, line: str) -> bytes:
        word, _, argument = line.partition(" ")
        match word:
            case "AUTH" if argument.split(" ")[0] in {"EXTERNAL", "ANONYMOUS"}:
                self._chosen = True
                return f"OK {self._guid}\r\n".encode() if " " in argument else b"DATA\r\n"
            case "DATA" if self._chosen:
                return f"OK {self._guid}\r\n".encode()
            case "BEGIN" if self._chosen:
                self.done = True
                return b""
            case "BEGIN":
                raise HandshakeError("the client begins without having said who it is")
            case "AUTH" | "CANCEL" | "ERROR":
                self._chosen = False
                return b"REJECTED EXTERNAL ANONYMOUS\r\n"
        return b"ERROR\r\n"


class ClientHandshake:
    """The calling end. `first`: what to send at once."""

    def __init__(self, user: int) -> None:
        self.done = False
        self.first = b"\0AUTH EXTERNAL " + str(user).encode().hex().encode() + b"\r\n"
        self._lines = _Lines()
        self._second = False

    @property
    def rest(self) -> bytes:
        return self._lines.rest

    def receive(self, data: bytes) -> bytes:
        """What to answer. HandshakeError: hang up."""
        self._lines.take(data)
        answers = b""
        while not self.done and (line := self._lines.next()) is not None:
            word = line.partition(" ")[0]
            if word == "OK":
                self.done = True
                answers += b"BEGIN\r\n"
            elif word == "DATA":
                answers += b"DATA\r\n"
            elif word == "REJECTED" and "ANONYMOUS" in line and not self._second:
                self._second = True
                answers += b"AUTH ANONYMOUS\r\n"
            else:
                raise HandshakeError(f"the other end answers {line[:60]!r} instead of OK")
        return answers
