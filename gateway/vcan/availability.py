"""Which kernel with SocketCAN can be had on this machine: its own, Debian's User-Mode Linux, or none."""

from __future__ import annotations

import enum
import shutil
import socket
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.vcan.interfaces import is_up

UML_MODULES = Path("/usr/lib/uml/modules")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the tools are looked for; an ordinary user's own PATH often lacks the sbin folders."""

_UML_TOOLS = {"linux.uml": "user-mode-linux", "modprobe": "kmod", "ip": "iproute2"}
"""Command and the Debian package that has it; all else that is run inside is in every Debian (coreutils, util-linux)."""
_CAP_NET_ADMIN = 12


class Kernel(enum.Enum):
    """Whose SocketCAN the command gets."""

    HOST = "host"
    UML = "uml"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Availability:
    """`kind`: the kernel to use; `reason`: why that one; `remedy`: what to do about NONE, empty otherwise."""

    kind: Kernel
    reason: str
    remedy: str


def available(names: Sequence[str] = ("vcan0", "vcan1")) -> Availability:
    """The best kernel on which buses of these names can be had; boots nothing and changes nothing."""
    host = why_not_host(names)
    if host is None:
        return Availability(Kernel.HOST, "this machine's kernel has SocketCAN and vcan", "")
    missing = missing_for_uml()
    if not missing:
        return Availability(Kernel.UML, f"{host}; Debian's User-Mode Linux is installed", "")
    return Availability(Kernel.NONE, f"{host}; for User-Mode Linux there is no {' and no '.join(missing)}", remedy())


def remedy() -> str:
    """The sentence that tells what to install."""
    return f"apt-get install {' '.join(_UML_TOOLS.values())} (Debian), or run where `modprobe vcan` works"


def tool(name: str) -> str | None:
    """Full path of a system tool."""
    return shutil.which(name, path=SYSTEM_PATH)


def missing_for_uml() -> list[str]:
    """What a User-Mode Linux boot would need and is not here, as words for a sentence."""
    missing = [name for name in _UML_TOOLS if tool(name) is None]
    if not any(UML_MODULES.glob("*/kernel/drivers/net/can/vcan.ko*")):
        missing.append(f"vcan module under {UML_MODULES}")
    return missing


def why_not_host(names: Iterable[str]) -> str | None:
    """Why this machine's own kernel will not do for buses of these names; None when it will."""
    if not _has_socketcan():
        return "this machine's kernel has no SocketCAN"
    absent = [name for name in names if not is_up(name)]
    if not absent:
        return None
    if not _may_create_interfaces():
        return f"there is no interface {absent[0]} that is up, and creating one needs CAP_NET_ADMIN"
    if not _has_vcan_module() or tool("ip") is None:
        return (
            f"there is no interface {absent[0]}, and this machine cannot create one (no vcan module or no ip command)"
        )
    return None


def _has_socketcan() -> bool:
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        return False
    return True


def _may_create_interfaces() -> bool:
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_NET_ADMIN & 1)
    return False


def _has_vcan_module() -> bool:
    if Path("/sys/module/vcan").exists():
        return True
    modprobe = tool("modprobe")
    if modprobe is None:
        return False
    return subprocess.run([modprobe, "--dry-run", "--quiet", "vcan"], check=False, capture_output=True).returncode == 0
