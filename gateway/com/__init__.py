"""Messages with the values of their signals, as a controller sends and receives them. Knows `can` and `database`."""

from gateway.com.errors import ComError
from gateway.com.protection import ALGORITHMS, Protection
from gateway.com.receive import MISSED_CYCLES, RxMessage, RxSignal, label_of
from gateway.com.transmit import TransmitTask, TxMessage, TxSignal, header_of

__all__ = [
    "ALGORITHMS",
    "MISSED_CYCLES",
    "ComError",
    "Protection",
    "RxMessage",
    "RxSignal",
    "TransmitTask",
    "TxMessage",
    "TxSignal",
    "header_of",
    "label_of",
]
