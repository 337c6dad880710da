"""From the pedal on CAN to a SOME/IP event, a client's call and a CAN frame: exact times, the same bytes each run."""

from __future__ import annotations

from someip_bench import COMFORT, MS, S, SomeIpBench

from gateway.can import Frame, frame_bits
from gateway.someip import Answer, Message, MessageType, ReturnCode

LINK_NS = 80
"""A byte at 100 Mbit/s."""
SWITCH_NS = 5_000
SHORTEST = 84
"""Bytes on the wire of the shortest frame: 60, the check sequence, preamble and gap."""


class Way:
    """The client turns the heater to what the pedal says, as soon as an event comes."""

    def __init__(self, seed: int = 1) -> None:
        self.bench = bench = SomeIpBench(seed)
        bench.subscribed(1)
        self.answers: list[tuple[int, Answer]] = []
        take = bench.peer.take

        def then_call(data: bytes, *ends: object) -> None:
            take(data, *ends)  # type: ignore[arg-type]
            time, message = bench.peer.events[-1]
            if message.method == 0x8001 and time == bench.kernel.now:
                level = bytes([int.from_bytes(message.payload, "big") // 100])
                bench.peer.call(0x0010, level, lambda answer: self.answers.append((bench.kernel.now, answer)))

        bench.peer.port.close()
        bench.peer.port = bench.peer.host.open_udp(40000, then_call)
        bench.run(100 - bench.kernel.now / MS)
        bench.frames.clear()
        bench.packets.clear()
        bench.peer.events.clear()
        bench.pedal(50)
        bench.run(50)


def test_pedal_to_event_to_call_to_frame_with_exact_times() -> None:
    way = Way()
    bench = way.bench
    (pedal_ns, pedal), (command_ns, command) = bench.frames
    assert (pedal, command) == (Frame(0x100, b"\x64\x00"), Frame(0x200, b"\x05\x00\x00"))
    ((event_ns, event),) = bench.peer.events
    assert event == Message(0x1234, 0x8001, b"\x01\xf4", MessageType.NOTIFICATION, 0, 1, 1)
    # The event leaves when the frame is over; the call when the event is there; the frame when the call is there.
    way_ns = 2 * SHORTEST * LINK_NS + SWITCH_NS
    assert event_ns == pedal_ns + way_ns
    rates = bench.vehicle.buses["body"].rates
    assert command_ns == event_ns + way_ns + rates.duration_ns(*frame_bits(command))
    ((answer_ns, answer),) = way.answers
    assert answer == Answer(ReturnCode.OK)
    assert answer_ns == event_ns + 2 * way_ns


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second, other = Way(1), Way(1), Way(2)
    assert first.bench.packets == second.bench.packets
    assert first.bench.frames == second.bench.frames
    # Another seed: offers come at other times, what the pedal leads to comes at the same.
    assert first.bench.packets != other.bench.packets
    assert first.bench.frames == other.bench.frames


def test_an_event_comes_as_soon_as_the_subscription_is_acknowledged() -> None:
    bench = SomeIpBench()
    bench.start()
    bench.pedal(12.5)
    bench.run(5)
    bench.peer.find(COMFORT.service)
    bench.until(lambda: bool(bench.peer.told))
    bench.packets.clear()
    bench.peer.subscribe(1)
    bench.run(2)
    ports = [int.from_bytes(frame[36:38], "big") for _, frame in bench.packets]
    assert ports == [30490, 30490, 40000]  # subscribe, acknowledge, the field's value; the other field has none yet
    assert bench.peer.events[0][1].payload == b"\x00\x7d"
    assert bench.kernel.now < S
