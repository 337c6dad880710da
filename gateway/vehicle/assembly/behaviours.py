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

from gateway.errors import nearest
from gateway.vehicle.errors import VehicleFileError


def load_class(folder: Path, reference: str) -> Any:
    """The class that `FILE:CLASS` names, relative to `folder`. VehicleFileError says what is wrong with it."""
    path_text, _, class_name = reference.partition(":")
    if not class_name or not path_text.endswith(".py"):
        raise VehicleFileError(f"{reference!r} names no behaviour: write FILE.py:CLASS")
    path = _file(folder, path_text)
    module = _module(path)
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        ]
        raise VehicleFileError(f"there is no class {class_name} in {path_text}{nearest(class_name, classes)}")
    return found


def _file(folder: Path, name: str) -> Path:
    try:
        path = (folder / name).resolve()
        if path.is_file():
            return path
    except (OSError, ValueError):  # a name that no file can have
        pass
    raise VehicleFileError(f"there is no file {name}{_near_file(folder, name)}")


def _near_file(folder: Path, name: str) -> str:
    try:
        files = [str(path.relative_to(folder)) for path in sorted((folder / name).parent.glob("*.py"))]
    except (OSError, ValueError):
        return ""
    return nearest(name, files)


def _module(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]
    package_name = f"_vehicle_{digest}"
    if package_name not in sys.modules:
        package = ModuleType(package_name)
        package.__path__ = [str(path.parent)]
        sys.modules[package_name] = package
    try:
        return importlib.import_module(f"{package_name}.{path.stem}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's file raises
        sys.modules.pop(f"{package_name}.{path.stem}", None)
        file, line = _where(error, path)
        raise VehicleFileError(_sentence(error), file=file, line=line) from None


def _sentence(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"is not Python: {error.msg}"
    return f"cannot be loaded: {type(error).__name__}: {error}"


def _where(error: BaseException, path: Path) -> tuple[str, int | None]:
    """File and line of the fault: in the behaviour's file, or in one of its folder that it imports."""
    if isinstance(error, SyntaxError):
        return error.filename or str(path), error.lineno
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == path.parent
    ]
    return (frames[-1].filename, frames[-1].lineno) if frames else (str(path), None)
