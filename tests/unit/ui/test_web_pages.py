"""Who may ask for the page, and which files it has."""

from __future__ import annotations

import re

import pytest

from gateway.ui.web_pages import allowed_host, read_pages, same_origin


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "10.0.0.7", "car.localhost"]
)
def test_addresses_and_this_machine_are_let_in(host: str) -> None:
    assert allowed_host(host, "127.0.0.1")


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[::1"]
)
def test_names_that_may_be_bound_to_anything_are_not(host: str | None) -> None:
    assert not allowed_host(host, "127.0.0.1")


def test_the_name_that_was_asked_for_is_let_in() -> None:
    assert allowed_host("bench.example:8080", "bench.example")


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:8080"])
def test_the_page_itself_and_programs_may_open_the_feed(origin: str | None) -> None:
    assert same_origin(origin, "127.0.0.1:8080")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:8081", "null", "", "file://127.0.0.1:8080"]
)
def test_other_pages_may_not(origin: str) -> None:
    assert not same_origin(origin, "127.0.0.1:8080")


def test_the_page_asks_for_its_own_files_only() -> None:
    pages = read_pages()
    page = pages["/"].body.decode()
    wanted = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    for path, script in pages.items():
        if path.endswith(".js"):
            wanted |= set(re.findall(r'(?:from|^import) "\./([^"]+)"', script.body.decode(), re.MULTILINE))
    assert {f"/{name}" for name in wanted} <= set(pages)
    for path, each in pages.items():
        outside = re.findall(r"https?://(?!www\.w3\.org/)\S+", each.body.decode())
        assert not outside, f"{path} needs the internet: {outside}"
