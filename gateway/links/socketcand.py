"""socketcand's protocol, the server's side of one connection. Knows no socket and no bus.

Elements `< word ... >` in ASCII, as github.com/linux-can/socketcand, doc/protocol.md describes them. After `< open >`
a connection is in BCM mode (subscriptions and cyclic jobs, see `socketcand_bcm`); `< rawmode >` gets every frame.
CAN FD as socketcand has it: `< fdsend >` and `< fdframe >`, in raw mode.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final, NamedTuple

from gateway.can.frame import ERROR, FD, REMOTE, Frame
from gateway.links.errors import RecordError
from gateway.links.socketcand_bcm import BroadcastManager
from gateway.links.socketcand_elements import (
    Elements,
    Timestamps,
    error_element,
    fd_frame,
    frame_of,
    job,
    remote_frame,
    subscription,
)
from gateway.sim import FOREVER

ROOM: Final = 8192
"""Frames that wait for a client which does not read."""
_QUIET_NS: Final = 50_000_000
"""python-can takes the answer to `< rawmode >` with one read, and gives up when a frame stands behind it."""
_OVERFLOW: Final = Frame(ERROR | 0x004, bytes([0, 0x01, 0, 0, 0, 0, 0, 0]))
"""CAN_ERR_CRTL with CAN_ERR_CRTL_RX_OVERFLOW (linux/can/error.h)."""


class Mode(Enum):
    """What a connection gets."""

    NO_BUS = "no bus is open"
    BCM = "bcmmode"
    RAW = "rawmode"


class OpenBus(NamedTuple):
    """The client wants to take part in a bus."""

    bus: str


Request = OpenBus | Frame


class SocketcandSession:
    """One client. `fd` tells by name which buses there are, and whether they are CAN FD.

    After `receive`, `heard` and `wake`: do what `next` gives, send what `outgoing` gives, call `wake` at `deadline`.
    """

    def __init__(self, fd: dict[str, bool], epoch_ns: int, room: int = ROOM) -> None:
        self.mode = Mode.NO_BUS
        self.over = False
        self.failure: str | None = None
        self.lost = 0
        self.now = 0
        self._fd = fd
        self._bus = ""
        self._elements = Elements()
        self._timestamps = Timestamps(epoch_ns)
        self._answers = ["< hi >"]
        self._frames: deque[str] = deque()
        self._room = room
        self._lost_before = 0
        self._quiet_until = 0
        self._bcm = BroadcastManager()
        self._due: dict[int, Frame] = {}
        """Cyclic frames to send: while the controller has no room, the newest content of each."""

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        if not self.over:
            self._elements.feed(data)

    def closed(self) -> None:
        """The client sends nothing more."""
        if not self.over and self._elements.partial:
            self._break("the connection ended in the middle of an element")

    def next(self) -> Request | None:
        """What is to be done next: a bus to open, a frame to send."""
        while not self.over:
            if self._due:
                return self._due.pop(next(iter(self._due)))
            try:
                words = self._elements.next()
            except RecordError as error:
                self._break(error.sentence)
                return None
            if words is None:
                return None
            request = self._command(words)
            if request is not None:
                return request
        return None

    def end(self, reason: str | None = None) -> None:
        if reason is not None:
            self._break(reason)
        self.over = True

    def heard(self, frame: Frame, now: int) -> None:
        """A frame of the bus, or an error frame, at `now`."""
        self.now = now
        if self.mode is Mode.RAW:
            self._tell(self._timestamps.raw(frame, now))
        elif self.mode is Mode.BCM and not frame.header & (FD | REMOTE | ERROR):
            for passed in self._bcm.heard(frame, now):
                self._tell(self._timestamps.spaced(passed, now))

    def wake(self, now: int) -> None:
        """Time has come to `now`."""
        self.now = now
        for frame in self._bcm.throttled(now):
            self._tell(self._timestamps.spaced(frame, now))
        self._due.update((frame.header, frame) for frame in self._bcm.jobs_due(now))

    @property
    def deadline(self) -> int | None:
        """When to call `wake`; None while nothing is pending."""
        due = self._bcm.deadline
        if self._frames and self.now < self._quiet_until:
            due = min(due, self._quiet_until)
        return None if due == FOREVER else due

    def outgoing(self) -> bytes:
        """All that is to be sent now."""
        parts = self._answers
        self._answers = []
        if self._frames and self.now >= self._quiet_until:
            if self.lost > self._lost_before:
                parts.append(self._timestamps.raw(_OVERFLOW, self.now))
                self._lost_before = self.lost
            parts.extend(self._frames)
            self._frames.clear()
        return "".join(parts).encode()

    def _tell(self, element: str) -> None:
        if len(self._frames) >= self._room:
            self._frames.popleft()
            self.lost += 1
        self._frames.append(element)

    def _break(self, reason: str) -> None:
        self.failure = reason
        self.over = True
        self._answers.append(error_element(reason))

    # The commands

    def _command(self, words: list[str]) -> Request | None:
        try:
            if words == ["echo"]:
                self._answers.append("< echo >")
                return None
            if self.mode is Mode.NO_BUS:
                return self._open(words)
            if words in (["rawmode"], ["bcmmode"]):
                self._switch(Mode(words[0]))
                return None
            return self._checked(self._frame(words))
        except RecordError as error:
            self._answers.append(error_element(error.sentence))
            return None

    def _open(self, words: list[str]) -> OpenBus | None:
        if len(words) != 2 or words[0] != "open":
            raise RecordError("unknown command: begin with open and the name of a bus")
        self._bus = words[1]
        if self._bus not in self._fd:
            self._break(f"could not open bus {self._bus}; there are: {', '.join(self._fd)}")
            return None
        self.mode = Mode.BCM
        self._answers.append("< ok >")
        return OpenBus(self._bus)

    def _switch(self, mode: Mode) -> None:
        if mode is not self.mode:
            self._bcm = BroadcastManager()
            self._frames.clear()
            self.mode = mode
        if mode is Mode.RAW:
            self._quiet_until = self.now + _QUIET_NS
        self._answers.append("< ok >")

    def _frame(self, words: list[str]) -> Frame | None:
        """The frame that a command sends now, if it does."""
        match words[0]:
            case "send":
                return frame_of(words[1:])
            case "sendrtr":
                return remote_frame(words[1:])
            case "fdsend" if self.mode is Mode.RAW:
                return fd_frame(words[1:])
        if self.mode is Mode.BCM:
            return self._manage(words)
        raise RecordError(f"unknown command {words[0]} in {self.mode.value}")

    def _manage(self, words: list[str]) -> Frame | None:
        match words[0]:
            case "add":
                interval_ns, frame = job(words[1:])
                self._checked(frame)
                self._bcm.add(frame, interval_ns, self.now)
                return frame
            case "update":
                self._bcm.update(frame_of(words[1:]))
            case "delete" if len(words) == 2:
                self._bcm.delete(frame_of([words[1], "0"]).header)
            case "subscribe":
                interval_ns, frame = subscription(words[1:])
                self._bcm.subscribe(frame.header, interval_ns, None)
            case "filter":
                interval_ns, frame = job(words[1:])
                self._bcm.subscribe(frame.header, interval_ns, frame.data)
            case "unsubscribe" if len(words) == 2:
                self._bcm.unsubscribe(frame_of([words[1], "0"]).header)
            case _:
                raise RecordError(f"unknown command {words[0]} in {self.mode.value}")
        return None

    def _checked(self, frame: Frame | None) -> Frame | None:
        if frame is not None and frame.header & FD and not self._fd[self._bus]:
            raise RecordError(f"bus {self._bus} is classic CAN and carries no CAN FD frame")
        return frame
