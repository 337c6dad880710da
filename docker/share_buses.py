#!/usr/bin/python3
"""Runs a command while the CAN interfaces of this kernel are one with those of the other kernels on its Ethernet.

usage: share_buses.py ETHERNET BUS,BUS,... COMMAND [ARG...]

Every frame on a CAN interface goes to everybody on the Ethernet, and what comes from there goes to the interface of
that name. An Ethernet frame (type 0x88B5, IEEE 802's for local experiments) holds the interface's name in 16 bytes and
SocketCAN's struct can_frame or canfd_frame. The exit code is the command's.
"""

import ctypes
import functools
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys

ETHER_TYPE = 0x88B5
HEAD = 14
"""Bytes of an Ethernet header: destination, source, type."""
NAME = 16
"""IFNAMSIZ."""
CAN_FRAME, CANFD_FRAME = 16, 72
"""sizeof(struct can_frame), sizeof(struct canfd_frame)."""
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26
"""asm-generic/socket.h; the first gives more than net.core.rmem_max, as the command is root in its kernel."""
BUFFER = 16 << 20
"""Frames of some seconds: at a start this process may wait so long for its turn."""


def all_but_from(source):
    """A packet filter (linux/filter.h) that leaves out what this Ethernet address sent: multicast brings it back."""
    high, low = int.from_bytes(source[:4], "big"), int.from_bytes(source[4:], "big")
    load_word, load_half, equal, give_back = 0x20, 0x28, 0x15, 0x06
    program = (
        (load_word, 0, 0, 6),
        (equal, 0, 2, high),
        (load_half, 0, 0, 10),
        (equal, 1, 0, low),
        (give_back, 0, 0, 0xFFFF),
        (give_back, 0, 0, 0),
    )
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def can_socket(bus):
    """All frames of an interface but those that this socket sends."""
    opened = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    opened.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.bind((bus,))
    return opened


def ethernet_socket(interface):
    """The others' Ethernet frames with CAN frames in them, with their headers."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.bind((interface, 0))
    program = ctypes.create_string_buffer(all_but_from(opened.getsockname()[4]))
    head = struct.pack("HP", len(program) // 8, ctypes.addressof(program))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, head)
    opened.bind((interface, ETHER_TYPE))
    return opened


class Share:
    """The two ways of a frame."""

    def __init__(self, interface, buses):
        self.ethernet = ethernet_socket(interface)
        self.can = {bus.encode().ljust(NAME, b"\0"): can_socket(bus) for bus in buses}
        self.header = b"\xff" * 6 + self.ethernet.getsockname()[4] + ETHER_TYPE.to_bytes(2, "big")

    def outward(self, name):
        frame = self.can[name].recv(CANFD_FRAME)
        self.ethernet.send(self.header + name + frame)

    def inward(self):
        data = self.ethernet.recv(HEAD + NAME + CANFD_FRAME)
        name, frame = data[HEAD : HEAD + NAME], data[HEAD + NAME :]
        if name in self.can and len(frame) >= CAN_FRAME:
            self.can[name].send(frame if len(frame) == CANFD_FRAME else frame[:CAN_FRAME])  # Ethernet pads short ones


def carry(share, until):
    """Carries frames until the descriptor `until` is readable and no frame waits any more."""
    watched = selectors.DefaultSelector()
    watched.register(until, selectors.EVENT_READ)
    watched.register(share.ethernet, selectors.EVENT_READ, share.inward)
    for name, opened in share.can.items():
        watched.register(opened, selectors.EVENT_READ, functools.partial(share.outward, name))
    over = False
    while not over:
        ways = [key.data for key, _ in watched.select()]
        over = ways == [None]
        for way in filter(None, ways):
            way()


def main(interface, buses, *command):
    share = Share(interface, buses.split(","))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)  # they reach the command too, whose last frames are still to be carried
    process = subprocess.Popen(command)
    carry(share, os.pidfd_open(process.pid))
    return process.wait()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: share_buses.py ETHERNET BUS,BUS,... COMMAND [ARG...]")
    code = main(*sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
