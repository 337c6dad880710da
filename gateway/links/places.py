"""Where the sockets of running simulations lie, and how clients find them.

In `$XDG_RUNTIME_DIR/vehicle-gateway/`, or without that variable in `/tmp/vehicle-gateway-UID/`; both belong to the user
alone. A login's own runtime folder (/run/user/UID) is not set everywhere, so clients that have it look into both; with
another one a user keeps simulations apart. `VEHICLE_GATEWAY_SOCKET` names one socket, for both sides.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.links.errors import LinkError

VARIABLE: Final = "VEHICLE_GATEWAY_SOCKET"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_PATH: Final = 107
"""sockaddr_un has 108 bytes, one of which ends the path."""
_BACKLOG: Final = 128


def folders() -> list[Path]:
    """Where sockets may lie; the first is where a new one goes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = Path(f"/tmp/vehicle-gateway-{os.getuid()}")  # noqa: S108 - its owner and mode are checked
    if not runtime:
        return [own]
    named = Path(runtime) / "vehicle-gateway"
    return [named, own] if Path(runtime) == Path(f"/run/user/{os.getuid()}") else [named]


def place_for(vehicle: str) -> Path:
    """Where the simulation of a vehicle listens: as the environment says, else the first free name after the vehicle's.

    Raises `LinkError` when the folder is not the user's own.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    folder = _own_folder()
    name = _UNFIT.sub("-", vehicle)[:40]
    number = 1
    while True:
        place = folder / (f"{name}.sock" if number == 1 else f"{name}-{number}.sock")
        if not is_live(place):
            return place
        number += 1


def running() -> list[Path]:
    """The sockets that a simulation answers on; only the environment's, if it names one."""
    named = os.environ.get(VARIABLE)
    if named:
        return [Path(named)] if is_live(Path(named)) else []
    found = [place for folder in folders() if folder.is_dir() for place in sorted(folder.glob("*.sock"))]
    return [place for place in found if is_live(place)]


def is_live(place: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(place))
        except BlockingIOError:
            return True  # its queue of connections is full: somebody is there
        except OSError:
            return False
        return True


def listen(place: Path) -> tuple[socket.socket, int]:
    """A listening socket for the user alone, and its path's inode. A path left over from a crash is replaced.

    Raises `LinkError` when a simulation listens there already, or the path cannot be used.
    """
    if len(os.fsencode(place)) > _LONGEST_PATH:
        raise LinkError(
            f"the path of a socket has at most {_LONGEST_PATH} bytes: {place}; name another with {VARIABLE}"
        )
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(place.parent):
            _clear(place)
            os.fchmod(server.fileno(), 0o600)  # Linux gives the path this mode
            server.bind(str(place))
            server.listen(_BACKLOG)
            inode = place.stat().st_ino
    except OSError as error:
        server.close()
        raise LinkError(f"cannot listen at {place}: {error.strerror}; name another path with {VARIABLE}") from None
    except LinkError:
        server.close()
        raise
    server.setblocking(False)
    return server, inode


def remove(place: Path, inode: int) -> None:
    """Remove the path of a socket that has been closed, unless another has taken its place."""
    with contextlib.suppress(FileNotFoundError):
        if place.stat().st_ino == inode:
            place.unlink()


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other simulation looks at this folder meanwhile: of two that begin in one moment, the second sees the first."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear(place: Path) -> None:
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise LinkError(f"{place} is a file and no socket; remove it, or name another path with {VARIABLE}")
    if is_live(place):
        raise LinkError(f"a simulation listens at {place} already; stop it, or name another path with {VARIABLE}")
    place.unlink()


def _own_folder() -> Path:
    folder = folders()[0]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise LinkError(f"cannot make {folder}: {error.strerror}; name a socket with {VARIABLE}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise LinkError(f"{folder} must be a folder of this user alone (mode 700); or name a socket with {VARIABLE}")
    return folder


def find(named: str | os.PathLike[str] | None = None, choice: str = "socket=PATH") -> Path:
    """The socket of the simulation that is meant: as named, as the environment says, else the only one that runs.

    `choice`: how whoever asks names one of several. Raises `LinkError` that says what to do.
    """
    wanted = named or os.environ.get(VARIABLE)
    if wanted:
        place = Path(wanted)
        if not is_live(place):
            raise LinkError(f"no simulation listens at {place}: start one with `gateway run VEHICLE`")
        return place
    places = running()
    if not places:
        looked = " and ".join(str(folder) for folder in folders())
        raise LinkError(f"no simulation is running (looked in {looked}): start one with `gateway run VEHICLE`")
    if len(places) > 1:
        names = ", ".join(str(place) for place in places)
        raise LinkError(f"several simulations are running: {names}; choose with {choice} or {VARIABLE}=PATH")
    return places[0]
