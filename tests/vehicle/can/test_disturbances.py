"""What can be put on a bus to disturb it, and that a bus with nothing wrong on it is as one without."""

from collections import Counter
from functools import partial

import pytest
from bench import BIT, IFS, Bench, ErrorAt
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.can import BitErrors, BusEventKind, ControllerState, Delay, Disturbance, Frame, Loss
from gateway.sim import Streams

FRAME = Frame(0x123, bytes.fromhex("0102030405060708"))
MS = 1_000_000
Action = tuple[int, int, str, int, int]


@st.composite
def crowded_days(draw: st.DrawFn) -> list[Action]:
    """Time, place, what is done, identifier, data: with identifiers that several controllers send, and switches."""
    actions: list[Action] = []
    now = 0
    for _ in range(draw(st.integers(1, 30))):
        now += draw(st.sampled_from((0, 0, 0, 1, IFS, 20 * BIT, 50 * BIT, 112 * BIT)))
        what = draw(st.sampled_from(("send",) * 12 + ("off", "on")))
        actions.append((now, draw(st.integers(0, 2)), what, draw(st.integers(0, 3)), draw(st.integers(0, 1))))
    return actions


def live(actions: list[Action], disturbances: list[Disturbance], until: int = 40 * MS) -> Bench:
    """Let it happen; C answers each frame of identifier 2 at once, and everyone recovers from bus-off."""
    bench = Bench("A", "B", "C", "D")
    for disturbance in disturbances:
        bench.bus.disturb(disturbance)
    bench["C"].receive(2, lambda frame: bench["C"].send(Frame(1, frame.data)))
    for time_ns, place, what, number, byte in actions:
        controller = bench["ABC"[place]]
        if what == "send":
            bench.at(time_ns, controller.name, Frame(number, bytes([byte])))
        else:
            bench.kernel.at(time_ns, controller.switch_off if what == "off" else controller.switch_on)
    bench.run(until)
    return bench


def story(bench: Bench) -> tuple[object, ...]:
    """All that can be seen of a bench from outside."""
    controllers = [
        (c.name, c.state, c.tec, c.rec, c.sent, c.refused, c.queued, c.bus_offs) for c in bench.bus.controllers
    ]
    bus = (bench.bus.frames, bench.bus.errors, bench.bus.busy_ns, bench.bus.load, bench.bus.waiting)
    return bench.seen, list(bench.bus.events), bench.got, bench.told_sent, bench.told_lost, controllers, bus


@settings(max_examples=100, deadline=None)
@given(crowded_days())
def test_a_disturbance_that_does_nothing_changes_nothing(actions: list[Action]) -> None:
    """The fast path of a calm bus and the path of a disturbed one are two programs: they must tell one story."""
    assert story(live(actions, [])) == story(live(actions, [Disturbance()]))


@settings(max_examples=40, deadline=None)
@given(crowded_days(), st.integers(0, 2**32), st.sampled_from((0.02, 0.3)))
def test_the_same_seed_tells_the_same_story(actions: list[Action], seed: int, probability: float) -> None:
    def once() -> Bench:
        streams = Streams(seed)
        return live(
            actions,
            [
                BitErrors(probability, streams.stream("errors")),
                Loss(0.2, streams.stream("loss")),
                Delay(50_000, lambda frame: frame.arbitration_id == 0),
            ],
        )

    assert story(once()) == story(once())


@settings(max_examples=80, deadline=None)
@given(crowded_days(), st.integers(0, 2**32), st.sampled_from((0.0, 0.05, 0.5)))
def test_every_frame_is_sent_once_lost_once_or_waits(actions: list[Action], seed: int, probability: float) -> None:
    bench = Bench("A", "B", "C", "D")
    bench.bus.disturb(BitErrors(probability, Streams(seed).stream("errors")))
    taken: Counter[tuple[str, Frame]] = Counter()
    refused: Counter[str] = Counter()

    def send(name: str, frame: Frame) -> None:
        if bench[name].send(frame):
            taken[name, frame] += 1
        else:
            refused[name] += 1

    for number, (time_ns, place, what, identifier, byte) in enumerate(actions):
        name = "ABC"[place]
        if what == "send":
            # Half of the frames can be told apart; the others are equal to another's.
            data = bytes([byte]) if byte else number.to_bytes(2, "big")
            bench.kernel.at(time_ns, partial(send, name, Frame(identifier, data)))
        else:
            bench.kernel.at(time_ns, bench[name].switch_off if what == "off" else bench[name].switch_on)
    bench.run(1000 * MS)
    assert bench.bus.waiting == 0
    done = Counter((name, frame) for name, frame, *_ in bench.told_sent) + Counter(bench.told_lost)
    assert done == taken
    assert dict(refused) == {name: bench[name].refused for name in "ABC" if bench[name].refused}
    assert all(later.start >= earlier.end + IFS for earlier, later in zip(bench.seen, bench.seen[1:], strict=False))


def test_loss_is_a_receivers_own() -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(Loss(0.5, Streams(1).stream("loss")))
    for number in range(60):
        bench.at(number * MS, "A", Frame(0x100, bytes([number])))
    assert len(bench.run()) == 60
    got = {name: {frame.data[0] for _, frame in bench.got[name]} for name in "BC"}
    assert 15 < len(got["B"]) < 45
    assert got["B"] != got["C"]
    assert bench.bus.errors == 0


def test_loss_of_what_matches_only() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(Loss(1.0, Streams(1).stream("loss"), lambda frame: frame.arbitration_id == 0x100))
    bench.at(0, "A", Frame(0x100, b""))
    bench.at(0, "A", Frame(0x101, b""))
    bench.run()
    assert [frame.arbitration_id for _, frame in bench.got["B"]] == [0x101]


def test_delay_moves_the_request() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(Delay(7 * MS, lambda frame: frame.arbitration_id == 0x100))
    bench.at(0, "A", Frame(0x100, b""))
    bench.at(5, "A", Frame(0x101, b""))
    assert [(p.frame.arbitration_id, p.requested, p.start) for p in bench.run()] == [
        (0x101, 5, 5),
        (0x100, 7 * MS, 7 * MS),
    ]


def test_delays_add_up() -> None:
    bench = Bench("A", "B")
    bench.bus.disturb(Delay(7 * MS))
    bench.bus.disturb(Delay(2 * MS))
    bench.at(0, "A", FRAME)
    assert bench.run()[0].start == 9 * MS


def test_a_delayed_frame_of_a_controller_that_is_off_by_then_is_told_as_lost() -> None:
    bench = Bench("A", "B", "C")
    bench.bus.disturb(Delay(7 * MS))
    bench.at(0, "A", FRAME)
    bench.kernel.at(MS, bench["A"].switch_off)
    assert bench.run() == []
    assert bench.told_lost == [("A", FRAME)]


def test_a_disturbance_may_drop_and_replace_what_is_sent() -> None:
    class Forger(Disturbance):
        def on_request(self, sender: object, frame: Frame) -> tuple[tuple[int, Frame], ...]:
            if frame.arbitration_id == 0x100:
                return ()
            return ((0, frame), (MS, Frame(0x200, b"forged")))

    bench = Bench("A", "B")
    bench.bus.disturb(Forger())
    bench.at(0, "A", Frame(0x100, b""))
    bench.at(0, "A", Frame(0x101, b""))
    assert [frame.arbitration_id for _, frame in bench.got["B"]] == []
    assert [p.frame.arbitration_id for p in bench.run()] == [0x101, 0x200]


@pytest.mark.parametrize("quiet", [True, False])
def test_who_answers_an_error_with_a_frame_is_served_after_it(quiet: bool) -> None:
    """An event can be answered while the bus is still settling what happened."""
    bench = Bench("A", "B", "C")
    bench.bus.disturb(ErrorAt(30, times=2 if quiet else 3))
    answered: list[int] = []

    def answer(event: object) -> None:
        if not answered:
            answered.append(bench.kernel.now)
            bench["B"].send(Frame(0x700, b""))

    bench.bus.event_listeners.append(answer)
    bench.at(0, "A", FRAME)
    seen = bench.run()
    assert [p.sender for p in seen] == ["A", "B"]
    assert bench.bus.event_counts[BusEventKind.ERROR] == (2 if quiet else 3)


def test_a_lost_frame_may_be_sent_again_at_once_by_another() -> None:
    bench = Bench("A", "B", "C")
    bench["A"].on_lost = bench["B"].send
    bench.at(0, "C", Frame(0x7FF, b""))
    bench.at(1, "A", FRAME)
    bench.kernel.at(2, bench["A"].switch_off)
    assert [(p.sender, p.frame.arbitration_id) for p in bench.run()] == [("C", 0x7FF), ("B", 0x123)]


def test_what_an_owner_sends_again_while_it_is_going_off_is_refused() -> None:
    bench = Bench("A", "B", "C")
    answers: list[bool] = []
    bench["A"].on_lost = lambda frame: answers.append(bench["A"].send(frame))
    bench.at(0, "C", Frame(0x7FF, b""))
    bench.at(1, "A", FRAME)
    bench.kernel.at(2, bench["A"].switch_off)
    bench.run()
    assert answers == [False]
    assert bench["A"].state is ControllerState.OFF
    assert bench.bus.waiting == 0
