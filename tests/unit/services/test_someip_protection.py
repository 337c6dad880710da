"""End-to-end protection of SOME/IP events: the bytes of each profile, by the package autosar-e2e, and what is refused."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.com import ComError
from gateway.com.e2e import E2EStateKind, E2EStatus
from gateway.com.e2e_profiles import E2EConfig, Profile
from gateway.services.someip.protection import EventCheck, EventProtector
from gateway.someip import Message, MessageType, parse

PROFILES = [Profile.P04, Profile.P05, Profile.P06, Profile.P07]
DATA_ID = 0x1234
payloads = st.binary(max_size=60)


def event(payload: bytes, session: int = 1) -> Message:
    return Message(0x1234, 0x8001, payload, MessageType.NOTIFICATION, 0, session)


def config(profile: Profile, offset: int = 8, max_delta: int = 1) -> E2EConfig:
    return E2EConfig(profile, DATA_ID, offset, max_delta=max_delta)


@pytest.mark.parametrize(
    ("profile", "header"),
    [
        # PRS_E2EProtocol R22-11, examples with the offset of SOME/IP (64 bits): data all zero, identifier 0x1234.
        (Profile.P05, "289100"),
        (Profile.P06, "4eb7001000"),
    ],
)
def test_the_header_of_the_standards_examples(profile: Profile, header: str) -> None:
    from gateway.com.e2e_profiles import E2EProfile

    sealed = E2EProfile(config(profile)).protect(bytes(16), 0)
    assert sealed.hex() == bytes(8).hex() + header + bytes(8 - len(header) // 2).hex()


@given(st.sampled_from(PROFILES), payloads, st.integers(0, 300), st.sampled_from((8, 11)))
def test_the_package_finds_every_event_right(profile: Profile, payload: bytes, before: int, offset: int) -> None:
    if len(payload) < offset - 8:
        return
    sender = EventProtector(config(profile, offset))
    for _ in range(before % 5):
        sender.protect(event(payload))
    wire = sender.protect(event(payload, session=before + 1)).build()
    name = profile.value.lower()
    check = getattr(import_module(f"e2e.{name}"), f"e2e_{name}_check")
    assert check(bytearray(wire[8:]), DATA_ID, offset=offset, length=len(wire) - 8)
    assert not check(bytearray(wire[8:]), DATA_ID + 1, offset=offset, length=len(wire) - 8)
    assert parse(wire).session == before + 1


@given(st.sampled_from(PROFILES), payloads, st.sampled_from((8, 10)))
def test_the_payload_comes_as_it_was(profile: Profile, payload: bytes, offset: int) -> None:
    if len(payload) < offset - 8:
        return
    sender, receiver = EventProtector(config(profile, offset)), EventCheck(config(profile, offset))
    for _ in range(3):
        assert receiver.take(parse(sender.protect(event(payload)).build())) == payload


@pytest.mark.parametrize("profile", PROFILES)
def test_every_flipped_bit_after_the_length_is_detected(profile: Profile) -> None:
    wire = EventProtector(config(profile)).protect(event(bytes(range(8)))).build()
    for bit in range(64, 8 * len(wire)):
        flipped = bytearray(wire)
        flipped[bit // 8] ^= 1 << bit % 8
        receiver = EventCheck(config(profile))
        assert receiver.take(parse(bytes(flipped))) is None, f"bit {bit}"
        assert receiver.status is E2EStatus.ERROR


@given(st.sampled_from(PROFILES), st.binary(max_size=40))
def test_bytes_from_elsewhere_are_refused(profile: Profile, payload: bytes) -> None:
    assert EventCheck(config(profile)).take(event(payload)) is None


def test_an_event_too_short_for_its_header_cannot_be_sent() -> None:
    with pytest.raises(ComError, match="E2E P05 needs a payload of 13 bytes at least, not 12"):
        EventProtector(config(Profile.P05, 10)).protect(event(b"\1"))


def test_a_repeated_event_is_refused_and_a_gap_is_as_the_configuration_says() -> None:
    sender = EventProtector(config(Profile.P05))
    sent = [sender.protect(event(bytes([number]))) for number in range(8)]
    strict, lenient = EventCheck(config(Profile.P05)), EventCheck(config(Profile.P05, max_delta=3))
    assert [strict.take(each) for each in (sent[0], sent[0], sent[1], sent[3], sent[4])] == [
        b"\0", None, b"\1", None, b"\4",
    ]  # fmt: skip
    assert [lenient.take(each) for each in (sent[0], sent[3], sent[7])] == [b"\0", b"\3", None]


def test_who_subscribes_anew_gets_the_value_with_the_counter_of_the_latest_event() -> None:
    sender = EventProtector(config(Profile.P05))
    first, there = EventCheck(config(Profile.P05)), EventCheck(config(Profile.P05))
    assert first.take(sender.again(event(b"a"))) == b"a"
    assert first.take(sender.protect(event(b"b"))) == b"b"
    assert there.take(sender.again(event(b"b", session=9))) == b"b"
    following = sender.protect(event(b"c"))
    assert (first.take(following), there.take(following)) == (b"c", b"c")


def test_a_sender_with_too_many_errors_is_believed_again_after_three_good_events() -> None:
    sender, receiver = EventProtector(config(Profile.P05)), EventCheck(config(Profile.P05))
    for _ in range(3):
        assert receiver.take(sender.protect(event(b"v"))) == b"v"
    for _ in range(3):
        assert receiver.take(event(b"spoilt")) is None
    assert receiver.lost
    taken = [receiver.take(sender.protect(event(b"v"))) for _ in range(6)]
    assert taken[0] is None
    assert taken[-1] == b"v"
    assert receiver.state is E2EStateKind.VALID


def test_a_sender_that_is_stuck_from_the_start_is_lost() -> None:
    sender, receiver = EventProtector(config(Profile.P04)), EventCheck(config(Profile.P04))
    stuck = sender.protect(event(b"v"))
    assert [receiver.take(stuck) for _ in range(5)] == [b"v", None, None, None, None]
    assert not receiver.lost
    receiver.take(stuck)
    assert receiver.lost
