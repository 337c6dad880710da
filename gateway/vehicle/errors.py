"""The errors of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from gateway.errors import GatewayError
from gateway.routing import MappingError

T = TypeVar("T")


class VehicleFileError(GatewayError):
    """A vehicle file with a fault; `more` are further faults of the same file, all told together."""

    def __init__(
        self, sentence: str, *, file: str | None = None, line: int | None = None, more: tuple[GatewayError, ...] = ()
    ) -> None:
        super().__init__(sentence, file=file, line=line)
        self.more = more

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(str(error) for error in self.more)])


def faults_of(error: GatewayError) -> Iterator[GatewayError]:
    """An error as its single faults, where it stands for several."""
    if isinstance(error, MappingError) and len(error.faults) > 1:
        yield from error.faults
    elif isinstance(error, VehicleFileError) and error.more:
        yield VehicleFileError(error.sentence, file=error.file, line=error.line)
        for more in error.more:
            yield from faults_of(more)
    else:
        yield error


def raise_all(faults: list[GatewayError]) -> None:
    """Raise the faults of a file as one error, where there are any."""
    if faults:
        first, *more = faults
        raise VehicleFileError(first.sentence, file=first.file, line=first.line, more=tuple(more))


def keep(faults: list[GatewayError], action: Callable[[], T]) -> T | None:
    """The result of `action`; None where it raises a GatewayError, which is put among the faults."""
    try:
        return action()
    except GatewayError as error:
        faults.extend(faults_of(error))
        return None
