"""Mappings of kuksa's CAN provider: loading, both directions, counts, and what is told when they are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can import EXTENDED, Frame
from gateway.database import Database, Message, Signal
from gateway.routing.conversion import Refusal
from gateway.routing.downward import VssToCan
from gateway.routing.feed import Publication, SignalFeed
from gateway.routing.mapping import load_defaults, load_mapping
from gateway.routing.rules import VssMapping
from gateway.routing.store import Quality, SignalError, SignalStore
from gateway.routing.upward import CanToVss, MessageFeed
from gateway.routing.vss import MappingError
from gateway.sim import Kernel

MS = 1_000_000

SPEED = Message(
    name="VehicleSpeed",
    arbitration_id=0x100,
    cycle_ns=20 * MS,
    length=4,
    signals=(
        Signal(name="Speed", start=0, length=16, scale=0.01, minimum=0, maximum=655.35, unit="km/h"),
        Signal(name="Gear", start=16, length=3, minimum=0, maximum=4, choices={0: "P", 1: "R", 3: "D", 7: "SNA"}),
        Signal(name="Heat", start=24, length=8, scale=0.5, offset=-40, choices={255: "SNA"}),
    ),
)
TYRE = Message(
    name="Tyre",
    arbitration_id=0x18FE0101,
    extended=True,
    length=3,
    signals=(
        Signal(name="Where", start=0, length=8, is_multiplexer=True),
        Signal(name="Left", start=8, length=8, multiplexer_signal="Where", multiplexer_ids=(1,)),
        Signal(name="Right", start=8, length=8, multiplexer_signal="Where", multiplexer_ids=(2,)),
        Signal(name="Pressure", start=16, length=8),
    ),
)
OTHER = Message(name="Cluster", arbitration_id=0x200, length=2, signals=(Signal(name="Speed", start=0, length=8),))
COMMAND = Message(
    name="DoorCommand",
    arbitration_id=0x300,
    length=2,
    signals=(
        Signal(name="Latch", start=0, length=3, choices={0: "CLOSED", 1: "OPENED"}),
        Signal(name="Tilt", start=8, length=8, scale=0.02, minimum=0, maximum=5),
        Signal(name="Mirror", start=3, length=2, initial_raw=2),
    ),
)


def database(*messages: Message) -> Database:
    return Database("test", "test.dbc", messages, ())


BUSES = {"powertrain": database(SPEED, TYRE), "body": database(COMMAND)}
Load = Callable[..., VssMapping]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(buses: Mapping[str, Database] = BUSES, **leaves: object) -> VssMapping:
        """A mapping of leaves directly below Vehicle; without a type, sensors."""
        path = tmp_path / "signals.json"
        children = {name: {"type": "sensor", **leaf} for name, leaf in leaves.items()}  # type: ignore[dict-item]
        path.write_text(json.dumps({"Vehicle": {"type": "branch", "children": children}}, indent=1))
        return load_mapping(path, buses)

    return load


class Car:
    """Rules at work in a kernel."""

    def __init__(self, mapping: VssMapping, timeout_ns: int | None = None) -> None:
        self.kernel = Kernel()
        self.store = SignalStore(self.kernel)
        self.up = CanToVss(self.kernel, mapping.upward, self.store, timeout_ns)
        self.sent: list[tuple[str, str, dict[str, int | float | str], bytes]] = []
        self.down = VssToCan(mapping.downward, self.store, self._send)

    def _send(self, bus: str, message: Message, values: dict[str, int | float | str]) -> None:
        self.sent.append((bus, message.name, values, message.encode(values)))

    def at(self, ms: int) -> Car:
        self.kernel.run(ms * MS)
        return self

    def feed(self, path: str) -> SignalFeed:
        found = self.up.feed(path)
        assert found is not None
        return found

    def message(self, message: Message) -> MessageFeed:
        return self.up.messages["powertrain", message.arbitration_id | (EXTENDED if message.extended else 0)]

    def speed(self, speed: float = 0, gear: str = "P", heat: float = 0) -> None:
        data = SPEED.encode({"Speed": speed, "Gear": gear, "Heat": heat})
        self.message(SPEED).on_frame(Frame(SPEED.arbitration_id, data))

    def tyre(self, data: bytes) -> None:
        self.message(TYRE).on_frame(Frame(TYRE.arbitration_id | EXTENDED, data))


def refused_with(load: Load, buses: Mapping[str, Database] = BUSES, **leaves: object) -> str:
    with pytest.raises(MappingError) as caught:
        load(buses, **leaves)
    return str(caught.value)


FLOAT = {"datatype": "float"}
ACTUATOR = {"type": "actuator", "datatype": "boolean"}
EACH_SECOND = {"signal": "Speed", "interval_ms": 1000}
LATCH = {"signal": "Latch", "transform": {"mapping": [{"from": True, "to": "OPENED"}, {"from": False, "to": "CLOSED"}]}}
TILT = {"type": "actuator", "datatype": "int8", "min": -100, "max": 100}


class TestLoading:
    def test_a_rule_has_kuksas_defaults(self, load: Load) -> None:
        (rule,) = load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed"}}).upward
        assert str(rule) == "powertrain.VehicleSpeed.Speed -> Vehicle.Speed"
        assert (rule.interval_ns, rule.on_change) == (1000 * MS, False)
        assert rule.timeout_ns == 60 * MS

    def test_on_change_alone_has_no_interval(self, load: Load) -> None:
        (rule,) = load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "on_change": True}}).upward
        assert rule.interval_ns == 0

    def test_dbc_is_the_old_name(self, load: Load) -> None:
        assert len(load(Speed={**FLOAT, "dbc": {"signal": "Speed", "interval_ms": 0}}).upward) == 1

    @pytest.mark.parametrize("name", ["Speed", "VehicleSpeed.Speed", "powertrain.VehicleSpeed.Speed"])
    def test_names_of_signals(self, load: Load, name: str) -> None:
        (rule,) = load(Speed={**FLOAT, "dbc2vss": {"signal": name}}).upward
        assert str(rule.places[0]) == "powertrain.VehicleSpeed.Speed"

    def test_a_signal_in_several_messages_of_a_bus_comes_from_all(self, load: Load) -> None:
        mapping = load({"powertrain": database(SPEED, OTHER)}, Speed={**FLOAT, "dbc2vss": {"signal": "Speed"}})
        assert [place.message for place in mapping.upward[0].places] == [SPEED, OTHER]
        assert mapping.upward[0].timeout_ns == 0
        assert mapping.notes == (
            "Vehicle.Speed comes from all messages with 'Speed': powertrain.VehicleSpeed.Speed, powertrain.Cluster.Speed",
        )

    def test_a_signal_on_several_buses_is_ambiguous(self, load: Load) -> None:
        buses = {"powertrain": database(SPEED), "body": database(OTHER)}
        said = refused_with(load, buses, Speed={**FLOAT, "dbc2vss": {"signal": "Speed"}})
        assert "write which one: powertrain.VehicleSpeed.Speed, body.Cluster.Speed" in said
        (rule,) = load(buses, Speed={**FLOAT, "dbc2vss": {"signal": "body.Cluster.Speed"}}).upward
        assert rule.places[0].message is OTHER

    def test_downwards_several_messages_are_ambiguous(self, load: Load) -> None:
        buses = {"powertrain": database(SPEED, OTHER)}
        said = refused_with(
            load, buses, Speed={"type": "actuator", "datatype": "float", "vss2dbc": {"signal": "Speed"}}
        )
        assert "write which one: powertrain.VehicleSpeed.Speed, powertrain.Cluster.Speed" in said

    @pytest.mark.parametrize(
        ("spec", "said"),
        [
            ("Speed", "dbc2vss of Vehicle.Leaf is 'Speed'"),
            ({}, "has no signal"),
            ({"signal": "Sped"}, "no database has a signal 'Sped' (did you mean 'Speed'?)"),
            ({"signal": "VehicleSpeed.Sped"}, "(did you mean 'VehicleSpeed.Speed'?)"),
            ({"signal": "Speed", "interval_ms": 1.5}, "has interval_ms 1.5; it takes a whole number"),
            ({"signal": "Speed", "interval_ms": -1}, "has interval_ms -1"),
            ({"signal": "Speed", "on_change": 1}, "has on_change 1; it takes true or false"),
            ({"signal": "Speed", "transform": {}}, "it takes either math or mapping"),
            ({"signal": "Speed", "transform": {"math": "x", "mapping": []}}, "it takes either math or mapping"),
            ({"signal": "Speed", "transform": {"math": 3}}, "it takes an expression in x"),
            ({"signal": "Speed", "transform": {"math": "x +"}}, "the math of Vehicle.Leaf: in 'x +', character 4"),
            ({"signal": "Speed", "transform": {"mapping": {}}}, "it takes a list of from and to"),
            ({"signal": "Speed", "transform": {"mapping": [{"from": 1}]}}, "each of its items takes from and to"),
            ({"signal": "Speed", "transform": {"mapping": [{"from": [1], "to": 1}]}}, "has from [1]"),
            ({"signal": "Speed", "transform": {"mapping": [{"from": 1, "to": "A"}]}}, "Vehicle.Leaf cannot be 'A'"),
            ({"signal": "Speed", "multiplexer": {}}, "it takes a list of signal and value"),
            ({"signal": "Speed", "multiplexer": [{"signal": "Gear"}]}, "it takes signal and a whole value"),
            ({"signal": "Speed", "multiplexer": [{"signal": "Gea", "value": 1}]}, "no 'Gea' (did you mean 'Gear'?)"),
        ],
    )
    def test_a_rule_that_cannot_work(self, load: Load, spec: object, said: str) -> None:
        sentence = refused_with(load, Leaf={**FLOAT, "dbc2vss": spec})
        assert said in sentence
        assert "signals.json:5:" in sentence

    def test_vss2dbc_is_for_actuators(self, load: Load) -> None:
        said = refused_with(load, Leaf={"datatype": "boolean", "vss2dbc": {"signal": "Latch"}})
        assert "of type sensor: only an actuator has a target" in said

    def test_a_target_that_the_signal_does_not_have(self, load: Load) -> None:
        spec = {"signal": "Latch", "transform": {"mapping": [{"from": True, "to": "OPEND"}]}}
        said = refused_with(load, Door={**ACTUATOR, "vss2dbc": spec})
        assert "DoorCommand.Latch has no value 'OPEND' (did you mean 'OPENED'?)" in said

    def test_an_array_is_not_one_signal(self, load: Load) -> None:
        assert "is an array (uint8[])" in refused_with(load, A={"datatype": "uint8[]", "dbc2vss": {"signal": "Speed"}})

    def test_all_faults_are_told(self, load: Load) -> None:
        with pytest.raises(MappingError, match=r"\(and 1 more fault in it\)") as caught:
            load(A={**FLOAT, "dbc2vss": {"signal": "No"}}, B={**FLOAT, "dbc2vss": {"signal": "Nor"}})
        assert [fault.sentence for fault in caught.value.faults] == [
            "Vehicle.A: no database has a signal 'No'",
            "Vehicle.B: no database has a signal 'Nor'",
        ]

    def test_what_has_no_effect_is_noted(self, load: Load) -> None:
        table = {"mapping": [{"from": "N", "to": 1}, {"from": "D", "to": 2}]}
        mapping = load(
            A={**FLOAT, "dbc2vss": {"signal": "Gear", "interval": 5, "transform": table}},
            B={**ACTUATOR, "vss2dbc": {"signal": "Latch", "interval_ms": 5}},
        )
        assert mapping.notes == (
            "'interval' in dbc2vss of Vehicle.A has no effect (did you mean 'interval_ms'?)",
            "Vehicle.A is mapped from 'N', which powertrain.VehicleSpeed.Gear never is; it has P, R, D, SNA",
            "'interval_ms' in vss2dbc of Vehicle.B has no effect",
        )


class TestUpwards:
    def test_a_value_is_published_with_its_time(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "interval_ms": 0}}))
        car.at(5).speed(12.5)
        assert car.store["Vehicle.Speed"].datapoint == (12.5, 5 * MS, Quality.GOOD)
        assert car.feed("Vehicle.Speed").last_published == Publication(5 * MS, 12.5)

    def test_the_interval_holds_back(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "interval_ms": 100}}))
        for ms in range(0, 201, 20):
            car.at(ms).speed(ms)
        feed = car.feed("Vehicle.Speed")
        assert (feed.received, feed.published, feed.throttled) == (11, 3, 8)
        assert car.store["Vehicle.Speed"].datapoint.value == 200

    def test_on_change_compares_what_is_published(self, load: Load) -> None:
        """The provider compares the transformed value: 12.3 and 12.4 are both 12."""
        spec = {"signal": "Speed", "on_change": True, "transform": {"math": "floor(x)"}}
        car = Car(load(Speed={"datatype": "int16", "dbc2vss": spec}))
        for ms, speed in ((0, 12.3), (10, 12.4), (20, 13), (30, 13)):
            car.at(ms).speed(speed)
        feed = car.feed("Vehicle.Speed")
        assert (feed.published, feed.unchanged) == (2, 2)
        assert car.store["Vehicle.Speed"].updates == 2

    def test_without_a_transform_a_label_is_text_for_a_string_and_raw_for_a_number(self, load: Load) -> None:
        spec = {"dbc2vss": {"signal": "Gear"}}
        car = Car(load(Name={"datatype": "string", **spec}, Number={"datatype": "uint8", **spec}))
        car.speed(gear="D")
        assert car.store["Vehicle.Name"].datapoint.value == "D"
        assert car.store["Vehicle.Number"].datapoint.value == 3

    def test_a_label_is_the_raw_value_even_where_the_signal_is_scaled(self, load: Load) -> None:
        """As NamedSignalValue of cantools: its value is not scaled."""
        car = Car(load(Heat={"datatype": "int16", "dbc2vss": {"signal": "Heat"}}))
        car.speed(heat=87.5)
        assert car.store["Vehicle.Heat"].datapoint.value == 255

    def test_a_mapping_from_labels_and_numbers(self, load: Load) -> None:
        table = [{"from": 2, "to": 20}, {"from": "D", "to": 1}, {"from": 3, "to": 33}, {"from": 0, "to": 5}]
        car = Car(
            load(
                Gear={
                    "datatype": "int8",
                    "dbc2vss": {"signal": "Gear", "interval_ms": 0, "transform": {"mapping": table}},
                }
            )
        )
        got = []
        for raw in (3, 2, 0):
            car.message(SPEED).on_frame(Frame(0x100, SPEED.encode_raw({"Gear": raw})))
            got.append(car.store["Vehicle.Gear"].datapoint.value)
        assert got == [1, 20, 5]

    def test_a_number_does_not_match_the_physical_value_of_a_label(self, load: Load) -> None:
        """Raw 255 is SNA; as a temperature it would be 87.5, which it is not."""
        table = [{"from": 87.5, "to": 1}, {"from": 20, "to": 2}]
        car = Car(
            load(
                Heat={
                    "datatype": "int8",
                    "dbc2vss": {"signal": "Heat", "interval_ms": 0, "transform": {"mapping": table}},
                }
            )
        )
        car.speed(heat=87.5)
        assert car.feed("Vehicle.Heat").refused == {Refusal.UNMAPPED: 1}
        car.speed(heat=20)
        assert car.store["Vehicle.Heat"].datapoint.value == 2

    def test_what_is_not_in_the_mapping_is_refused(self, load: Load) -> None:
        spec = {"signal": "Gear", "interval_ms": 0, "transform": {"mapping": [{"from": "D", "to": 1}]}}
        car = Car(load(Gear={"datatype": "int8", "dbc2vss": spec}))
        car.at(7).speed(gear="R")
        feed = car.feed("Vehicle.Gear")
        assert feed.refused == {Refusal.UNMAPPED: 1}
        assert feed.last_refused == (7 * MS, Refusal.UNMAPPED, "R is not in the mapping")
        assert car.store["Vehicle.Gear"].datapoint.quality is Quality.ABSENT

    def test_a_label_is_no_number_for_math(self, load: Load) -> None:
        spec = {"signal": "Heat", "interval_ms": 0, "transform": {"math": "x*2"}}
        car = Car(load(Heat={**FLOAT, "dbc2vss": spec}))
        car.speed(heat=87.5)
        car.speed(heat=20)
        assert car.feed("Vehicle.Heat").refused == {Refusal.MATH: 1}
        assert car.store["Vehicle.Heat"].datapoint.value == 40

    def test_an_expression_without_x(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "transform": {"math": "42"}}}))
        car.speed(1)
        assert car.store["Vehicle.Speed"].datapoint.value == 42

    def test_an_expression_without_a_result(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "transform": {"math": "1/x"}}}))
        car.speed(0)
        last = car.feed("Vehicle.Speed").last_refused
        assert last is not None and last.sentence == "'1/x' has no result for x = 0.0: float division by zero"

    def test_a_value_outside_the_signals_range_is_refused_but_not_where_it_has_a_label(self, load: Load) -> None:
        car = Car(load(Gear={"datatype": "string", "dbc2vss": {"signal": "Gear", "interval_ms": 0}}))
        for raw in (5, 7):  # the range ends with 4; 7 is SNA
            car.message(SPEED).on_frame(Frame(0x100, SPEED.encode_raw({"Gear": raw})))
        assert car.feed("Vehicle.Gear").refused == {Refusal.OUT_OF_RANGE: 1}
        assert car.store["Vehicle.Gear"].datapoint.value == "SNA"

    def test_a_value_that_the_leaf_cannot_have_is_refused(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "max": 250, "unit": "km/h", "dbc2vss": {"signal": "Speed"}}))
        car.speed(655.35)
        last = car.feed("Vehicle.Speed").last_refused
        assert last is not None and last.reason is Refusal.DATATYPE
        assert last.sentence.startswith("Vehicle.Speed cannot be 655.35")
        assert "250 km/h (float)" in last.sentence

    def test_a_refused_value_uses_up_the_interval_unless_the_database_excludes_it(self, load: Load) -> None:
        spec = {"signal": "Gear", "interval_ms": 100, "transform": {"mapping": [{"from": "D", "to": 1}]}}
        car = Car(load(Gear={"datatype": "int8", "dbc2vss": spec}))
        car.at(0).message(SPEED).on_frame(Frame(0x100, SPEED.encode_raw({"Gear": 6})))
        car.at(10).speed(gear="R")
        car.at(20).speed(gear="D")
        feed = car.feed("Vehicle.Gear")
        assert feed.refused == {Refusal.OUT_OF_RANGE: 1, Refusal.UNMAPPED: 1}
        assert (feed.throttled, feed.published) == (1, 0)

    def test_a_short_frame_is_no_reception(self, load: Load) -> None:
        car = Car(load(Heat={**FLOAT, "dbc2vss": {"signal": "Heat"}}))
        car.message(SPEED).on_frame(Frame(0x100, b"\x01\x02\x03"))
        assert (car.feed("Vehicle.Heat").received, car.feed("Vehicle.Heat").absent) == (0, 1)

    def test_one_frame_feeds_several_leaves(self, load: Load) -> None:
        spec = {"dbc2vss": {"signal": "Speed"}}
        car = Car(load(A={**FLOAT, **spec}, B={"datatype": "uint16", **spec}))
        car.speed(12.9)
        assert len(car.up.messages) == 1
        assert [car.store[path].datapoint.value for path in ("Vehicle.A", "Vehicle.B")] == [12.9, 12]


class TestMultiplexing:
    def test_a_multiplexed_signal_comes_only_in_its_frames(self, load: Load) -> None:
        spec = {"datatype": "uint8"}
        car = Car(load(L={**spec, "dbc2vss": {"signal": "Left"}}, R={**spec, "dbc2vss": {"signal": "Right"}}))
        car.tyre(bytes((2, 32, 0)))
        car.tyre(bytes((1, 31, 0)))
        assert [car.store[path].datapoint.value for path in ("Vehicle.L", "Vehicle.R")] == [31, 32]
        assert (car.feed("Vehicle.L").received, car.feed("Vehicle.L").absent) == (1, 1)

    def test_a_gate_of_the_mapping(self, load: Load) -> None:
        gates = [{"signal": "Where", "value": 2}, {"signal": "Right", "value": 9}]
        car = Car(load(P={"datatype": "uint8", "dbc2vss": {"signal": "Pressure", "multiplexer": gates}}))
        for data in ((1, 9, 10), (2, 8, 20), (2, 9, 30)):
            car.tyre(bytes(data))
        assert car.store["Vehicle.P"].datapoint.value == 30
        assert car.feed("Vehicle.P").absent == 2


class TestStaleness:
    def test_a_throttled_frame_keeps_the_signal_good(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": EACH_SECOND}))
        for ms in range(0, 501, 20):
            car.at(ms).speed(1)
        assert car.at(559).store["Vehicle.Speed"].datapoint.quality is Quality.GOOD
        assert car.at(560).store["Vehicle.Speed"].datapoint.quality is Quality.STALE

    def test_a_stale_signal_does_not_wait_for_its_interval(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": EACH_SECOND}))
        car.at(0).speed(1)
        car.at(300).speed(2)
        assert car.store["Vehicle.Speed"].datapoint == (2, 300 * MS, Quality.GOOD)

    def test_an_unchanged_value_that_was_stale_is_published_again(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "on_change": True}}))
        car.at(0).speed(1)
        car.at(300).speed(1)
        assert car.feed("Vehicle.Speed").published == 2
        assert car.store["Vehicle.Speed"].datapoint == (1, 300 * MS, Quality.GOOD)

    def test_an_unchanged_value_keeps_the_signal_good(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": {"signal": "Speed", "on_change": True}}))
        for ms in range(0, 201, 20):
            car.at(ms).speed(1)
        assert car.feed("Vehicle.Speed").unchanged == 10
        assert car.store["Vehicle.Speed"].datapoint == (1, 0, Quality.GOOD)

    def test_refused_values_do_not_keep_a_signal_good(self, load: Load) -> None:
        """Nor does what is throttled after one: at 120 ms nobody knows whether it would be refused again."""
        car = Car(load(Speed={**FLOAT, "max": 250, "dbc2vss": {"signal": "Speed", "interval_ms": 100}}))
        for ms in range(0, 100, 20):
            car.at(ms).speed(100)
        for ms in range(100, 140, 20):
            car.at(ms).speed(300)
        assert car.store["Vehicle.Speed"].datapoint.quality is Quality.GOOD
        assert car.at(140).store["Vehicle.Speed"].datapoint == (100, 0, Quality.STALE)

    def test_a_short_frame_does_not_keep_a_signal_good(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": EACH_SECOND}))
        car.at(0).speed(1)
        car.at(20).message(SPEED).on_frame(Frame(0x100, b"\x01"))
        assert car.feed("Vehicle.Speed").absent == 1
        assert car.at(60).store["Vehicle.Speed"].datapoint.quality is Quality.STALE

    @pytest.mark.parametrize("again", [False, True], ids=["silence", "a frame comes in the same moment"])
    def test_who_hears_that_one_is_stale_may_end_the_other(self, load: Load, again: bool) -> None:
        car = Car(
            load(Speed={**FLOAT, "dbc2vss": EACH_SECOND}, Heat={**FLOAT, "dbc2vss": {"signal": "VehicleSpeed.Heat"}})
        )
        speed, heat = car.store["Vehicle.Speed"], car.store["Vehicle.Heat"]
        told: list[tuple[int, str, Quality]] = []
        heat.listen(lambda one: told.append((car.kernel.now // MS, one.path, one.quality)))
        speed.listen(lambda one: told.append((car.kernel.now // MS, one.path, one.quality)))
        for ms in (0, 20, 40, 60):
            car.at(ms).speed(1)
        speed.listen(lambda one: heat.expire() if one.quality is Quality.STALE else None)
        if again:
            speed.listen(lambda one: car.speed(2) if one.quality is Quality.STALE else None)
        car.at(150)
        stale = [one for one in told if one[2] is Quality.STALE]
        assert stale == [(120, "Vehicle.Speed", Quality.STALE), (120, "Vehicle.Heat", Quality.STALE)]
        assert (speed.quality is Quality.GOOD) is again

    def test_a_timeout_of_the_users_own(self, load: Load) -> None:
        car = Car(load(Speed={**FLOAT, "dbc2vss": EACH_SECOND}), timeout_ns=500 * MS)
        assert car.store["Vehicle.Speed"].timeout_ns == 500 * MS


class TestDownwards:
    def tilt(self, math: str = "(x+100)/40") -> dict[str, object]:
        return {**TILT, "vss2dbc": {"signal": "Tilt", "transform": {"math": math}}}

    def test_a_target_becomes_a_message(self, load: Load) -> None:
        car = Car(load(Door={**ACTUATOR, "vss2dbc": LATCH}))
        car.store["Vehicle.Door"].actuate(value=True)
        assert car.sent == [("body", "DoorCommand", {"Latch": "OPENED"}, bytes((0b10001, 0)))]

    def test_signals_of_one_message_keep_each_others_values(self, load: Load) -> None:
        car = Car(load(Door={**ACTUATOR, "vss2dbc": LATCH}, Tilt=self.tilt()))
        car.store["Vehicle.Door"].actuate(value=True)
        car.store["Vehicle.Tilt"].actuate(50)
        assert car.sent[-1][2] == {"Latch": "OPENED", "Tilt": 3.75}
        assert COMMAND.decode(car.sent[-1][3]) == pytest.approx(
            {"Latch": 1, "Tilt": 3.76, "Mirror": 2}
        )  # steps of 0.02

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (101, "Vehicle.Tilt cannot be 101: it takes -100 to 100 (int8)"),
            ("up", "Vehicle.Tilt cannot be 'up'"),
        ],
    )
    def test_who_asks_for_a_wrong_value_is_told(self, load: Load, value: int | str, said: str) -> None:
        car = Car(load(Tilt=self.tilt()))
        with pytest.raises(SignalError) as caught:
            car.store["Vehicle.Tilt"].actuate(value)
        assert said in caught.value.sentence
        (command,) = car.down.commands
        assert (command.sent, command.refused, command.last_refusal) == (0, 1, caught.value.sentence)
        assert car.sent == []

    def test_a_value_that_the_signal_cannot_have(self, load: Load) -> None:
        car = Car(load(Tilt=self.tilt("x/10")))
        with pytest.raises(SignalError, match=r"cannot be 100: DoorCommand.Tilt cannot be 10.0: allowed is 0 to 5"):
            car.store["Vehicle.Tilt"].actuate(100)

    def test_an_expression_without_a_result(self, load: Load) -> None:
        car = Car(load(Tilt=self.tilt("1/x")))
        with pytest.raises(SignalError, match="cannot be 0: '1/x' has no result for x = 0"):
            car.store["Vehicle.Tilt"].actuate(0)

    def test_a_value_that_is_not_in_the_mapping(self, load: Load) -> None:
        spec = {"signal": "Latch", "transform": {"mapping": [{"from": 1, "to": "OPENED"}]}}
        car = Car(load(Door={"type": "actuator", "datatype": "uint8", "vss2dbc": spec}))
        with pytest.raises(SignalError, match=r"its mapping to body.DoorCommand.Latch has 1 only"):
            car.store["Vehicle.Door"].actuate(2)

    def test_a_refused_value_leaves_the_message_as_it_was(self, load: Load) -> None:
        car = Car(load(Tilt=self.tilt()))
        car.store["Vehicle.Tilt"].actuate(50)
        with pytest.raises(SignalError):
            car.store["Vehicle.Tilt"].actuate(101)
        assert car.down.values("body", COMMAND) == {"Tilt": 3.75}

    def test_the_multiplexer_is_set_for_a_multiplexed_signal(self, load: Load) -> None:
        leaf = {"type": "actuator", "datatype": "uint8"}
        car = Car(load(L={**leaf, "vss2dbc": {"signal": "Left"}}, R={**leaf, "vss2dbc": {"signal": "Right"}}))
        car.store["Vehicle.L"].actuate(31)
        car.store["Vehicle.R"].actuate(32)
        assert [data for *_, data in car.sent] == [bytes((1, 31, 0)), bytes((2, 32, 0))]

    def test_default_values(self, load: Load, tmp_path: Path) -> None:
        path = tmp_path / "defaults.json"
        path.write_text('{"Mirror": 3, "Latch": "OPENED", "DoorCommand.Tilt": 2.5}')
        mapping = load(Tilt=self.tilt())
        sent: list[bytes] = []
        store = SignalStore(Kernel())
        VssToCan(mapping.downward, store, lambda _, m, v: sent.append(m.encode(v)), load_defaults(path, BUSES))
        store["Vehicle.Tilt"].actuate(100)
        assert COMMAND.decode(sent[0]) == {"Latch": 1, "Tilt": 5, "Mirror": 3}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[1]", "holds no object of signals"),
            ("{", "defaults.json:1: is no JSON"),
            ('{"Mirrow": 1}', "no database has a signal 'Mirrow' (did you mean 'Mirror'?)"),
            ('{"Mirror": 9}', "DoorCommand.Mirror cannot be 9"),
            ('{"Mirror": null}', "DoorCommand.Mirror takes a number or a label"),
        ],
    )
    def test_default_values_that_cannot_be(self, tmp_path: Path, text: str, said: str) -> None:
        path = tmp_path / "defaults.json"
        path.write_text(text)
        with pytest.raises(MappingError) as caught:
            load_defaults(path, BUSES)
        assert said in str(caught.value)


STEPS = st.lists(st.tuples(st.integers(0, 120), st.binary(max_size=5)), max_size=40)


@given(STEPS, st.sampled_from([0, 50, 100]), st.booleans())
def test_every_frame_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bytes]], interval_ms: int, on_change: bool
) -> None:
    options = {"interval_ms": interval_ms, "on_change": on_change}
    table = {"mapping": [{"from": "D", "to": 1}, {"from": 2, "to": 2}]}
    leaves = {
        "Speed": {**FLOAT, "max": 250, "dbc2vss": {"signal": "Speed", **options}},
        "Ratio": {**FLOAT, "dbc2vss": {"signal": "Speed", "transform": {"math": "1/x"}, **options}},
        "Gear": {"datatype": "int8", "dbc2vss": {"signal": "Gear", "transform": table, **options}},
        "Heat": {"datatype": "int8", "dbc2vss": {"signal": "Heat", **options}},
    }
    children = {name: {"type": "sensor", **leaf} for name, leaf in leaves.items()}
    path = tmp_path_factory.mktemp("mapping") / "signals.json"
    path.write_text(json.dumps({"Vehicle": {"type": "branch", "children": children}}))
    car = Car(load_mapping(path, BUSES))
    now = 0
    for delay, data in steps:
        now += delay
        car.at(now).message(SPEED).on_frame(Frame(0x100, data))
    assert car.up.balanced
    for feed in car.up.feeds:
        assert feed.received + feed.absent == len(steps)
        assert feed.published <= feed.signal.updates
