"""Faults of a LIN bus in test scripts, as a user writes them on the doors of the demo vehicle."""

import pytest

from gateway.can import BusEventKind
from gateway.hil import HilError, VehicleUnderTest, faults
from gateway.hil.faults import Fault

EACH: list[tuple[Fault, BusEventKind]] = [
    (faults.NoResponse("doors.WindowState"), BusEventKind.NO_RESPONSE),
    (faults.WrongChecksum("doors.WindowState"), BusEventKind.CHECKSUM),
    (faults.SecondResponder("doors.WindowState", values={"LeftPosition": 42}), BusEventKind.COLLISION),
    (faults.SecondResponder("doors.WindowState", data=b"\x2a\0\0\0"), BusEventKind.COLLISION),
    (faults.LateResponse("doors.WindowState", by="3ms"), BusEventKind.LATE_RESPONSE),
    (faults.HeaderNoise("doors.WindowState"), BusEventKind.HEADER),
]


@pytest.fixture
async def vehicle(vehicle: VehicleUnderTest) -> VehicleUnderTest:
    vehicle.ecu("BCM").input("ignition").value = "On"
    await vehicle.run_for("100ms")  # until all have booted
    return vehicle


@pytest.mark.parametrize(("fault", "kind"), EACH, ids=lambda each: getattr(each, "name", type(each).__name__))
async def test_a_fault_of_one_frame_is_told_leaves_the_others_and_goes(vehicle, fault, kind):
    with vehicle.fault(fault):
        nothing = vehicle["doors"].expect_never("WindowState", during="500ms")
        others = vehicle["doors"].expect_period("WindowSwitch", "50ms", during="500ms")
        await nothing
        await others

    assert vehicle["doors"].bus.event_counts[kind] == 10
    await vehicle["doors"].expect("WindowState", within="100ms")
    assert not vehicle["doors"].bus.disturbances


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.StuckBus("doors"), BusEventKind.STUCK),
        (faults.SilentCommander("doors"), BusEventKind.SILENT),
        (faults.NoResponse("doors"), BusEventKind.NO_RESPONSE),
        (faults.HeaderNoise("doors"), BusEventKind.HEADER),
    ],
    ids=["stuck", "commander dead", "no response at all", "noise"],
)
async def test_a_fault_of_the_whole_bus_silences_it_and_goes(vehicle, fault, kind):
    with vehicle.fault(fault):
        await vehicle["doors"].expect_never("WindowState", during="5s")

    assert vehicle["doors"].bus.event_counts[kind] >= 1
    await vehicle["doors"].expect("WindowState", within="500ms")


async def test_a_probability_hits_some_of_the_frames_and_the_seed_says_which(vehicle):
    with vehicle.fault(faults.NoResponse("doors.WindowState", probability=0.5)):
        await vehicle.run_for("5s")

    assert 30 < vehicle["doors"].bus.event_counts[BusEventKind.NO_RESPONSE] < 70


async def test_a_response_that_is_a_little_late_is_good(vehicle):
    with vehicle.fault(faults.LateResponse("doors.WindowState", by="500us")):
        await vehicle["doors"].expect_period("WindowState", "50ms", during="500ms")

    assert vehicle["doors"].bus.errors == 0


async def test_a_commander_without_power_is_a_fault_of_its_ecu(vehicle):
    with vehicle.fault(faults.Killed("BCM")):
        await vehicle["doors"].expect_never("WindowState", during="5s")

    await vehicle["doors"].expect("WindowState", within="500ms")


async def test_a_wire_cut_before_the_commander_carries_no_header(vehicle):
    with vehicle.fault(faults.BusCut("doors", "BCM")):
        await vehicle["doors"].expect_never("WindowState", during="300ms")

    await vehicle["doors"].expect("WindowState", within="100ms")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (faults.NoResponse("body.DoorStatus"), "body is no LIN bus: NoResponse needs one"),
        (faults.StuckBus("body"), "body is no LIN bus: StuckBus needs one"),
        (faults.StuckBus("doors.WindowState"), "StuckBus is a fault of a bus: write StuckBus\\('doors'\\)"),
        (faults.WrongChecksum("doors.WindowStat"), "did you mean 'WindowState'"),
        (faults.NoResponse("doors", probability=0), "a probability of 0 cannot be"),
        (faults.SecondResponder("doors"), "SecondResponder needs a message: doors.MESSAGE"),
        (faults.SecondResponder("doors.WindowState", data=bytes(9)), "a LIN frame has 1 to 8 bytes, not 9"),
        (faults.SecondResponder("doors.WindowState", values={"LeftPositon": 1}), "did you mean 'LeftPosition'"),
        (faults.BusOff("BCM", "doors"), "doors is a LIN bus, and LIN knows no bus-off"),
        (faults.Babbling("BCM", bus="doors"), "doors is a LIN bus, where only headers make anybody send"),
        (faults.WrongLength("doors.WindowState", length=9), "a frame of 9 bytes cannot be on doors"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_a_sentence(vehicle, fault, sentence):
    with pytest.raises(HilError, match=sentence):
        vehicle.fault(fault)


@pytest.mark.parametrize(
    ("identifier", "data", "sentence"),
    [
        (0x40, bytes(8), "0x40 is no identifier of a LIN frame: those are 0x00 to 0x3D"),
        (0x3F, bytes(8), "0x3f is no identifier of a LIN frame"),
        (0x21, bytes(9), "a LIN frame has 1 to 8 bytes, not 9"),
        (0x21, b"", "a LIN frame has 1 to 8 bytes, not 0"),
        (0x21, bytes(3), "WindowState has 4 bytes on doors, not 3"),
        (0x3C, bytes(3), "a diagnostic frame has 8 bytes, not 3"),
        (0x05, bytes(2), "doors has no frame 0x05"),
    ],
)
async def test_a_raw_frame_that_lin_does_not_have_is_told_in_lins_words(vehicle, identifier, data, sentence):
    with pytest.raises(HilError, match=sentence):
        vehicle["doors"].send_raw(identifier, data)


async def test_lin_has_no_can_fd_and_no_long_identifiers(vehicle):
    for words in ({"fd": True}, {"extended": True}):
        with pytest.raises(HilError, match="a LIN frame is neither extended nor CAN FD"):
            vehicle["doors"].send_raw(0x21, bytes(4), **words)
