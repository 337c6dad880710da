"""Frames for the tests of links: all formats that can be."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from gateway.can import BRS, ESI, EXTENDED, FD, LENGTHS, REMOTE, Frame

identifiers = st.one_of(st.integers(0, 0x7FF), st.integers(0, 0x1FFFFFFF).map(lambda number: number | EXTENDED))
classic = st.builds(Frame, identifiers, st.binary(max_size=8))
remote = st.builds(Frame, identifiers.map(lambda header: header | REMOTE), st.just(b""))
flexible = st.builds(
    lambda header, flags, length, byte: Frame(header | FD | flags, bytes([byte]) * length),
    identifiers,
    st.sampled_from((0, BRS, ESI, BRS | ESI)),
    st.sampled_from(LENGTHS),
    st.integers(0, 255),
)
frames = st.one_of(classic, remote, flexible)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut, doubled or put in."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(whole) + 1)
        match chance.randrange(5):
            case 0 if at < len(whole):
                whole[at] ^= 1 << chance.randrange(8)
            case 1:
                del whole[at : at + chance.randint(1, 9)]
            case 2:
                whole[at:at] = chance.randbytes(chance.randint(1, 9))
            case 3:
                whole[at:at] = whole[max(0, at - 12) : at]
            case _ if at < len(whole):
                whole[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0x3C, 0x3E, 0x20))
    return bytes(whole)


def in_pieces(data: bytes, chance: random.Random) -> list[bytes]:
    """The same bytes as a stream may bring them."""
    pieces = []
    while data:
        size = chance.randint(1, max(1, min(len(data), 40)))
        pieces.append(data[:size])
        data = data[size:]
    return pieces
