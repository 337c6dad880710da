"""Multiplexed messages: what is there depends on the multiplexer, in plain and in extended (SG_MUL_VAL_) form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.database import Database, EncodeError, Message, Signal


def test_only_what_is_selected_is_decoded(multiplexed: Database) -> None:
    status = multiplexed.message("Status")
    assert status.decode(bytes.fromhex("50 2823 f6ff 000000")) == {
        "Page": 0,
        "Counter": 5,
        "Voltage": 90.0,
        "Current": -1.0,
    }
    assert status.decode(bytes.fromhex("51 14 000000000000")) == {"Page": 1, "Counter": 5, "Temperature": -20}
    assert status.decode(bytes.fromhex("5f 14 000000000000")) == {"Page": 15, "Counter": 5}
    assert status.labels(bytes.fromhex("51 14 000000000000"))["Page"] == "Thermal"


def test_a_selected_signal_that_does_not_reach_is_left_out(multiplexed: Database) -> None:
    status = multiplexed.message("Status")
    assert status.decode(bytes.fromhex("50 2823 f6")) == {"Page": 0, "Counter": 5, "Voltage": 90.0}
    assert status.decode(bytes.fromhex("50")) == {"Page": 0, "Counter": 5}


@pytest.mark.parametrize(
    ("payload", "there"),
    [
        ("00 00 0000 00 000000", {"Inner"}),
        ("00 01 0000 00 000000", {"Inner", "Deep"}),
        ("07 02 0000 00 000000", {"Inner", "Deeper"}),
        ("08 c8 0000 00 000000", {"Inner", "Deeper", "Shared"}),
        ("09 06 0000 00 000000", {"Inner"}),
        ("03 01 0000 00 000000", {"Shared"}),
        ("05 01 0000 00 000000", set()),
    ],
)
def test_nested_multiplexers(multiplexed: Database, payload: str, there: set[str]) -> None:
    assert multiplexed.message("Nested").decode(bytes.fromhex(payload)).keys() == {"Outer", "Always"} | there


@given(payload=st.binary(max_size=10))
def test_a_signal_alone_agrees_with_the_message(multiplexed: Database, payload: bytes) -> None:
    for message in multiplexed.messages:
        values = message.decode(payload)
        for signal in message.signals:
            assert signal.decode(payload) == values.get(signal.name)


@given(payload=st.binary(min_size=8, max_size=8))
def test_a_decoded_payload_encodes_to_its_signals(multiplexed: Database, payload: bytes) -> None:
    for message in multiplexed.messages:
        raws = message.decode_raw(payload)
        assert message.decode_raw(message.encode_raw(raws)) == raws


def test_the_multiplexer_may_be_given_by_name(multiplexed: Database) -> None:
    status = multiplexed.message("Status")
    encoded = status.encode({"Page": "Thermal", "Temperature": 25})
    assert encoded == bytes.fromhex("01 41 000000000000")
    assert status.encode({"Page": "Reserved"}) == bytes.fromhex("03 00 000000000000")


def test_a_signal_that_is_not_selected_is_refused(multiplexed: Database) -> None:
    status = multiplexed.message("Status")
    with pytest.raises(
        EncodeError, match=r"Status.Temperature is not in the payload while Page is 0; it is there for 1"
    ):
        status.encode({"Temperature": 25})
    with pytest.raises(EncodeError, match=r"Status.Voltage is not in the payload while Page is 'Thermal'"):
        status.encode({"Page": "Thermal", "Voltage": 12})


def test_a_multiplexer_value_that_selects_nothing_is_refused_unless_raw(multiplexed: Database) -> None:
    status = multiplexed.message("Status")
    with pytest.raises(EncodeError, match=r"Status.Page cannot be 9: it selects nothing \(0, 1, 2, 3 do\)"):
        status.encode({"Page": 9})
    assert status.encode_raw({"Page": 9}) == bytes.fromhex("09 00 000000000000")


@given(payload=st.binary(max_size=24))
def test_a_multiplexed_message_of_can_fd(payload: bytes) -> None:
    selector = Signal(name="Selector", start=71, length=12, big_endian=True, is_multiplexer=True)
    low = Signal(name="Low", start=84, length=30, multiplexer_signal="Selector", multiplexer_ids=tuple(range(2048)))
    high = Signal(name="High", start=84, length=9, multiplexer_signal="Selector", multiplexer_ids=(2048, 4095))
    always = Signal(name="Always", start=4, length=40)
    message = Message(name="Long", arbitration_id=1, length=20, signals=(selector, low, high, always))
    values = message.decode(payload)
    assert values == {s.name: s.decode(payload) for s in message.signals if s.decode(payload) is not None}
    if len(payload) >= 20:
        number = values["Selector"]
        selected = {"Low"} if number < 2048 else {"High"} if number in (2048, 4095) else set()
        assert values.keys() == {"Selector", "Always"} | selected
