"""Who goes first, and when."""

import itertools

import pytest
import wire
from bench import BIT, IFS, Bench, Seen
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Request, simulate

from gateway.can import BRS, EXTENDED, FD, REMOTE, BusEventKind, Disturbance, Frame

LONG = Frame(0x400, bytes.fromhex("0102030405060708"))


def order(seen: list[Seen]) -> list[int]:
    return [passage.frame.header for passage in seen]


def test_a_frame_on_an_idle_bus_starts_at_once_and_arrives_at_its_end() -> None:
    bench = Bench("VCU", "BCM", "ABS")
    frame = Frame(0x123, b"\x01\x02")
    bench.at(1000, "VCU", frame)
    end = 1000 + len(wire.classic(0x123, b"\x01\x02").bits) * BIT
    assert bench.run() == [Seen("VCU", frame, 1000, 1000, end)]
    assert bench.got == {"VCU": [], "BCM": [(end, frame)], "ABS": [(end, frame)]}
    assert bench.told_sent == [("VCU", frame, 1000, 1000, end)]
    assert bench.bus.busy_ns == end - 1000 + IFS


@pytest.mark.parametrize("sequence", list(itertools.permutations(range(4))))
def test_requests_of_one_instant_compete_whatever_their_order(sequence: tuple[int, ...]) -> None:
    bench = Bench("A", "B", "C", "D")
    numbers = (0x100, 0x101, 0x200, 0x7FF)
    for place in sequence:
        bench.at(500, "ABCD"[place], Frame(numbers[place], b""))
    seen = bench.run()
    assert order(seen) == list(numbers)
    assert seen[0].start == 500


@pytest.mark.parametrize("sequence", list(itertools.permutations(range(4))))
def test_standard_beats_extended_and_data_beats_remote(sequence: tuple[int, ...]) -> None:
    bench = Bench("A", "B", "C", "D")
    base = 0x123
    frames = [
        Frame(base, b"\x01"),
        Frame(base | REMOTE, b""),
        Frame(base << 18 | EXTENDED, b"\x01"),
        Frame(base << 18 | EXTENDED | REMOTE, b""),
    ]
    for place in sequence:
        bench.at(0, "ABCD"[place], frames[place])
    assert [passage.frame for passage in bench.run()] == frames


@pytest.mark.parametrize("late", [1, IFS - 1, IFS])
def test_requests_within_the_intermission_compete(late: int) -> None:
    """Up to the very instant in which the waiting frame would start."""
    bench = Bench("A", "B")
    bench.at(0, "A", LONG)
    bench.at(1, "A", Frame(0x300, b""))
    idle = bench.length(LONG) + IFS
    bench.at(bench.length(LONG) + late, "B", Frame(0x200, b""))
    seen = bench.run()
    assert order(seen) == [0x400, 0x200, 0x300]
    assert seen[1].start == idle
    assert seen[2].start == seen[1].end + IFS


def test_a_nanosecond_after_the_start_is_too_late() -> None:
    bench = Bench("A", "B")
    bench.at(0, "A", LONG)
    bench.at(1, "A", Frame(0x300, b""))
    bench.at(bench.length(LONG) + IFS + 1, "B", Frame(0x200, b""))
    assert order(bench.run()) == [0x400, 0x300, 0x200]


def test_a_request_in_the_intermission_waits_for_its_end() -> None:
    bench = Bench("A", "B")
    bench.at(0, "A", LONG)
    bench.at(bench.length(LONG) + 1, "B", Frame(0x200, b""))
    assert bench.run()[1].start == bench.length(LONG) + IFS


def test_a_receiver_that_answers_at_once_competes_in_the_next_arbitration() -> None:
    bench = Bench("A", "B")
    bench["B"].receive(0x400, lambda _frame: bench["B"].send(Frame(0x200, b"")))
    bench.at(0, "A", LONG)
    bench.at(1, "A", Frame(0x300, b""))
    assert order(bench.run()) == [0x400, 0x200, 0x300]


def test_a_frame_that_is_displaced_several_times_is_sent_once() -> None:
    bench = Bench("A", "B", "C", "D")
    for name, number in (("A", 0x400), ("B", 0x300), ("C", 0x200), ("D", 0x100)):
        bench.at(0, name, Frame(number, b""))
    bench.at(0, "A", Frame(0x050, b""))
    assert order(bench.run()) == [0x050, 0x100, 0x200, 0x300, 0x400]
    assert [bench[name].sent for name in "ABCD"] == [2, 1, 1, 1]
    assert bench.bus.waiting == 0


def test_frames_of_one_identifier_keep_their_order() -> None:
    bench = Bench("A", "B")
    bench.at(0, "B", Frame(0x100, b""))
    payloads = [bytes([number]) for number in range(60)]
    for number, payload in enumerate(payloads):
        bench.at(number // 20, "A", Frame(0x300, payload))
    seen = [passage.frame for passage in bench.run()]
    assert [frame.data for frame in seen if frame.arbitration_id == 0x300] == payloads


def test_a_displaced_frame_stays_before_its_senders_later_ones() -> None:
    bench = Bench("A", "B")
    bench.at(0, "A", Frame(0x200, b"first"))
    bench.at(0, "A", Frame(0x200, b"second"))
    bench.at(0, "B", Frame(0x100, b""))
    assert [passage.frame.data for passage in bench.run()] == [b"", b"first", b"second"]


def test_the_65th_waiting_frame_is_refused_counted_and_told() -> None:
    bench = Bench("A", "B")
    answers = []
    bench.kernel.at(0, lambda: answers.extend(bench["A"].send(Frame(0x200, bytes([n]))) for n in range(70)))
    seen = bench.run()
    # One is on the bus, 64 wait.
    assert answers == [True] * 65 + [False] * 5
    assert [passage.frame.data[0] for passage in seen] == list(range(65))
    assert bench["A"].refused == 5
    assert bench.bus.event_counts == {BusEventKind.REFUSED: 5}
    event = bench.bus.events[0]
    assert (event.controller, event.time_ns, event.frame) == ("A", 0, Frame(0x200, bytes([65])))
    assert event.text == "64 frames wait already"


def test_one_controllers_full_queue_is_not_anothers() -> None:
    bench = Bench("A", "B")
    bench.kernel.at(0, lambda: [bench["A"].send(Frame(0x200, b"")) for _ in range(70)])
    bench.at(1, "B", Frame(0x100, b""))
    assert bench.run()[1].sender == "B"


def test_an_fd_frame_takes_both_bit_rates() -> None:
    bench = Bench("A", "B")
    data = bytes(range(64))
    bench.at(0, "A", Frame(0x123 | FD | BRS, data))
    bits = wire.flexible(0x123, data, brs=True)
    assert bench.run()[0].end == bits.nominal * 2000 + bits.data * 500


def test_load_is_the_share_of_the_time_that_the_bus_was_taken() -> None:
    bench = Bench("A", "B")
    for _ in range(10):
        bench["A"].send(LONG)
    whole = 10 * (bench.length(LONG) + IFS)
    for until in (1, bench.length(LONG) // 2, bench.length(LONG), bench.length(LONG) + 1, whole - IFS, whole):
        bench.run(until)
        assert bench.bus.load == pytest.approx(1.0)
    bench.run(2 * whole)
    assert bench.bus.load == pytest.approx(0.5)


def test_a_frame_of_an_impossible_length_does_not_block_the_bus() -> None:
    bench = Bench("A", "B")
    with pytest.raises(ValueError, match="8 bytes at most"):
        bench["A"].send(Frame(0x100, bytes(9)))
    bench.at(10, "A", Frame(0x100, bytes(8)))
    assert order(bench.run()) == [0x100]


# Against the reference

SENDERS = "ABCDE"
GAPS = (0, 0, 0, 1, BIT, IFS - 1, IFS, IFS + 1, 44 * BIT, 47 * BIT, 100 * BIT, 111 * BIT + 1)


@st.composite
def schedules(draw: st.DrawFn) -> list[Request]:
    """Requests that crowd: same instants, ends of frames, ends of intermissions. An identifier has one sender."""
    requests: list[Request] = []
    now = 0
    for order in range(draw(st.integers(1, 40))):
        now += draw(st.sampled_from(GAPS))
        place = draw(st.integers(0, len(SENDERS) - 1))
        extended, remote = draw(st.booleans()), draw(st.integers(0, 4)) == 0
        number = draw(st.integers(0, 3)) * len(SENDERS) + place
        number = number << 18 | draw(st.integers(0, 1)) if extended else number
        data = b"" if remote else draw(st.binary(max_size=8))
        if draw(st.integers(0, 3)) == 0 and requests:
            # Exactly when the bus would become idle, or its intermission would begin, if only this frame were on it.
            now = max(
                now, requests[-1].time + requests[-1].bits * BIT + draw(st.sampled_from([-1, 0, 1, IFS - 1, IFS]))
            )
        requests.append(Request(now, order, SENDERS[place], number, extended, remote, data))
    return requests


def as_frame(request: Request) -> Frame:
    flags = (EXTENDED if request.extended else 0) | (REMOTE if request.remote else 0)
    return Frame(request.number | flags, request.data)


@pytest.mark.parametrize("disturbance", [None, Disturbance()], ids=["calm", "slow path"])
@settings(max_examples=80, deadline=None)
@given(schedules())
def test_every_frame_comes_as_the_reference_says(disturbance: Disturbance | None, requests: list[Request]) -> None:
    bench = Bench(*SENDERS)
    if disturbance is not None:
        bench.bus.disturb(disturbance)
    for request in requests:
        bench.at(request.time, request.sender, as_frame(request))
    expected = [
        Seen(request.sender, as_frame(request), request.time, start, end)
        for request, start, end in simulate(requests, BIT)
    ]
    seen = bench.run(10**10)
    assert seen == expected
    # What follows holds for the reference too; it is said so that a fault in both is seen.
    assert len(seen) == len(requests)
    assert all(passage.start >= passage.requested for passage in seen)
    assert all(later.start >= earlier.end + IFS for earlier, later in itertools.pairwise(seen))
    assert bench.bus.busy_ns == sum(passage.end - passage.start + IFS for passage in seen)
    for name in SENDERS:
        assert [frame for _, frame in bench.got[name]] == [p.frame for p in seen if p.sender != name]
        assert bench[name].sent == sum(p.sender == name for p in seen)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(GAPS), st.integers(0, 2), st.integers(0, 5)), max_size=150),
    st.integers(0, 10**7),
)
def test_at_any_time_what_was_asked_for_is_through_refused_waiting_or_on_its_way(
    asked: list[tuple[int, int, int]], until: int
) -> None:
    bench = Bench(*"ABC")
    outcomes: list[bool] = []
    now = 0
    for number, (gap, sender, low) in enumerate(asked):
        now += gap // 10
        frame = Frame(low * 3 + sender, number.to_bytes(4, "big"))
        bench.kernel.at(now, lambda name="ABC"[sender], frame=frame: outcomes.append(bench[name].send(frame)))
    seen = bench.run(until)
    on_its_way = sum(outcomes) - len(seen) - bench.bus.waiting
    assert on_its_way in (0, 1)
    assert on_its_way == 1 or bench.bus.waiting == 0
    assert outcomes.count(False) == sum(bench[name].refused for name in "ABC")
    assert sum(bench[name].queued for name in "ABC") == bench.bus.waiting
    assert len({passage.frame.data for passage in seen}) == len(seen)
