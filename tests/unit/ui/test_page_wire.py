"""What goes between a vehicle and its page comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.can import EXTENDED, FD, Frame
from gateway.database import Message, Signal
from gateway.ui.page_sight import Sender
from gateway.ui.page_wire import Messages, message, message_json, message_of, pack_frames, unpack_frames

FRAMES = st.builds(
    Frame,
    st.integers(0, 0x7FF) | st.integers(0, 0x1FFFFFFF).map(lambda each: each | EXTENDED | FD),
    st.binary(max_size=64),
)
NOTED = st.tuples(
    st.integers(0, 1 << 62),
    st.integers(0, 255),
    FRAMES,
    st.sampled_from([Sender("A"), Sender("B")]),
    st.just(0),
    st.just(0),
)


@given(st.lists(NOTED, max_size=40))
def test_frames_come_out_as_they_went_in(noted) -> None:
    senders = [Sender("A"), Sender("B")]
    assert unpack_frames(pack_frames(noted, senders.index), senders) == noted


@given(st.binary(min_size=1, max_size=60))
def test_what_are_no_frames_is_refused(data: bytes) -> None:
    try:
        unpack_frames(data, [Sender("A")] * 65_536)
    except ValueError:
        return
    assert int.from_bytes(data[:4], "little") * 36 < len(data)


@given(
    st.lists(st.tuples(st.dictionaries(st.text(max_size=5), st.integers()), st.binary(max_size=30)), max_size=6),
    st.data(),
)
def test_messages_come_whole_however_they_are_cut(sent, data) -> None:
    stream = b"".join(message(head, frames) for head, frames in sent)
    cut = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    reader = Messages()
    came = []
    for begin, end in zip([0, *cut], [*cut, len(stream)], strict=True):
        came += list(reader.feed(stream[begin:end]))
    assert came == sent


def test_a_message_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        list(Messages().feed(b"\xff" * 8))


def test_a_message_of_a_database_decodes_the_same_on_the_other_side() -> None:
    signals = (
        Signal(name="Mode", start=0, length=4, choices={0: "off", 1: "on"}, is_multiplexer=True),
        Signal(name="Speed", start=8, length=16, scale=0.01, offset=-10.5, unit="km/h", minimum=0, maximum=250.0,
               multiplexer_signal="Mode", multiplexer_ids=(1, 3)),
        Signal(name="Torque", start=39, length=16, big_endian=True, signed=True, receivers=("A", "B"), comment="of the motor"),
    )  # fmt: skip
    before = Message(
        name="Status", arbitration_id=0x12, length=8, senders=("VCU",), cycle_ns=10, signals=signals, comment="x"
    )
    after = message_of(message_json(before))
    for data in (bytes(8), b"\x01" * 8, b"\xf3" * 8, b"\x01"):
        assert after.decode(data) == before.decode(data)
        assert after.labels(data) == before.labels(data)
    assert (after.name, after.cycle_ns, after.senders, after.comment) == ("Status", 10, ("VCU",), "x")
    assert [(each.unit, each.minimum, each.maximum, each.receivers) for each in after.signals] == [
        (each.unit, each.minimum, each.maximum, each.receivers) for each in signals
    ]


@pytest.mark.parametrize("value", [{}, {"signals": 1}, {"signals": [{}]}, {"signals": [], "secret": 1}])
def test_what_is_no_message_is_refused(value) -> None:
    with pytest.raises(ValueError, match="no message"):
        message_of(value)
