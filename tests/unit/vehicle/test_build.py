"""From the file to the vehicle: who sends what, who leaves it to the gateway."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.com import ALGORITHMS
from gateway.errors import GatewayError
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, load

from .conftest import Project

S = 1_000_000_000
FRAME = "- {from: powertrain.MotorStatus, to: body}"


def sent(vehicle: Vehicle, until_ns: int = S) -> Counter[tuple[str, str, int]]:
    """How many frames by bus, sender and identifier."""
    frames: list[tuple[int, int, object, object, int, int]] = []
    for bus in vehicle.buses.values():
        bus.record = frames  # type: ignore[assignment]
    vehicle.start()
    vehicle.kernel.run(until_ns)
    names = list(vehicle.buses)
    return Counter((names[bus], sender.name, frame.arbitration_id) for _, bus, frame, sender, _, _ in frames)  # type: ignore[attr-defined]


def test_the_nodes_of_the_databases_send_their_messages(project: Project) -> None:
    counts = sent(load(project.folder, Kernel()))
    assert counts["powertrain", "Motor", 0x100] == 50
    assert counts["body", "Lamps", 0x220] == 2
    assert counts["body", "Dash", 0x210] == 5
    assert counts["body", "GW", 0x180] == counts["powertrain", "Motor", 0x180] == 10
    assert {sender for _, sender, _ in counts} == {"Motor", "Lamps", "Dash", "GW"}


def test_a_bus_can_do_without_rest_bus(project: Project) -> None:
    project.edit("vehicle.yaml", "database: dbc/body.dbc", "restbus: false, database: dbc/body.dbc")
    assert "Lamps" not in load(project.folder, Kernel()).ecus


def test_what_is_forwarded_to_a_bus_under_another_name_is_sent_there_by_the_gateway_only(project: Project) -> None:
    project.edit("dbc/body.dbc", "BO_ 384 MotorStatus: 4 GW", "BO_ 384 EngineData: 4 Lamps")
    project.append("dbc/body.dbc", 'BA_ "GenMsgCycleTime" BO_ 384 50;\n')
    counts = sent(load(project.folder, Kernel()))
    assert counts["body", "Lamps", 0x180] == 0
    assert counts["body", "GW", 0x180] == 10


def test_what_a_whole_bus_brings_is_sent_by_the_gateway_only(project: Project) -> None:
    project.edit("vehicle.yaml", FRAME, "- {from: powertrain.*, to: body}")
    project.edit("dbc/body.dbc", "BO_ 384 MotorStatus: 4 GW", "BO_ 384 MotorStatus: 4 Lamps")
    project.append("dbc/body.dbc", 'BA_ "GenMsgCycleTime" BO_ 384 50;\n')
    counts = sent(load(project.folder, Kernel()))
    assert (counts["body", "Lamps", 0x180], counts["body", "GW", 0x180], counts["body", "GW", 0x100]) == (0, 10, 50)


def test_an_ecu_on_both_sides_of_a_route_goes_on_sending_its_source(project: Project) -> None:
    project.edit("dbc/body.dbc", "BU_: Dash Lamps GW", "BU_: Dash Lamps GW Motor")
    project.edit("dbc/body.dbc", "BO_ 384 MotorStatus: 4 GW", "BO_ 384 MotorStatus: 4 Motor")
    project.append("dbc/body.dbc", 'BA_ "GenMsgCycleTime" BO_ 384 100;\n')
    project.edit("vehicle.yaml", "{on: powertrain, behaviour: ecus/motor.py:Motor}", "{on: [powertrain, body]}")
    counts = sent(load(project.folder, Kernel()))
    assert counts["powertrain", "Motor", 0x180] == 10
    assert (counts["body", "Motor", 0x180], counts["body", "GW", 0x180]) == (0, 10)


def test_an_ecu_with_another_name_than_its_node_sends_the_nodes_messages(project: Project) -> None:
    project.edit("vehicle.yaml", "Motor: {on: powertrain,", "Engine: {on: powertrain, node: Motor,")
    project.edit("vehicle.yaml", "drive: drive.csv\n", "")
    vehicle = load(project.folder, Kernel())
    assert sent(vehicle)["powertrain", "Engine", 0x100] == 50
    assert vehicle.failures == []


def test_a_message_of_a_transport_protocol_is_not_sent_by_itself(project: Project) -> None:
    project.append(
        "dbc/powertrain.dbc",
        'BO_ 1280 Long: 100 Motor\n SG_ S : 0|8@1+ (1,0) [0|0] "" GW\nBA_ "GenMsgCycleTime" BO_ 1280 10;\n',
    )
    vehicle = load(project.folder, Kernel())
    assert sent(vehicle)["powertrain", "Motor", 0x500] == 0
    assert vehicle.failures == []


def test_a_message_of_nine_bytes_is_a_can_fd_frame_of_twelve(project: Project) -> None:
    project.edit("vehicle.yaml", "kind: can, bitrate: 500k", "kind: canfd, bitrate: 500k")
    project.append(
        "dbc/powertrain.dbc",
        'BO_ 1280 Nine: 9 Motor\n SG_ S : 64|8@1+ (1,0) [0|0] "" GW\nBA_ "GenMsgCycleTime" BO_ 1280 10;\n',
    )
    vehicle = load(project.folder, Kernel())
    lengths: set[int] = set()
    vehicle.gateway.controllers["powertrain"].receive(0x500, lambda frame: lengths.add(len(frame.data)))
    vehicle.start()
    vehicle.kernel.run(S)
    assert lengths == {12}


def test_a_condition_without_a_result_drops_and_the_vehicle_drives_on(project: Project) -> None:
    project.edit("vehicle.yaml", FRAME, '- {from: powertrain.MotorStatus, to: body, when: "1 / Rpm > 0.001"}')
    vehicle = load(project.folder, Kernel())
    vehicle.start()
    vehicle.kernel.run(S)
    counts = vehicle.gateway.routes[0].counts
    assert counts.dropped == {"condition cannot be told from this payload": counts.received}
    assert counts.received == 10


def test_a_message_that_the_gateway_composes_can_be_protected(project: Project) -> None:
    project.edit(
        "dbc/body.dbc", "BO_ 512 ClusterInfo: 2 GW", 'BO_ 512 ClusterInfo: 3 GW\n SG_ Sum : 16|8@1+ (1,0) [0|0] "" Dash'
    )
    project.append("vehicle.yaml", "  body.ClusterInfo: {checksum: Sum, algorithm: sum8}\n")
    vehicle = load(project.folder, Kernel())
    got: list[bytes] = []
    vehicle.ecu("Dash").ports["body"].controller.receive(0x200, lambda frame: got.append(frame.data))
    vehicle.start()
    vehicle.kernel.run(5 * S)
    assert len(got) > 10
    assert all(data[2] == ALGORITHMS["sum8"](data[:2]) for data in got)


def test_two_databases_of_one_bus_are_one(project: Project) -> None:
    (project / "dbc/more.dbc").write_text(
        'VERSION ""\nBU_: Extra\nBO_ 1 More: 1 Extra\n SG_ S : 0|8@1+ (1,0) [0|0] "" Extra\n'
    )
    project.edit("vehicle.yaml", "database: dbc/body.dbc", "database: [dbc/body.dbc, dbc/more.dbc]")
    vehicle = load(project.folder, Kernel())
    assert {"More", "ClusterInfo"} <= {message.name for message in vehicle.databases["body"].messages}
    assert "Extra" in vehicle.ecus


def test_the_same_seed_is_the_same_run_and_another_is_another(project: Project) -> None:
    def times(seed: int) -> list[int]:
        vehicle = load(project.folder, Kernel(), seed)
        frames: list[tuple[int, int, object, object, int, int]] = []
        for bus in vehicle.buses.values():
            bus.record = frames  # type: ignore[assignment]
        vehicle.start()
        vehicle.kernel.run(S)
        return [time for time, *_ in frames]

    assert times(1) == times(1) != times(2)


def test_a_vehicle_tells_the_nearest_name_of_an_ecu(project: Project) -> None:
    with pytest.raises(GatewayError, match=r"there is no ECU 'Moter' in my-car \(did you mean 'Motor'\?\)"):
        load(project.folder, Kernel()).ecu("Moter")
