"""The CAN tool's side of the socket: blocking, for threads, one record at a time.

Records are left in the kernel's buffer until they are asked for. So the descriptor is readable exactly while there is
something to receive, for whoever waits for it with select or asyncio.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from pathlib import Path
from typing import Final, TypeVar

from gateway.links.errors import LinkError
from gateway.links.records import VERSION, Bye, Condition, Failure, Hello, Open, Opened, Record, Stream, Welcome
from gateway.links.wire import HEAD, decode, encode, record_length
from gateway.sim import wall_clock_ns

_ANSWER_S: Final = 5.0
"""A simulation that lives answers within this time."""
_LINGER_NS: Final = 2_000_000_000
_SEND_BUFFER: Final = 16384
"""Small, so that a sender feels the bus: some 40 frames, then it waits."""
_GLIMPSE: Final = 128
"""More than a frame's record; most records are seen whole with one call."""
_NS_PER_MS: Final = 1_000_000
T = TypeVar("T")


class ClosedError(LinkError):
    """The connection is over."""


class Client:
    """One connection to a simulation; `open` makes it a participant of a bus."""

    def __init__(self, place: Path, name: str) -> None:
        """Connect and greet. Raises `LinkError`."""
        self.place: Final = place
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._receiving = threading.Lock()
        self._sending = threading.Lock()
        self._unsent = b""
        try:
            self._socket.settimeout(_ANSWER_S)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            self._socket.connect(str(place))
            self.welcome: Final = self._ask(Hello(VERSION, name), Welcome)
        except OSError as error:
            self._socket.close()
            raise LinkError(f"cannot connect to {place}: {error.strerror or 'no answer'}") from None
        except (LinkError, ValueError):
            self._socket.close()
            raise

    def open(self, channel: str, echo: bool) -> tuple[str, Condition]:
        """Take part in a bus; the name and the state of the controller. Raises `LinkError`."""
        try:
            opened = self._ask(Open(channel, echo), Opened)
            condition = self._answer(Condition)
        except OSError as error:
            raise LinkError(f"{self.place}: {error.strerror or 'no answer'}") from None
        self._socket.setblocking(False)
        return opened.name, condition

    def stream(self, name: str) -> socket.socket:
        """Ask for a stream instead of a bus; gives the socket, which is the caller's from now on. Raises `LinkError`."""
        try:
            self._ask(Stream(name), Opened)
        except OSError as error:
            raise LinkError(f"{self.place}: {error.strerror or 'no answer'}") from None
        self._socket.settimeout(None)
        return self._socket

    def fileno(self) -> int:
        """Readable while there is something to receive; -1 after `close`."""
        return self._socket.fileno()

    def wait(self, events: int, timeout_s: float | None) -> bool:
        """Wait until the socket is readable (select.POLLIN) or writable (select.POLLOUT). False when time is up."""
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(None if timeout_s is None else max(0.0, timeout_s) * 1000))

    def receive(self) -> Record | None:
        """The next record that is there whole; None when there is none. Raises `LinkError`."""
        with self._receiving:
            try:
                glimpse = self._socket.recv(_GLIMPSE, socket.MSG_PEEK)
                if not glimpse:
                    raise ClosedError("the simulation has ended")
                if len(glimpse) < HEAD:
                    return None
                end = HEAD + record_length(glimpse)
                if len(glimpse) < end and len(self._socket.recv(end, socket.MSG_PEEK)) < end:
                    return None
                data = self._socket.recv(end)
            except BlockingIOError:
                return None
            except OSError as error:
                raise ClosedError(f"the connection to the simulation is broken: {error.strerror}") from None
        record = decode(data[HEAD:])
        if isinstance(record, Failure):
            raise ClosedError(record.reason)
        return record

    def send(self, data: bytes, timeout_s: float | None) -> bool:
        """Send one record. False when the simulation had no room for it in time; nothing of it is sent then.

        Raises `LinkError` when the connection is over.
        """
        deadline = None if timeout_s is None else wall_clock_ns() + round(timeout_s * 1000) * _NS_PER_MS
        with self._sending:
            while self._unsent:  # the rest of a record that has been promised
                if not self._pass(b"") and not self._writable(deadline):
                    return False
            while not self._pass(data):
                if not self._writable(deadline):
                    return False
        return True

    def _pass(self, data: bytes) -> bool:
        """Give bytes to the kernel; True when it took some: the rest is kept then, and goes first the next time."""
        whole = self._unsent + data
        try:
            count = self._socket.send(whole)
        except BlockingIOError:
            return False
        except OSError as error:
            raise ClosedError(f"the connection to the simulation is broken: {error.strerror}") from None
        self._unsent = whole[count:]
        return count > 0

    def _writable(self, deadline: int | None) -> bool:
        return self.wait(select.POLLOUT, None if deadline is None else (deadline - wall_clock_ns()) / 1e9)

    def close(self) -> None:
        """Close when the simulation has taken everything that was sent before, or after two seconds."""
        deadline = wall_clock_ns() + _LINGER_NS
        with contextlib.suppress(OSError, LinkError), self._receiving:
            self._socket.setblocking(False)
            if self.send(encode(Bye()), 1.0):
                while wall_clock_ns() < deadline and self.wait(select.POLLIN, (deadline - wall_clock_ns()) / 1e9):
                    if not self._socket.recv(65536):
                        break
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    # The handshake, with the socket blocking

    def _ask(self, request: Record, answer: type[T]) -> T:
        self._socket.sendall(encode(request))
        return self._answer(answer)

    def _answer(self, answer: type[T]) -> T:
        record = decode(self._exactly(record_length(self._exactly(HEAD))))
        if isinstance(record, Failure):
            raise LinkError(record.reason)
        if not isinstance(record, answer):
            raise LinkError(f"{self.place} answers with {type(record).__name__}: is that a simulation?")
        return record

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ClosedError(f"{self.place}: the simulation has closed the connection")
            data += piece
        return data
