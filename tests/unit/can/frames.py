"""Random frames of all formats, each with its bits as `wire` builds them."""

from __future__ import annotations

import random

import wire

from gateway.can import BRS, ESI, EXTENDED, FD, LENGTHS, REMOTE, Frame

PATTERNS = tuple(
    bytes.fromhex(pattern) for pattern in ("00", "FF", "1FF807C1", "E1", "3C", "0F87C3E1", "55", "F0", "1F", "83E07C")
)
"""Payloads, repeated to their length, that owe as many stuff bits as possible, none, or one at each byte's border."""


def payload(chance: random.Random, length: int) -> bytes:
    pattern = chance.choice(PATTERNS)
    regular = (pattern * length)[:length]
    drawn = chance.randbytes(length)
    cut = chance.randint(0, length)
    return chance.choice((regular, drawn, regular[:cut] + drawn[cut:]))


def identifier(chance: random.Random, bits: int) -> int:
    all_ones = (1 << bits) - 1
    return chance.choice((chance.getrandbits(bits), 0, all_ones, 0x1F07C1F0 & all_ones, 1 << chance.randrange(bits)))


def frame_and_wire(chance: random.Random) -> tuple[Frame, wire.Wire]:
    extended = chance.random() < 0.5
    header = EXTENDED if extended else 0
    number = identifier(chance, 29 if extended else 11)
    kind = chance.choice(("classic", "classic", "remote", "fd", "fd"))
    if kind == "remote":
        return Frame(header | number | REMOTE, b""), wire.classic(number, b"", extended=extended, remote=True)
    if kind == "classic":
        data = payload(chance, chance.choice((8, 8, 8, *range(8))))
        return Frame(header | number, data), wire.classic(number, data, extended=extended)
    data = payload(chance, chance.choice(LENGTHS))
    brs, esi = chance.random() < 0.7, chance.random() < 0.3
    header |= FD | (BRS if brs else 0) | (ESI if esi else 0)
    return Frame(header | number, data), wire.flexible(number, data, extended=extended, brs=brs, esi=esi)
