"""Node configuration and diagnostics over 0x3C and 0x3D, on the bus."""

from dataclasses import replace

from lin_bench import DESCRIPTION, MS, SECOND, SLOT, LinBench

from gateway.can import BusEventKind
from gateway.database.lin import ScheduleTable, Slot, SlotKind
from gateway.lin import PROTECTED, TransportMessage

READ_PRODUCT = bytes.fromhex("B2 00 FF 7F FF FF")


def ask(bench: LinBench, nad: int, payload: bytes) -> list[TransportMessage | None]:
    answers: list[TransportMessage | None] = []
    bench.bus.commander.diagnostics.request(nad, payload, answers.append)
    return answers


def test_a_node_tells_its_product():
    bench = LinBench(schedule="Diagnostic")
    answers = ask(bench, 0x21, READ_PRODUCT)

    seen = bench.run(2 * SLOT - 1)

    assert answers == [TransportMessage(0x21, bytes.fromhex("F2 F1 00 01 00 01"))]
    assert [each.frame_id for each in seen] == [0x3C, 0x3D]
    assert seen[1].sender == "Left"


def test_long_messages_go_in_several_frames_both_ways():
    bench = LinBench(schedule="Diagnostic")
    diagnostics = bench.nodes["Left"].diagnostics
    assert diagnostics is not None
    diagnostics.service = lambda payload: bytes((payload[0] + 0x40,)) + payload[1:] * 2
    answers = ask(bench, 0x21, bytes((0x22, *range(20))))

    bench.run(3 * SECOND)

    assert answers == [TransportMessage(0x21, bytes((0x62, *range(20), *range(20))))]
    assert bench.bus.errors == 0


def test_nobody_at_that_address_is_told_after_a_second():
    bench = LinBench(schedule="Diagnostic")
    answers = ask(bench, 0x50, READ_PRODUCT)

    bench.run(SECOND)
    assert answers == []
    bench.run(2 * SECOND)

    assert answers == [None]
    assert bench.bus.commander.diagnostics.timeouts == 1


def test_without_a_request_diagnostic_slots_stay_empty():
    bench = LinBench(schedule="Diagnostic")

    assert bench.run(SECOND) == []
    assert bench.told == {}


def test_a_frame_that_is_assigned_another_identifier_answers_there():
    bench = LinBench(schedule="Diagnostic")
    ask(bench, 0x21, bytes((0xB7, 0, 0xFF, PROTECTED[0x30], 0xFF, 0xFF)))
    bench.run(2 * SLOT)
    bench.bus.commander.schedule("States")

    bench.run(4 * SLOT)

    assert bench.nodes["Left"].wire_id(2) == 0x30
    assert bench.told == {BusEventKind.NO_RESPONSE: 1}
    assert 2 not in {each.frame_id for each in bench.seen}


def test_a_receiver_that_is_assigned_another_identifier_hears_it_there():
    bench = LinBench()
    bench.nodes["Left"].assign(0, PROTECTED[3])  # its Command is now where RightState is

    bench.run(5 * SLOT - 1)

    assert [frame.header for _, frame in bench.got["Left"]] == [3]


def test_configuration_commands_of_a_table_are_sent_as_they_stand():
    command = bytes.fromhex("21 06 B7 00 FF 92 FF FF")
    slots = (Slot(SlotKind.REQUEST, SLOT, "assign", command), Slot(SlotKind.SLAVE_RESPONSE, SLOT))
    tables = {**DESCRIPTION.tables, "Config": ScheduleTable("Config", slots)}
    bench = LinBench(replace(DESCRIPTION, tables=tables))
    bench.kernel.at(5 * MS, lambda: bench.bus.commander.run_once("Config"))

    bench.run(6 * SLOT)

    assert [(each.frame_id, each.data) for each in bench.seen[1:3]] == [
        (0x3C, command),
        (0x3D, bytes.fromhex("21 01 F7 FF FF FF FF FF")),
    ]
    assert bench.nodes["Left"].wire_id(2) == 0x12
