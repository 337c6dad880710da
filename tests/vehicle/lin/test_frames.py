"""Every kind of frame in its slot, at its exact time."""

from dataclasses import replace

from lin_bench import BIT, DESCRIPTION, FRAMES, MS, NEWS, SLOT, LinBench, table

from gateway.can import BusEventKind, Frame
from gateway.lin import PROTECTED


class TestTimes:
    def test_frames_begin_with_their_slots_and_take_their_bits(self):
        bench = LinBench()

        seen = bench.run(5 * SLOT - 1)

        assert [(each.start_ns, each.end_ns - each.start_ns) for each in seen] == [
            (0, (34 + 30) * BIT),
            (SLOT, (34 + 50) * BIT),
            (2 * SLOT, (34 + 50) * BIT),
        ]

    def test_a_table_takes_the_sum_of_its_slots_each_time(self):
        bench = LinBench()

        seen = bench.run(1000 * 5 * SLOT - 1)

        commands = [each.start_ns for each in seen if each.frame_id == 0x01]
        assert commands == [round_number * 5 * SLOT for round_number in range(len(commands))]
        assert len(commands) == 1000

    def test_the_load_is_the_time_of_the_frames(self):
        bench = LinBench(schedule="States")

        bench.run(100 * SLOT - 1)

        assert bench.bus.busy_ns == 100 * (34 + 50) * BIT


class TestUnconditional:
    def test_the_answer_is_what_the_publisher_has_at_the_end_of_the_header(self):
        bench = LinBench(schedule="States")
        header_ends = 34 * BIT
        bench.kernel.at(header_ends - 1, lambda: bench.payload.update(LeftState=b"\1\1\1\0"))
        bench.kernel.at(header_ends + 1, lambda: bench.payload.update(LeftState=b"\2\2\2\0"))

        seen = bench.run(3 * SLOT - 1)

        assert [each.data for each in seen] == [b"\1\1\1\0", bytes(4), b"\2\2\2\0"]

    def test_all_who_want_it_get_it_at_its_end_but_not_its_publisher(self):
        bench = LinBench(schedule="States")

        bench.run(SLOT - 1)

        assert bench.got == {
            "CEM": [((34 + 50) * BIT, Frame(2, bytes(4)))],
            "Right": [((34 + 50) * BIT, Frame(2, bytes(4)))],
            "Left": [],
        }

    def test_a_node_that_is_off_does_not_answer(self):
        bench = LinBench(schedule="States")
        bench.nodes["Left"].switch_off()

        seen = bench.run(2 * SLOT - 1)

        assert [each.frame_id for each in seen] == [3]
        assert bench.told == {BusEventKind.NO_RESPONSE: 1}


class TestSporadic:
    def test_its_slot_stays_empty_without_news(self):
        bench = LinBench()

        assert {each.frame_id for each in bench.run(100 * SLOT)}.isdisjoint({0x06, 0x07})
        assert bench.bus.errors == 0

    def test_the_first_frame_with_news_is_sent_then_the_other(self):
        bench = LinBench()
        bench.news("OrderB")
        bench.news("OrderA")

        seen = [each for each in bench.run(20 * SLOT - 1) if each.frame_id in (0x06, 0x07)]

        assert [(each.start_ns, each.frame_id) for each in seen] == [(4 * SLOT, 0x06), (9 * SLOT, 0x07)]


class TestEventTriggered:
    def test_nobody_with_news_is_no_error(self):
        bench = LinBench()

        assert NEWS not in {each.frame_id for each in bench.run(100 * SLOT)}
        assert bench.bus.errors == 0

    def test_who_has_news_answers_with_its_own_identifier_first(self):
        bench = LinBench()
        bench.payload["RightNews"] = b"\0\x12\x34"
        bench.news("RightNews")

        seen = [each for each in bench.run(10 * SLOT - 1) if each.frame_id == NEWS]

        assert [(each.sender, each.data) for each in seen] == [("Right", bytes((PROTECTED[5], 0x12, 0x34)))]

    def test_it_comes_as_the_frame_that_it_carries(self):
        bench = LinBench()
        bench.payload["RightNews"] = b"\0\x12\x34"
        bench.news("RightNews")

        bench.run(5 * SLOT - 1)

        assert (3 * SLOT + (34 + 40) * BIT, Frame(5, bytes((PROTECTED[5], 0x12, 0x34)))) in bench.got["CEM"]

    def test_two_with_news_collide_and_are_asked_one_after_the_other(self):
        bench = LinBench()
        bench.news("LeftNews")
        bench.news("RightNews")

        bench.run(12 * SLOT - 1)

        assert bench.told == {BusEventKind.EVENT_COLLISION: 1}
        assert bench.bus.errors == 0
        # The slot of the collision, both frames of the resolving table, then on with the slot behind it.
        assert bench.after(3 * SLOT) == [0x04, 0x05, 0x01, 0x02, 0x03]
        assert [each.start_ns for each in bench.seen if each.frame_id in (4, 5)] == [4 * SLOT, 5 * SLOT]

    def test_after_it_is_resolved_nobody_has_news_any_more(self):
        bench = LinBench()
        bench.news("LeftNews")
        bench.news("RightNews")

        bench.run(100 * SLOT)

        assert bench.told[BusEventKind.EVENT_COLLISION] == 1
        assert [each.frame_id for each in bench.seen].count(4) == 1

    def test_without_a_resolving_table_each_frame_is_asked_in_turn(self):
        news = replace(DESCRIPTION.events["News"], table=None)
        bench = LinBench(replace(DESCRIPTION, events={"News": news}))
        bench.news("LeftNews")
        bench.news("RightNews")

        bench.run(7 * SLOT)

        assert bench.after(3 * SLOT)[:2] == [4, 5]


class TestSwitching:
    def test_the_commander_changes_the_table_with_the_next_slot(self):
        bench = LinBench()
        bench.kernel.at(15 * MS, lambda: bench.bus.commander.schedule("States"))

        bench.run(5 * SLOT - 1)

        assert [each.frame_id for each in bench.seen] == [1, 2, 2, 3, 2]

    def test_a_table_once_and_then_on(self):
        bench = LinBench()
        bench.kernel.at(5 * MS, lambda: bench.bus.commander.run_once("States"))

        bench.run(4 * SLOT)

        assert [each.frame_id for each in bench.seen] == [1, 2, 3, 2]

    def test_no_table_is_a_silent_bus(self):
        bench = LinBench(schedule=None)

        assert bench.run(SLOT * 10) == []

    def test_tables_may_have_slots_of_any_length(self):
        slots = table("Odd", "Command", "LeftState").slots
        odd = replace(table("Odd"), slots=(replace(slots[0], delay_ns=7_654_321), replace(slots[1], delay_ns=SLOT)))
        bench = LinBench(replace(DESCRIPTION, tables={"Odd": odd, "Collision": DESCRIPTION.tables["Collision"]}), "Odd")

        seen = bench.run(50 * MS)

        assert [each.start_ns for each in seen][:4] == [0, 7_654_321, 17_654_321, 25_308_642]


def test_all_frames_of_the_bench_are_known():
    assert {frame.frame_id for frame in FRAMES.values()} == set(range(1, 8))
