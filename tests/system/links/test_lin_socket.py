"""A program outside as a responder on a simulated LIN bus, over the socket, with python-can."""

import asyncio
from pathlib import Path

import can

from gateway.can import Frame
from gateway.database import load_shared
from gateway.lin import LinBus
from gateway.links import serve
from gateway.sim import Clock, Kernel, run

LDF = Path(__file__).parents[3] / "dbc" / "doors.ldf"
LIMIT_S = 60.0


def respond(place: Path) -> list[tuple[int, bytes]]:
    """Answer WindowState, and note what comes."""
    with can.Bus(interface="gateway", channel="doors", socket=str(place)) as bus:
        bus.send(can.Message(arbitration_id=0x21, data=[100, 50, 0, 0], is_extended_id=False))
        heard = []
        while len(heard) < 20:
            message = bus.recv(LIMIT_S)
            assert message is not None
            heard.append((message.arbitration_id, bytes(message.data)))
        return heard


async def drive(kernel: Kernel, place: Path) -> tuple[list[tuple[int, bytes]], list[Frame], LinBus]:
    lin = load_shared(LDF).lin
    assert lin is not None
    bus = LinBus(kernel, "doors", lin)
    commander = bus.attach("BCM")
    commander.supply(0x10, lambda: Frame(0x10, b"\xff\xff\x00"))
    got: list[Frame] = []
    commander.receive(0x21, got.append)
    bus.commander.schedule("Normal")
    commander.switch_on()
    async with serve("test", {"doors": bus}, place):
        heard = await asyncio.to_thread(respond, place)
    return heard, got, bus


def test_what_it_sends_answers_the_headers_of_that_frame(tmp_path):
    kernel = Kernel()

    heard, got, bus = run(drive(kernel, tmp_path / "lin.sock"), kernel, Clock.WALL)

    assert set(got) == {Frame(0x21, bytes((100, 50, 0, 0)))}
    assert (0x10, b"\xff\xff\x00") in heard
    assert bus.frames >= len(heard)
