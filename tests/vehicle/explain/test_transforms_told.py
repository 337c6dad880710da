"""What explain shows of a value: its name in the value table, and the scale, map or expression it went through."""

from __future__ import annotations

from pathlib import Path

import pytest
from planting import Planted, S, both, drive, during_pedal, leaf, replaced

from gateway.explain import ExplainError, Fault, asked, names_of, open_recording
from gateway.sim import Kernel
from gateway.vehicle import load

STATE = "powertrain.MotorStatus.State"
CAR = Planted(
    "car",
    "",
    Fault.NONE,
    "",
    edit=both(
        leaf("Vehicle.State", datatype="string", dbc2vss={"signal": STATE, "interval_ms": 0}),
        leaf("Vehicle.StateNumber", datatype="uint8", dbc2vss={"signal": STATE, "interval_ms": 0}),
        leaf(
            "Vehicle.Hot",
            datatype="boolean",
            dbc2vss={
                "signal": STATE,
                "transform": {"mapping": [{"from": "Ready", "to": False}, {"from": "Derated", "to": True}]},
            },
        ),
        leaf(
            "Vehicle.Metres",
            datatype="float",
            dbc2vss={"signal": "VehicleSpeed.Speed", "interval_ms": 0, "transform": {"math": "floor(x * 10) / 36"}},
        ),
        replaced("vehicle.yaml", "scale: 1.03", "scale: 1.03, offset: 2"),
    ),
    during=during_pedal(100),
    at_ns=3 * S,
)


def told(folder: Path, *questions: str) -> list[str]:
    recording = open_recording(drive(CAR, folder))
    names = names_of(recording.about, load(folder, Kernel()))
    return ["\n".join(asked(recording, names, question).lines) for question in questions]


def test_values_have_their_names_and_the_way_up_its_transform(tmp_path: Path) -> None:
    own, name, number, hot, metres = told(
        tmp_path / "car",
        f"signal {STATE}",
        "signal Vehicle.State",
        "signal Vehicle.StateNumber",
        "signal Vehicle.Hot",
        "signal Vehicle.Metres",
    )
    assert " with Ready: nothing is wrong with it" in own
    assert "Vehicle.State is good, Ready at" in name
    assert "Vehicle.StateNumber is good, 1 (Ready) at" in number
    assert "the last Ready: 1" in number
    assert "the last Ready, by its mapping: False" in hot
    assert "km/h, by `floor(x * 10) / 36`: " in metres


def test_a_signal_route_shows_its_scale_and_offset(tmp_path: Path) -> None:
    frame, source = told(tmp_path / "car", "frame body/ClusterInfo@2.5s", "signal body.ClusterInfo.DisplaySpeed")
    assert "km/h, times 1.03 plus 2: DisplaySpeed = " in frame
    assert "km/h, times 1.03 plus 2: DisplaySpeed = " in source


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("frame powertrain/0x200@2s", "there is no frame 0x200 on powertrain; it is on body: ask for body/0x200@2s"),
        ("frame powertrain/ClusterInfo", "powertrain has no message ClusterInfo: ask for body/ClusterInfo"),
        ("frame powertrain/Clusterinfo", "(did you mean 'ClusterInfo'?)"),
    ],
)
def test_a_frame_of_another_bus_is_pointed_to(question: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ExplainError) as refused:
        told(tmp_path / "car", question)
    assert said in refused.value.sentence
