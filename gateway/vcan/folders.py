"""Where the kernel's memory and the job's files can be."""

from __future__ import annotations

import mmap
import os
import re
import tempfile
from pathlib import Path

from gateway.vcan.errors import VcanError

_SIZE = re.compile(r"(\d+)([KMG])i?B?", re.IGNORECASE)
_SMALLEST = 64 << 20
_HIDDEN = ("/dev", "/proc", "/sys", "/run", "/var/run")
"""Folders that are the kernel's own inside, so that the host's files in them are not seen there."""


def memory_bytes(text: str) -> int:
    """Bytes of a size as `512M` or `2G`; VcanError when it is none, or too little to boot (64M)."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise VcanError(f"{text!r} is no memory size: write it as 512M or 2G")
    size = int(match[1]) << {"K": 10, "M": 20, "G": 30}[match[2].upper()]
    if size < _SMALLEST:
        raise VcanError(f"{text} of memory is too little for a kernel: 64M at least")
    return size


def memory_folder(size: int) -> str:
    """A folder for the memory file (sparse, unlinked at once): with room for it and not mounted noexec."""
    refused = []
    for folder in dict.fromkeys(filter(None, (os.environ.get("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"))):  # noqa: S108
        why = _why_not(folder, size)
        if why is None:
            return folder
        refused.append(f"{folder} {why}")
    raise VcanError(
        f"no folder for {size >> 20} MiB of kernel memory: {'; '.join(refused)}. "
        "Set TMPDIR to a folder on a file system with room and without noexec, or ask for less --memory"
    )


def job_parent() -> str:
    """A folder for the job's files that is seen inside as well."""
    for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        if not is_hidden(folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise VcanError("no folder for the job's files: set TMPDIR to one that you may write, outside /dev, /run and /proc")


def is_hidden(folder: str) -> bool:
    """Whether the kernel has its own file system over this folder."""
    real = Path(folder).resolve()
    return any(real.is_relative_to(hidden) for hidden in _HIDDEN)


def _why_not(folder: str, size: int) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            mmap.mmap(file.fileno(), mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
        free = os.statvfs(folder)
    except PermissionError:
        return "is mounted noexec or not writable"
    except OSError as error:
        return f"cannot be used ({error.strerror})"
    if free.f_bavail * free.f_frsize < size:
        return f"has only {free.f_bavail * free.f_frsize >> 20} MiB free"
    return None
