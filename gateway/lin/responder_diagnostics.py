"""Diagnostics in a responder: requests with 0x3C in, answers to the header 0x3D out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.can import Frame
from gateway.database.lin import Responder
from gateway.database.lin_wire import RESPONSE_ID
from gateway.lin.configuration import Configuration
from gateway.lin.transport import FUNCTIONAL_NAD, Reassembly, TransportMessage, segments
from gateway.sim import Kernel

DiagnosticService = Callable[[bytes], bytes | None]
"""From the payload of a request to that of the answer; None for no answer."""


class ResponderDiagnostics:
    """Answers requests: node configuration by itself, all else by `service`. An answer is ready P2_min after its
    request; a new request takes the place of an answer that was not fetched."""

    def __init__(self, kernel: Kernel, configuration: Configuration, responder: Responder) -> None:
        self.service: DiagnosticService | None = None
        self.configuration: Final = configuration
        self.reassembly: Final = Reassembly(responder.n_cr_ns)
        self.requests: int = 0
        self._kernel = kernel
        self._p2_min_ns = responder.p2_min_ns
        self._st_min_ns = responder.st_min_ns
        self._ready_ns = 0
        self._pdus: deque[bytes] = deque()

    def receive(self, frame: Frame) -> None:
        """A frame with identifier 0x3C has come."""
        request = self.reassembly.receive(frame.data, self._kernel.now)
        if request is None:
            return
        answer = self.configuration.handle(request)
        addressed = self.configuration.addressed(request.nad) or request.nad == FUNCTIONAL_NAD
        if not addressed and answer is None:
            return
        self.requests += 1
        self._pdus.clear()
        quick = answer is not None
        if answer is None and self.service is not None:
            payload = self.service(request.payload)
            if payload and request.nad != FUNCTIONAL_NAD:
                answer = TransportMessage(self.configuration.nad, payload)
        if answer is not None:
            self._pdus.extend(segments(answer))
            # Node configuration is answered in the next slot (LIN 2.2A, 4.2.4); diagnostics may take its time.
            self._ready_ns = self._kernel.now + (0 if quick else self._p2_min_ns)

    def supply(self) -> Frame | None:
        """The next frame of the answer, when the header 0x3D has come."""
        if not self._pdus or self._kernel.now < self._ready_ns:
            return None
        return Frame(RESPONSE_ID, self._pdus[0])

    def sent(self) -> None:
        """The frame that was supplied is through."""
        if self._pdus:
            self._pdus.popleft()
            self._ready_ns = self._kernel.now + self._st_min_ns

    def forget(self) -> None:
        """As after a reset."""
        self._pdus.clear()
