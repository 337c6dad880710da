"""Numbers as they are meant: without the last digits that raw value times factor plus offset leaves in a float."""

from __future__ import annotations

import math
from typing import Final

_NOISY: Final = 17
"""Characters of a number that may have more digits than are meant."""


def meant(value: float) -> float:
    """A finite number without the noise: 0.3 for three steps of 0.1.

    Of 17 digits the noise is in the last two, or in some more where the offset has taken most of the number away. With
    those cut off, what was meant has few digits; a number that keeps many is given back as it is.
    """
    if len(repr(value)) < _NOISY:
        return value
    for digits in (12, 15):
        few = float(f"{value:.{digits}g}")
        if len(repr(few)) <= digits and math.isfinite(few):  # with point and sign: zeros came after them
            return few
    return value
