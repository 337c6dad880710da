"""Addresses that `gateway run` cannot have: told before it drives, each with the option that names another."""

from __future__ import annotations

import socket

import pytest
from command_line import gateway


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ("--sdv", "kuksa.val cannot listen at"),
        ("--viss", "VISS cannot listen at"),
        ("--aaos", "the vehicle HAL cannot listen at"),
        ("--metrics", "metrics cannot be served at"),
        ("--web", "the web page cannot be at"),
        ("--socketcand", "socketcand cannot listen at"),
    ],
)
def test_a_port_that_is_taken_is_told_with_the_way_out(option: str, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gateway("run", "--for", "1s", option, port)
    assert done.returncode == 2
    assert f"{what} 127.0.0.1:{port}: address already in use" in done.stderr
    assert f"; {option} [HOST:]PORT names another" in done.stderr
    assert done.stdout == ""


def test_a_broker_that_is_there_already_can_be_joined_or_avoided() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gateway("run", "--for", "1s", "--bus", f"mqtt:{port}")
    assert done.returncode == 2
    assert f"the MQTT broker cannot listen at 127.0.0.1:{port}: address already in use" in done.stderr
    assert "--bus mqtt:PORT begins one elsewhere" in done.stderr
    assert f"--bus mqtt://127.0.0.1:{port} joins the broker that is there" in done.stderr
    assert done.stdout == ""


def test_who_has_the_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = gateway("run", "--for", "1s", "--web", taken.getsockname()[1])
    assert " by " in done.stderr and "(process " in done.stderr


def test_a_wrong_address_that_was_taken_as_the_vehicle_file_is_told_as_such() -> None:
    done = gateway("run", "--viss", "abc")
    assert done.returncode == 2
    assert "abc is no [HOST:]PORT for --viss, so it was taken as the vehicle file" in done.stderr
    done = gateway("run", "abc", "--for", "1s")
    assert done.returncode == 2
    assert "cannot be read: no such file" in done.stderr and "PORT" not in done.stderr
