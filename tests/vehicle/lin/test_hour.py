"""A schedule with every kind of frame, for an hour, twice the same."""

import hashlib

from lin_bench import MS, SECOND, LinBench

from gateway.can import BusEventKind
from gateway.lin import HeaderNoise, LateResponse, NoResponse, StuckBus, WrongChecksum
from gateway.sim import Streams

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def drive(seed: int, duration_ns: int) -> tuple[str, LinBench]:
    bench = LinBench(schedule="All")
    bench.bus.record = None
    digest = hashlib.sha256()
    stream = Streams(seed).stream("lin")
    bench.bus.taps.append(
        lambda time_ns, frame, sender: digest.update(
            b"%d %d %s %s;" % (time_ns, frame.header, frame.data, sender.name.encode())
        )
    )

    def something() -> None:
        for name in ("LeftNews", "RightNews", "OrderA", "OrderB"):
            if stream.random() < 0.3:
                bench.payload[name] = stream.randbytes(len(bench.payload[name]))
                bench.news(name)
        bench.payload["Command"] = stream.randbytes(2)
        if stream.random() < 0.05:
            bench.bus.commander.diagnostics.request(0x21, bytes.fromhex("B2 00 FF 7F FF FF"), lambda answer: None)
        if stream.random() < 0.01:
            bench.bus.commander.go_to_sleep()
        bench.nodes["Left"].wake_up()
        bench.kernel.after(stream.randrange(200, 800) * MS, something)

    def fault() -> None:
        kinds = (
            NoResponse(),
            WrongChecksum(),
            LateResponse(3 * MS),
            StuckBus(),
            HeaderNoise(0.5, stream),
        )
        chosen = kinds[stream.randrange(len(kinds))]
        bench.bus.disturb(chosen)
        bench.kernel.after(stream.randrange(10, 300) * MS, lambda: bench.bus.undisturb(chosen))
        bench.kernel.after(30 * SECOND, fault)

    something()
    fault()
    bench.kernel.run(duration_ns)
    return digest.hexdigest(), bench


def test_an_hour_is_byte_identical_twice():
    first, bench = drive(1, HOUR)
    again, _ = drive(1, HOUR)

    assert first == again
    assert drive(1, MINUTE)[0] != drive(2, MINUTE)[0]
    kinds = {kind for kind, count in bench.told.items() if count}
    assert kinds >= {
        BusEventKind.NO_RESPONSE,
        BusEventKind.CHECKSUM,
        BusEventKind.LATE_RESPONSE,
        BusEventKind.HEADER,
        BusEventKind.STUCK,
        BusEventKind.EVENT_COLLISION,
        BusEventKind.SLEEP,
        BusEventKind.WAKE_UP,
    }
    assert bench.bus.frames > 150_000
