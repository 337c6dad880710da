"""The VSS tree: JSON and overlays, what leaves accept, and how faults are told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.mapping import load_mapping
from gateway.routing.store import SignalError
from gateway.routing.vss import DATATYPES, INTEGERS, Kind, MappingError, VssLeaf
from gateway.routing.vss_tree import load_tree

TREE = """\
{
  "Vehicle": {
    "children": {
      "Cabin": {
        "children": {
          "Volume": {
            "datatype": "uint8",
            "max": 100,
            "min": 0,
            "type": "actuator",
            "unit": "percent"
          }
        },
        "description": "All in the cabin.",
        "type": "branch"
      },
      "Speed": {
        "datatype": "float",
        "description": "Vehicle speed.",
        "type": "sensor",
        "unit": "km/h"
      }
    },
    "type": "branch"
  }
}
"""

BOMB = "N0: &n0 {type: branch}\n" + "".join(
    f"N{i}: &n{i} {{type: branch, children: {{A: *n{i - 1}, B: *n{i - 1}}}}}\n" for i in range(1, 40)
)
"""Each node has the one before twice: 2**39 nodes in 40 lines."""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes, name: str = "vss.json") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def leaf(datatype: str, **options: object) -> VssLeaf:
    return VssLeaf(path="Vehicle.Leaf", datatype=datatype, kind=Kind.SENSOR, **options)  # type: ignore[arg-type]


def tree_of(**attributes: object) -> str:
    return json.dumps({"Vehicle": {"type": "branch", "children": {"Leaf": attributes}}})


class TestTree:
    def test_leaves_and_branches_have_their_paths(self, write: Callable[..., Path]) -> None:
        tree = load_tree(write(TREE))
        assert list(tree) == ["Vehicle.Cabin.Volume", "Vehicle.Speed"]
        assert tree.branches["Vehicle.Cabin"] == "All in the cabin."
        volume = tree["Vehicle.Cabin.Volume"]
        assert (volume.datatype, volume.kind, volume.unit) == ("uint8", Kind.ACTUATOR, "percent")
        assert (volume.minimum, volume.maximum) == (0, 100)

    def test_a_path_has_a_line(self, write: Callable[..., Path]) -> None:
        path = write(TREE)
        tree = load_tree(path)
        assert tree.place("Vehicle.Cabin.Volume") == (str(path), 6)
        assert tree.place("Vehicle.Speed") == (str(path), 17)

    def test_an_overlay_adds_and_replaces_attributes(self, write: Callable[..., Path]) -> None:
        overlay = write(
            "Vehicle.Speed:\n  type: sensor\n  datatype: double\n\nVehicle.New:\n  type: sensor\n  datatype: int8\n",
            "overlay.vspec",
        )
        tree = load_tree(write(TREE), overlay)
        assert (tree["Vehicle.Speed"].datatype, tree["Vehicle.Speed"].unit) == ("double", "km/h")
        assert tree["Vehicle.New"].datatype == "int8"
        assert tree.place("Vehicle.New") == (str(overlay), 5)

    def test_faults_of_all_overlays_are_told_at_once(self, write: Callable[..., Path], tmp_path: Path) -> None:
        overlays = [
            write("Vehicle.A: [", "one.vspec"),
            tmp_path / "missing.vspec",
            write(
                "Vehicle.B: {type: sensor, datatype: uint9}\nVehicle.C: {type: sensr, datatype: int8}\n", "two.vspec"
            ),
        ]
        with pytest.raises(MappingError) as caught:
            load_tree(write(TREE), *overlays)
        told = [(Path(str(fault.file)).name, fault.line) for fault in caught.value.faults]
        assert told == [("one.vspec", 1), ("missing.vspec", None), ("two.vspec", 1), ("two.vspec", 2)]

    def test_a_fault_of_the_tree_does_not_hide_those_of_its_mappings(self, write: Callable[..., Path]) -> None:
        overlay = write(
            "Vehicle.B: {type: sensor, datatype: uint9}\n"
            "Vehicle.C: {type: sensor, datatype: int8, dbc2vss: {signal: Nowhere}}\n",
            "one.vspec",
        )
        with pytest.raises(MappingError) as caught:
            load_mapping(write(TREE), {}, overlay)
        assert [fault.line for fault in caught.value.faults] == [1, 2]

    def test_an_overlay_alone_is_a_tree(self, write: Callable[..., Path]) -> None:
        tree = load_tree(write("Vehicle.Speed: {type: sensor, datatype: float}\n", "overlay.vspec"))
        assert list(tree) == ["Vehicle.Speed"]

    def test_an_unknown_path_is_told_with_the_nearest(self, write: Callable[..., Path]) -> None:
        tree = load_tree(write(TREE))
        with pytest.raises(SignalError, match=r"not in the VSS tree \(did you mean 'Vehicle.Speed'\?\)"):
            tree.leaf("Vehicle.Sped")
        with pytest.raises(SignalError, match="a branch, not a signal"):
            tree.leaf("Vehicle.Cabin")

    def test_all_leaves_under_a_branch(self, write: Callable[..., Path]) -> None:
        tree = load_tree(write(TREE))
        assert [leaf.path for leaf in tree.under("Vehicle.Cabin")] == ["Vehicle.Cabin.Volume"]
        assert [leaf.path for leaf in tree.under("Vehicle.Speed")] == ["Vehicle.Speed"]
        assert tree.under("Vehicle.Sp") == []


class TestBadFiles:
    @pytest.mark.parametrize(
        ("text", "name", "said"),
        [
            ("", "vss.json", "vss.json:1: is no JSON: Expecting value"),
            ('{\n"Vehicle": {]', "vss.json", "vss.json:2: is no JSON"),
            ("[]", "vss.json", "is empty, no VSS tree"),
            ("[1]", "vss.json", "holds a list, no VSS tree"),
            ("[" * 100_000, "vss.json", "is no JSON that can be read"),
            ("9" * 5000, "vss.json", "is no JSON that can be read"),
            (b"\xff\xfe\x00", "vss.json", "is no text in UTF-8"),
            ('{"A": {"type": "branch"}, "A": {"type": "branch"}}', "vss.json", "'A' is there twice"),
            ('{"A": 3}', "vss.json", "A is 3, no VSS node"),
            ('{"A": {}}', "vss.json", "A has no type; there are sensor, actuator, attribute and branch"),
            ("", "vss.vspec", "is empty, no VSS tree"),
            ("A:\n  type: [", "vss.vspec", "vss.vspec:2: is no YAML"),
            ("A: {type: branch}\n\nA: {type: branch}\n", "vss.vspec", "vss.vspec:3: 'A' is there twice"),
            ("A: {type: branch}\n#include cabin.vspec Cabin\n", "vss.vspec", "vss.vspec:2: includes are not read"),
            ("A: {type: branch, instances: [Left]}\n", "vss.vspec", "vss.vspec:1: A has instances"),
            ("A: 2020-99-99\n", "vss.vspec", "is no YAML that can be read"),
            ("A: &a [*a]\n", "vss.vspec", "no VSS node"),
            ("A: &a {type: branch, children: {B: *a}}\n", "vss.vspec", "has more than 50 levels"),
            (BOMB, "vss.vspec", "there are more than 100000 nodes"),
        ],
    )
    def test_what_is_no_tree_is_told_with_its_line(
        self, write: Callable[..., Path], text: str | bytes, name: str, said: str
    ) -> None:
        with pytest.raises(MappingError) as caught:
            load_tree(write(text, name))
        assert said in str(caught.value)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(MappingError, match="cannot be read: No such file"):
            load_tree(tmp_path / "vss.json")

    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"type": "sensr", "datatype": "float"}, "the type 'sensr' (did you mean 'sensor'?)"),
            ({"type": "sensor"}, "Vehicle.Leaf has no datatype"),
            ({"type": "sensor", "datatype": "int12"}, "the datatype 'int12' (did you mean 'int"),
            ({"type": "sensor", "datatype": ["int8"]}, "the datatype ['int8']"),
            ({"type": "sensor", "datatype": "string", "min": 1}, "only numbers have one"),
            ({"type": "sensor", "datatype": "int8", "max": "9"}, "the max '9', which is no finite number"),
            ({"type": "sensor", "datatype": "int8", "max": True}, "the max True, which is no finite number"),
            ({"type": "sensor", "datatype": "int8", "min": 5, "max": 1}, "min 5 above max 1"),
            ({"type": "sensor", "datatype": "int8", "allowed": [1, 200]}, "cannot be 200: it takes -128 to 127 (int8)"),
            ({"type": "sensor", "datatype": "int8", "allowed": "A"}, "it takes a list of values"),
            ({"type": "attribute", "datatype": "string", "allowed": ["A"], "default": "B"}, "cannot be 'B'"),
            ({"type": "sensor", "datatype": "int8[]", "arraysize": -1}, "the arraysize -1"),
            ({"type": "sensor", "datatype": "int8", "dbc": {}, "dbc2vss": {}}, "both dbc and dbc2vss"),
        ],
    )
    def test_a_leaf_that_vss_does_not_have(
        self, write: Callable[..., Path], attributes: dict[str, object], said: str
    ) -> None:
        with pytest.raises(MappingError) as caught:
            load_tree(write(tree_of(**attributes)))
        assert said in str(caught.value)
        assert caught.value.line == 1

    def test_all_faults_of_a_file_are_told_together(self, write: Callable[..., Path]) -> None:
        text = TREE.replace('"uint8"', '"uint9"').replace('"float"', '"flot"')
        with pytest.raises(MappingError, match=r"uint9.*\(and 1 more fault in it\)") as caught:
            load_tree(write(text))
        assert [(fault.line, fault.sentence.split(";")[0]) for fault in caught.value.faults] == [
            (6, "Vehicle.Cabin.Volume has the datatype 'uint9' (did you mean 'uint8'?)"),
            (17, "Vehicle.Speed has the datatype 'flot' (did you mean 'float'?)"),
        ]


class TestCoercion:
    @pytest.mark.parametrize(
        ("datatype", "given_value", "expected"),
        [
            ("boolean", True, True),
            ("boolean", 0, False),
            ("boolean", 2.5, True),
            ("boolean", "false", False),
            ("boolean", "True", True),
            ("int8", 12.9, 12),  # as kuksa-client: int(value)
            ("int8", -12.9, -12),
            ("int8", "-5", -5),
            ("uint8", True, 1),
            ("uint64", 2**64 - 1, 2**64 - 1),
            ("float", 3, 3.0),
            ("double", "1.5", 1.5),
            ("string", "D", "D"),
            ("int16[]", (1, 2.5), [1, 2]),
            ("string[]", [], []),
        ],
    )
    def test_values_are_cast_to_the_datatype(self, datatype: str, given_value: object, expected: object) -> None:
        value = leaf(datatype).coerce(given_value)
        assert value == expected
        assert type(value) is type(expected)

    @pytest.mark.parametrize(
        ("datatype", "given_value", "said"),
        [
            ("boolean", "maybe", "Vehicle.Leaf cannot be 'maybe': it takes true or false"),
            ("boolean", math.nan, "it takes true or false"),
            ("int8", 128, "cannot be 128: it takes -128 to 127 (int8)"),
            ("int8", math.inf, "it takes -128 to 127"),
            ("int8", math.nan, "it takes -128 to 127"),
            ("int8", "1.5", "cannot be '1.5'"),
            ("int8", None, "cannot be None"),
            ("uint64", 2**1000, "cannot be a number of 1001 bits"),
            ("float", 1e39, "cannot be 1e+39"),
            ("float", math.nan, "cannot be nan"),
            ("double", 2**1100, "cannot be a number of 1101 bits"),
            ("double", -math.inf, "cannot be -inf"),
            ("string", 5, "it takes text"),
            ("int8[]", 5, "it takes a list (int8[])"),
            ("int8[]", [1, 200], "cannot be 200"),
            ("int8[]", "12", "it takes a list"),
        ],
    )
    def test_what_a_datatype_cannot_have_is_told(self, datatype: str, given_value: object, said: str) -> None:
        with pytest.raises(SignalError) as caught:
            leaf(datatype).coerce(given_value)
        assert said in caught.value.sentence

    def test_limits_of_the_leaf(self) -> None:
        volume = leaf("uint8", minimum=0, maximum=100, unit="percent")
        assert volume.coerce(100) == 100
        with pytest.raises(SignalError, match=r"cannot be 655.35: it takes 0 to 100 percent \(uint8\)"):
            volume.coerce(655.35)

    def test_allowed_values(self) -> None:
        lights = leaf("string", allowed=("ON", "OFF"))
        assert lights.coerce("ON") == "ON"
        with pytest.raises(SignalError, match="cannot be 'on': it takes one of ON, OFF"):
            lights.coerce("on")

    def test_arraysize(self) -> None:
        with pytest.raises(SignalError, match="takes a list of 2 elements, not of 3"):
            leaf("uint8[]", arraysize=2).coerce([1, 2, 3])


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(max_size=3)), max_size=3),
)  # fmt: skip


@given(st.sampled_from([*DATATYPES, *(f"{name}[]" for name in DATATYPES)]), ANYTHING)
def test_what_is_taken_is_of_the_datatype_and_taken_again_unchanged(datatype: str, value: object) -> None:
    own = leaf(datatype)
    try:
        taken = own.coerce(value)
    except SignalError:
        return
    assert own.coerce(taken) == taken
    for element in taken if isinstance(taken, list) else [taken]:
        if own.element in INTEGERS:
            low, high = INTEGERS[own.element]
            assert type(element) is int and low <= element <= high
        else:
            kinds = {"boolean": bool, "string": str, "float": float, "double": float}
            assert type(element) is kinds[own.element]
