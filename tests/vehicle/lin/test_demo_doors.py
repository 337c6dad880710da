"""The doors of the demo vehicle: from the switch on LIN to VSS, and from VSS down to the window."""

from pathlib import Path

import pytest

from gateway.can import BusEventKind
from gateway.routing import Quality
from gateway.sim import Kernel
from gateway.vehicle import load

VEHICLE = Path(__file__).parents[3] / "vehicle.yaml"
SECOND = 1_000_000_000
MS = 1_000_000
LEFT = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
RIGHT = "Vehicle.Cabin.Door.Row1.PassengerSide.Window.Position"


class Doors:
    """The demo vehicle, with its ignition on."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.vehicle = load(VEHICLE, self.kernel, seed=1)
        self.vehicle.start()
        self.kernel.run(MS * 100)
        self.ignition("On")

    def ignition(self, position: str) -> None:
        self.vehicle.ecu("BCM").input("ignition").value = position

    def press(self, switch: str, position: str) -> None:
        self.vehicle.ecu("DSP").input(switch).value = position

    def drive(self, seconds: float) -> None:
        self.kernel.run(self.kernel.now + round(seconds * SECOND))

    def vss(self, path: str) -> object:
        return self.vehicle.gateway.store[path].datapoint.value

    def wish(self, path: str, value: int) -> None:
        self.vehicle.gateway.store[path].actuate(value)

    def window(self, side: int = 0):
        return self.vehicle.ecu("WLM").behaviour.sides[side].window

    def state(self, signal: str) -> object:
        return self.vehicle.ecu("BCM").rx(f"doors.WindowState.{signal}").label


@pytest.fixture
def doors():
    return Doors()


class TestSwitch:
    def test_held_down_the_window_opens_all_the_way_up_to_vss(self, doors):
        doors.press("left_window", "Down")
        doors.drive(2.0)
        half = doors.vss(LEFT)
        doors.drive(3.0)

        assert 40 <= half <= 50  # 25 percent a second
        assert doors.vss(LEFT) == 100
        assert doors.vss(RIGHT) == 0

    def test_let_go_it_stops(self, doors):
        doors.press("left_window", "Down")
        doors.drive(1.0)
        doors.press("left_window", "Off")
        doors.drive(0.3)
        stopped = doors.window().position
        doors.drive(2.0)

        assert doors.window().position == stopped
        assert 20 <= stopped <= 30

    def test_auto_goes_to_the_end_by_itself(self, doors):
        doors.press("right_window", "AutoDown")
        doors.drive(0.2)
        doors.press("right_window", "Off")
        doors.drive(5.0)

        assert doors.vss(RIGHT) == 100


class TestWish:
    def test_an_actuation_from_vss_moves_the_window_and_comes_back_up(self, doors):
        doors.wish(LEFT, 60)
        doors.drive(4.0)

        assert doors.window().position == 60
        assert doors.vss(LEFT) == 60
        assert doors.vehicle.gateway.balanced

    def test_the_switch_overrides_it(self, doors):
        doors.wish(LEFT, 100)
        doors.drive(1.0)
        doors.press("left_window", "Up")
        doors.drive(3.0)

        assert doors.vss(LEFT) == 0

    def test_the_same_wish_counts_again(self, doors):
        doors.wish(LEFT, 40)
        doors.drive(3.0)
        doors.press("left_window", "Up")
        doors.drive(3.0)
        doors.press("left_window", "Off")
        doors.drive(0.5)
        doors.wish(LEFT, 40)
        doors.drive(3.0)

        assert doors.vss(LEFT) == 40


class TestMotor:
    def test_what_is_in_the_way_of_a_closing_window_makes_it_open_again(self, doors):
        doors.wish(LEFT, 100)
        doors.drive(5.0)
        doors.vehicle.ecu("WLM").input("left_obstacle").value = 40.0
        doors.press("left_window", "AutoUp")
        doors.drive(0.2)
        doors.press("left_window", "Off")
        doors.drive(6.0)

        assert doors.state("LeftPinched") == "Yes"
        assert doors.vss(LEFT) == 70
        assert doors.state("LeftMotion") == "Still"

    def test_without_the_obstacle_it_closes_at_the_next_order(self, doors):
        self.test_what_is_in_the_way_of_a_closing_window_makes_it_open_again(doors)
        doors.vehicle.ecu("WLM").input("left_obstacle").value = ""
        doors.press("left_window", "AutoUp")
        doors.drive(0.2)
        doors.press("left_window", "Off")
        doors.drive(5.0)

        assert doors.vss(LEFT) == 0
        assert doors.state("LeftPinched") == "No"

    def test_a_window_that_is_stuck_is_switched_off(self, doors):
        doors.vehicle.ecu("WLM").input("left_jam").value = 20.0
        doors.press("left_window", "Down")
        doors.drive(3.0)

        assert doors.state("LeftBlocked") == "Yes"
        assert doors.vss(LEFT) == 20
        assert doors.state("LeftMotion") == "Still"

    def test_the_seal_is_no_obstacle(self, doors):
        doors.wish(LEFT, 30)
        doors.drive(3.0)
        doors.press("left_window", "Up")
        doors.drive(3.0)

        assert (doors.vss(LEFT), doors.state("LeftPinched"), doors.state("LeftBlocked")) == (0, "No", "No")


class TestSilence:
    def test_a_window_lifter_that_does_not_answer_makes_the_position_stale(self, doors):
        doors.press("left_window", "Down")
        doors.drive(1.0)
        doors.vehicle.ecu("WLM").switch_off()
        doors.drive(1.0)

        assert doors.vehicle.ecu("Cluster").rx("DoorStatus.WindowLeft").label == "SNA"
        assert doors.vehicle.gateway.store[LEFT].datapoint.quality is Quality.STALE

        doors.vehicle.ecu("WLM").switch_on()
        doors.drive(1.0)
        assert doors.vehicle.gateway.store[LEFT].datapoint.quality is Quality.GOOD

    def test_a_sleeping_bus_leaves_the_position_as_it_was(self, doors):
        doors.wish(LEFT, 50)
        doors.drive(3.0)
        doors.ignition("Off")
        doors.drive(40.0)

        assert doors.vehicle.buses["doors"].event_counts[BusEventKind.SLEEP] == 1
        assert doors.vehicle.gateway.store[LEFT].datapoint[::2] == (50, Quality.GOOD)


class TestMirrors:
    def test_a_mirror_moves_and_tells_where_it_looks(self, doors):
        told = doors.vehicle.ecu("BCM").rx("doors.MirrorRightState.RightHorizontal")
        doors.press("mirror", "Right")
        doors.press("horizontal", "Plus")
        doors.drive(1.0)
        doors.press("mirror", "None")
        doors.press("horizontal", "Still")
        doors.drive(0.5)

        assert told.value == pytest.approx(4.0, abs=0.5)  # 4 degrees a second
        assert told.value == pytest.approx(doors.vehicle.ecu("MIR").behaviour.angles[0], abs=0.1)


class TestSleep:
    def test_with_the_ignition_off_the_doors_sleep_and_a_switch_wakes_them_up(self, doors):
        bus = doors.vehicle.buses["doors"]
        doors.ignition("Off")
        doors.drive(40.0)
        assert bus.event_counts[BusEventKind.SLEEP] == 1
        frames = bus.frames

        doors.drive(5.0)
        assert bus.frames == frames

        doors.press("left_window", "AutoDown")
        doors.drive(0.5)
        doors.press("left_window", "Off")
        doors.drive(5.0)
        assert doors.window().position == 100
        assert bus.event_counts[BusEventKind.WAKE_UP] == 1

    def test_a_wish_wakes_them_up_as_well(self, doors):
        doors.ignition("Off")
        doors.drive(40.0)

        doors.wish(LEFT, 50)
        doors.drive(4.0)

        assert doors.window().position == 50


def test_nothing_goes_wrong_on_the_bus_in_ordinary_driving(doors):
    doors.drive(20.0)

    assert doors.vehicle.buses["doors"].errors == 0
    assert doors.vehicle.failures == []
    # 50 ms a round: switch, command, state, sensor; mirrors say nothing.
    assert doors.vehicle.buses["doors"].frames == pytest.approx(20.1 * 4 / 0.05, rel=0.01)
