"""Programs of others that work together with the gateway; none of them is needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.doctor.finding import Area, Finding, Standing
from gateway.vcan.availability import SYSTEM_PATH


class Tool(NamedTuple):
    """A command, the Debian package that has it, and what it is for here."""

    command: str
    package: str
    purpose: str


TOOLS: Final = (
    Tool("tshark", "tshark", "recordings and live captures in a terminal"),
    Tool("wireshark", "wireshark", "gateway trace --wireshark"),
    Tool("candump", "can-utils", "candump, cansend, canplayer on linked buses"),
    Tool("mosquitto", "mosquitto", "an MQTT broker of its own"),
    Tool("dbus-daemon", "dbus", "a bus for gateway run --dbus"),
)


def tools(wanted: tuple[Tool, ...] = TOOLS) -> Iterator[Finding]:
    """Where each is; what to install where it is not."""
    for tool in wanted:
        path = shutil.which(tool.command) or shutil.which(tool.command, path=SYSTEM_PATH)
        if path is None:
            remedy = f"apt-get install {tool.package}"
            yield Finding(Area.TOOLS, tool.command, Standing.MISSING, f"not installed; for {tool.purpose}", remedy)
        else:
            yield Finding(Area.TOOLS, tool.command, Standing.WORKS, f"{path}, for {tool.purpose}")
