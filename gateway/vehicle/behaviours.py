"""Behaviours and other code of a vehicle project, loaded by path.

The folder of a behaviour's file is made a package under a name of its own, so that two vehicles can have files of the
same name in one process, and files of one folder can import each other (`from .physics import Car`).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from gateway.vehicle.errors import VehicleFileError


def load_class(folder: Path, reference: str) -> Any:
    """The class that `FILE:CLASS` names, relative to `folder`. VehicleFileError says what is wrong with it."""
    path_text, _, class_name = reference.partition(":")
    if not class_name or not path_text.endswith(".py"):
        raise VehicleFileError(f"{reference!r} names no behaviour: write FILE.py:CLASS")
    path = (folder / path_text).resolve()
    if not path.is_file():
        raise VehicleFileError(f"there is no file {path_text}")
    module = _module(path)
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        from gateway.errors import nearest

        classes = [
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        ]
        raise VehicleFileError(f"there is no class {class_name} in {path_text}{nearest(class_name, classes)}")
    return found


def _module(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]
    package_name = f"_vehicle_{digest}"
    if package_name not in sys.modules:
        package = ModuleType(package_name)
        package.__path__ = [str(path.parent)]
        sys.modules[package_name] = package
    try:
        return importlib.import_module(f"{package_name}.{path.stem}")
    except Exception as error:  # noqa: BLE001 - whatever the user's file raises
        sys.modules.pop(f"{package_name}.{path.stem}", None)
        raise VehicleFileError(_sentence(error), file=str(path), line=_line(error, path)) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"is not Python: {error.msg}"
    return f"cannot be loaded: {type(error).__name__}: {error}"


def _line(error: Exception, path: Path) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return frames[-1].lineno if frames else None
