"""The kernel, what this user may do, and which way `gateway vcan` goes."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.doctor.finding import Area, Finding, Standing
from gateway.links.places import VARIABLE, folders
from gateway.vcan import Kernel, available

CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
_WAYS: Final = {
    Kernel.HOST: "`gateway vcan` takes this machine's own kernel",
    Kernel.UML: "`gateway vcan` boots User-Mode Linux, without root",
}


def kernel() -> Iterator[Finding]:
    """Which one, and whether it has CAN."""
    system = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if "microsoft" in platform.release().lower():
        system += " (WSL)"
    if sys.platform != "linux":
        yield Finding(Area.KERNEL, "system", Standing.BROKEN, system, "run it on Linux: WSL2 or a container will do")
        return
    yield Finding(Area.KERNEL, "system", Standing.WORKS, system)
    if has_socketcan():
        yield Finding(Area.KERNEL, "SocketCAN", Standing.WORKS, "AF_CAN sockets can be opened")
    else:
        text = "no AF_CAN sockets: the kernel has no SocketCAN, or its module is not loaded"
        yield Finding(
            Area.KERNEL, "SocketCAN", Standing.MISSING, text, "sudo modprobe can-raw, or gateway vcan -- COMMAND"
        )


def has_socketcan() -> bool:
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        return False
    return True


def permissions() -> Iterator[Finding]:
    """The user, the capabilities that matter here, and the folder for the sockets of running simulations."""
    effective = effective_capabilities(Path("/proc/self/status").read_text(encoding="ascii", errors="replace"))
    able = [
        name for name, bit in (("CAP_NET_ADMIN", CAP_NET_ADMIN), ("CAP_NET_RAW", CAP_NET_RAW)) if effective >> bit & 1
    ]
    what = "may create interfaces" if "CAP_NET_ADMIN" in able else "may not create interfaces, which nothing here needs"
    yield Finding(
        Area.PERMISSIONS, "user", Standing.WORKS, f"{_user()}, {' and '.join(able) or 'no capability'}: {what}"
    )
    yield runtime_folder(folders()[0], os.environ.get(VARIABLE))


def effective_capabilities(status: str) -> int:
    """The bits of `CapEff:` in /proc/PID/status; 0 where there is no such line."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def runtime_folder(folder: Path, named: str | None) -> Finding:
    """Whether `gateway run` can put its socket for CAN tools there. `named`: the socket that the environment names."""
    place = Path(named).parent if named else folder
    remedy = f"export XDG_RUNTIME_DIR=$(mktemp -d), or name a socket: export {VARIABLE}=PATH"
    existing = place if place.exists() or named else place.parent
    if not existing.is_dir():
        return Finding(Area.PERMISSIONS, "sockets", Standing.BROKEN, f"{existing} is not there", remedy)
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(Area.PERMISSIONS, "sockets", Standing.BROKEN, f"{existing} may not be written", remedy)
    if existing == folder:
        status = existing.stat()
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            text = f"{folder} is not this user's alone"
            return Finding(Area.PERMISSIONS, "sockets", Standing.BROKEN, text, f"chmod 700 {folder}, or {remedy}")
    return Finding(Area.PERMISSIONS, "sockets", Standing.WORKS, f"CAN tools find a running vehicle in {place}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"


def vcan() -> Iterator[Finding]:
    """Which kernel `gateway vcan` takes, and why."""
    found = available()
    if found.kind is Kernel.NONE:
        yield Finding(Area.VCAN, "gateway vcan", Standing.MISSING, f"no way: {found.reason}", found.remedy)
        return
    way = _WAYS.get(found.kind, f"`gateway vcan` goes by {found.kind.value}")
    yield Finding(Area.VCAN, "gateway vcan", Standing.WORKS, f"{way}: {found.reason}", found.remedy)
