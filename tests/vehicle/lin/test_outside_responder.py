"""A program outside publishes a LIN frame: instead of a node that was left out, or beside it, which collides."""

from pathlib import Path

from gateway.can import BusEventKind, Frame
from gateway.links import Participant
from gateway.sim import Kernel
from gateway.vehicle import Selection, Vehicle, load
from gateway.vehicle.assembly.selection import keep

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
SECOND = 1_000_000_000
STATE = 0x21
HALF_OPEN = bytes((100, 0, 0, 0))


def switched_on(*without: str) -> Vehicle:
    vehicle = load(VEHICLE, Kernel(), seed=1)
    keep(vehicle, Selection(without=frozenset(without)))
    vehicle.start()
    vehicle.kernel.run(SECOND // 10)
    return vehicle


def publishing(vehicle: Vehicle) -> tuple[Participant, list[bytes]]:
    heard: list[bytes] = []

    def hear(frame: Frame) -> None:
        if frame.header == STATE:
            heard.append(frame.data)

    program = Participant(vehicle.buses["doors"], "program", hear)
    assert program.send(Frame(STATE, HALF_OPEN))
    return program, heard


def test_a_program_publishes_what_a_node_that_was_left_out_would():
    vehicle = switched_on("WLM")
    before = vehicle.event_count("doors", BusEventKind.NO_RESPONSE)
    seen: list[tuple[str, bytes]] = []
    vehicle.buses["doors"].taps.append(
        lambda _, frame, sender: seen.append((sender.name, frame.data)) if frame.header == STATE else None
    )

    publishing(vehicle)
    vehicle.kernel.run(SECOND)

    assert set(seen) == {("program-1", HALF_OPEN)}
    assert 17 <= len(seen) <= 18  # every 50 ms
    assert vehicle.event_count("doors", BusEventKind.NO_RESPONSE) == before
    assert vehicle.ecus["BCM"].rx("WindowState.LeftPosition").value == 50


def test_its_frame_stays_until_it_sends_another_or_leaves():
    vehicle = switched_on("WLM")
    program, _ = publishing(vehicle)
    states: list[bytes] = []
    vehicle.buses["doors"].attach("listener").receive(STATE, lambda frame: states.append(frame.data))
    vehicle.kernel.run(SECOND)
    program.send(Frame(STATE, bytes((120, 0, 0, 0))))
    vehicle.kernel.run(2 * SECOND)
    program.leave()
    vehicle.kernel.run(4 * SECOND)
    states.clear()

    vehicle.kernel.run(5 * SECOND)

    assert states == []
    assert vehicle.ecus["BCM"].rx("WindowState.LeftPosition").value == 60


def test_beside_the_node_itself_both_answer_and_collide_as_on_a_wire():
    vehicle = switched_on()

    _, heard = publishing(vehicle)
    vehicle.kernel.run(SECOND)

    assert heard == []
    assert vehicle.event_count("doors", BusEventKind.COLLISION) >= 17
