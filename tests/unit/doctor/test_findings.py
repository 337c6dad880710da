"""What findings are read from: tables of the kernel, requirements, folders."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.cli.arguments import DEFAULT_ADDRESSES
from gateway.doctor import Area, Finding, Standing, base_works
from gateway.doctor.machine import CAP_NET_ADMIN, effective_capabilities, runtime_folder
from gateway.doctor.multicast import route_of
from gateway.doctor.network import can_interface
from gateway.doctor.packages import Requirement, of_metadata, of_project, requirements, satisfies
from gateway.doctor.ports import PORTS, inodes_of
from gateway.doctor.tools import Tool, tools

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
lo\t000000E0\t00000000\t0001\t0\t0\t0\t000000F0\t0\t0\t0
eth1\t0000F4E0\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
"""As /proc/net/route writes it on a little-endian machine: a default route, 224/4, and a longer one that is not up."""


def test_the_longest_route_that_is_up_is_the_one_of_a_group():
    assert route_of("224.244.224.245", ROUTES) == "lo"
    assert route_of("192.168.1.7", ROUTES) == "eth0"
    assert route_of("224.244.224.245", "\n".join(ROUTES.splitlines()[:2])) == "eth0"
    assert route_of("224.244.224.245", ROUTES.splitlines()[0]) is None


@pytest.mark.parametrize(
    ("version", "bounds", "within"),
    [
        ("4.6.1", ">=4.6,<5", True),
        ("5.0", ">=4.6,<5", False),
        ("4.6", ">=4.6", True),
        ("4.5.9", ">=4.6", False),
        ("45.1.0", ">=41", True),
        ("1.0.0rc1", "==1", True),
        ("2.14.3", "<3,>=2.7", True),
        ("anything", "", True),
    ],
)
def test_versions_lie_within_bounds_or_do_not(version: str, bounds: str, within: bool):
    assert satisfies(version, bounds) is within


def test_extras_are_read_from_the_metadata_of_an_installation():
    lines = [
        "cantools>=41",
        "pydantic<3,>=2.7",
        "asammdf>=8; extra == 'mf4'",
        'pyjwt[crypto]>=2.8 ; extra == "sdv"',
        "vehicle-gateway[mf4,sdv]; extra == 'all'",
    ]

    assert of_metadata(lines) == {
        "": [Requirement("cantools", ">=41"), Requirement("pydantic", "<3,>=2.7")],
        "mf4": [Requirement("asammdf", ">=8")],
        "sdv": [Requirement("pyjwt", ">=2.8")],
    }


def test_extras_are_read_from_the_project_file_of_a_working_tree_and_of_no_other_project():
    text = '[project]\nname = "{}"\ndependencies = ["can>=4"]\n[project.optional-dependencies]\nmf4 = ["asammdf>=8"]\n'

    assert of_project(text.format("vehicle-gateway")) == {
        "": [Requirement("can", ">=4")],
        "mf4": [Requirement("asammdf", ">=8")],
    }
    assert of_project(text.format("another")) == {}


def test_this_installation_names_its_base_and_its_extras():
    found = requirements()

    assert {"python-can", "cantools", "PyYAML"} <= {each.package for each in found[""]}
    assert {"sdv", "aaos", "orchestrator"} <= set(found)


def test_capabilities_are_read_from_the_status_of_a_process():
    assert effective_capabilities("Name:\tsh\nCapEff:\t0000000000001000\n") == 1 << CAP_NET_ADMIN
    assert effective_capabilities("Name:\tsh\n") == 0


def test_listening_sockets_are_found_and_connections_of_the_same_port_are_not():
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    listening = "   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
    connected = "   1: 0100007F:075B 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"

    assert inodes_of(1883, head + listening + connected) == {"4711"}
    assert inodes_of(1884, head + listening + connected) == set()


class TestRuntimeFolder:
    def test_a_folder_that_is_not_there_yet_can_be_made(self, tmp_path: Path):
        assert runtime_folder(tmp_path / "vehicle-gateway", None).standing is Standing.WORKS

    def test_a_folder_that_others_may_read_is_refused_with_the_command_that_mends_it(self, tmp_path: Path):
        folder = tmp_path / "vehicle-gateway"
        folder.mkdir(mode=0o755)
        found = runtime_folder(folder, None)
        assert (found.standing, f"chmod 700 {folder}" in found.remedy) == (Standing.BROKEN, True)

        folder.chmod(0o700)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert runtime_folder(folder, None).standing is Standing.WORKS

    def test_a_parent_that_is_not_there_breaks_it(self, tmp_path: Path):
        found = runtime_folder(tmp_path / "gone" / "vehicle-gateway", None)
        assert found.standing is Standing.BROKEN
        assert "export XDG_RUNTIME_DIR=$(mktemp -d)" in found.remedy

    def test_a_socket_that_the_environment_names_needs_its_own_folder_only(self, tmp_path: Path):
        unused = tmp_path / "gone" / "vehicle-gateway"
        assert runtime_folder(unused, str(tmp_path / "my.sock")).standing is Standing.WORKS
        assert runtime_folder(tmp_path, str(unused / "my.sock")).standing is Standing.BROKEN


def test_can_interfaces_say_what_they_carry_and_what_mends_them():
    assert can_interface("vcan0", up=True, mtu=72) == Finding(Area.INTERFACES, "vcan0", Standing.WORKS, "up; CAN FD")
    assert "mtu 72" in can_interface("vcan0", up=True, mtu=16).remedy
    down = can_interface("can0", up=False, mtu=72)
    assert down.standing is Standing.MISSING
    assert "sudo ip link set can0 up" in down.remedy


def test_a_tool_that_is_missing_names_its_package():
    there, missing = tools((Tool("sh", "dash", "shells"), Tool("no-such-tool", "no-such-package", "nothing")))

    assert there.standing is Standing.WORKS
    assert (missing.standing, missing.remedy) == (Standing.MISSING, "apt-get install no-such-package")


def test_only_what_is_broken_keeps_the_base_from_working():
    missing = Finding(Area.TOOLS, "tshark", Standing.MISSING, "not installed")
    broken = Finding(Area.KERNEL, "system", Standing.BROKEN, "another system")

    assert base_works([missing])
    assert not base_works([missing, broken])


def test_each_port_that_a_command_line_may_leave_out_is_looked_at():
    looked_at = {port.number for port in PORTS if not port.udp}
    assert {int(address.rpartition(":")[2]) for address in DEFAULT_ADDRESSES.values()} <= looked_at
