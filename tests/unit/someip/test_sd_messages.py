"""Messages of the service discovery as bytes: entries, options, reserved bits, what is damaged."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ethernet import Endpoint, Transport
from gateway.someip import (
    ConfigurationOption,
    EndpointKind,
    EndpointOption,
    Entry,
    EntryType,
    LoadBalancingOption,
    SdError,
    SdMessage,
    UnknownOption,
    parse_sd,
)

UDP = EndpointOption(Endpoint("10.0.0.1", 30501))
TCP6 = EndpointOption(Endpoint("fd00::1", 30501), Transport.TCP)
GROUP = EndpointOption(Endpoint("239.1.1.1", 30600), Transport.UDP, EndpointKind.MULTICAST)
OFFER = bytes.fromhex(
    "c0000000"  # reboot and unicast flags
    "00000010"  # one entry
    "01 00 00 10 1234 0001 01 000003 00000000"
    "0000000c"  # one option
    "0009 04 00 0a000001 00 11 7725"
)


def test_an_offer_is_laid_out_as_the_specification_has_it() -> None:
    offer = Entry(EntryType.OFFER, 0x1234, 1, 1, 3, options=(UDP,))
    assert SdMessage((offer,)).build() == OFFER
    assert parse_sd(OFFER) == SdMessage((offer,))


@pytest.mark.parametrize(
    "option",
    [
        UDP,
        TCP6,
        GROUP,
        EndpointOption(Endpoint("10.0.0.1", 30490), Transport.UDP, EndpointKind.SD),
        EndpointOption(Endpoint("ff14::4:0", 30490), Transport.UDP, EndpointKind.MULTICAST),
        ConfigurationOption((("hostname", "car"), ("flag", None), ("empty", ""))),
        LoadBalancingOption(1, 2),
        UnknownOption(0x77, b"abc"),
    ],
)
def test_every_option_is_what_was_built(option: object) -> None:
    entry = Entry(EntryType.OFFER, 1, 2, 3, 4, 5, options=(option,))  # type: ignore[arg-type]
    assert parse_sd(SdMessage((entry,)).build()).entries == (entry,)


ENTRIES = st.one_of(
    st.builds(
        Entry,
        type=st.sampled_from([EntryType.FIND, EntryType.OFFER]),
        service=st.integers(0, 0xFFFF),
        instance=st.integers(0, 0xFFFF),
        major=st.integers(0, 0xFF),
        ttl=st.integers(0, 0xFFFFFF),
        minor=st.integers(0, 0xFFFFFFFF),
        eventgroup=st.just(0),
        counter=st.just(0),
        initial_data=st.just(0),
        options=st.lists(st.sampled_from([UDP, TCP6, GROUP]), max_size=3).map(tuple),
    ),
    st.builds(
        Entry,
        type=st.sampled_from([EntryType.SUBSCRIBE, EntryType.ACK]),
        service=st.integers(0, 0xFFFF),
        instance=st.integers(0, 0xFFFF),
        major=st.integers(0, 0xFF),
        ttl=st.integers(0, 0xFFFFFF),
        minor=st.just(0),
        eventgroup=st.integers(0, 0xFFFF),
        counter=st.integers(0, 0xF),
        initial_data=st.integers(0, 1),
        options=st.lists(st.sampled_from([UDP, TCP6, GROUP]), max_size=3).map(tuple),
    ),
)


@given(st.lists(ENTRIES, max_size=8), st.booleans())
def test_a_message_is_what_was_built(entries: list[Entry], reboot: bool) -> None:
    message = SdMessage(tuple(entries), reboot)
    assert parse_sd(message.build()) == message


def test_entries_share_their_options() -> None:
    entries = tuple(Entry(EntryType.OFFER, service, 1, options=(UDP, TCP6)) for service in range(10))
    assert len(SdMessage(entries).build()) == 12 + 160 + 12 + 24


def test_reserved_bits_may_be_anything() -> None:
    data = bytearray(OFFER)
    data[1:4] = b"\xff\xff\xff"
    data[-4 - 4 - 1] = 0xFF  # reserved byte of the option
    data[-4] = 0xFF  # reserved byte before the protocol
    assert parse_sd(bytes(data)) == parse_sd(OFFER)


def test_a_request_for_initial_data_is_understood() -> None:
    """pysomeip refuses this bit; someipy sets it."""
    entry = Entry(EntryType.SUBSCRIBE, 0x1234, 1, 1, 3, eventgroup=5, initial_data=1, options=(UDP,))
    data = SdMessage((entry,)).build()
    assert data[20:24].hex() == "80000005"
    assert parse_sd(data).entries == (entry,)


@pytest.mark.parametrize("length", [0x0005, 0x0008, 0x000A])
def test_an_endpoint_of_a_wrong_length_makes_its_entry_faulty(length: int) -> None:
    """Wrong option lengths are where other parsers read past their buffers (PcapPlusPlus #2215)."""
    option = length.to_bytes(2, "big") + b"\x04\x00" + bytes(length - 1)
    data = OFFER[:24] + len(option).to_bytes(4, "big") + option
    found = parse_sd(data)
    assert found.entries == ()
    assert [entry.service for entry in found.faulty] == [0x1234]


@pytest.mark.parametrize("place", [9, 11])
def test_an_entry_whose_options_are_not_there_is_faulty(place: int) -> None:
    data = bytearray(OFFER)
    data[place] = 0x20 if place == 11 else 1
    assert len(parse_sd(bytes(data)).faulty) == 1


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (OFFER[:11], "11 bytes are too short"),
        (OFFER[:30], "claims 12 bytes of options, and 2 follow"),
        (OFFER[:4] + b"\0\0\0\x11" + OFFER[8:], "claims 17 bytes of entries"),
        (OFFER[:4] + b"\xff\xff\xff\xf0" + OFFER[8:], "bytes of entries"),
        (OFFER[:28] + b"\x00\x00" + OFFER[30:], "an SD option claims a length of 0"),
        (OFFER[:28] + b"\xff\xff" + OFFER[30:], "an SD option claims a length of 65535"),
    ],
)
def test_lengths_that_cannot_be_are_told(data: bytes, wrong: str) -> None:
    with pytest.raises(SdError, match=wrong):
        parse_sd(data)


@pytest.mark.parametrize("text", [b"\x05ab=c\x00", b"\x03a\xff=\x00", b"\x02=x\x00", b"\x02ab"])
def test_a_damaged_configuration_makes_its_entry_faulty(text: bytes) -> None:
    option = (len(text) + 1).to_bytes(2, "big") + b"\x01\x00" + text
    data = OFFER[:24] + len(option).to_bytes(4, "big") + option
    assert len(parse_sd(data).faulty) == 1


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_an_sd_error(data: bytes) -> None:
    with contextlib.suppress(SdError):
        parse_sd(data)
