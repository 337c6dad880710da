"""What is wrong with a message although it could be read: signals past its end, signals on top of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.database.diagnostic import Findings
from gateway.database.message import Message
from gateway.database.signal import Signal

FD_LENGTHS: Final = frozenset((*range(9), 12, 16, 20, 24, 32, 48, 64))


def check(message: Message, findings: Findings) -> None:
    """Adds what is found in one message."""
    if message.length > 64:
        findings.remark(message.line, f"message {message.name} has {message.length} bytes, more than any CAN frame")
    elif message.length not in FD_LENGTHS:
        text = f"message {message.name} has {message.length} bytes, which is no length of a CAN FD frame"
        findings.remark(message.line, text)
    fitting = []
    for signal in message.signals:
        if signal.end_bit <= 8 * message.length:
            fitting.append(signal)
        else:
            text = f"signal {signal} ends with bit {signal.end_bit}, past the {message.length} bytes of its message"
            findings.warn(signal.line, f"{text}; it is never decoded")
    _check_overlaps(message, fitting, findings)


def _check_overlaps(message: Message, signals: list[Signal], findings: Findings) -> None:
    """One finding for each signal that lies on one before it while both are in the payload.

    A signal that holds others whole is how some makers name a group of them: that is only remarked.
    """
    taken = 0
    before: list[tuple[Signal, int]] = []
    for signal in signals:
        mask = _mask(signal, message.length)
        for other, others in before if mask & taken else ():
            if mask & others and not _exclusive(signal, other, message):
                if mask & others in (mask, others):
                    findings.remark(signal.line, f"signals {signal} and {other.name} share bits, one holds the other")
                else:
                    text = f"signals {signal} and {other.name} overlap; each is decoded from its own bits"
                    findings.warn(signal.line, text)
                break
        taken |= mask
        before.append((signal, mask))


def _mask(signal: Signal, length: int) -> int:
    """The bits of a signal in the payload read as a little endian number."""
    ones = (1 << signal.length) - 1
    if not signal.big_endian:
        return ones << signal.start
    return int.from_bytes((ones << (8 * length - signal.end_bit)).to_bytes(length, "big"), "little")


def _exclusive(one: Signal, other: Signal, message: Message) -> bool:
    """Whether a multiplexer keeps the two from being in one payload."""
    theirs = dict(_selections(other, message))
    return any(selector in theirs and not ids & theirs[selector] for selector, ids in _selections(one, message))


def _selections(signal: Signal, message: Message) -> Iterator[tuple[str, frozenset[int]]]:
    """Each multiplexer that the signal depends on with the values that it must have."""
    while signal.multiplexer_signal is not None:
        yield signal.multiplexer_signal, frozenset(signal.multiplexer_ids)
        signal = message.by_name[signal.multiplexer_signal]
