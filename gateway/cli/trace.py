"""gateway trace: watch a vehicle's buses and Ethernet live in Wireshark."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.options import VehiclePath, duration_option, find_vehicle
from gateway.cli.serving import can_tools, tell
from gateway.errors import GatewayError

STDOUT: Final = "-"


def trace_command(
    vehicle: VehiclePath = None,
    wireshark: Annotated[
        bool, typer.Option("--wireshark", help="Open Wireshark on it; without: write it, or say what to type.")
    ] = False,
    attach: Annotated[
        bool, typer.Option("--attach", help="Of the vehicle that runs already (`gateway run`), not of one more.")
    ] = False,
    place: Annotated[
        Path | None, typer.Option("--socket", metavar="PATH", help="Which of several that run; with --attach.")
    ] = None,
    pipe: Annotated[
        str | None, typer.Option(metavar="PATH", help="The named pipe to write to; - is standard output.")
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="TIME", help="Drive so long, like 60s.")] = None,
    install_extcap: Annotated[
        bool, typer.Option("--install-extcap", help="Show running vehicles among Wireshark's interfaces, from now on.")
    ] = False,
    extcap_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; default: where Wireshark says that it looks.")
    ] = None,
) -> None:
    """Capture all buses of a vehicle live: each bus is an interface, senders and routes stand beside the packets."""
    if install_extcap:
        from gateway.cli.extcap import install

        sys.stdout.writelines(f"{line}\n" for line in install(extcap_dir))
        return
    if attach and vehicle is not None:
        raise typer.BadParameter("--attach is for a vehicle that runs already; name it with --socket, not by its file")
    if place is not None and not attach:
        raise typer.BadParameter("--socket goes with --attach")
    if pipe == STDOUT:
        if wireshark:
            raise typer.BadParameter("--pipe - is for a reader of your own; leave out --wireshark")
        _to_standard_output(vehicle, attach, place, duration)
        return
    with _pipe(pipe) as path, _viewer(path, wireshark):
        if attach:
            _attached(path, place)
        else:
            _driven(vehicle, path, duration)


def _driven(vehicle: Path | None, path: Path, duration: str | None) -> None:
    """Drive a vehicle here, until its time is up, Ctrl-C, or the viewer is closed."""
    import asyncio

    from gateway.sim import Clock
    from gateway.vehicle import RunOptions, Vehicle, drive, read_vehicle
    from gateway.vehicle.recording.live_pipe import capture_into

    file = read_vehicle(find_vehicle(vehicle))

    @contextlib.asynccontextmanager
    async def capture(running: Vehicle) -> AsyncIterator[None]:
        driving = asyncio.current_task()
        assert driving is not None
        async with capture_into(running, path, driving.cancel):
            yield

    options = RunOptions(clock=Clock.WALL, for_ns=duration_option(duration), services=(can_tools(), capture))
    report = drive(file, options)
    tell(f"{file.spec.vehicle}: {report.simulated_s:.3f} s, {report.frames} frames")
    for failure in report.failures:
        tell(failure)
    if report.failures:
        raise typer.Exit(1)


def _attached(path: Path, place: Path | None) -> None:
    from gateway.vehicle.recording.attached_capture import ask_capture, copy_capture

    stream = ask_capture(_find(place))
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError), path.open("wb", buffering=0) as writer:
        copy_capture(stream, writer.write)


def _to_standard_output(vehicle: Path | None, attach: bool, place: Path | None, duration: str | None) -> None:
    if sys.stdout.isatty():
        raise GatewayError("a capture is not for a terminal: gateway trace --pipe - | tshark -i -")
    if attach:
        from gateway.vehicle.recording.attached_capture import ask_capture, copy_capture

        with contextlib.suppress(KeyboardInterrupt):
            copy_capture(ask_capture(_find(place)), _all_written(sys.stdout.fileno()))
        return
    # A pipe of our own keeps the vehicle's loop away from a reader that is slow.
    _driven(vehicle, Path("/proc/self/fd") / str(sys.stdout.fileno()), duration)


def _all_written(descriptor: int) -> Callable[[bytes], object]:
    def write(data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]

    return write


def _find(place: Path | None) -> Path:
    from gateway.links.places import find

    return find(place, "--socket PATH")


@contextlib.contextmanager
def _pipe(named: str | None) -> Iterator[Path]:
    from gateway.vehicle.recording.live_pipe import make_pipe

    with contextlib.ExitStack() as stack:
        path = Path(named) if named else Path(stack.enter_context(tempfile.TemporaryDirectory())) / "vehicle.pcapng"
        there = path.exists()
        make_pipe(path)
        try:
            yield path
        finally:
            if not there:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _viewer(path: Path, wanted: bool) -> Iterator[None]:
    """Wireshark where there is one and a screen for it; else what to type."""
    program = shutil.which("wireshark") if wanted else None
    if program is not None and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        viewer = subprocess.Popen([program, "-k", "-i", str(path)], start_new_session=True)
        try:
            yield
        finally:
            viewer.poll()  # it stays open, with what it has captured
        return
    if wanted:
        tell("Wireshark is not installed here" if program is None else "there is no screen for Wireshark here")
    tell(f"waiting for a reader: wireshark -k -i {path}, or tshark -i {path}")
    yield
