"""One connection of a program outside, whatever it speaks: the asyncio side that all stream protocols share.

What the program asks for is taken only as far as its controller has room; then nothing more is read, the kernel's
buffers fill, and the program has to wait, as it would for a real adapter. Frames of one instant go out together.
"""

from __future__ import annotations

import asyncio
from typing import Final, Generic, Protocol, TypeVar

from gateway.can import Bus, Frame
from gateway.links.participant import Participant

WRITE_BUFFER: Final = 65536
"""Bytes that the transport holds for a program before frames wait in its conversation."""

_ACCEPTED_TURNS: Final = 3
"""Turns of the loop from the acceptance of a connection to its `connection_made`, and one more."""
_ENDING_TURNS: Final = 100
"""A program that reads has its last words after so many turns of the loop."""

Request = TypeVar("Request")
Asked_co = TypeVar("Asked_co", covariant=True)


class Conversation(Protocol[Asked_co]):
    """What a protocol does with bytes; knows no socket. `failure`: why it was broken off, if it was."""

    failure: str | None

    @property
    def over(self) -> bool: ...
    def receive(self, data: bytes) -> None: ...
    def closed(self) -> None: ...
    def next(self) -> Asked_co | None: ...
    def end(self, reason: str | None = None) -> None: ...


class Connected(Protocol):
    """A connection of a server, for its end."""

    def stop(self, reason: str) -> None: ...
    def abort(self) -> None: ...


class Clients:
    """The connections of one server. `broken`: conversations that ended with a fault."""

    def __init__(self) -> None:
        self.now: set[Connected] = set()
        self.broken = 0

    def __len__(self) -> int:
        return len(self.now)

    async def end(self, acceptor: asyncio.Server) -> None:
        """Accept no more connections, and end all conversations."""
        loop = asyncio.get_running_loop()
        for listening in acceptor.sockets:
            # A server that is closed while it accepts a connection leaves that one open for ever (Python 3.11).
            loop.remove_reader(listening.fileno())
        await self._turns(_ACCEPTED_TURNS)
        acceptor.close()
        for client in list(self.now):
            client.stop("the simulation has ended")
        await self._turns(_ENDING_TURNS)
        for client in list(self.now):
            client.abort()
        await self._turns(1)

    async def _turns(self, most: int) -> None:
        """Let the loop go round so many times, or until all are gone."""
        for turn in range(most):
            if turn >= _ACCEPTED_TURNS and not self.now:
                return
            await asyncio.sleep(0)


class StreamClient(asyncio.Protocol, Generic[Request]):
    """One connection. A subclass says what to do with requests and frames."""

    def __init__(self, clients: Clients, loop: asyncio.AbstractEventLoop, conversation: Conversation[Request]) -> None:
        self.loop: Final = loop
        self.participant: Participant | None = None
        self._clients = clients
        self._conversation = conversation
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._full = False
        self._input_over = False

    def do(self, request: Request) -> None:
        """Do what the program asks for."""
        raise NotImplementedError

    def hear(self, frame: Frame) -> None:
        """A frame of others, or an error frame."""
        raise NotImplementedError

    def echo(self, frame: Frame) -> None:
        """A frame of this program, which is through."""

    def changed(self) -> None:
        """The error state of the controller has changed."""

    def outgoing(self) -> bytes:
        """All that is to be sent now."""
        raise NotImplementedError

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._transport = transport
        self._clients.now.add(self)
        self.soon()

    def data_received(self, data: bytes) -> None:
        self._conversation.receive(data)
        self.work()

    def eof_received(self) -> bool:
        """The program sends nothing more; what it has sent is still worked off."""
        self._input_over = True
        self.work()
        return self._transport is not None

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._input_over = True
        self.work()
        self._clients.now.discard(self)
        if self._conversation.failure is not None:
            self._clients.broken += 1

    # The program's requests

    def join(self, bus: Bus, name: str) -> Participant:
        """Become a participant of a bus."""
        self.participant = Participant(
            bus, name, self.hear, echo=self.echo, changed=self.changed, room_again=self._room_again
        )
        return self.participant

    def _room_again(self) -> None:
        self.loop.call_soon(self.work)

    def work(self) -> None:
        """Do what the program asks for, as far as its controller has room."""
        while self.participant is None or self.participant.room:
            request = self._conversation.next()
            if request is None:
                break
            self.do(request)
        else:
            if self._transport is not None:
                self._transport.pause_reading()
            return
        if self._input_over:
            self._conversation.closed()
            self._conversation.end()
        if self._conversation.over:
            self.close()
        else:
            if self._transport is not None:
                self._transport.resume_reading()
            self.soon()

    def soon(self) -> None:
        """Send what there is to send, when this instant is over."""
        if not self._flushing and not self._full:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._transport is not None and not self._full:
            data = self.outgoing()
            if data:
                self._transport.write(data)

    def hand_over(self) -> asyncio.Transport | None:
        """Send what there is to send, and have no more to do with the connection. None when it is gone."""
        self._flush()
        transport, self._transport = self._transport, None
        self._clients.now.discard(self)
        return transport

    # The end

    def stop(self, reason: str) -> None:
        """Break the conversation off, and tell the program why."""
        if not self._conversation.over:
            self._conversation.end(reason)
        self.close()

    def abort(self) -> None:
        """Drop the connection, with what is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if self.participant is not None:
            self.participant.leave()
        if self._transport is None:
            return
        if self._full:
            self._transport.abort()  # it does not read, so it would not read the end either
        else:
            self._flush()
            self._transport.close()
