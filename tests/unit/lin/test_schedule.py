"""Schedule tables: switching between slots, priorities, resuming."""

import pytest

from gateway.database.lin import ScheduleTable, Slot, SlotKind
from gateway.lin import LinError, Scheduler

MS = 1_000_000


def table(name: str, *frames: str) -> ScheduleTable:
    return ScheduleTable(name, tuple(Slot(SlotKind.FRAME, 10 * MS, frame) for frame in frames))


NORMAL = table("Normal", "A", "B", "C")
OTHER = table("Other", "X", "Y")
RESOLVER = table("Resolver", "P", "Q")


def scheduler() -> Scheduler:
    return Scheduler({each.name: each for each in (NORMAL, OTHER, RESOLVER)})


def slots(schedule: Scheduler, count: int) -> str:
    return "".join(slot.name if (slot := schedule.next_slot()) is not None else "-" for _ in range(count))


def test_a_table_runs_over_and_over():
    schedule = scheduler()
    schedule.switch("Normal")

    assert slots(schedule, 7) == "ABCABCA"


def test_without_a_table_there_is_no_slot():
    assert slots(scheduler(), 2) == "--"


def test_another_table_begins_at_its_start_with_the_next_slot():
    schedule = scheduler()
    schedule.switch("Normal")
    assert slots(schedule, 2) == "AB"

    schedule.switch("Other")

    assert slots(schedule, 3) == "XYX"
    assert schedule.current == "Other"


def test_a_table_that_runs_once_lets_the_other_go_on_where_it_stood():
    schedule = scheduler()
    schedule.switch("Normal")
    assert slots(schedule, 1) == "A"

    schedule.run_once("Other")

    assert slots(schedule, 4) == "XYBC"


def test_a_collision_goes_before_all_others():
    schedule = scheduler()
    schedule.switch("Normal")
    slots(schedule, 1)
    schedule.run_once("Other")
    assert slots(schedule, 1) == "X"

    schedule.resolve(RESOLVER)
    schedule.resolve(RESOLVER)

    assert slots(schedule, 5) == "PQYBC"


def test_a_switch_below_waits_until_what_is_above_is_done():
    schedule = scheduler()
    schedule.switch("Normal")
    schedule.resolve(RESOLVER)
    assert slots(schedule, 1) == "P"

    schedule.switch("Other")

    assert slots(schedule, 3) == "QXY"


def test_no_table_any_more():
    schedule = scheduler()
    schedule.switch("Normal")
    schedule.switch(None)

    assert schedule.next_slot() is None


@pytest.mark.parametrize("name", ["Normall", ""])
def test_an_unknown_table_is_refused(name):
    with pytest.raises(LinError, match="there is no schedule table"):
        scheduler().switch(name)
