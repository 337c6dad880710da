"""Diagnostics in the commander: requests go out in MasterReq slots, answers come in SlaveResp slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.can import Frame
from gateway.database.lin_wire import REQUEST_ID
from gateway.lin.transport import FUNCTIONAL_NAD, Reassembly, TransportMessage, segments
from gateway.sim import NS_PER_S, Kernel, Timer

Answered = Callable[[TransportMessage | None], object]
"""Called with the answer, or with None when none came in time."""
ANSWER_TIMEOUT_NS: Final = NS_PER_S


class _Request(NamedTuple):
    message: TransportMessage
    answered: Answered | None


class CommanderDiagnostics:
    """One request at a time; the others wait. `timeouts` counts answers that never came."""

    def __init__(self, kernel: Kernel) -> None:
        self.reassembly: Final = Reassembly(ANSWER_TIMEOUT_NS)
        self.timeouts: int = 0
        self._kernel = kernel
        self._waiting: deque[_Request] = deque()
        self._current: _Request | None = None
        self._pdus: deque[bytes] = deque()
        self._fixed: bytes | None = None
        self._awaits: bool = False
        self._timer = Timer(kernel, self._time_out)

    def request(self, nad: int, payload: bytes, answered: Answered | None = None) -> None:
        """Send a message to a node; LinError when it is too long. `answered` gets what comes back.

        Without `answered`, and to the functional address, no answer is awaited.
        """
        list(segments(TransportMessage(nad, payload)))
        self._waiting.append(_Request(TransportMessage(nad, payload), answered))
        if self._current is None:
            self._begin()

    def fix(self, data: bytes) -> None:
        """Send these eight bytes in this slot: a command of the schedule table. An answer may be fetched."""
        self._fixed = data
        self._awaits = True

    def put(self, pdu: bytes) -> None:
        """Send these eight bytes in the next MasterReq slot, and fetch what answers there may be."""
        self._pdus.append(pdu)
        self._awaits = True

    @property
    def has_request(self) -> bool:
        """Something is to be sent in a MasterReq slot."""
        return bool(self._pdus)

    @property
    def awaits(self) -> bool:
        """An answer is to be fetched in a SlaveResp slot."""
        return self._awaits and not self._pdus

    def supply(self) -> Frame | None:
        """The next frame with identifier 0x3C."""
        if self._fixed is not None:
            return Frame(REQUEST_ID, self._fixed)
        return Frame(REQUEST_ID, self._pdus[0]) if self._pdus else None

    def sent(self) -> None:
        """The frame that was supplied is through."""
        if self._fixed is not None:
            self._fixed = None
            return
        if not self._pdus:
            return
        self._pdus.popleft()
        if self._pdus or self._current is None:
            return
        if self._current.answered is None or self._current.message.nad == FUNCTIONAL_NAD:
            self._end(None)
        else:
            self._awaits = True
            self._timer.set(self._kernel.now + ANSWER_TIMEOUT_NS)

    def receive(self, frame: Frame) -> None:
        """An answer's frame with identifier 0x3D has come."""
        message = self.reassembly.receive(frame.data, self._kernel.now)
        if message is not None:
            self._awaits = False
            if self._current is not None:
                self._end(message)
        elif self.reassembly.busy and self._current is not None:
            self._timer.set(self._kernel.now + ANSWER_TIMEOUT_NS)

    def forget(self) -> None:
        """As after a reset: whoever waits is told that no answer comes."""
        self._fixed = None
        self._awaits = False
        self._pdus.clear()
        while self._current is not None:
            self._end(None)

    def _begin(self) -> None:
        self._current = self._waiting.popleft() if self._waiting else None
        if self._current is not None:
            self._pdus.extend(segments(self._current.message))

    def _time_out(self) -> None:
        self.timeouts += 1
        self._awaits = False
        self._end(None)

    def _end(self, answer: TransportMessage | None) -> None:
        current = self._current
        self._timer.cancel()
        self._begin()
        if current is not None and current.answered is not None:
            current.answered(answer)
