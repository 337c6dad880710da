"""The mapping that kuksa's CAN provider ships for a real car, against cantools and the provider's rules by hand."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cantools
import pytest
from cantools.database.namedsignalvalue import NamedSignalValue

from gateway.can import Frame
from gateway.database import Database, Message, load
from gateway.routing import CanToVss, VssMapping, VssToCan, load_defaults, load_mapping
from gateway.routing.store import SignalError, SignalStore
from gateway.sim import Kernel

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "model3-vss"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the database and mapping of kuksa-can-provider")

SECOND = 1_000_000_000
FRAMES = 150
MATH: dict[str, Callable[[float], float]] = {
    "floor(x+0.5)": lambda x: math.floor(x + 0.5),
    "floor((x*40)-100)": lambda x: math.floor((x * 40) - 100),
    "floor(abs(x/5))": lambda x: math.floor(abs(x / 5)),
}
"""The expressions of the file, by hand."""
CASTS: dict[str, Callable[[Any], object]] = {"boolean": bool, "float": float, "string": str}
INTEGER_RANGES = {"int8": (-128, 127), "int16": (-32768, 32767), "uint8": (0, 255)}


@pytest.fixture(scope="module")
def databases() -> dict[str, Database]:
    return {"vehicle": load(DATA / "Model3CAN.dbc")}


@pytest.fixture(scope="module")
def mapping(databases: dict[str, Database]) -> VssMapping:
    return load_mapping(DATA / "vss_dbc.json", databases)


@pytest.fixture(scope="module")
def reference() -> Any:
    return cantools.database.load_file(DATA / "Model3CAN.dbc", strict=False)


@pytest.fixture(scope="module")
def leaves() -> dict[str, dict[str, Any]]:
    def walk(nodes: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, node in nodes.items():
            if "children" in node:
                yield from walk(node["children"], f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", node

    return dict(walk(json.loads((DATA / "vss_dbc.json").read_text()), ""))


def by_hand(leaf: dict[str, Any], decoded: dict[str, Any], definition: Any) -> object:
    """What the provider publishes, by its documentation and kuksa-client's casts; None for nothing."""
    rule = leaf["dbc2vss"]
    value = decoded.get(rule["signal"])
    if value is None:
        return None
    if not isinstance(value, NamedSignalValue):
        signal = definition.get_signal_by_name(rule["signal"])
        slack = abs(signal.scale) * 1e-6
        if signal.minimum is not None and value < signal.minimum - slack:
            return None
        if signal.maximum is not None and value > signal.maximum + slack:
            return None
    transform = rule.get("transform", {})
    if "mapping" in transform:
        value = next((pair["to"] for pair in transform["mapping"] if pair["from"] == value), None)
    elif "math" in transform:
        value = None if isinstance(value, NamedSignalValue) else MATH[transform["math"]](value)
    elif isinstance(value, NamedSignalValue):
        value = value.name if leaf["datatype"] == "string" else value.value
    if value is None or (leaf["datatype"] == "string" and not isinstance(value, str)):
        return None
    value = CASTS.get(leaf["datatype"], int)(value)
    if "allowed" in leaf and value not in leaf["allowed"]:
        return None
    if leaf["datatype"] in INTEGER_RANGES:
        low, high = INTEGER_RANGES[leaf["datatype"]]
        if not max(low, leaf.get("min", low)) <= value <= min(high, leaf.get("max", high)):  # type: ignore[operator]
            return None
    return value


def test_all_rules_are_loaded(mapping: VssMapping, leaves: dict[str, dict[str, Any]]) -> None:
    assert [rule.leaf.path for rule in mapping.upward] == [path for path in leaves if "dbc2vss" in leaves[path]]
    assert [rule.leaf.path for rule in mapping.downward] == [path for path in leaves if "vss2dbc" in leaves[path]]
    assert (len(mapping.upward), len(mapping.downward)) == (35, 3)
    (note,) = mapping.notes
    assert note.startswith("Vehicle.Powertrain.TractionBattery.Charging.IsCharging comes from all messages")


def test_the_overlay_has_the_same_rules(mapping: VssMapping, databases: dict[str, Database]) -> None:
    overlay = load_mapping(DATA / "dbc_overlay.vspec", databases)
    assert sorted(map(str, overlay.upward)) == sorted(map(str, mapping.upward))
    assert sorted(map(str, overlay.downward)) == sorted(map(str, mapping.downward))


def test_upwards_each_frame_gives_what_the_provider_gives(
    mapping: VssMapping, reference: Any, leaves: dict[str, dict[str, Any]]
) -> None:
    """Random payloads of all mapped messages, each far enough from the one before that no interval holds it back."""
    kernel = Kernel()
    store = SignalStore(kernel)
    up = CanToVss(kernel, mapping.upward, store, timeout_ns=0)
    stream = random.Random(3)
    published = dict.fromkeys((rule.leaf.path for rule in mapping.upward), 0)
    for _ in range(FRAMES):
        for (_, key), message in sorted(up.messages.items()):
            kernel.run(kernel.now + 4 * SECOND)
            definition = reference.get_message_by_frame_id(key)
            data = stream.randbytes(definition.length)
            decoded = definition.decode(data, allow_truncated=True)
            before = {path: up.feed(path).published for path in published}  # type: ignore[union-attr]
            message.on_frame(Frame(key, data))
            for path in published:
                feed = up.feed(path)
                assert feed is not None
                if key not in [place.key for place in feed.rule.places]:
                    assert feed.published == before[path]
                    continue
                expected = by_hand(leaves[path], decoded, definition)
                assert feed.published - before[path] == (expected is not None), (path, data.hex(), feed.last_refused)
                if expected is not None:
                    published[path] += 1
                    assert store[path].datapoint.value == expected, (path, data.hex())
                    assert type(store[path].datapoint.value) is type(expected)
    assert up.balanced
    assert [path for path, count in published.items() if count == 0] == []


@pytest.mark.parametrize(
    ("path", "value", "message", "signal", "expected"),
    [
        ("Vehicle.Body.Mirrors.DriverSide.Tilt", 50, "ID102VCLEFT_doorStatus", "VCLEFT_mirrorTiltYPosition", 3.76),
        ("Vehicle.Body.Mirrors.DriverSide.Pan", -100, "ID102VCLEFT_doorStatus", "VCLEFT_mirrorTiltXPosition", 0),
        ("Vehicle.Body.Trunk.Rear.IsOpen", True, "ID103VCRIGHT_doorStatus", "VCRIGHT_trunkLatchStatus", "LATCH_OPENED"),
        (
            "Vehicle.Body.Trunk.Rear.IsOpen",
            False,
            "ID103VCRIGHT_doorStatus",
            "VCRIGHT_trunkLatchStatus",
            "LATCH_CLOSED",
        ),
    ],
)
def test_downwards_cantools_decodes_what_was_asked_for(
    mapping: VssMapping,
    databases: dict[str, Database],
    reference: Any,
    path: str,
    value: bool | int,
    message: str,
    signal: str,
    expected: float | str,
) -> None:
    """3.76: (50 + 100) / 40 = 3.75 V lies between two steps of 0.02 V."""
    sent: list[tuple[str, bytes]] = []

    def send(_: str, message: Message, values: dict[str, int | float | str]) -> None:
        sent.append((message.name, message.encode(values)))

    store = SignalStore(Kernel())
    VssToCan(mapping.downward, store, send, load_defaults(DATA / "dbc_default_values.json", databases))
    store[path].actuate(value)
    ((name, data),) = sent
    assert name == message
    decoded = reference.get_message_by_name(message).decode(data)
    assert decoded[signal] == (pytest.approx(expected) if isinstance(expected, float) else expected)
    if message == "ID102VCLEFT_doorStatus":
        defaults = json.loads((DATA / "dbc_default_values.json").read_text())
        assert decoded["VCLEFT_mirrorHeatState"] == "HEATER_STATE_OFF"
        assert defaults["VCLEFT_mirrorHeatState"] == 2


def test_both_mirror_axes_share_the_message(mapping: VssMapping, reference: Any) -> None:
    sent: list[bytes] = []
    store = SignalStore(Kernel())
    VssToCan(mapping.downward, store, lambda _, message, values: sent.append(message.encode(values)))
    store["Vehicle.Body.Mirrors.DriverSide.Tilt"].actuate(100)
    store["Vehicle.Body.Mirrors.DriverSide.Pan"].actuate(-20)
    decoded = reference.get_message_by_name("ID102VCLEFT_doorStatus").decode(sent[-1])
    assert decoded["VCLEFT_mirrorTiltYPosition"] == pytest.approx(5)
    assert decoded["VCLEFT_mirrorTiltXPosition"] == pytest.approx(2)


def test_a_target_out_of_its_range_is_refused(mapping: VssMapping) -> None:
    sent: list[str] = []
    store = SignalStore(Kernel())
    VssToCan(mapping.downward, store, lambda _, message, __: sent.append(message.name))
    with pytest.raises(SignalError, match=r"cannot be 101: it takes -100 to 100 percent \(int8\)"):
        store["Vehicle.Body.Mirrors.DriverSide.Tilt"].actuate(101)
    assert sent == []
