"""gateway new: write a vehicle project to begin with."""

from __future__ import annotations

import re
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.errors import GatewayError

NAME: Final = "my-car"
"""What the small vehicle is called in its files, until it gets the name of its folder."""
_NAMED: Final = ("vehicle.yaml", "README.md")
_RENAMED: Final = {"gitignore": ".gitignore"}
"""Called so in the package, because a `.gitignore` there would be obeyed."""
_LEFT: Final = ("__pycache__", ".pytest_cache", ".hypothesis")


class Origin(StrEnum):
    """What the project is a copy of."""

    small = "small"
    demo = "demo"


def new_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; it is made, or must be empty.")],
    origin: Annotated[
        Origin, typer.Option("--from", help="A small vehicle that explains itself, or the demo vehicle.")
    ] = Origin.small,
) -> None:
    try:
        _refuse_what_is_there(folder)
        folder.mkdir(parents=True, exist_ok=True)
        copied = _copy_small(folder) if origin is Origin.small else _copy_demo(folder)
    except OSError as error:
        raise GatewayError(f"{folder} cannot be written: {error.strerror or error}") from None
    for name in copied:
        typer.echo(f"  {folder / name}")
    typer.echo(f"Now: cd {folder} && gateway check && gateway run --for 60s")


def _refuse_what_is_there(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise GatewayError(f"{folder} is a file; `gateway new` takes the name of a folder")
    if folder.is_dir() and next(folder.iterdir(), None) is not None:
        raise GatewayError(f"{folder} is not empty; `gateway new` writes into a new or an empty folder only")


def _copy_small(folder: Path) -> list[str]:
    template = Path(__file__).parent / "templates" / "new"
    copied = []
    for path in sorted(template.rglob("*")):
        place = path.relative_to(template)
        if path.is_dir() or any(part in _LEFT for part in place.parts):
            continue
        target = folder / place.with_name(_RENAMED.get(place.name, place.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        if place.name in _NAMED:
            text = text.replace(NAME, vehicle_name(folder))
        target.write_text(text, encoding="utf-8")
        copied.append(str(target.relative_to(folder)))
    return copied


def _copy_demo(folder: Path) -> list[str]:
    from gateway.cli.options import demo_vehicle

    demo = demo_vehicle().parent
    shutil.copy(demo / "vehicle.yaml", folder)
    for part in ("dbc", "ecus"):
        shutil.copytree(demo / part, folder / part, ignore=shutil.ignore_patterns(*_LEFT))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def vehicle_name(folder: Path) -> str:
    """The name of the folder, where it can be that of a vehicle as it is."""
    name = folder.resolve().name
    fits = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) and name.lower() not in {"true", "false", "null"}
    return name if fits else NAME
