"""Modules that are loaded when somebody uses them, though what we need imports them at once.

`import cantools` brings its bus tester, that python-can, and that (where they are installed) asammdf and pandas: two
thirds of the time in which a program starts, for things that reading a database does not need.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


class _Later(ModuleType):
    """A module whose code runs when a name of it is asked for. (importlib's LazyLoader runs it at the next import.)"""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if spec is None or spec.loader is None or name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment]  # from now on it is as any other
        spec.loader.exec_module(self)
        return getattr(self, name)


def import_later(package: str, module: str) -> None:
    """Let `package.module` be loaded at its first use; to be called before `package` is imported.

    Nothing happens when one of them is loaded already or cannot be found.
    """
    name = f"{package}.{module}"
    if package in sys.modules or name in sys.modules:
        return
    found = find_spec(package)
    places = [Path(place) / f"{module}.py" for place in (found and found.submodule_search_locations) or ()]
    spec = next((spec_from_file_location(name, place) for place in places if place.is_file()), None)
    if spec is None:
        return
    later = sys.modules[name] = _Later(name)
    later.__spec__, later.__file__, later.__loader__, later.__package__ = spec, spec.origin, spec.loader, package
