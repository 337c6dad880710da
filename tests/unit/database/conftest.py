"""The small databases of `tests/data/databases`, and the real cars' of the package opendbc."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.database import Database, load

DATA = Path(__file__).parents[2] / "data" / "databases"


@pytest.fixture(scope="session")
def databases() -> Path:
    return DATA


@pytest.fixture(scope="session")
def car() -> Database:
    return load(DATA / "car.dbc")


@pytest.fixture(scope="session")
def multiplexed() -> Database:
    return load(DATA / "multiplexed.dbc")


@pytest.fixture(scope="session")
def faulty() -> Database:
    return load(DATA / "faulty.dbc")


@pytest.fixture(scope="session")
def real_cars() -> list[Path]:
    """The databases of real cars in opendbc 0.3."""
    found = find_spec("opendbc")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs opendbc: pip install 'vehicle-gateway[test]'")
    return sorted(Path(found.submodule_search_locations[0], "dbc").glob("*.dbc"))


class Loaded(dict[str, Database]):
    """Databases by the names of their files, each loaded when it is asked for the first time."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Database:
        self[name] = load(self.folder / name)
        return self[name]


@pytest.fixture(scope="session")
def real_databases(real_cars: list[Path]) -> dict[str, Database]:
    """Those of `real_cars`, by the names of their files: loaded once, and only those that a test asks for."""
    return Loaded(real_cars[0].parent)
