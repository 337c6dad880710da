"""Scopes of tokens: which paths they cover."""

from __future__ import annotations

import pytest

from gateway.domains import Code, DomainError
from gateway.domains.sdv.permissions import EVERYTHING, Action, parse_scopes, path_pattern

SPEED = "Vehicle.Speed"
LOCK = "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked"


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        ("Vehicle.Speed", SPEED, True),
        ("Vehicle.Speed", "Vehicle.SpeedLimit", False),
        ("Vehicle", LOCK, True),
        ("Vehicle.Cabin", LOCK, True),
        ("Vehicle.Cabin", SPEED, False),
        ("Vehicle.*", SPEED, True),
        ("Vehicle.*.Door", LOCK, True),
        ("Vehicle.Cabin.Door.*.*.IsLocked", LOCK, True),
        ("Vehicle.Cabin.Door.*.IsLocked", LOCK, False),
        ("Vehicle.**.IsLocked", LOCK, True),
        ("Vehicle.**", SPEED, True),
        ("**.IsLocked", LOCK, True),
        ("**", SPEED, True),
        ("Vehicle.Cab*", LOCK, True),
    ],
)
def test_a_path_with_wildcards_covers_itself_and_what_is_below(pattern: str, path: str, covers: bool) -> None:
    assert bool(path_pattern(pattern).fullmatch(path)) is covers


def test_an_action_without_a_path_covers_everything() -> None:
    may = parse_scopes("read")
    assert may.allows(Action.READ, SPEED)
    assert not may.allows(Action.ACTUATE, LOCK)


def test_who_may_actuate_or_provide_may_read() -> None:
    may = parse_scopes(f"actuate:{LOCK} provide:{SPEED}")
    assert may.allows(Action.READ, LOCK) and may.allows(Action.READ, SPEED)
    assert may.allows(Action.ACTUATE, LOCK) and not may.allows(Action.ACTUATE, SPEED)
    assert may.allows(Action.PROVIDE, SPEED) and not may.allows(Action.PROVIDE, LOCK)


def test_what_is_not_allowed_names_the_missing_scope() -> None:
    with pytest.raises(DomainError, match=f"no scope read:{SPEED}") as caught:
        parse_scopes(f"actuate:{LOCK}").check(Action.READ, SPEED)
    assert caught.value.code is Code.PERMISSION_DENIED


@pytest.mark.parametrize("scope", ["write:Vehicle", "read:", "read:Vehicle..Speed", "read:Vehicle Speed", "lesen"])
def test_a_scope_that_is_none_is_refused(scope: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_scopes(scope)
    assert caught.value.code is Code.UNAUTHENTICATED


def test_a_token_expires() -> None:
    may = parse_scopes("read", expires_s=100.0)
    may.check_time(99.9)
    with pytest.raises(DomainError, match="expired") as caught:
        may.check_time(100.0)
    assert caught.value.code is Code.UNAUTHENTICATED


def test_a_broker_without_a_key_lets_everybody() -> None:
    for action in Action:
        EVERYTHING.check(action, LOCK)
    EVERYTHING.check_time(1e18)
