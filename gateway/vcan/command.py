"""The command to run: found on the host's own PATH before anything is booted, as the files inside are the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import GatewayError
from gateway.vcan.errors import CommandNotExecutableError, CommandNotFoundError, VcanError


def resolved(command: Sequence[str]) -> list[str]:
    """The command as it is to be executed; a pyenv shim, a slow chain of scripts, becomes what it stands for.

    CommandNotFoundError (127) and CommandNotExecutableError (126) as a shell tells them.
    """
    if not command:
        raise VcanError("no command: gateway vcan -- COMMAND [ARG...]")
    name = command[0]
    found = shutil.which(name)
    if found is None:
        raise _not_found(name)
    if "=" in name:
        raise VcanError(f"{name!r}: a command with '=' in its name cannot be run here; link it to another name")
    return [_behind_shim(found) or name, *command[1:]]


def _not_found(name: str) -> GatewayError:
    candidates = [name] if "/" in name else [os.path.join(folder, name) for folder in os.get_exec_path()]
    for candidate in candidates:
        if os.path.isdir(candidate) and "/" in name:
            return CommandNotExecutableError(f"{name}: is a folder, not a command")
        if os.path.isfile(candidate):
            return CommandNotExecutableError(f"{candidate}: is not executable: chmod +x it, or name its interpreter")
    return CommandNotFoundError(f"{name}: command not found" + ("" if "/" in name else " in PATH"))


def _behind_shim(found: str) -> str | None:
    path = Path(found)
    if path.parent.name != "shims" or not (path.parent.parent / "versions").is_dir():
        return None
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return None
    answer = subprocess.run([pyenv, "which", path.name], check=False, capture_output=True, text=True)
    return answer.stdout.strip() or None
