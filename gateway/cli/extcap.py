"""Wireshark's external capture interface: running vehicles stand in its list of interfaces.

Wireshark starts the script that `install` writes, with arguments of its own (doc/README.extcap): it asks for
interfaces, link types and options, and has the capture written into a named pipe.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError
from gateway.version import __version__

NAME: Final = "vehicle-gateway"
"""Of the interface that is the only vehicle that runs, and of the script."""
LINK_TYPE: Final = 147
"""LINKTYPE_USER0: extcap wants one; the stream is pcapng, whose interfaces have their own."""
_FOLDER: Final = re.compile(r"^(Personal Extcap path|Extcap path):\s*(.+)$", re.MULTILINE)


def main(words: Sequence[str] | None = None) -> int:
    """What Wireshark asks for, on standard output; a fault is a sentence on standard error, which Wireshark shows."""
    asked, _ = _parser().parse_known_args(words)
    if asked.extcap_interfaces:
        sys.stdout.writelines(f"{line}\n" for line in _interfaces())
    elif asked.extcap_dlts:
        sys.stdout.write(f"dlt {{number={LINK_TYPE}}}{{name=USER0}}{{display=CAN, LIN and Ethernet of a vehicle}}\n")
    elif asked.extcap_config:
        tip = "{tooltip=The simulation's socket, where several run}"
        sys.stdout.write(f"arg {{number=0}}{{call=--socket}}{{display=Socket}}{{type=string}}{tip}{{required=false}}\n")
    elif asked.capture and asked.fifo:
        try:
            _capture(Path(asked.fifo), asked.extcap_interface, asked.socket)
        except GatewayError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, allow_abbrev=False)
    for flag in ("--extcap-interfaces", "--extcap-dlts", "--extcap-config", "--capture"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--extcap-interface", default=NAME)
    parser.add_argument("--fifo")
    parser.add_argument("--socket")
    return parser


def _interfaces() -> Iterator[str]:
    from gateway.links.places import running

    yield f"extcap {{version={__version__}}}{{help=https://pypi.org/project/vehicle-gateway}}"
    yield f"interface {{value={NAME}}}{{display=the vehicle that runs}}"
    places = running()
    if len(places) > 1:
        for place in places:
            yield f"interface {{value={_interface(place)}}}{{display=vehicle {place.stem}}}"


def _interface(place: Path) -> str:
    return f"{NAME}-{place.stem}"


def _capture(fifo: Path, interface: str, named: str | None) -> None:
    from gateway.links.places import find, running
    from gateway.vehicle.recording.attached_capture import ask_capture, copy_capture

    wanted = named or next((str(place) for place in running() if _interface(place) == interface), None)
    stream = ask_capture(find(wanted, "--socket PATH"))
    try:
        with fifo.open("wb", buffering=0) as writer:
            copy_capture(stream, writer.write)
    except (KeyboardInterrupt, BrokenPipeError):
        return


# Installing


def install(folder: Path | None) -> list[str]:
    """Write the script into a folder, or where Wireshark looks; what to tell. GatewayError when it cannot be written."""
    chosen, notes = (folder, []) if folder is not None else _looked_in()
    script = chosen / NAME
    python = shlex.quote(sys.executable)
    root = shlex.quote(str(Path(__file__).parents[2]))
    text = f"#!/bin/sh\n# Written by `gateway trace --install-extcap`.\nPYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}}"
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        script.write_text(f'{text} exec {python} -m gateway.cli.extcap "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    except OSError as error:
        raise GatewayError(f"cannot be written: {(error.strerror or '').lower()}", file=str(script)) from None
    return [f"{script} is installed: `tshark -D` and Wireshark list {NAME}", *notes]


def _looked_in() -> tuple[Path, list[str]]:
    """The folder for this user's scripts. Wireshark before 4.2 has none: then what to set so that it looks there."""
    named = os.environ.get("WIRESHARK_EXTCAP_DIR")
    if named:
        return Path(named), []
    own = Path.home() / ".local" / "lib" / "wireshark" / "extcap"
    folders = dict(_FOLDER.findall(_said()))
    personal, shared = folders.get("Personal Extcap path"), folders.get("Extcap path")
    if personal:
        return Path(personal), []
    if shared:
        if os.access(shared, os.W_OK):
            return Path(shared), []
        return own, [
            f"this Wireshark looks in {shared} only: sudo ln -s {own / NAME} {shared}/{NAME},"
            f" or start it with WIRESHARK_EXTCAP_DIR={own}"
        ]
    return own, ["there is no tshark and no wireshark here to ask where it looks"]


def _said() -> str:
    program = shutil.which("tshark") or shutil.which("wireshark")
    if program is None:
        return ""
    return subprocess.run([program, "-G", "folders"], check=False, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
