"""What a monitor shows of a vehicle, as text; and what it takes as a frame."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor_film import Film

from gateway.can import BRS, EXTENDED, FD, REMOTE, Frame
from gateway.ui.errors import UiError
from gateway.ui.monitor_cells import COLUMNS, bar, duration, line, shown_columns, stale_of, words
from gateway.ui.monitor_detail import details, question
from gateway.ui.monitor_send import Sending, as_typed, sending
from gateway.ui.monitor_state import Key, MonitorState, Pane

BUSES = ["powertrain", "chassis", "body", "doors"]


@pytest.fixture
def state(film: Film) -> MonitorState:
    state = MonitorState(film.about)
    for snapshot in film.snapshots:
        state.take(snapshot)
    return state


def message(state: MonitorState, title: str) -> int:
    return next(about.number for about in state.message_abouts if about.title == title)


@pytest.mark.parametrize("pane", list(Pane))
def test_each_line_of_each_pane_has_a_cell_for_each_column_and_something_to_tell(state: MonitorState, pane: Pane):
    for key in state.keys(pane):
        assert len(line(state, pane, key)) == len(COLUMNS[pane])
        assert details(state, pane, key).plain
        assert words(state, pane, key)


def test_messages_stand_by_bus_and_identifier_and_buses_in_the_order_of_the_file(state: MonitorState):
    abouts = [state.message_abouts[key] for key in state.keys(Pane.MESSAGES) if isinstance(key, int)]

    assert [about.key for about in abouts if about.bus == "powertrain"] == sorted(
        about.key for about in abouts if about.bus == "powertrain"
    )
    assert list(dict.fromkeys(about.bus for about in abouts)) == BUSES
    assert state.keys(Pane.BUSES) == BUSES


def test_a_message_tells_its_signals_with_units_and_labels(state: MonitorState):
    told = details(state, Pane.MESSAGES, message(state, "powertrain.VehicleSpeed")).plain

    assert "Speed" in told and "km/h" in told
    assert "Standstill             Yes (1)" in told
    assert "its cycle is 20.0 ms" in told


def test_bytes_that_changed_lately_are_marked_and_no_others(state: MonitorState):
    cells = line(state, Pane.MESSAGES, message(state, "powertrain.VehicleSpeed"))
    marked = [cells[-1].plain[span.start : span.end] for span in cells[-1].spans]

    assert marked[:2] == cells[-1].plain.split()[:2]  # checksum and counter
    assert len(marked) < len(cells[-1].plain.split())


def test_a_message_that_does_not_come_any_more_is_stale_and_its_ecu_says_so(state: MonitorState):
    number = message(state, "chassis.WheelSpeeds")
    row = state.messages[number].row._replace(stale=True)
    state.messages[number].row = row

    assert line(state, Pane.MESSAGES, number)[6].plain == "STALE"
    assert "stale" in words(state, Pane.MESSAGES, number)
    assert stale_of(state, "ESP") == [number]
    assert "chassis.WheelSpeeds" in details(state, Pane.ECUS, "ESP").plain
    assert question(state, Pane.ECUS, "ESP") == "signal chassis.WheelSpeeds"


def test_a_message_that_never_came_though_its_ecu_is_there_has_a_line(state: MonitorState):
    number = message(state, "chassis.WheelSpeeds")
    del state.messages[number]

    assert number in state.keys(Pane.MESSAGES)
    assert line(state, Pane.MESSAGES, number)[6].plain == "NEVER"
    assert "NEVER" in details(state, Pane.MESSAGES, number).plain


def test_each_kind_of_line_has_its_question(state: MonitorState):
    assert question(state, Pane.MESSAGES, message(state, "body.ClusterInfo")) == "signal body.ClusterInfo"
    assert question(state, Pane.SIGNALS, 0) == f"signal {state.path_abouts[0].path}"
    assert question(state, Pane.ROUTES, 2) == "signal powertrain.WheelSpeeds"
    assert question(state, Pane.ROUTES, 7) == "signal body.ClusterInfo.DisplaySpeed"
    assert question(state, Pane.BUSES, "body") == "all"
    assert question(state, Pane.EVENTS, None) is None


def test_an_identifier_that_no_database_knows_is_asked_for_as_a_frame(state: MonitorState):
    number = message(state, "body.ClusterInfo")
    state.message_abouts[number] = replace(state.message_abouts[number], name="", signals=())

    assert question(state, Pane.MESSAGES, number) == "frame body/0x3A0"
    assert "no database knows" in details(state, Pane.MESSAGES, number).plain


@given(st.sampled_from(Pane), st.integers(38, 300))
def test_columns_fit_into_every_terminal(pane: Pane, width: int):
    shown = shown_columns(pane, width)

    assert sum(room for _, room in shown) + 2 * (len(shown) - 1) <= max(width, 40)
    assert all(room >= 4 for _, room in shown)
    assert shown == sorted(shown)


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [(None, "-"), (850_000, "850 us"), (12_340_000, "12.3 ms"), (99_990_000, "100 ms"), (4_200_000_000, "4.2 s")],
)
def test_durations_are_short(value_ns: int | None, text: str):
    assert duration(value_ns) == text


@given(st.floats(-1, 3))
def test_a_bar_is_always_as_wide(share: float):
    assert bar(share).cell_len >= 19


class TestSending:
    @pytest.mark.parametrize(
        ("text", "bus", "frame"),
        [
            ("body 290#01", "body", Frame(0x290, b"\x01")),
            (" powertrain 18FF50E5#", "powertrain", Frame(EXTENDED | 0x18FF50E5, b"")),
            ("chassis 123##1AABB", "chassis", Frame(FD | BRS | 0x123, b"\xaa\xbb")),
            ("body 123#R", "body", Frame(0x123 | REMOTE, b"")),
            ("body 123#11.22 33", "body", Frame(0x123, b"\x11\x22\x33")),
        ],
    )
    def test_a_frame_is_typed_as_for_cansend_with_its_bus_before_it(self, text: str, bus: str, frame: Frame):
        assert sending(text, BUSES) == Sending(bus, frame)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("body", "is no frame: write BUS ID#DATA"),
            ("bdy 290#01", "there is no bus 'bdy' (did you mean 'body'?)"),
            ("body FFF#01", "FFF is no identifier"),
            ("body 290#011", "half a byte"),
            ("body 290#001122334455667788", "a frame of 9 bytes: 8 at most"),
            ("body 290##0" + "00" * 13, "CAN FD has 12, 16"),
        ],
    )
    def test_what_is_no_frame_is_a_sentence(self, text: str, sentence: str):
        with pytest.raises(UiError) as raised:
            sending(text, BUSES)
        assert sentence in str(raised.value)

    @given(
        st.sampled_from([0x123, EXTENDED | 0x123, EXTENDED | 0x18FF50E5, 0]),
        st.binary(max_size=8),
        st.sampled_from(BUSES),
    )
    def test_what_is_offered_to_be_sent_is_what_was_selected(self, key: int, data: bytes, bus: str):
        assert sending(as_typed(bus, key, data, False), BUSES) == Sending(bus, Frame(key, data))


def test_nothing_selected_has_nothing_to_tell(state: MonitorState):
    nothing: Key | None = None
    assert details(state, Pane.MESSAGES, nothing).plain == "nothing selected"
