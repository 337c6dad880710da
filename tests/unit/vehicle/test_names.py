"""The names of messages and signals in a vehicle file."""

from __future__ import annotations

import pytest

from gateway.can import EXTENDED
from gateway.database import Database, Message, Signal
from gateway.vehicle import VehicleFileError, resolve

SPEED = Message(name="Speed", arbitration_id=0x100, signals=(Signal(name="Value", start=0, length=16),))
DIAGNOSIS = Message(name="Diagnosis", arbitration_id=0x18DAF110, extended=True)
DATABASES = {
    "powertrain": Database("powertrain", "powertrain.dbc", (SPEED, DIAGNOSIS), ()),
    "body": Database("body", "body.dbc", (), ()),
}


@pytest.mark.parametrize("text", ["powertrain", "powertrain.*"])
def test_a_whole_bus(text: str) -> None:
    end = resolve(text, DATABASES)
    assert (end.bus, end.message, end.key, end.signal) == ("powertrain", None, None, None)
    assert str(end) == "powertrain"


def test_a_message_and_its_signal() -> None:
    assert resolve("powertrain.Speed", DATABASES).key == 0x100
    end = resolve("powertrain.Speed.Value", DATABASES)
    assert end.signal is SPEED.signals[0]
    assert str(end) == "powertrain.Speed.Value"


@pytest.mark.parametrize("text", ["powertrain.0x100", "powertrain.256"])
def test_an_identifier_finds_its_message(text: str) -> None:
    assert resolve(text, DATABASES).message is SPEED


def test_an_identifier_of_29_bits_has_an_x_behind() -> None:
    end = resolve("powertrain.0x18DAF110x", DATABASES)
    assert end.message is DIAGNOSIS
    assert end.key == 0x18DAF110 | EXTENDED


def test_an_identifier_needs_no_message() -> None:
    end = resolve("body.0x3A0", DATABASES)
    assert (end.message, end.key, str(end)) == (None, 0x3A0, "body.0x3A0")
    assert str(resolve("body.0x10x", DATABASES)) == "body.0x10x"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("powertrian", "there is no bus 'powertrian' (did you mean 'powertrain'?)"),
        ("", "there is no bus ''"),
        ("powertrain.Sped", "there is no message 'Sped' on powertrain (did you mean 'Speed'?)"),
        ("powertrain.Speed.Valu", "message powertrain.Speed has no signal 'Valu' (did you mean 'Value'?)"),
        ("powertrain.0x800", "0x800 is above 0x7ff; 29 bits are written 0x800x"),
        ("powertrain.0xFFFFFFFF", "0xFFFFFFFF is above 0x7ff"),
        ("powertrain.0x20000000x", "0x20000000x is above 0x1fffffff"),
        ("powertrain.0xZZ", "'0xZZ' is not an identifier: write it like 0x3A0"),
        ("powertrain.", "'powertrain.' names nothing"),
    ],
)
def test_what_is_not_there(text: str, sentence: str) -> None:
    with pytest.raises(VehicleFileError) as caught:
        resolve(text, DATABASES)
    assert sentence in caught.value.sentence
