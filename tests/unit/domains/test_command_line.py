"""Options whose address may be left out."""

from __future__ import annotations

import pytest

from gateway.cli.arguments import option_before, with_default_addresses


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "--sdv"], ["run", "--sdv", "127.0.0.1:55555"]),
        (["run", "--sdv", "--aaos"], ["run", "--sdv", "127.0.0.1:55555", "--aaos", "127.0.0.1:40004"]),
        (["run", "--sdv", "car.yaml"], ["run", "--sdv", "127.0.0.1:55555", "car.yaml"]),
        (["run", "--sdv", "0.0.0.0:1"], ["run", "--sdv", "0.0.0.0:1"]),
        (["run", "--viss", "8090"], ["run", "--viss", "8090"]),
        (["run", "--aaos", "[::1]:40004"], ["run", "--aaos", "[::1]:40004"]),
        (["run", "car.yaml"], ["run", "car.yaml"]),
    ],
)
def test_the_default_address_is_put_in(words: list[str], expected: list[str]) -> None:
    assert with_default_addresses(words) == expected


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["run", "--viss", "abc"], "--viss"),
        (["run", "--web", "--viss", "abc", "--for", "1s"], "--viss"),
        (["run", "abc", "--viss"], None),
        (["run", "--trace", "abc"], None),
    ],
)
def test_a_word_after_an_option_that_is_not_its_address_is_found(words: list[str], option: str | None) -> None:
    assert option_before("abc", words) == option
