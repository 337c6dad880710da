"""The independent construction itself, against what others have published."""

import pytest
import wire


@pytest.mark.parametrize(
    ("polynomial", "check"),
    [(wire.CRC15, 0x059E), (wire.CRC17, 0x04F03), (wire.CRC21, 0x0ED841)],
    ids=["CRC-15/CAN", "CRC-17/CAN-FD", "CRC-21/CAN-FD"],
)
def test_check_values_of_the_crc_catalogue(polynomial: tuple[int, int], check: int) -> None:
    # reveng.sourceforge.io/crc-catalogue: the CRC of the text 123456789.
    text = "".join(wire.number(byte, 8) for byte in b"123456789")
    assert int(wire.crc(text, polynomial), 2) == check


def test_the_frame_that_textbooks_show() -> None:
    # Identifier 0x14, one byte 0x01: the figure of Wikipedia's article "CAN bus", and
    # comma.ai's panda, tests/gmbitbang/test_packer.c, with the ACK slot as its sender sees it.
    published = "0000010010100000100010000010011110111010100111011111111111"
    assert wire.classic(0x14, b"\x01").bits + "111" == published


def test_stuffing_counts_stuff_bits_into_the_next_run() -> None:
    # Bosch, CAN Specification 2.0, part A, 5: a bit of opposite level after five equal ones, whatever made them.
    assert "".join(wire.stuffed("00000")) == "000001"
    assert "".join(wire.stuffed("000001111")) == "00000111110"
    assert "".join(wire.stuffed("0000011110000")) == "0000011111000001"
