"""LIN: frames a second on ten buses, and what four LIN buses beside five CAN buses cost for each frame."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks import big_vehicle
from benchmarks.measure import Figure, in_turn
from gateway.can import Frame
from gateway.can import bus as can_bus
from gateway.database.lin import LinDescription, LinFrame, Responder, ScheduleTable, Slot, SlotKind
from gateway.lin import LinBus
from gateway.sim import NS_PER_S, Kernel
from gateway.vehicle import Vehicle, load

BUSES = 10
FRAMES = 20
SLOT_NS = 10_000_000
SLICE_NS = 10 * NS_PER_S
ROUNDS = 7
MIXED_BUSES = 4
MIXED_SLICE_NS = NS_PER_S
MIXED_ROUNDS = 9


def _description() -> LinDescription:
    names = [f"F{number}" for number in range(FRAMES)]
    publishers = ["CEM", "R1", "R2", "R3"]
    return LinDescription(
        bit_rate=19_200,
        commander="CEM",
        responders={name: Responder(name=name) for name in publishers[1:]},
        frames={name: LinFrame(name, place, 8, publishers[place % 4]) for place, name in enumerate(names)},
        tables={"Normal": ScheduleTable("Normal", tuple(Slot(SlotKind.FRAME, SLOT_NS, name) for name in names))},
    )


class _Buses:
    """Ten buses whose frames all have a receiver and change each time."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.received = 0
        self.buses = [self._bus(index) for index in range(BUSES)]

    def _bus(self, index: int) -> LinBus:
        made = LinBus(self.kernel, f"lin{index}", _description(), index=index)
        made.record = []
        nodes = {name: made.attach(name) for name in ("CEM", "R1", "R2", "R3")}
        for frame in made.description.frames.values():
            counter = iter(range(1 << 60))
            nodes[frame.publisher].supply(
                frame.frame_id,
                lambda frame_id=frame.frame_id, counter=counter: Frame(frame_id, next(counter).to_bytes(8)),
            )
            nodes["R1" if frame.publisher == "CEM" else "CEM"].receive(frame.frame_id, self._receive)
        made.commander.schedule("Normal")
        for node in nodes.values():
            node.switch_on()
        return made

    def _receive(self, _frame: Frame) -> None:
        self.received += 1

    def drive(self) -> None:
        for bus in self.buses:
            assert bus.record is not None
            bus.record.clear()
        self.kernel.run(self.kernel.now + SLICE_NS)

    @property
    def frames(self) -> int:
        return sum(len(bus.record or ()) for bus in self.buses)


def measure_frames() -> list[Figure]:
    """Frames a second of processor time on ten buses of twenty frames."""
    buses = _Buses()
    (taken,) = in_turn(ROUNDS, buses.drive)
    expected = BUSES * SLICE_NS // SLOT_NS
    if buses.frames != expected or any(bus.errors for bus in buses.buses):
        raise AssertionError("the measured buses did not carry what they should")
    how = "plain" if str(can_bus.__file__).endswith(".py") else "compiled"
    return [Figure("lin.frames", buses.frames / taken, "frames/s", f"{BUSES} buses of {FRAMES} frames, {how} Python")]


LDF = """\
LIN_description_file;
LIN_protocol_version = "2.2";
LIN_language_version = "2.2";
LIN_speed = 19.2 kbps;
Nodes {{ Master: L{bus}C, 5 ms, 0.1 ms; Slaves: L{bus}A, L{bus}B; }}
Signals {{
{signals}
}}
Frames {{
{frames}
}}
Node_attributes {{
  L{bus}A {{ LIN_protocol = "2.2"; configured_NAD = 1; product_id = 1, 1; }}
  L{bus}B {{ LIN_protocol = "2.2"; configured_NAD = 2; product_id = 1, 2; }}
}}
Schedule_tables {{ Normal {{
{slots}
}} }}
"""


def _ldf(bus: int) -> str:
    nodes = [f"L{bus}C", f"L{bus}A", f"L{bus}B"]
    numbers = range(FRAMES)
    others = [nodes[(number + 1) % 3] for number in numbers]
    return LDF.format(
        bus=bus,
        signals="\n".join(f"  S{bus}_{n}: 16, 0, {nodes[n % 3]}, {others[n]};" for n in numbers),
        frames="\n".join(f"  F{bus}_{n}: {n}, {nodes[n % 3]}, 8 {{ S{bus}_{n}, 0; }}" for n in numbers),
        slots="\n".join(f"  F{bus}_{n} delay 10 ms;" for n in numbers),
    )


class _Driven:
    """The vehicle of the `vehicle` bench, with or without LIN buses beside."""

    def __init__(self, folder: Path, lin_buses: int) -> None:
        folder.mkdir()
        path = big_vehicle.write(folder)
        text = json.loads(path.read_text())
        for bus in range(lin_buses):
            (folder / f"lin{bus}.ldf").write_text(_ldf(bus))
            text["buses"][f"lin{bus}"] = {"kind": "lin", "database": f"lin{bus}.ldf", "schedule": "Normal"}
        path.write_text(json.dumps(text))
        self.kernel = Kernel()
        self.vehicle: Vehicle = load(path, self.kernel, seed=1)
        self.record: list[tuple[object, ...]] = []
        for each in self.vehicle.buses.values():
            each.record = self.record  # type: ignore[assignment]
        self.vehicle.start()

    def drive(self) -> None:
        self.record.clear()
        self.kernel.run(self.kernel.now + MIXED_SLICE_NS)

    @property
    def frames(self) -> int:
        return len(self.record)


def measure_mixed() -> list[Figure]:
    """Time a frame with four LIN buses beside five CAN buses, over the time a frame without them."""
    with tempfile.TemporaryDirectory() as name:
        plain = _Driven(Path(name) / "plain", 0)
        mixed = _Driven(Path(name) / "mixed", MIXED_BUSES)
        plain_time, mixed_time = in_turn(MIXED_ROUNDS, plain.drive, mixed.drive)
        if mixed.frames <= plain.frames or any(bus.errors for bus in mixed.vehicle.buses.values()):
            raise AssertionError("the measured vehicle did not drive as it should")
        ratio = mixed_time / mixed.frames / (plain_time / plain.frames)
    return [
        Figure(
            "lin.mixed", ratio, "x", f"time a frame, {mixed.frames - plain.frames} LIN frames/s beside {plain.frames}"
        )
    ]
