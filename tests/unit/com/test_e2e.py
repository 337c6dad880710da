"""End-to-end protection: what each profile writes, and that nothing which is wrong is taken for right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.com import ComError
from gateway.com.e2e import E2EChecker, E2EProtector, E2EState, E2EStateKind, E2EStatus, E2EWindow
from gateway.com.e2e_profiles import DataIdMode, E2EConfig, E2EProfile, Profile, header_fields

OK, LOST, AGAIN = E2EStatus.OK, E2EStatus.OK_SOME_LOST, E2EStatus.REPEATED
WRONG, NONE, ERROR = E2EStatus.WRONG_SEQUENCE, E2EStatus.NO_NEW_DATA, E2EStatus.ERROR


def config(profile: Profile, offset: int = 0, mode: DataIdMode = DataIdMode.BOTH, max_delta: int = 1) -> E2EConfig:
    data_id = bytes(range(1, 17)) if profile is Profile.P02 else 0x123
    return E2EConfig(profile, data_id, offset, mode, max_delta)


CONFIGS = [
    *(config(profile) for profile in Profile),
    *(config(profile, offset) for profile in Profile if profile is not Profile.P02 for offset in (1, 8)),
    *(config(Profile.P01, mode=mode) for mode in DataIdMode),
]
configs = st.sampled_from(CONFIGS)


@pytest.mark.parametrize(
    ("profile", "data_id", "payload", "counter", "written"),
    [
        # The examples of PRS_E2EProtocol R22-11 for profiles 1, 4 and 5: data all zero, these identifiers.
        (Profile.P01, 0x123, bytes(8), 0, "cc00000000000000"),
        (Profile.P01, 0x123, bytes(8), 1, "9101000000000000"),
        (Profile.P05, 0x1234, bytes(8), 0, "1cca000000000000"),
        (Profile.P04, 0x0A0B0C0D, bytes(16), 0, "001000000a0b0c0d862b0556" + "00000000"),
    ],
)
def test_header_and_crc_of_each_profile(
    profile: Profile, data_id: int | bytes, payload: bytes, counter: int, written: str
) -> None:
    assert E2EProfile(E2EConfig(profile, data_id)).protect(payload, counter).hex() == written


@given(configs, st.binary(min_size=28, max_size=60), st.integers(0, 14))
def test_nothing_but_the_fields_of_the_header_is_overwritten(config: E2EConfig, data: bytes, counter: int) -> None:
    fields = header_fields(config)
    assert sum(fields) == sum({1 << bit for field in fields for bit in range(field.bit_length()) if field >> bit & 1})
    sealed = E2EProfile(config).protect(data, counter)
    changed = int.from_bytes(sealed, "little") ^ int.from_bytes(data, "little")
    assert not changed & ~sum(fields)


def crc(data: bytes, polynomial: int, bits: int, *, reflected: bool) -> int:
    """Bit by bit, after SWS_CRCLibrary, 7.2: begins with all ones, and is inverted at the end."""
    ones = (1 << bits) - 1
    value = ones
    for byte in data:
        if reflected:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ (polynomial if value & 1 else 0)
        else:
            value ^= byte << bits - 8
            for _ in range(8):
                value = (value << 1 ^ (polynomial if value >> bits - 1 else 0)) & ones
    return value ^ ones


@given(st.binary(min_size=4, max_size=40), st.integers(0, 15))
def test_profile_2_is_over_the_payload_and_the_identifier_of_its_counter(data: bytes, counter: int) -> None:
    sealed = E2EProfile(config(Profile.P02)).protect(data, counter)
    assert sealed[1] == data[1] & 0xF0 | counter
    assert sealed[0] == crc(sealed[1:] + bytes([counter + 1]), 0x2F, 8, reflected=False)


@given(st.binary(min_size=28, max_size=60), st.integers(0, (1 << 32) - 1), st.sampled_from((0, 8)))
def test_profile_7_is_over_everything_but_its_crc(data: bytes, counter: int, offset: int) -> None:
    sealed = E2EProfile(config(Profile.P07, offset)).protect(data, counter)
    header = len(data).to_bytes(4, "big") + counter.to_bytes(4, "big") + (0x123).to_bytes(4, "big")
    assert sealed[offset + 8 : offset + 20] == header
    # CRC-64 of ECMA-182 with the polynomial 0x42F0E1EBA9EA3693, reflected (SWS_CRCLibrary, 7.2.4.1).
    value = crc(sealed[:offset] + sealed[offset + 8 :], 0xC96C5795D7870F42, 64, reflected=True)
    assert sealed[offset : offset + 8] == value.to_bytes(8, "big")


@given(configs, st.binary(min_size=28, max_size=64))
def test_what_is_protected_is_right(config: E2EConfig, data: bytes) -> None:
    sender, receiver = E2EProtector(config), E2EChecker(config)
    sealed = [sender.protect(data) for _ in range(20)]
    assert [receiver.check(one) for one in sealed] == [OK] * 20
    assert all(len(one) == len(data) and one[: config.offset] == data[: config.offset] for one in sealed)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_every_flipped_bit_is_detected(config: E2EConfig) -> None:
    profile = E2EProfile(config)
    data = bytes(range(100, 100 + max(16, config.shortest + 2)))
    for counter in range(min(16, config.modulo)):
        sealed = profile.protect(data, counter)
        assert profile.verify(sealed)
        for bit in range(8 * len(sealed)):
            flipped = bytearray(sealed)
            flipped[bit // 8] ^= 1 << bit % 8
            assert not profile.verify(bytes(flipped)), f"bit {bit}, counter {counter}"


@given(configs, st.binary(max_size=64))
def test_bytes_from_elsewhere_are_an_error_and_nothing_else(config: E2EConfig, data: bytes) -> None:
    assert E2EChecker(config).check(data) in E2EStatus


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_payload_that_is_too_short_is_an_error(config: E2EConfig) -> None:
    # vsomeip read past its buffer here (profile 7): COVESA/vsomeip issues 1058 and 1059.
    sealed = E2EProfile(config).protect(bytes(32), 0)
    for length in range(32):
        assert E2EChecker(config).check(sealed[:length]) is ERROR


def test_a_header_that_claims_another_length_is_an_error() -> None:
    for profile in (Profile.P04, Profile.P07):
        longer = E2EProfile(config(profile)).protect(bytes(32), 0)
        assert E2EChecker(config(profile)).check(longer + b"\0") is ERROR


def test_another_data_identifier_is_an_error() -> None:
    for profile in (Profile.P01, Profile.P04, Profile.P05, Profile.P07):
        sealed = E2EProfile(E2EConfig(profile, 0x124)).protect(bytes(32), 0)
        assert E2EChecker(config(profile)).check(sealed) is ERROR


@pytest.mark.parametrize("profile", list(Profile))
def test_repetition_loss_and_absence(profile: Profile) -> None:
    sender, receiver = E2EProtector(config(profile, max_delta=3)), E2EChecker(config(profile, max_delta=3))
    sealed = [sender.protect(bytes(32)) for _ in range(14)]
    order = [(0, OK), (1, OK), (1, AGAIN), (4, LOST), (5, OK), (9, WRONG), (10, OK), (7, WRONG), (8, OK)]
    assert [receiver.check(sealed[index]) for index, _ in order] == [status for _, status in order]
    assert receiver.check(None) is NONE
    assert receiver.lost == 2
    assert receiver.counts[WRONG] == 2


@pytest.mark.parametrize("profile", list(Profile))
def test_every_loss_beyond_the_window_is_a_wrong_sequence(profile: Profile) -> None:
    limits = config(profile, max_delta=2)
    first = E2EProfile(limits).protect(bytes(32), 3)
    for delta in range(1, min(limits.modulo, 300)):
        receiver = E2EChecker(limits)
        receiver.check(first)
        status = receiver.check(E2EProfile(limits).protect(bytes(32), (3 + delta) % limits.modulo))
        assert status is (OK if delta == 1 else LOST if delta == 2 else WRONG)


def test_the_counter_begins_again() -> None:
    for profile in (Profile.P01, Profile.P02, Profile.P05):
        sender, receiver = E2EProtector(config(profile)), E2EChecker(config(profile))
        assert [receiver.check(sender.protect(bytes(16))) for _ in range(600)] == [OK] * 600


def test_the_counter_of_profile_1_is_never_15() -> None:
    sealed = bytearray(E2EProfile(config(Profile.P01)).protect(bytes(8), 14))
    sealed[1] = 15
    assert E2EChecker(config(Profile.P01)).check(bytes(sealed)) is ERROR


@pytest.mark.parametrize(
    ("profile", "settings", "reason"),
    [
        (Profile.P01, {"data_id": 1 << 16}, "a number of 16 bits"),
        (Profile.P01, {"data_id": 0x1000, "data_id_mode": DataIdMode.NIBBLE}, "one of 12 bits"),
        (Profile.P01, {"data_id": 1, "max_delta": 15}, "max_delta is 1 to 14"),
        (Profile.P02, {"data_id": 1}, "a list of 16"),
        (Profile.P02, {"data_id": bytes(16), "offset": 1}, "cannot begin at byte 1"),
        (Profile.P04, {"data_id": b""}, "a number of 32 bits"),
        (Profile.P05, {"data_id": 1, "data_id_mode": DataIdMode.LOW}, "only P01 has"),
    ],
)
def test_what_a_profile_does_not_have(profile: Profile, settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ComError, match=reason):
        E2EConfig(profile, **settings)  # type: ignore[arg-type]


def test_a_sender_of_a_payload_that_is_too_short_is_told() -> None:
    with pytest.raises(ComError, match="20 bytes at least, not 19"):
        E2EProtector(config(Profile.P07)).protect(bytes(19))


def states(window: E2EWindow, *results: E2EStatus) -> list[E2EStateKind]:
    machine = E2EState(window)
    kinds = []
    for result in results:
        machine.add(result)
        kinds.append(machine.kind)
    return kinds


def test_the_state_machine_waits_for_data_and_then_for_enough_good_ones() -> None:
    no_data, init, valid = E2EStateKind.NO_DATA, E2EStateKind.INIT, E2EStateKind.VALID
    window = E2EWindow(size=4, min_ok_init=3)
    assert states(window, NONE, ERROR, OK, NONE, OK, OK) == [no_data, no_data, init, init, init, valid]


def test_too_many_errors_in_the_window_make_it_invalid_and_good_ones_valid_again() -> None:
    valid, invalid = E2EStateKind.VALID, E2EStateKind.INVALID
    window = E2EWindow(size=3, min_ok_init=1, max_error_valid=1, min_ok_invalid=2, max_error_invalid=0)
    assert states(window, OK, ERROR, OK, ERROR, ERROR, OK, OK, OK) == [
        *(valid, valid, valid, invalid),
        *(invalid, invalid, invalid, valid),
    ]


def test_a_sender_that_repeats_itself_becomes_invalid() -> None:
    window = E2EWindow(size=3, min_ok_init=1, min_ok_valid=1)
    assert states(window, OK, AGAIN, AGAIN, AGAIN)[-1] is E2EStateKind.INVALID
