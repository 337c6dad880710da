"""Going through a recording, and holding time."""

from __future__ import annotations

from pathlib import Path

import pytest
from direct_feed import Feed

from gateway.sim import NS_PER_S, Clock, Kernel, SimulationLoop, WallPace, run
from gateway.ui.desk import PlaybackRow
from gateway.ui.errors import UiError
from gateway.ui.feed_rows import Part, Visible
from gateway.ui.playback import HeldTime, PlayedTime, running_pace
from gateway.vehicle import VehicleFile, build
from gateway.vehicle.assembly.ad_hoc import vehicle_of_log
from gateway.vehicle.logs.log import Log, read_log
from gateway.vehicle.logs.replay import AtEnd, Player

MESSAGES = Visible(parts=frozenset({Part.MESSAGES}))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Ten seconds: 0x100 every 10 ms counts up; 0x200 comes at 0.5 s and 7 s; 0x300 at the very end."""
    lines = [(ms / 1000, f"100#{ms // 10:04X}") for ms in range(0, 10_000, 10)]
    lines += [(0.5005, "200#01"), (7.0005, "200#02"), (9.9955, "300#FF")]
    file = tmp_path / "drive.log"
    file.write_text("".join(f"({time:.6f}) can0 {frame}\n" for time, frame in sorted(lines)))
    return read_log([file])


class Played:
    """A recording that is played and watched, in a loop in wall time that nobody runs: time passes by `skip` alone."""

    def __init__(self, log: Log) -> None:
        self.vehicle = vehicle_of_log(log, {})
        self.kernel = self.vehicle.kernel
        self.player = Player(self.vehicle, log, end=AtEnd.STAYS)
        self.feed = Feed(self.vehicle)
        self.feed.attach()
        self.pace = WallPace(self.kernel)
        self.pace.pause()
        self.time = PlayedTime(self.pace, self.player)
        self.time.on_jump = self.feed.forget
        self.viewer = self.feed.subscribe(MESSAGES)
        self.player.start()

    def shown(self) -> dict[str, str]:
        rows = self.viewer.snapshot().messages
        return {self.feed.messages[row.number].identifier: row.data.hex() for row in rows}


@pytest.fixture
def played(log: Log) -> Played:
    return Played(log)


def test_a_place_in_a_recording_shows_what_was_there_then(played: Played) -> None:
    played.time.seek(5 * NS_PER_S)
    assert played.time.row() == PlaybackRow(5 * NS_PER_S, 9_995_500_000, paused=True, speed=1.0)
    assert played.shown() == {"0x100": f"{500:04x}", "0x200": "01"}


def test_it_goes_on_from_there_and_back_again(played: Played) -> None:
    played.time.seek(8 * NS_PER_S)
    assert played.shown()["0x200"] == "02"
    played.pace.skip(NS_PER_S)
    assert played.shown()["0x100"] == f"{900:04x}"
    played.time.seek(NS_PER_S)
    assert played.shown() == {"0x100": f"{100:04x}", "0x200": "01"}
    assert played.player.position_ns == NS_PER_S


def test_periods_are_told_after_a_jump(played: Played) -> None:
    played.time.seek(6 * NS_PER_S)
    row = next(row for row in played.viewer.snapshot().messages if row.frames > 10)
    assert row.period_ns == 10_000_000
    assert row.frames <= 102


def test_the_end_is_held_and_left_again(played: Played) -> None:
    played.time.seek(20 * NS_PER_S)
    played.pace.skip(NS_PER_S)
    assert played.player.at_end
    assert played.time.row().paused
    assert played.shown()["0x300"] == "ff"
    played.time.go_on(None)
    assert not played.player.at_end
    assert played.player.position_ns < NS_PER_S


def test_a_jump_is_the_same_as_having_waited(log: Log) -> None:
    waited, jumped = Played(log), Played(log)
    waited.pace.skip(7_500_000_000)
    jumped.time.seek(7_500_000_000)
    assert waited.shown() == jumped.shown()


def test_held_time_stands_still_and_goes_on_from_where_it_stood() -> None:
    kernel = Kernel()
    pace = WallPace(kernel)
    time = HeldTime(pace)
    time.pause()
    held = pace.time_ns()
    assert time.row().paused
    assert pace.time_ns() == held
    happened: list[int] = []
    kernel.at(held + NS_PER_S, lambda: happened.append(kernel.now))
    pace.skip(2 * NS_PER_S)
    assert happened == [held + NS_PER_S]
    assert pace.time_ns() >= held + 2 * NS_PER_S
    time.go_on(10.0)
    assert not time.row().paused
    assert pace.speed == 10
    assert pace.time_ns() >= held + 2 * NS_PER_S
    with pytest.raises(UiError, match="--trace"):
        time.seek(0)


def test_sockets_are_heard_while_time_stands_still() -> None:
    async def main() -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        pace = running_pace()
        pace.pause()
        held = pace.time_ns()
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        server.close()
        assert pace.time_ns() == held
        pace.go_on()

    run(main(), Kernel(), Clock.WALL)


async def test_virtual_time_cannot_be_held() -> None:
    with pytest.raises(UiError, match="--clock wall"):
        running_pace()


def test_an_ecu_that_is_in_the_recording_is_not_shown_as_off(demo_file: VehicleFile, log: Log) -> None:
    vehicle = build(demo_file, Kernel())
    with Feed(vehicle) as feed:
        states = {row.name: row.state for row in feed.ecu_rows()}
        assert states["ESP"] == "off"
        Player(vehicle, log)
        states = {row.name: row.state for row in feed.ecu_rows()}
        assert states["ESP"] == "recorded"
        assert states["GW"] == "running"
