"""What errors cost, how they are counted, and what becomes of the one who makes them (ISO 11898-1, 12.1.4)."""

import pytest
import wire
from bench import BIT, IFS, Bench, ErrorAt

from gateway.can import BRS, FD, BitErrors, BusEventKind, ControllerState, Frame
from gateway.sim import Streams

FRAME = Frame(0x123, bytes.fromhex("0102030405060708"))
ERROR_FRAME = 12 + 8
SUSPEND = 8
RECOVERY = 128 * 11


def counters(bench: Bench) -> dict[str, tuple[int, int]]:
    return {name: (bench[name].tec, bench[name].rec) for name in bench.names}


@pytest.mark.parametrize("bit", [1, 18, 60, 100])
def test_an_error_costs_the_bits_so_far_an_error_frame_and_an_intermission(bit: int) -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(ErrorAt(bit, times=1))
    bench.at(0, "A", FRAME)
    seen = bench.run()
    broken_off = (bit + 1 + ERROR_FRAME) * BIT
    assert bench.times(BusEventKind.ERROR) == [broken_off]
    assert [(p.requested, p.start, p.end) for p in seen] == [
        (0, broken_off + IFS, broken_off + IFS + bench.length(FRAME))
    ]
    assert bench.bus.events[0].text == f"bit error in bit {bit}"
    assert (bench.bus.frames, bench.bus.errors) == (1, 1)
    assert bench.bus.busy_ns == seen[0].end + IFS


def test_the_sender_pays_eight_the_others_one_and_success_takes_one_back() -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(ErrorAt(30, times=1))
    bench.at(0, "A", FRAME)
    bench.run(51 * BIT)
    assert counters(bench) == {"A": (8, 0), "B": (0, 1), "C": (0, 1)}
    bench.run()
    assert counters(bench) == {"A": (7, 0), "B": (0, 0), "C": (0, 0)}
    for _ in range(10):
        bench["A"].send(FRAME)
    bench.run(2 * 10**9)
    assert counters(bench) == {"A": (0, 0), "B": (0, 0), "C": (0, 0)}
    assert not bench["B"].queued


def test_an_error_in_the_data_phase_is_at_the_data_bit_rate_and_its_error_frame_is_not() -> None:
    frame = Frame(0x123 | FD | BRS, bytes(range(64)))
    fast = wire.flexible(0x123, bytes(range(64)), brs=True).fast
    first_fast = fast.index("d")
    for bit in (first_fast - 1, first_fast, first_fast + 200, fast.rindex("d"), fast.rindex("d") + 1):
        bench = Bench("A", "B")
        bench.bus.disturb(ErrorAt(bit, times=1))
        bench.at(0, "A", frame)
        bench.run()
        bits = fast[: bit + 1]
        assert bench.times(BusEventKind.ERROR) == [(bits.count("n") + ERROR_FRAME) * 2000 + bits.count("d") * 500], bit


def test_the_broken_frame_competes_again_after_the_error() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(ErrorAt(30, times=1))
    bench.at(0, "A", FRAME)
    bench.at(1, "B", Frame(0x100, b""))
    bench.at(2, "A", Frame(0x123, b"later"))
    assert [p.frame.data for p in bench.run()] == [b"", FRAME.data, b"later"]


def test_sixteen_errors_make_error_passive_and_thirtytwo_bus_off() -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(ErrorAt(40, times=32))
    bench.at(0, "A", FRAME)
    bench.run(10**8)
    each = 41 + ERROR_FRAME
    passive = (16 * each + 15 * 3) * BIT
    assert bench.times(BusEventKind.ERROR_PASSIVE) == [passive]
    # From then on, eight bits of suspend transmission after each intermission.
    off = passive + 16 * (3 + SUSPEND + each) * BIT
    assert bench.times(BusEventKind.BUS_OFF) == [off]
    assert bench.bus.errors == 32
    assert bench.told_lost == [("A", FRAME)]
    assert bench.times(BusEventKind.RECOVERED) == [off + RECOVERY * BIT]
    assert bench["A"].state is ControllerState.ERROR_ACTIVE
    assert counters(bench)["A"] == (0, 0)
    assert [bench[name].rec for name in "BC"] == [32, 32]
    assert bench.run() == []


def test_an_error_passive_sender_becomes_active_again_at_127() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(ErrorAt(40, times=16))
    bench.at(0, "A", FRAME)
    bench.run()
    assert bench["A"].tec == 127
    assert bench["A"].state is ControllerState.ERROR_ACTIVE


def test_an_error_passive_sender_lets_others_go_first() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(ErrorAt(40, times=16, sender="A"))
    bench.at(0, "A", FRAME)
    passive = (16 * 61 + 15 * 3) * BIT
    bench.at(passive - 1, "B", Frame(0x700, b""))
    seen = bench.run()
    assert [(p.sender, p.start) for p in seen] == [("B", passive + IFS), ("A", seen[0].end + IFS)]


def test_within_the_suspended_bits_another_may_begin() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(ErrorAt(40, times=16, sender="A"))
    bench.at(0, "A", FRAME)
    passive = (16 * 61 + 15 * 3) * BIT
    begins = passive + IFS + 5 * BIT
    bench.at(begins, "B", Frame(0x700, b""))
    seen = bench.run()
    assert [(p.sender, p.start) for p in seen] == [("B", begins), ("A", seen[0].end + IFS)]


def test_a_receiver_becomes_error_passive_above_127_and_active_with_the_next_good_frame() -> None:
    bench = Bench("A", "B")
    bench["B"].rec = 127
    bench.bus.assess()
    bench.bus.disturb(ErrorAt(40, times=1))
    bench.at(0, "A", FRAME)
    bench.run(61 * BIT)
    assert bench["B"].rec == 128
    assert bench["B"].state is ControllerState.ERROR_PASSIVE
    bench.run()
    # ISO 11898-1: to a value between 119 and 127.
    assert 119 <= bench["B"].rec <= 127
    assert bench["B"].state is ControllerState.ERROR_ACTIVE


def test_a_lone_node_is_never_acknowledged_and_never_bus_off() -> None:
    bench = Bench("A")
    bench.at(0, "A", FRAME)
    # The missing acknowledgement is seen in the ACK slot, the ninth bit from the end; the error flag follows it.
    attempt = (bench.length(FRAME) // BIT - 9 + 1 + ERROR_FRAME) * BIT
    bench.run(attempt)
    assert bench.times(BusEventKind.NO_ACK) == [attempt]
    bench.run(10**9)
    first = [number * attempt + (number - 1) * IFS for number in range(1, 17)]
    then = [first[-1] + number * (attempt + IFS + SUSPEND * BIT) for number in range(1, 20)]
    assert bench.bus.event_counts[BusEventKind.NO_ACK] > 1000
    assert bench.times(BusEventKind.ERROR_PASSIVE) in ([], [first[-1]])  # a bus keeps its last thousand events only
    assert bench["A"].tec == 128
    assert bench["A"].state is ControllerState.ERROR_PASSIVE
    assert BusEventKind.BUS_OFF not in bench.bus.event_counts
    again = Bench("A")
    again.at(0, "A", FRAME)
    again.run(then[-1])
    assert again.times(BusEventKind.NO_ACK) == first + then
    assert again.times(BusEventKind.ERROR_PASSIVE) == [first[-1]]


def test_a_lone_nodes_frame_goes_through_when_another_comes() -> None:
    bench = Bench("A")
    bench.at(0, "A", FRAME)
    bench.run(10**7)
    bench.attach("B")
    seen = bench.run()
    assert [(p.sender, p.frame) for p in seen] == [("A", FRAME)]
    assert len(bench.got["B"]) == 1
    assert bench["A"].tec == 127


# Off, on, bus-off


def test_a_controller_that_is_off_sends_nothing_and_gets_nothing() -> None:
    bench = Bench("A", "B", "C")
    bench.kernel.at(0, bench["C"].switch_off)
    answers: list[bool] = []
    bench.kernel.at(10, lambda: answers.append(bench["C"].send(Frame(0x1, b""))))
    bench.at(20, "A", FRAME)
    assert [p.sender for p in bench.run()] == ["A"]
    assert answers == [False]
    assert bench["C"].refused == 1
    assert bench.bus.events[0].text == "the controller is off"
    assert bench.got["C"] == []
    assert len(bench.got["B"]) == 1


def test_a_controller_that_is_bus_off_sends_nothing_and_gets_nothing() -> None:
    bench = Bench("A", "B", "C")
    bench["C"].recovers = False
    bench.bus.disturb(ErrorAt(5, times=32, sender="C"))
    bench.at(0, "C", FRAME)
    bench.run(10**7)
    assert bench["C"].state is ControllerState.BUS_OFF
    assert bench["C"].send(FRAME) is False
    bench.at(2 * 10**7, "A", Frame(0x321, b""))
    bench.run()
    assert bench.got["C"] == []
    assert len(bench.got["B"]) == 1
    bench["C"].switch_on()
    bench["C"].send(FRAME)
    assert bench.run(2 * 10**9)[-1].sender == "C"


def test_what_is_queued_is_lost_when_the_controller_goes_off() -> None:
    bench = Bench("A", "B", "C")
    bench.at(0, "A", FRAME)
    for number in range(3):
        bench.at(1, "A", Frame(0x200, bytes([number])))
    bench.at(1, "B", Frame(0x300, b""))
    bench.kernel.at(2, bench["A"].switch_off)
    assert [p.sender for p in bench.run()][-1] == "B"
    assert bench.told_lost == [("A", Frame(0x200, bytes([number]))) for number in range(3)]
    assert bench["A"].queued == 0
    bench["A"].switch_on()
    bench["A"].send(FRAME)
    assert bench.run(2 * 10**9)[-1].sender == "A"


def test_a_frame_that_has_not_begun_goes_with_its_controller() -> None:
    bench = Bench("A", "B", "C")
    bench.at(0, "B", FRAME)
    bench.at(1, "A", Frame(0x100, b""))
    bench.at(2, "C", Frame(0x200, b""))
    bench.kernel.at(bench.length(FRAME) + 1, bench["A"].switch_off)
    seen = bench.run()
    assert [(p.sender, p.start) for p in seen] == [("B", 0), ("C", bench.length(FRAME) + IFS)]
    assert bench.told_lost == [("A", Frame(0x100, b""))]


def test_a_lone_node_that_is_switched_off_tries_no_more() -> None:
    bench = Bench("A")
    bench.at(0, "A", FRAME)
    bench.kernel.at(10_000, bench["A"].switch_off)
    bench.run()
    assert bench.bus.errors == 1
    assert bench.bus.waiting == 0
    assert bench.kernel.next is None
    assert bench.told_lost == [("A", FRAME)]


def test_recovery_takes_129_sequences_at_no_bit_rate() -> None:
    for nominal in (83_333, 33_333, 95_238, 1_000_000):
        bench = Bench("A", "B", nominal=nominal)
        bench.bus.disturb(ErrorAt(5, times=32))
        bench.at(0, "A", FRAME)
        bench.run(10**10)
        (off,), (back,) = bench.times(BusEventKind.BUS_OFF), bench.times(BusEventKind.RECOVERED)
        assert abs(back - off - RECOVERY * 10**9 / nominal) <= 1, nominal


def test_recovery_on_a_busy_bus_counts_a_sequence_a_frame() -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(ErrorAt(5, times=32, sender="A"))
    bench.at(0, "A", Frame(0x100, b""))
    bench["B"].on_sent = lambda *_: bench["B"].send(FRAME)
    bench.at(1, "B", FRAME)
    bench.run(10**9)
    (off,), (back,) = bench.times(BusEventKind.BUS_OFF), bench.times(BusEventKind.RECOVERED)
    between = sum(off < p.end <= back for p in bench.seen)
    assert between in (127, 128)


def test_a_second_bus_off_waits_for_its_own_recovery() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(ErrorAt(1, times=64))
    bench.at(0, "A", FRAME)
    off = (32 * (2 + ERROR_FRAME) + 15 * 3 + 16 * 11) * BIT
    again = off + 400 * BIT
    bench.kernel.at(again, bench["A"].switch_on)
    bench.at(again, "A", FRAME)
    bench.run()
    assert again + off < off + RECOVERY * BIT  # the first recovery would end after the second bus-off
    assert bench.times(BusEventKind.BUS_OFF) == [off, again + off]
    assert bench.times(BusEventKind.RECOVERED) == [again + off + RECOVERY * BIT]


# Two senders of one identifier


def test_a_collision_names_both_senders_and_the_bit() -> None:
    bench = Bench("VCU", "BCM", "ABS")
    one, other = Frame(0x123, b"\x00\x0f"), Frame(0x123, b"\x00\x1f")
    bench.at(0, "VCU", one)
    bench.at(0, "BCM", other)
    left, right = wire.classic(0x123, one.data).bits, wire.classic(0x123, other.data).bits
    bit = next(place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    end = (bit + 1 + ERROR_FRAME) * BIT
    bench.run(end)
    event = bench.bus.events[0]
    assert (event.kind, event.time_ns) == (BusEventKind.COLLISION, end)
    assert event.text == f"BCM and VCU send the same identifier with different content; they differ in bit {bit}"
    assert counters(bench) == {"VCU": (8, 0), "BCM": (8, 0), "ABS": (0, 1)}


def test_a_collision_repeats_until_both_are_passive_and_the_dominant_frame_wins() -> None:
    bench = Bench("VCU", "BCM", "ABS")
    one, other = Frame(0x123, b"\x00\x0f"), Frame(0x123, b"\x00\x1f")
    bench.at(0, "BCM", other)
    bench.at(0, "VCU", one)
    seen = bench.run()
    assert bench.bus.event_counts[BusEventKind.COLLISION] == 16
    assert [(p.sender, p.frame) for p in seen] == [("VCU", one), ("BCM", other)]
    # VCU: 16 x 8 - 1; BCM lost a bit once more, then got through.
    assert (bench["VCU"].tec, bench["BCM"].tec) == (127, 16 * 8 + 8 - 1)
    assert bench.bus.waiting == 0


def test_equal_frames_of_two_senders_pass_as_one() -> None:
    bench = Bench("A", "B", "C")
    for name in "AB":
        bench.at(0, name, FRAME)
    seen = bench.run()
    assert [(p.frame, p.start, p.end) for p in seen] == [(FRAME, 0, bench.length(FRAME))]
    assert bench.bus.frames == 1
    assert [frame for _, frame in bench.got["C"]] == [FRAME]
    # Both have sent it, and know it.
    assert (bench["A"].sent, bench["B"].sent) == (1, 1)
    assert sorted(bench.told_sent) == [(name, FRAME, 0, 0, bench.length(FRAME)) for name in "AB"]
    assert bench.got["A"] == bench.got["B"] == []
    assert (bench.bus.waiting, bench["A"].queued, bench["B"].queued) == (0, 0, 0)


def test_a_second_equal_frame_of_one_sender_is_sent_by_itself() -> None:
    bench = Bench("A", "B", "C")
    bench.at(0, "A", FRAME)
    bench.at(0, "B", FRAME)
    bench.at(0, "B", FRAME)
    assert len(bench.run()) == 2
    assert (bench["A"].sent, bench["B"].sent) == (1, 2)


def test_only_the_first_waiting_frame_of_each_sender_contends() -> None:
    bench = Bench("A", "B", "C")
    later = Frame(0x123, b"other")
    bench.at(0, "A", FRAME)
    bench.at(0, "B", FRAME)
    bench.at(0, "B", later)
    assert [p.frame for p in bench.run()] == [FRAME, later]
    assert bench.bus.errors == 0


@pytest.mark.parametrize("blocked", [True, False])
def test_a_collision_is_seen_although_the_sender_has_more_waiting(blocked: bool) -> None:
    bench = Bench("A", "B", "C")
    if blocked:
        bench.at(0, "C", Frame(0x7, bytes(8)))
    for payload in (b"1", b"2"):
        bench.at(1, "A", Frame(0x123, payload))
    bench.at(1, "B", Frame(0x123, b"3"))
    first = bench.run()[1 if blocked else 0]
    assert bench.bus.event_counts[BusEventKind.COLLISION] == 16
    assert first.start > bench.times(BusEventKind.COLLISION)[-1]


def test_three_senders_of_which_two_agree_collide_and_all_pay() -> None:
    bench = Bench("A", "B", "C", "D")
    bench.at(0, "A", FRAME)
    bench.at(0, "B", FRAME)
    bench.at(0, "C", Frame(0x123, b"\xff"))
    bench.run(45 * BIT)
    assert {name: bench[name].tec for name in "ABCD"} == {"A": 8, "B": 8, "C": 8, "D": 0}


def test_a_classic_and_an_fd_frame_of_one_identifier_collide() -> None:
    bench = Bench("A", "B")
    bench.at(0, "A", Frame(0x123, b""))
    bench.at(0, "B", Frame(0x123 | FD, b""))
    bench.run(10**6)
    assert bench.times(BusEventKind.COLLISION)[0] == (15 + ERROR_FRAME) * BIT  # r0 against FDF, bit 14


# Calm again


def test_what_befell_a_frame_that_never_began_is_forgotten() -> None:
    bench = Bench("A", "B")
    error = ErrorAt(30, times=1)
    bench.at(0, "A", Frame(0x400, b""))
    end = bench.length(Frame(0x400, b""))
    bench.kernel.at(1, lambda: bench.bus.disturb(error))
    bench.at(1, "A", Frame(0x300, b""))  # chosen at `end`, with its error already drawn
    bench.kernel.at(end + 1, lambda: bench.bus.undisturb(error))
    bench.at(end + 2, "B", Frame(0x200, b""))
    seen = bench.run()
    assert [p.frame.header for p in seen] == [0x400, 0x200, 0x300]
    assert bench.bus.errors == 0


def test_after_errors_have_been_paid_off_the_bus_is_calm_and_as_fast_as_before() -> None:
    bench = Bench("A", "B")
    error = ErrorAt(30, times=1)
    bench.bus.disturb(error)
    bench["A"].send(FRAME)
    bench.run(10**6)
    bench.bus.undisturb(error)
    assert bench.bus._calm is False
    for _ in range(7):
        bench["A"].send(FRAME)
    bench.run(10**7)
    assert counters(bench) == {"A": (0, 0), "B": (0, 0)}
    assert bench.bus._calm is True


def test_bit_errors_hit_as_often_as_they_should() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(BitErrors(0.1, Streams(1).stream("noise")))
    bench["A"].on_sent = lambda *_: bench["A"].send(FRAME)
    bench["A"].send(FRAME)
    bench.run(10**9)
    assert 0.08 < bench.bus.errors / (bench.bus.errors + bench.bus.frames) < 0.12
