"""`gateway doctor` as a user has it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.doctor import Standing
from gateway.doctor.ports import Port, ports

ROOT = Path(__file__).parents[3]
GATEWAY = [sys.executable, "-m", "gateway"]


def doctor(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GATEWAY, "doctor", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


@pytest.fixture
def found(tmp_path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    done = doctor("--json", XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["works"] is True
    return {(each["area"], each["name"]): each for each in document["findings"]}


def test_everything_that_an_application_asks_for_is_looked_at(found: dict[tuple[str, str], dict[str, Any]]) -> None:
    areas = {area for area, _ in found}
    assert areas == {
        *("versions", "kernel", "permissions", "vcan", "interfaces"),
        *("multicast", "ports", "extras", "tools"),
    }
    assert {name for area, name in found if area == "ports"} == {
        *("30490/udp", "55555/tcp", "40004/tcp", "842/tcp", "1883/tcp", "29536/tcp"),
        *("8080/tcp", "8090/tcp", "9464/tcp"),
    }
    assert found["extras", "sdv"]["state"] in {"works", "missing"}
    assert found["multicast", "loopback"]["state"] == "works"


def test_what_is_missing_says_what_to_type(found: dict[tuple[str, str], dict[str, Any]]) -> None:
    missing = [each for each in found.values() if each["state"] == "missing"]
    assert all(each["remedy"] for each in missing), missing


def test_without_a_terminal_it_is_lines_one_a_finding(tmp_path: Path) -> None:
    done = doctor(XDG_RUNTIME_DIR=str(tmp_path))

    *lines, verdict = done.stdout.splitlines()
    assert done.returncode == 0
    assert verdict == "All that a simulated vehicle needs works."
    assert all(line.startswith(("works ", "not here ")) for line in lines)
    assert "\x1b" not in done.stdout


def test_a_runtime_folder_that_is_not_there_is_broken_and_the_exit_code_is_1(tmp_path: Path) -> None:
    done = doctor(XDG_RUNTIME_DIR=str(tmp_path / "gone"))

    assert done.returncode == 1
    assert "BROKEN    permissions: sockets: " in done.stdout
    assert done.stdout.endswith("before what is BROKEN is mended.\n")


@pytest.mark.parametrize("udp", [False, True])
def test_a_port_in_use_is_named_with_who_has_it(udp: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", 0))
        if not udp:
            holder.listen()
        number = holder.getsockname()[1]
        (finding,) = ports((Port(number, "a test", "gateway run --port OTHER", udp=udp),))

    assert finding.standing is Standing.MISSING
    assert f"(process {os.getpid()}); a test uses it" in finding.text
    assert finding.remedy == "gateway run --port OTHER"


def test_in_a_kernel_with_vcan_the_interfaces_are_told_and_the_hosts_way_is_taken(require_tool: Any) -> None:
    require_tool("linux.uml", package="user-mode-linux")
    inner = f"{sys.executable} -m gateway doctor --json"
    done = subprocess.run(
        [*GATEWAY, "vcan", "--kernel", "uml", "--names", "powertrain", "--", "sh", "-c", inner],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )

    found = {(each["area"], each["name"]): each for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, done.stderr
    assert found["kernel", "SocketCAN"]["state"] == "works"
    assert found["interfaces", "powertrain"]["text"] == "up; CAN FD"
    assert "takes this machine's own kernel" in found["vcan", "gateway vcan"]["text"]
    assert found["multicast", "route"]["text"] == "224.0.0.0/4 goes out on lo"
