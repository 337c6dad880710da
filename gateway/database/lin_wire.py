"""Identifiers and checksums of LIN frames (LIN 2.2A, 2.3.1): what LDF files, the bus and recordings share."""

from __future__ import annotations

from enum import Enum
from typing import Final

LAST_ID: Final = 0x3B
"""The last identifier that carries signals."""
REQUEST_ID: Final = 0x3C
RESPONSE_ID: Final = 0x3D


class ChecksumModel(Enum):
    """What a checksum is over: the data (LIN 1.3, diagnostic frames), or the protected identifier as well."""

    CLASSIC = "classic"
    ENHANCED = "enhanced"


def protected(frame_id: int) -> int:
    """The identifier of 6 bits with its two parity bits (2.3.1.3)."""
    even = frame_id ^ frame_id >> 1 ^ frame_id >> 2 ^ frame_id >> 4
    odd = frame_id >> 1 ^ frame_id >> 3 ^ frame_id >> 4 ^ frame_id >> 5
    return frame_id | (even & 1) << 6 | (~odd & 1) << 7


PROTECTED: Final = tuple(protected(frame_id) for frame_id in range(64))


def checksum(data: bytes, model: ChecksumModel, frame_id: int) -> int:
    """The inverted sum with carry of the data, and of the protected identifier in the enhanced model (2.3.1.5).

    Adding the carry makes it a sum modulo 255 in which 255 stands for every multiple but zero itself.
    """
    total = sum(data)
    if model is ChecksumModel.ENHANCED:
        total += PROTECTED[frame_id & 0x3F]
    return 255 - ((total - 1) % 255 + 1) if total else 255


def usual_model(frame_id: int) -> ChecksumModel:
    """Diagnostic frames always have the classic checksum (2.3.1.5), others the enhanced one in LIN 2."""
    return ChecksumModel.CLASSIC if frame_id >= REQUEST_ID else ChecksumModel.ENHANCED
