"""gateway bench: measure this installation against what a user would write today, in the same run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from gateway.cli.options import Json
from gateway.errors import GatewayError, nearest


def bench_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; a group or one figure.")
    ] = None,
    as_json: Json = False,
) -> None:
    benchmarks = _benchmarks()
    wanted = _wanted(names or [], benchmarks.FIGURES)
    results = []
    for group in dict.fromkeys(benchmarks.FIGURES[name] for name in wanted):
        for result in benchmarks.measurement(group)():
            if result.name in wanted:
                results.append(result)
                if not as_json:
                    against = f"  ({result.against})" if result.against else ""
                    typer.echo(f"{result.name:28} {result.value:12.4g} {result.unit}{against}")
    if as_json:
        sys.stdout.write(json.dumps([result._asdict() for result in results], indent=2) + "\n")


def _wanted(names: list[str], figures: dict[str, Any]) -> list[str]:
    if not names:
        return list(figures)
    found: list[str] = []
    for name in names:
        matching = [figure for figure in figures if figure == name or figure.startswith(f"{name}.")]
        if not matching:
            groups = [figure.partition(".")[0] for figure in figures]
            raise GatewayError(
                f"there is no figure {name!r}{nearest(name, [*figures, *groups])}; there are {', '.join(figures)}"
            )
        found += matching
    return found


def _benchmarks() -> ModuleType:
    """The measurements, beside the package in a checkout, in it when installed from a wheel."""
    package = Path(__file__).parents[1]
    for folder in (package / "benchmarks", package.parent / "benchmarks", Path("benchmarks")):
        if (folder / "figures.py").is_file():
            spec = importlib.util.spec_from_file_location(
                "benchmarks", folder / "__init__.py", submodule_search_locations=[str(folder)]
            )
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules["benchmarks"] = module
            spec.loader.exec_module(module)
            return importlib.import_module("benchmarks.figures")
    raise GatewayError("the measurements are not part of this installation")
