"""Every interface that python-can opens: adapters of many makers, its virtual and its multicast bus.

python-can blocks, so it has two threads of its own here, one that reads and one that writes; between them and the loop
are bounded queues. It tells no echo: a frame counts as sent when `send` has returned; but where an interface gives us our
own frames like all others (`ECHOING`), it counts as sent when it has come back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from queue import Empty, Full, Queue
from typing import Any, Final

import can

from gateway.can import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, REMOTE, BusEventKind, Frame
from gateway.errors import nearest
from gateway.links.errors import LinkError
from gateway.links.link import SOCKETCAN, Arbiter, LinkAddress, LinkRates, LinkUser
from gateway.sim import SimulationLoop

QUEUE: Final = 1024
"""Frames that may wait in each direction."""
WAIT_S: Final = 0.1
"""How long a thread waits before it looks whether it shall end."""
ECHOING: Final = frozenset({"udp_multicast"})
"""Interfaces by which one's own frames come back, without a word that they are one's own."""
_ENDED: Final = 2.0
"""How long the threads may take for that."""

Came = tuple[int, Frame, str]
"""Time of arrival, frame, and what became of it: RECEIVED, CONFIRMED, or why it was not sent."""
_RECEIVED: Final = "received"
_CONFIRMED: Final = "confirmed"


class PythonCanLink:
    """One python-can bus."""

    def __init__(self, address: LinkAddress, rates: LinkRates) -> None:
        self.name: str = str(address)
        self.arbiter = Arbiter.ADAPTER
        self._address = address
        self._rates = rates
        self._bus: can.BusABC | None = None
        self._echoes: deque[Frame] | None = deque(maxlen=QUEUE) if address.interface in ECHOING else None
        self._outgoing: Queue[Frame] = Queue(QUEUE)
        self._incoming: deque[Came] = deque()
        self._lost = 0
        self._busy = False
        self._told = False
        self._ending = threading.Event()
        self._failed = ""
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    # The seam

    def open(self, user: LinkUser) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        self._loop = loop
        self._user = user
        self._bus = _open(self._address, self._rates)
        for work in (self._read, self._write):
            thread = threading.Thread(target=work, args=(self._bus,), name=f"{self.name} {work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(_ENDED)
        if self._bus is not None:
            with contextlib.suppress(can.CanError, OSError):
                self._bus.shutdown()
            self._bus = None

    def drain(self) -> int:
        came = len(self._incoming)
        self._take()
        return came

    def send(self, frame: Frame) -> bool:
        try:
            self._outgoing.put_nowait(frame)
        except Full:
            self._busy = True
            return False
        return True

    def want(self, keys: frozenset[int] | None) -> None:
        if self._bus is None:
            return
        filters: list[Any] | None = None
        if keys is not None:
            filters = [
                {
                    "can_id": key & ID_MASK,
                    "can_mask": ID_MASK if key & EXTENDED else 0x7FF,
                    "extended": key & EXTENDED != 0,
                }
                for key in sorted(keys)
            ]
        with contextlib.suppress(can.CanError, NotImplementedError):
            self._bus.set_filters(filters)

    # In the threads

    def _read(self, bus: can.BusABC) -> None:
        while not self._ending.is_set():
            try:
                message = bus.recv(WAIT_S)
            except (can.CanError, OSError) as error:
                self._report(error)
                continue
            if message is not None:
                frame = from_message(message)
                self._come(frame, _CONFIRMED if self._is_echo(frame) else _RECEIVED)
                self._recovered()

    def _write(self, bus: can.BusABC) -> None:
        while not self._ending.is_set():
            try:
                frame = self._outgoing.get(timeout=WAIT_S)
            except Empty:
                continue
            if self._echoes is not None:
                with self._lock:
                    self._echoes.append(frame)
            try:
                bus.send(to_message(frame), timeout=WAIT_S)
            except (can.CanError, OSError, ValueError) as error:
                self._is_echo(frame)
                self._come(frame, _sentence(error))
            else:
                if self._echoes is None:
                    self._come(frame, _CONFIRMED)

    def _is_echo(self, frame: Frame) -> bool:
        """Whether it is one of those that we have sent and not seen yet; it is taken off their list."""
        if self._echoes is None:
            return False
        with self._lock:
            try:
                self._echoes.remove(frame)
            except ValueError:
                return False
        return True

    def _come(self, frame: Frame, what: str) -> None:
        """Put something before the loop, and wake it where it does not look already."""
        time_ns = self._loop.pace.time_ns()
        with self._lock:
            if what is _RECEIVED and len(self._incoming) >= QUEUE:
                self._lost += 1
                return
            self._incoming.append((time_ns, frame, what))
            wake, self._told = not self._told, True
        if wake:
            self._call(self._take)

    def _report(self, error: Exception) -> None:
        """The interface failed: once until it works again, and then not in a hurry."""
        if not self._failed:
            self._failed = _sentence(error)
            self._call(self._user.down, f"{self.name}: {self._failed}")
        self._ending.wait(WAIT_S)

    def _recovered(self) -> None:
        if self._failed:
            self._failed = ""
            self._call(self._user.up)

    def _call(self, function: Any, *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    # In the loop

    def _take(self) -> None:
        with self._lock:
            came, self._incoming = self._incoming, deque()
            lost, self._lost = self._lost, 0
            self._told = False
        if self._ending.is_set():
            return
        if lost:
            self._user.lost(lost)
        for time_ns, frame, what in came:
            if what is _CONFIRMED:
                self._user.confirmed(frame, time_ns)
            elif what is not _RECEIVED:
                self._user.rejected(frame, f"{self.name}: {what}")
            elif frame.header & ERROR:
                self._user.trouble(BusEventKind.ERROR, f"{self.name} reports an error frame")
            else:
                self._user.received(frame, time_ns)
        if self._busy and not self._outgoing.full():
            self._busy = False
            self._user.ready()


def from_message(message: can.Message) -> Frame:
    """Our frame of a python-can message."""
    if message.is_error_frame:
        return Frame(ERROR | message.arbitration_id & ID_MASK, bytes(message.data))
    header = message.arbitration_id
    if message.is_extended_id:
        header |= EXTENDED
    if message.is_remote_frame:
        return Frame(header | REMOTE, b"")
    if message.is_fd:
        header |= FD
        if message.bitrate_switch:
            header |= BRS
        if message.error_state_indicator:
            header |= ESI
    return Frame(header, bytes(message.data))


def to_message(frame: Frame) -> can.Message:
    """The python-can message of a frame of ours."""
    header = frame.header
    return can.Message(
        arbitration_id=header & ID_MASK,
        is_extended_id=header & EXTENDED != 0,
        is_remote_frame=header & REMOTE != 0,
        is_fd=header & FD != 0,
        bitrate_switch=header & BRS != 0,
        error_state_indicator=header & ESI != 0,
        data=frame.data,
        is_rx=False,
    )


def _open(address: LinkAddress, rates: LinkRates) -> can.BusABC:
    """LinkError with the reason when python-can cannot open it."""
    from can.interfaces import VALID_INTERFACES

    if address.interface not in VALID_INTERFACES:
        known = sorted(VALID_INTERFACES - {SOCKETCAN})
        near = nearest(address.interface, known) or f" (there are {SOCKETCAN}, {', '.join(known)})"
        raise LinkError(f"link {address}: there is no interface {address.interface!r}{near}")
    settings: dict[str, Any] = {
        "interface": address.interface,
        "channel": address.channel,
        "bitrate": address.bitrate or rates.bitrate,
        **{key: _value(text) for key, text in address.options.items()},
    }
    if rates.data_bitrate is not None:
        settings |= {"fd": True, "data_bitrate": address.data_bitrate or rates.data_bitrate}
    try:
        return can.Bus(**settings, ignore_config=True)
    except Exception as error:  # noqa: BLE001 - the edge to the makers' drivers: without their libraries they raise anything
        raise LinkError(f"link {address} cannot be opened: {_sentence(error)}") from None


def _value(text: str) -> object:
    """A number or a switch where the text is one."""
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
