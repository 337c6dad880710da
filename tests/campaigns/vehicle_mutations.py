"""Mutated vehicle projects: bytes and words of the file changed at random, from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

WORDS = (
    *(
        "powertrain",
        "body",
        "Motor",
        "Lamps",
        "GW",
        "can",
        "canfd",
        "500k",
        "2M",
        "0",
        "-1",
        "1e400",
        "0x180",
        "0x7FFx",
    ),
    *(
        "true",
        "null",
        "~",
        "{}",
        "[]",
        "*",
        "&a",
        "*a",
        "<<",
        "10ms",
        "1000000h",
        ".nan",
        "''",
        '"\\0"',
        '"\\uD800"',
        "é",
    ),
    *("powertrain.*", "powertrain.MotorStatus", "body.ClusterInfo.DisplaySpeed", "powertrain.VehicleSpeed.Speed"),
    *(
        "dbc/body.dbc",
        "ecus/motor.py:Motor",
        "drive.csv",
        "vehicle.yaml",
        "/",
        "..",
        ":",
        "#",
        "-",
        "? ",
        "!!python/name:os",
    ),
    *(
        "when",
        "Rpm > 5",
        "1/0",
        "State == 'Off'",
        "map",
        "{1: 2}",
        "{Off: On}",
        "scale",
        "every",
        "timeout",
        "on_timeout",
    ),
    *(
        "node",
        "boot",
        "restbus",
        "links",
        "channel",
        "domains",
        "drive",
        "protect",
        "checksum",
        "sum8",
        "9" * 400,
        "0x" + "F" * 90,
    ),
)
_TOKEN = re.compile(rb"[\w./:*]+|[{}\[\],]|\s+|.", re.DOTALL)


def mutations(original: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`count` files, each with one to four changes."""
    chance = random.Random(seed)
    for _ in range(count):
        text = original
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            text = _mutated(text, chance)
        yield text


def _mutated(text: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(8)
    if not text or kind == 0:
        place = chance.randrange(len(text) + 1)
        return text[:place] + bytes([chance.randrange(256)]) + text[place + 1 :]
    if kind == 1:
        start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        return text[:start] + text[min(end, start + 60) :]
    if kind == 2:
        lines = text.splitlines(keepends=True)
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one] if chance.random() < 0.5 else lines[other]
        return b"".join(lines)
    tokens = _TOKEN.findall(text)
    words = [index for index, token in enumerate(tokens) if not token.isspace()]
    place = chance.choice(words)
    if kind < 6:
        tokens[place] = chance.choice(WORDS).encode("utf-8", "surrogatepass")
    elif kind == 6:
        tokens[place] = tokens[chance.choice(words)]
    else:
        del tokens[place]
    return b"".join(tokens)


def other_files(project: Path) -> list[str]:
    """The files besides the vehicle's that are worth mutating."""
    return [
        name
        for name in ("drive.csv", "dbc/signals.json", "dbc/powertrain.dbc", "ecus/motor.py")
        if (project / name).is_file()
    ]
