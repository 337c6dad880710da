"""The job's folder: what the first process of the kernel finds beside itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from gateway.vcan.availability import UML_MODULES
from gateway.vcan.interfaces import creation
from gateway.vcan.streams import Kind, Streams

_FSTAB = """\
proc /proc proc defaults 0 0
sys /sys sysfs defaults 0 0
run /run tmpfs mode=755 0 0
lock /run/lock tmpfs mode=1777,X-mount.mkdir 0 0
user /run/user/0 tmpfs mode=700,X-mount.mkdir 0 0
shm /dev/shm tmpfs mode=1777,X-mount.mkdir 0 0
pts /dev/pts devpts ptmxmode=666,X-mount.mkdir 0 0
"""
_LOOPBACK = ["link set dev lo up", "link set dev lo multicast on", "route add 224.0.0.0/4 dev lo"]
_RUNTIME = {"XDG_RUNTIME_DIR": "/run/user/0"}
"""The caller's own runtime folder is not seen inside, or is not root's, as who runs there is."""
_DEVICE_LINKS = {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


def prepare(folder: Path, command: Sequence[str], names: Sequence[str], streams: Streams) -> None:
    """Writes all that init.sh reads; the command is to run in the current folder with the current environment."""
    init = folder / "init"
    init.write_bytes(Path(__file__).with_name("init.sh").read_bytes())
    init.chmod(0o700)
    (folder / "fstab").write_text(_FSTAB, encoding="ascii")
    (folder / "network").write_text("\n".join([*_LOOPBACK, *creation(names)]) + "\n", encoding="ascii")
    (folder / "command").write_bytes(os.fsencode(_script(command, streams.kind)))
    (folder / "settings").write_text(_settings(streams), encoding="ascii")
    (folder / "lib").mkdir()
    (folder / "lib" / "modules").symlink_to(UML_MODULES)
    (folder / "dev").mkdir()
    for name, target in _DEVICE_LINKS.items():
        (folder / "dev" / name).symlink_to(f"/proc/self/{target}")


def _script(command: Sequence[str], kind: Kind) -> str:
    """A shell line that becomes the command: in a session of its own, so that a signal reaches all of it.

    A shell starts background commands with SIGINT and SIGQUIT ignored; the command must not inherit that.
    """
    session = ["setsid", "--ctty"] if kind is Kind.TERMINAL else ["setsid"]
    environment = [f"{name}={value}" for name, value in (os.environ | _RUNTIME).items()]
    clean = ["env", "--ignore-environment", f"--chdir={Path.cwd()}", "--default-signal=INT,QUIT"]
    return shlex.join(["exec", *session, *clean, *environment, *command]) + "\n"


def _settings(streams: Streams) -> str:
    columns, rows = os.get_terminal_size(streams.stdout) if streams.kind is Kind.TERMINAL else (80, 24)
    return f"streams={streams.kind.value} rows={rows} columns={columns}\n"
