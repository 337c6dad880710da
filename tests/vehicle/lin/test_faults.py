"""What goes wrong is seen, counted, and leaves the rest of the bus as it was."""

import pytest
from lin_bench import BIT, ERROR_BYTE, MS, SECOND, SLOT, LinBench

from gateway.can import BitErrors, BusEventKind, Frame, Loss
from gateway.lin import (
    HeaderNoise,
    LateResponse,
    NoResponse,
    SecondResponder,
    SilentCommander,
    StuckBus,
    WrongChecksum,
)
from gateway.sim import Streams

LEFT, RIGHT = 2, 3


def stream():
    return Streams(1).stream("noise")


def only_left(frame_id: int) -> bool:
    return frame_id == LEFT


FAULTS = {
    BusEventKind.NO_RESPONSE: lambda: NoResponse(only_left),
    BusEventKind.CHECKSUM: lambda: WrongChecksum(only_left),
    BusEventKind.LATE_RESPONSE: lambda: LateResponse(3 * MS, only_left),
    BusEventKind.COLLISION: lambda: SecondResponder(LEFT, b"\xff\xff\xff\xff"),
    BusEventKind.HEADER: lambda: HeaderNoise(1.0, stream(), only_left),
}


class TestEach:
    @pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
    def test_it_is_told_each_time_and_the_other_frames_come(self, kind):
        bench = LinBench(schedule="States")
        bench.bus.disturb(FAULTS[kind]())

        seen = bench.run(100 * SLOT - 1)

        assert bench.told == {kind: 50}
        assert bench.bus.errors == 50
        assert [(each.frame_id, each.start_ns) for each in seen] == [
            (RIGHT, (2 * number + 1) * SLOT) for number in range(50)
        ]
        assert not [frame for _, frame in bench.got["CEM"] if frame.header == LEFT]

    @pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
    def test_taken_off_again_everything_is_as_before(self, kind):
        bench = LinBench(schedule="States")
        fault = FAULTS[kind]()
        bench.bus.disturb(fault)
        bench.kernel.at(10 * SLOT, lambda: bench.bus.undisturb(fault))

        bench.run(20 * SLOT)

        assert bench.after(10 * SLOT)[:4] in ([LEFT, RIGHT, LEFT, RIGHT], [RIGHT, LEFT, RIGHT, LEFT])
        assert bench.told == {kind: 5}


class TestErrorBit:
    def bits(self, bench: LinBench, frame_id: int) -> list[int]:
        return [each.data[ERROR_BYTE] & 1 for each in bench.seen if each.frame_id == frame_id]

    def test_a_responder_tells_once_that_its_answer_was_damaged(self):
        bench = LinBench(schedule="States")
        noise = BitErrors(1.0, stream(), lambda frame: frame.header == LEFT)
        bench.bus.disturb(noise)
        bench.kernel.at(5 * MS, lambda: bench.bus.undisturb(noise))

        bench.run(8 * SLOT)

        assert bench.told == {BusEventKind.CHECKSUM: 1}
        assert self.bits(bench, LEFT) == [1, 0, 0]

    def test_a_receiver_tells_that_what_it_was_to_get_was_not_good(self):
        bench = LinBench(schedule="States")
        fault = WrongChecksum(only_left)
        bench.bus.disturb(fault)
        bench.kernel.at(5 * MS, lambda: bench.bus.undisturb(fault))

        bench.run(8 * SLOT)

        assert self.bits(bench, RIGHT) == [1, 0, 0, 0]

    def test_no_response_sets_no_error_bit(self):
        bench = LinBench(schedule="States")
        bench.bus.disturb(NoResponse(only_left))

        bench.run(8 * SLOT)

        assert self.bits(bench, RIGHT) == [0, 0, 0, 0]

    def test_both_of_two_responders_see_it(self):
        bench = LinBench(schedule="States")
        twin = bench.bus.attach("twin")
        twin.supply(LEFT, lambda: Frame(LEFT, b"\1\2\3\0"))
        bench.kernel.at(5 * MS, lambda: twin.withdraw(LEFT))

        bench.run(4 * SLOT)

        assert bench.texts(BusEventKind.COLLISION) == ["Left: Left and twin answer with different data"]
        assert self.bits(bench, LEFT) == [1]

    def test_two_that_answer_the_same_are_one(self):
        bench = LinBench(schedule="States")
        twin = bench.bus.attach("twin")
        twin.supply(LEFT, lambda: Frame(LEFT, bytes(4)))

        bench.run(2 * SLOT - 1)

        assert bench.bus.errors == 0
        assert [each.frame_id for each in bench.seen] == [LEFT, RIGHT]


class TestLate:
    def test_within_the_longest_time_it_is_good(self):
        bench = LinBench(schedule="States")
        bench.bus.disturb(LateResponse(30 * BIT, only_left))  # 1.4 times 84 bits are 117.6

        seen = bench.run(SLOT - 1)

        assert seen[0].end_ns == (34 + 50 + 30) * BIT
        assert bench.bus.errors == 0

    def test_into_the_next_slot_it_is_cut_off_and_the_next_frame_is_good(self):
        bench = LinBench(schedule="States")
        bench.bus.disturb(LateResponse(8 * MS, only_left))

        bench.run(2 * SLOT - 1)

        assert bench.texts(BusEventKind.LATE_RESPONSE) == ["Left: cut off by the next header"]
        assert bench.after(0) == [RIGHT]


class TestStuck:
    def test_it_is_told_once_with_its_end_and_each_header_counts(self):
        bench = LinBench(schedule="States")
        short = StuckBus()
        bench.kernel.at(SLOT - 1, lambda: bench.bus.disturb(short))
        bench.kernel.at(11 * SLOT - 1, lambda: bench.bus.undisturb(short))

        bench.run(20 * SLOT - 1)

        assert bench.told == {BusEventKind.STUCK: 1}
        assert bench.bus.errors == 10
        assert [each.start_ns for each in bench.seen] == [0, *range(11 * SLOT, 20 * SLOT, SLOT)]

    def test_with_another_disturbance_its_end_is_told(self):
        bench = LinBench(schedule="States")
        short = StuckBus()
        bench.bus.disturb(NoResponse(lambda _: False))
        bench.bus.disturb(short)
        bench.kernel.at(11 * SLOT - 1, lambda: bench.bus.undisturb(short))

        bench.run(12 * SLOT)

        assert bench.told == {BusEventKind.STUCK: 1, BusEventKind.RECOVERED: 1}


class TestCommanderDead:
    def test_after_4_s_the_bus_is_asleep(self):
        bench = LinBench(schedule="States")
        bench.kernel.at(SECOND, bench.nodes["CEM"].switch_off)

        bench.run(10 * SECOND)

        assert bench.told == {BusEventKind.SILENT: 1, BusEventKind.SLEEP: 1}
        assert bench.bus.events[0].time_ns == SECOND - SLOT + 4 * SECOND
        assert bench.bus.sleeping.asleep

    def test_back_again_it_wakes_the_bus_up_and_begins_anew(self):
        bench = LinBench(schedule="States")
        bench.kernel.at(SECOND, bench.nodes["CEM"].switch_off)
        bench.kernel.at(10 * SECOND, bench.nodes["CEM"].switch_on)

        bench.run(11 * SECOND)

        first = next(each for each in bench.seen if each.start_ns > 2 * SECOND)
        assert first.start_ns == 10 * SECOND + 500_000 + 100 * MS
        assert bench.told[BusEventKind.WAKE_UP] == 1

    def test_a_commander_that_is_not_heard_is_as_good_as_dead(self):
        bench = LinBench(schedule="States")
        fault = SilentCommander()
        bench.kernel.at(SECOND, lambda: bench.bus.disturb(fault))
        bench.kernel.at(8 * SECOND, lambda: bench.bus.undisturb(fault))

        bench.run(9 * SECOND)

        assert bench.told[BusEventKind.SILENT] == 1
        # A header wakes the nodes up; for 100 ms they do not answer.
        assert min(each.start_ns for each in bench.seen if each.start_ns > 2 * SECOND) >= 8 * SECOND + 100 * MS


class TestReceivers:
    def test_a_receivers_loss_is_its_own(self):
        bench = LinBench(schedule="States")
        bench.bus.disturb(Loss(1.0, stream(), lambda frame: frame.header == LEFT))

        bench.run(2 * SLOT - 1)

        assert bench.bus.errors == 0
        assert [frame.header for _, frame in bench.got["CEM"]] == [RIGHT]

    def test_what_cannot_be_sent_is_refused_and_told(self):
        bench = LinBench(schedule="States")

        assert not bench.nodes["CEM"].send(Frame(0x123, bytes(8)))
        assert not bench.bus.attach("tester").send(Frame(1, bytes(8)))
        assert bench.told == {BusEventKind.REFUSED: 2}
        assert bench.texts(BusEventKind.REFUSED)[1] == "tester: Command has 2 bytes"

    def test_a_frame_that_is_handed_over_waits_for_its_header(self):
        bench = LinBench(schedule="Normal")
        bench.nodes["CEM"].withdraw(1)
        tester = bench.bus.attach("tester")

        assert tester.send(Frame(1, b"\x12\x34"))

        assert bench.run(SLOT - 1)[0].data == b"\x12\x34"
        assert bench.seen[0].sender == "tester"
