"""Receiving a message that has a counter and a checksum: whether what came can be trusted."""

from __future__ import annotations

from typing import Final

from gateway.com import ALGORITHMS, RxMessage
from gateway.ecu import Ecu

LARGEST_STEP: Final = 3
"""So many counts from one frame to the next are taken: two lost frames are no fault."""
CHECKSUM_BYTE: Final = 0


class SafeMessage:
    """Judges each reception of one message. `valid` while a good frame has come within `timeout_ns`.

    A frame is good when its checksum is right and its counter went on by 1 to 3. `wrong` counts those that were not.
    """

    def __init__(self, ecu: Ecu, name: str, timeout_ns: int, algorithm: str = "crc8-j1850") -> None:
        self.wrong = 0
        self._ecu = ecu
        self._timeout_ns = timeout_ns
        self._checksum = ALGORITHMS[algorithm]
        self._count = -1
        self._good_ns = -1
        self._counter = ecu.rx(f"{name}.Counter")
        ecu.on(name, self._receive)

    def _receive(self, message: RxMessage) -> None:
        data = message.data
        count = int(self._counter.value)
        step = (count - self._count) % 16 if self._count >= 0 else 1
        self._count = count
        clear = data[:CHECKSUM_BYTE] + b"\0" + data[CHECKSUM_BYTE + 1 :]
        if self._checksum(clear) == data[CHECKSUM_BYTE] and 1 <= step <= LARGEST_STEP:
            self._good_ns = self._ecu.now_ns
        else:
            self.wrong += 1

    @property
    def valid(self) -> bool:
        return self._good_ns >= 0 and self._ecu.now_ns - self._good_ns <= self._timeout_ns
