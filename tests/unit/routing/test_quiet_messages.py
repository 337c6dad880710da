"""A message that is quiet counts its frames at once, and otherwise has a function of its own for all its rules: what comes
of its frames is the same as when each rule by itself looks at each."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.can import Frame
from gateway.database import Database, Message, Signal
from gateway.routing.mapping import load_mapping
from gateway.routing.rules import VssMapping
from gateway.routing.store import SignalStore, Value
from gateway.routing.upward import CanToVss
from gateway.sim import Kernel

MS = 1_000_000
STATUS = Message(
    name="Status",
    arbitration_id=0x100,
    cycle_ns=10 * MS,
    length=5,
    signals=(
        Signal(name="Counter", start=0, length=4),
        Signal(name="Switch", start=4, length=2, choices={0: "Off", 1: "On", 3: "SNA"}),
        Signal(name="Big", start=11, length=10, big_endian=True, maximum=900),
        Signal(name="Fine", start=24, length=16, scale=0.5, maximum=20_000),
    ),
)
TWIN = Message(
    name="Twin", arbitration_id=0x200, cycle_ns=50 * MS, length=1, signals=(Signal(name="Big", start=0, length=8),)
)
TYRE = Message(
    name="Tyre",
    arbitration_id=0x300,
    cycle_ns=10 * MS,
    length=2,
    signals=(
        Signal(name="Where", start=0, length=1, is_multiplexer=True),
        Signal(name="Left", start=8, length=4, multiplexer_signal="Where", multiplexer_ids=(1,)),
        Signal(name="Pressure", start=12, length=4),
    ),
)
LEAVES: dict[str, dict[str, Any]] = {
    "Switch": {"datatype": "boolean", "dbc2vss": {"signal": "Status.Switch", "on_change": True, "interval_ms": 0,
               "transform": {"mapping": [{"from": "Off", "to": False}, {"from": "On", "to": True}]}}},
    "Big": {"datatype": "uint16", "dbc2vss": {"signal": "Big", "on_change": True, "interval_ms": 0}},
    "Slow": {"datatype": "float", "dbc2vss": {"signal": "Status.Fine", "interval_ms": 40}},
    "Whole": {"datatype": "uint8", "max": 200, "dbc2vss": {"signal": "Status.Fine", "interval_ms": 20}},
    "Number": {"datatype": "int8", "max": 2, "dbc2vss": {"signal": "Status.Switch", "interval_ms": 15}},
    "Counted": {"datatype": "double", "min": 2, "dbc2vss": {"signal": "Status.Counter", "interval_ms": 0}},
    "Computed": {"datatype": "float", "dbc2vss": {"signal": "Status.Counter", "interval_ms": 30,
                 "transform": {"math": "1/(x-3)"}}},
    "Left": {"datatype": "uint8", "dbc2vss": {"signal": "Tyre.Left", "interval_ms": 0}},
    "Pressure": {"datatype": "uint8", "max": 9, "dbc2vss": {"signal": "Tyre.Pressure", "interval_ms": 0}},
    "Changed": {"datatype": "float", "dbc2vss": {"signal": "Status.Fine", "interval_ms": 25, "on_change": True}},
}  # fmt: skip


class Way(Enum):
    """How frames come to the rules: as they do, without a message ever being quiet, or to each rule by itself."""

    QUIET = "quiet"
    BUSY = "busy"
    ALONE = "alone"


class Step(NamedTuple):
    """After `wait_ms`: a frame, or (data None) a value that an application publishes at a leaf."""

    wait_ms: int
    key: int
    data: bytes | None
    leaf: str = "Big"
    value: Value = 0


class Rig:
    def __init__(self, mapping: VssMapping, way: Way) -> None:
        self.kernel = Kernel()
        self.store = SignalStore(self.kernel)
        self.up = CanToVss(self.kernel, mapping.upward, self.store)
        self.way = way
        self.told: list[tuple[int, str, object]] = []
        for signal in self.store:
            signal.listen(lambda one: self.told.append((self.kernel.now, one.path, one.datapoint)))

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            self.kernel.run(self.kernel.now + step.wait_ms * MS + 1)
            if step.data is None:
                self.store[f"Vehicle.{step.leaf}"].publish(step.value)
                continue
            message = self.up.messages["bus", step.key]
            if self.way is Way.ALONE:
                message.receive_odd(step.data, self.kernel.now)
                continue
            if self.way is Way.BUSY:
                message.look_again()
            message.on_frame(Frame(step.key, step.data))
        self.kernel.run(self.kernel.now + 1000 * MS)

    def counts(self) -> list[object]:
        return [
            (one.rule.leaf.path, one.received, one.published, one.throttled, one.unchanged, dict(one.refused), one.absent,
             one.last_received_ns, one.last_reception, one.last_published)
            for one in self.up.feeds
        ]  # fmt: skip

    @property
    def passed(self) -> int:
        return sum(message.passed for message in self.up.messages.values())


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> VssMapping:
    return mapped(tmp_path_factory.mktemp("all"), LEAVES)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> VssMapping:
    """Without rules that look at each frame, or refuse some."""
    names = ("Switch", "Big", "Slow", "Changed")
    return mapped(tmp_path_factory.mktemp("some"), {name: LEAVES[name] for name in names})


def mapped(folder: Path, leaves: dict[str, dict[str, Any]]) -> VssMapping:
    path = folder / "signals.json"
    children = {name: {"type": "sensor", **leaf} for name, leaf in leaves.items()}
    path.write_text(json.dumps({"Vehicle": {"type": "branch", "children": children}}))
    return load_mapping(path, {"bus": Database("bus", "bus.dbc", (STATUS, TWIN, TYRE), ())})


def status(counter: int, switch: int, big: int, fine: int) -> bytes:
    return STATUS.encode_raw({"Counter": counter, "Switch": switch, "Big": big, "Fine": fine})


def in_order(told: list[tuple[int, str, object]]) -> list[tuple[int, str, object]]:
    """Signals that become stale in the same moment are told in the order in which their timers were set."""
    return sorted(told, key=lambda one: one[:2])


few = st.sampled_from
frames = st.builds(
    Step,
    few((0, 3, 10, 10, 10, 24, 31, 200)),
    st.just(0x100),
    st.builds(status, st.integers(0, 15), few((0, 0, 0, 1, 2, 3)), few((5, 5, 5, 300, 950)), few((8, 8, 9, 50_000)))
    | few((b"", b"\x00\x00")),
)
twins = st.builds(Step, few((1, 10)), st.just(0x200), st.binary(min_size=1, max_size=1))
tyres = st.builds(Step, few((3, 10, 10)), st.just(0x300), few((b"\x01\x30", b"\x01\x31", b"\x00\x30", b"\x01\xf0")))
published = st.builds(Step, few((0, 5)), st.just(0), st.none(), few(("Big", "Slow", "Left")), few((5, 7, 300)))


@pytest.mark.parametrize("way", [Way.BUSY, Way.ALONE])
@given(steps=st.lists(frames | frames | frames | twins | tyres | published, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_rules_at_once_do_what_each_does(mapping: VssMapping, way: Way, steps: list[Step]) -> None:
    quiet, other = Rig(mapping, Way.QUIET), Rig(mapping, way)
    quiet.take(steps)
    other.take(steps)
    assert in_order(quiet.told) == in_order(other.told)
    assert quiet.counts() == other.counts()
    assert other.passed == 0
    assert all(one.balanced for one in quiet.up.feeds)


@given(steps=st.lists(tyres, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_waits_for_its_message_is_stale_when_it_would_be_alone(mapping: VssMapping, steps: list[Step]) -> None:
    together, alone = Rig(mapping, Way.QUIET), Rig(mapping, Way.ALONE)
    together.take(steps)
    alone.take(steps)
    assert in_order(together.told) == in_order(alone.told)


def test_frames_with_nothing_new_are_counted_at_once(quick: VssMapping) -> None:
    rig = Rig(quick, Way.QUIET)
    rig.take([Step(2, 0x100, status(counter % 16, 1, 5, 8)) for counter in range(10)])
    assert rig.passed == 9
    (switch,) = (one for one in rig.up.feeds if one.rule.leaf.path == "Vehicle.Switch")
    assert (switch.received, switch.published, switch.unchanged) == (10, 1, 9)
