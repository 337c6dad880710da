"""What monitor and page tell of SOME/IP services."""

from __future__ import annotations

from pathlib import Path

from direct_feed import Feed

from gateway.sim import NS_PER_S, Kernel
from gateway.ui.feed_rows import Part, Visible
from gateway.ui.monitor_cells import line
from gateway.ui.monitor_detail import details
from gateway.ui.monitor_state import MonitorState, Pane
from gateway.vehicle import build, read_vehicle

VEHICLE = Path(__file__).parents[2] / "data" / "someip" / "vehicle.yaml"


async def test_services_are_told_with_what_is_wrong_with_them() -> None:
    vehicle = build(read_vehicle(VEHICLE), Kernel())
    vehicle.start()
    with Feed(vehicle) as feed:
        vehicle.kernel.run(5 * NS_PER_S)
        snapshot = feed.subscribe(Visible(parts=frozenset({Part.SERVICES}))).snapshot()
        assert "SOME/IP" in feed.about.domains
        state = MonitorState(feed.about)
        state.take(snapshot)
    rows = {row.name: row for row in snapshot.services}
    assert (rows["Comfort"].role, rows["Comfort"].state, rows["Comfort"].where) == ("offered", "offered", "10.0.0.1")
    assert (rows["Navigation"].role, rows["Navigation"].state) == ("consumed", "missing")
    assert rows["Navigation"].where == "nobody offers it"
    keys = state.keys(Pane.SERVICES)
    assert [line(state, Pane.SERVICES, key)[0].plain for key in keys] == ["Comfort", "Navigation"]
    assert "nobody offers it" in details(state, Pane.SERVICES, keys[1]).plain
    vehicle.stop()


async def test_a_vehicle_without_services_has_none(watched) -> None:
    assert watched.feed.service_rows() == ()
