"""A longer campaign against mappings and expressions: `python tests/campaigns/mapping.py [SEED] [ROUNDS]`.

Mapping files with random damage may only give a MappingError; random expressions must have the result of
py_expression_eval wherever both have one. Prints what it did; exit code 1 at the first deviation.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

# This folder has files named like packages (can.py) and, being the script's, comes first where Python looks for them.
sys.path.sort(key=lambda entry: Path(entry).resolve() == Path(__file__).resolve().parent)

from gateway.can import Frame
from gateway.database import Database, load
from gateway.errors import GatewayError
from gateway.routing import CanToVss, VssToCan, load_mapping
from gateway.routing.expression import ExpressionError, compile_expression
from gateway.routing.store import SignalError, SignalStore
from gateway.sim import Kernel

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "model3-vss"
WORDS = [
    "null", "true", "-1", "1e999", "[]", "{}", '"x"', "x", "*a", "&a", "signal", "children", "dbc2vss", "vss2dbc",
    "transform", "mapping", "math", "from", "to", "type", "datatype", "int8[]", "string", "sensor", "actuator", "allowed",
    "multiplexer", "Speed", "DI_gear", '"1/x"', '"x^9^9"', "999999999999999999999", "\n", ":", ",", "}", "]", '"', "\x00",
]  # fmt: skip


def damaged(stream: random.Random, text: str) -> str:
    """Some spans removed, doubled, or replaced by a word that means something in these files."""
    for _ in range(stream.randint(1, 4)):
        start = stream.randrange(len(text))
        end = start + stream.choice((0, 1, 4, 20, 200))
        text = text[:start] + stream.choice([*WORDS, "", text[start:end] * 2]) + text[end:]
    return text


def exercise(path: Path, databases: dict[str, Database], stream: random.Random) -> str:
    """Load a file and, where that works, send through it what comes."""
    try:
        mapping = load_mapping(path, databases)
    except GatewayError as error:
        return "refused" if str(error).startswith(str(path)) else f"refused without its file: {error}"
    kernel = Kernel()
    store = SignalStore(kernel)
    up = CanToVss(kernel, mapping.upward, store)
    down = VssToCan(mapping.downward, store, lambda _, message, values: message.encode(values))
    for (_, key), message in up.messages.items():
        for _ in range(3):
            kernel.run(kernel.now + stream.randrange(2_000_000_000))
            message.on_frame(Frame(key, stream.randbytes(stream.randint(0, 8))))
    for command in down.commands:
        for value in (True, 0, 50, -1e300, "x", [1]):
            try:
                store[command.rule.leaf.path].actuate(value)
            except SignalError:
                continue
    assert up.balanced
    return "loaded"


def grown(stream: random.Random, depth: int) -> str:
    if depth == 0 or stream.random() < 0.2:
        return stream.choice(["x", "y", "1", "2", "0.5", "3", "PI", "'D'"])
    kind = stream.random()
    parts = [grown(stream, depth - 1) for _ in range(3)]
    if kind < 0.6:
        sign = stream.choice(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", " and ", " or ", " xor ", "||"])
        return f"{parts[0]}{sign}{parts[1]}"
    if kind < 0.8:
        return f"({parts[0]})"
    if kind < 0.9:
        return f"{stream.choice(['abs', 'floor', 'ceil', 'sin', 'sqrt', 'exp', 'log'])}({parts[0]})"
    return f"if({', '.join(parts)})"


def compare(stream: random.Random) -> str:
    from py_expression_eval import Parser

    text, x, y = grown(stream, 4), stream.randint(-5, 5), stream.uniform(-5, 5)
    ours: object = None
    with contextlib.suppress(ExpressionError):
        ours = compile_expression(text, ["x", "y"]).evaluate({"x": x, "y": y})
    try:
        theirs = Parser().parse(text).evaluate({"x": x, "y": y})
    except Exception:  # noqa: BLE001 - whatever its stack makes happen
        return "only ours" if ours is not None else "neither"
    if ours is None:
        return "only theirs"
    same = ours == theirs or (isinstance(ours, float) and abs(ours - theirs) <= 1e-9 * abs(theirs))
    assert same, (text, x, y, ours, theirs)
    return "same"


def main() -> None:
    seed, rounds = (int(argument) for argument in (*sys.argv[1:], "1", "500")[:2])
    stream = random.Random(seed)
    counts: Counter[str] = Counter()
    databases = {"vehicle": load(DATA / "Model3CAN.dbc")}
    tree = (DATA / "vss_dbc.json").read_text()
    overlay = (DATA / "dbc_overlay.vspec").read_text()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            name, text = ("a.json", tree) if number % 5 == 0 else ("a.vspec", overlay)
            path = Path(folder) / name
            path.write_text(damaged(stream, text))
            try:
                counts[exercise(path, databases, stream)] += 1
            except BaseException:
                sys.stderr.write(path.read_text())
                raise
    for _ in range(rounds * 20):
        counts[f"expressions: {compare(stream)}"] += 1
    sys.stdout.write(f"seed {seed}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}\n")


if __name__ == "__main__":
    main()
