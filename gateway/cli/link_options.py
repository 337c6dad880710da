"""Options about real buses and parts of a vehicle, and how their values are read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import typer

from gateway.links import LinkAddress, parse_address
from gateway.sim import NS_PER_S

MIDNIGHT_1970: Final = 0


def links_option(texts: Sequence[str]) -> dict[str, LinkAddress]:
    """The addresses by bus of `BUS=CHANNEL` options. `typer.BadParameter` (exit code 2) for what is none."""
    found: dict[str, LinkAddress] = {}
    for text in texts:
        bus, equals, channel = text.partition("=")
        if not equals or not bus.strip():
            raise typer.BadParameter(f"--link {text}: write BUS=CHANNEL, like powertrain=vcan0")
        if bus.strip() in found:
            raise typer.BadParameter(f"--link {text}: bus {bus.strip()} has a link already")
        found[bus.strip()] = parse_address(channel)
    return found


def names_option(text: str | None) -> frozenset[str] | None:
    """The names of a list with commas between."""
    if text is None:
        return None
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def cycle_start_option(text: str | None, *, in_step: bool) -> int | None:
    """Nanoseconds since 1970 at which the drive cycle begins; None for when the run does.

    `in_step`: what is meant when nothing was said: cycles are counted from 1970 on, so that all parts of a vehicle are
    at the same place of the cycle. `typer.BadParameter` (exit code 2) for what is no time.
    """
    if text is None:
        return MIDNIGHT_1970 if in_step else None
    if text == "now":
        return None
    try:
        return round(float(text) * NS_PER_S)
    except (ValueError, OverflowError):
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"--cycle-start {text}: write now, seconds since 1970 (date +%s) or 2026-01-31T12:00:00Z"
        ) from None
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return round(utc.timestamp() * NS_PER_S)
