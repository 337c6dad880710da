"""Runs inside `gateway vcan`: what a monitor of vcan0 is told while others send, and sends itself. Prints JSON lines."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

from gateway.can import Frame
from gateway.cli.monitor_host import hosted
from gateway.ui.feed_rows import Snapshot
from gateway.ui.monitor_link import VehicleLink
from gateway.ui.monitor_state import MonitorState, Pane


async def main(link: VehicleLink, bus: socket.socket) -> None:
    state = MonitorState(link.about)
    both = asyncio.Event()

    def take(snapshot: Snapshot) -> None:
        state.take(snapshot)
        if len(state.messages) >= 2:
            both.set()
        else:
            bus.send(bytes.fromhex("0001000006000000 0102D408000000 00"))  # struct can_frame: 100#0102D4080000
            bus.send(bytes.fromhex("A107000001000000 1100000000000000"))

    watching = asyncio.create_task(link.watch(state.visible(Pane.MESSAGES, None), take))
    await asyncio.wait_for(both.wait(), 60)
    for number, known in state.messages.items():
        print(json.dumps([state.message_abouts[number].title, known.row.data.hex()]))
    await asyncio.to_thread(link.send, "vcan0", Frame(0x123, b"\x01"))
    watching.cancel()


with (
    socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as bus,
    hosted("link", "vcan0", [sys.argv[1]]) as place,
):
    bus.bind(("vcan0",))
    bus.settimeout(60)
    link = VehicleLink(place)
    asyncio.run(main(link, bus))
    word = bus.recv(16)
    print(json.dumps(["sent", word[:4].hex(), word[8:9].hex()]))
    link.close()
