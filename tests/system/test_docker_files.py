"""The files in docker/: what they name is there, and two kernels that boot as in the containers share their buses."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli.options import demo_vehicle
from gateway.sim import Kernel
from gateway.vehicle import Vehicle, build, read_vehicle

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
GATEWAY = [sys.executable, "-c", "from gateway.cli import main; main()"]


def services(file: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / file).read_text())["services"]
    return found


def instructions(name: str) -> list[list[str]]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split()[1:] for line in text.splitlines() if line.startswith(f"{name} ")]


def options(command: list[str], name: str) -> list[str]:
    """The values of an option of a command line."""
    return [value for word, value in pairwise(command) if word == name]


def test_all_that_the_image_copies_is_there_and_not_kept_from_the_build() -> None:
    let_in = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().split() if line.startswith("!")}
    copied = [word for words in instructions("COPY") if not words[0].startswith("--from") for word in words[:-1]]

    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert path.split("/")[0] in let_in


def test_services_name_the_dockerfile_its_stages_and_each_other() -> None:
    stages = {words[-1] for words in instructions("FROM")}
    for file in ("compose.yaml", "compose.host.yaml"):
        found = services(file)
        for service in found.values():
            assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).samefile(
                DOCKER / "Dockerfile"
            )
            assert service["build"]["target"] in stages
            assert service["image"].endswith(f":{service['build']['target']}")
            needed = {*service.get("depends_on", ()), service.get("network_mode", "").removeprefix("service:")} - {""}
            assert needed <= found.keys()


def crews() -> list[tuple[list[str], set[str]]]:
    """Who runs in each container of compose.host.yaml that runs a part of the vehicle, and its links."""
    commands = [service["command"] for service in services("compose.host.yaml").values()]
    parts = [command for command in commands if command[0] == "run"]
    return [(options(command, "--only")[0].split(","), set(options(command, "--link"))) for command in parts]


def demo() -> tuple[Vehicle, set[str]]:
    """The demo vehicle and the names of its LIN buses."""
    file = read_vehicle(demo_vehicle())
    lin = {name for name, bus in file.spec.buses.items() if bus.kind == "lin"}
    return build(file, Kernel()), lin


def test_every_ecu_and_the_gateway_are_in_one_container_and_only_who_shares_a_lin_bus_shares_it() -> None:
    vehicle, lin = demo()

    assert Counter(name for crew, _ in crews() for name in crew) == Counter(["gateway", *vehicle.ecus])
    for crew, _ in crews():
        assert len(crew) == 1 or all(lin.intersection(vehicle.ecus[name].ports) for name in crew)


def test_each_part_is_linked_to_all_can_buses_that_it_is_on() -> None:
    vehicle, lin = demo()
    for crew, links in crews():
        ecus = [] if crew == ["gateway"] else [vehicle.ecus[name] for name in crew]
        buses = {bus for ecu in ecus for bus in ecu.ports} if ecus else set(vehicle.buses)
        assert links == {f"{bus}={bus}" for bus in buses - lin}


def test_the_program_takes_every_option_that_the_files_give_it() -> None:
    shown = subprocess.run([*GATEWAY, "run", "--help"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    given = [word for words in instructions("CMD") for word in re.findall(r"--[a-z-]+", " ".join(words))]
    for file in ("compose.yaml", "compose.host.yaml"):
        for service in services(file).values():
            if "run" in service.get("command", ()):
                given += [word for word in service["command"] if word.startswith("--")]

    assert {"--link", "--only", "--no-serve"} <= set(given)
    for option in set(given):
        assert re.search(rf"{option}\b", shown)


TWO_KERNELS = """
import sys
from gateway.vcan import Kernel, availability, run
availability.SYSTEM_PATH = f"{sys.argv[1]}:{availability.SYSTEM_PATH}"
share = 'ip link set eth0 up && exec "$0"/share_buses.py eth0 "$@"'
names = ("powertrain", "body")
sys.exit(run(["sh", "-c", share, *sys.argv[1:2], ",".join(names), *sys.argv[2:]], names=names, memory="128M",
             timeout_s=60, kernel=Kernel.UML))
"""


@pytest.fixture
def kernel(require_tool: Callable[..., str]) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a container of the image does, with docker/linux.uml as the kernel."""
    for tool, package in (("linux.uml", "user-mode-linux"), ("modprobe", "kmod"), ("ip", "iproute2")):
        require_tool(tool, package=package)
    require_tool("candump", package="can-utils")

    def start(*command: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", TWO_KERNELS, str(DOCKER), *command]
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(arguments, cwd=ROOT, env={"PATH": "/usr/bin:/bin:/usr/sbin", **PORT}, **streams)

    return start


PORT = {"GATEWAY_ETHERNET_PORT": "11873"}
"""Another one than the images', so that a vehicle that runs here is not disturbed."""


def test_two_kernels_share_their_buses_and_a_frame_is_on_the_bus_of_its_name_as_it_was(
    kernel: Callable[..., subprocess.Popen[str]],
) -> None:
    payload = bytes(range(64)).hex().upper()
    sent = f"cansend body 1ABCDEF0#R; cansend powertrain 123#DEADBEEF; cansend body 321##5{payload}; cansend body 001#"
    listen = "candump -L any >/run/heard & until grep -q 7FD# /run/heard; do cansend body 7FD#; done"
    call = "until grep -q 001# /run/heard; do cansend body 7FE#; sleep 0.1; done; grep -v 7F.# /run/heard"

    with (
        kernel("sh", "-c", f"candump -n 1 body,7FE:7FF >/dev/null; {sent}") as answering,
        kernel("sh", "-c", f"{listen}; {call}") as hearing,
    ):
        heard = [line.split(" ", 1)[1].strip() for line in hearing.communicate()[0].splitlines()]
        answering.communicate()

    assert (answering.returncode, hearing.returncode) == (0, 0)
    assert [frame for frame in heard if frame.startswith("powertrain")] == ["powertrain 123#DEADBEEF"]
    assert [frame for frame in heard if frame.startswith("body")] == [
        "body 1ABCDEF0#R",
        f"body 321##5{payload}",
        "body 001#",
    ]
