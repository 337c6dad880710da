"""The feeding side of the SDV domain alone, in processor time: our mapping against a loop of cantools' decode with the
same rules by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, in_turn
from gateway.can import KEY_MASK, Frame
from gateway.sim import Kernel
from gateway.vehicle import load

ROUNDS = 9
DRIVE_S = 10.0


def measure() -> list[Figure]:
    """The demo vehicle's frames through its mapping, ours against by hand."""
    recorded = _recorded_frames()
    ours, by_hand = _ours(), _by_hand()
    fast, slow = in_turn(ROUNDS, lambda: ours(recorded), lambda: by_hand(recorded))
    rate = len(recorded) / fast
    return [
        Figure(
            "domains.feeding",
            slow / fast,
            "x",
            f"cantools' decode and the same rules by hand; ours {rate:,.0f} frames/s",
        )
    ]


_Recorded = list[tuple[int, str, int, Frame]]


def _recorded_frames() -> _Recorded:
    """Time, bus, key and frame of what the mapping listens to, a few seconds of the demo vehicle's drive."""
    kernel = Kernel()
    vehicle = load(_demo(), kernel)
    assert vehicle.can_to_vss is not None
    wanted = set(vehicle.can_to_vss.messages)
    recorded: _Recorded = []

    def listen(bus: str) -> Callable[[Frame], None]:
        def note(frame: Frame) -> None:
            key = frame.header & KEY_MASK
            if (bus, key) in wanted:
                recorded.append((kernel.now, bus, key, frame))

        return note

    for bus in {bus for bus, _ in wanted}:
        vehicle.buses[bus].attach("tap").receive_all(listen(bus))
    vehicle.start()
    kernel.run(round(DRIVE_S * 1e9))
    return recorded


def _ours() -> Callable[[_Recorded], None]:
    vehicle = load(_demo(), Kernel())
    assert vehicle.can_to_vss is not None
    feeds = {key: one.on_frame for key, one in vehicle.can_to_vss.messages.items()}
    kernel = vehicle.kernel

    def again(recorded: _Recorded) -> None:
        kernel.now = 0
        for one in vehicle.can_to_vss.feeds:  # type: ignore[union-attr]
            one.due_ns = 0
        for message in vehicle.can_to_vss.messages.values():  # type: ignore[union-attr]
            message.look_again()
        for now, bus, key, frame in recorded:
            kernel.now = now
            feeds[bus, key](frame)

    return again


def _by_hand() -> Callable[[_Recorded], None]:
    """What a user would write: cantools decodes the frame; each rule's interval, transform and change by hand."""
    import cantools

    vehicle = load(_demo(), Kernel())
    assert vehicle.mapping is not None
    files = {bus: database.file for bus, database in vehicle.databases.items()}
    databases = {bus: cantools.database.load_file(file) for bus, file in files.items() if file.endswith(".dbc")}
    rules: dict[tuple[str, int], list[Any]] = {}
    for rule in vehicle.mapping.upward:
        for place in rule.places:
            table = None if rule.table is None else {str(pair.source): pair.target for pair in rule.table}
            math = None if rule.math is None else rule.math.function
            entry = (rule.leaf.path, place.signal.name, rule.interval_ns, rule.on_change, table, math)
            rules.setdefault((place.bus, place.key), []).append(entry)

    def decode(recorded: _Recorded) -> None:
        values: dict[str, Any] = {}
        last: dict[str, int] = {}
        for now, bus, key, frame in recorded:
            signals = databases[bus].decode_message(key, frame.data)
            for path, name, interval, on_change, table, math in rules[bus, key]:
                if now - last.get(path, -interval) < interval:
                    continue
                value = signals[name]
                if table is not None:
                    value = table.get(str(value))
                elif math is not None and not isinstance(value, str):
                    value = math(float(value))
                if on_change and values.get(path) == value:
                    continue
                last[path] = now
                values[path] = value

    return decode


def _demo() -> Path:
    from gateway.cli.options import demo_vehicle

    return demo_vehicle()
