"""Options that several commands have, and how their values are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import GatewayError
from gateway.sim import Clock, DurationError, duration_ns

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else.")]
VehiclePath = Annotated[
    Path | None,
    typer.Argument(
        metavar="[VEHICLE]",
        help="A vehicle file or its folder; if absent, the vehicle.yaml here, else the demo vehicle.",
    ),
]


def find_vehicle(path: Path | None) -> Path:
    """The vehicle file: as given, else `vehicle.yaml` here, else the demo vehicle of this installation."""
    if path is not None:
        return path / "vehicle.yaml" if path.is_dir() else path
    here = Path("vehicle.yaml")
    return here if here.is_file() else demo_vehicle()


def vehicle_of_words(path: Path | None, words: Sequence[str]) -> Path:
    """As `find_vehicle`; GatewayError for a file that is not there, and was meant to be an option's address.

    `words`: of the command line, as they were typed.
    """
    if path is not None and not path.exists():
        from gateway.cli.arguments import option_before

        option = option_before(str(path), words)
        if option:
            raise GatewayError(
                f"there is no such file; {path} is no [HOST:]PORT for {option}, so it was taken as the vehicle file",
                file=str(path),
            )
    return find_vehicle(path)


def demo_vehicle() -> Path:
    """The demo vehicle of this installation, or of the working tree that it runs from."""
    package = Path(__file__).parents[1]
    for demo in (package / "demo" / "vehicle.yaml", package.parent / "vehicle.yaml"):
        if demo.is_file():
            return demo
    raise GatewayError("there is no vehicle.yaml here; name one, or begin with `gateway new DIR`")


def duration_option(text: str | None) -> int | None:
    """Nanoseconds of an option's value. `typer.BadParameter` (exit code 2) for what is no duration."""
    if text is None:
        return None
    try:
        return duration_ns(text)
    except DurationError as error:
        raise typer.BadParameter(error.sentence) from None


def speed_clock(clock: Clock | None, speed: float | None, default: Clock) -> Clock:
    """The clock, where a speed may be given: that is one of wall time."""
    if speed is None:
        return clock or default
    if clock is Clock.VIRTUAL:
        raise typer.BadParameter("--speed is of wall time; virtual time goes as fast as it can")
    if not 0.001 <= speed <= 1000:
        raise typer.BadParameter(f"a speed of {speed:g} is not between 0.001 and 1000; --clock virtual is the fastest")
    return Clock.WALL
