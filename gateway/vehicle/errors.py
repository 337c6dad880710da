"""The errors of this room."""

from __future__ import annotations

from gateway.errors import GatewayError


class VehicleFileError(GatewayError):
    """A vehicle file with a fault; `more` are further faults of the same file, all told together."""

    def __init__(
        self, sentence: str, *, file: str | None = None, line: int | None = None, more: tuple[GatewayError, ...] = ()
    ) -> None:
        super().__init__(sentence, file=file, line=line)
        self.more = more

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(str(error) for error in self.more)])
