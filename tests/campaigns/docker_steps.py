"""The steps of docker/Dockerfile in fresh roots, and what its images run, on a machine without Docker's engine.

    python tests/campaigns/docker_steps.py [--roots FOLDER] [--keep]

Needs root, debootstrap and the way to Debian's and Python's packages; takes some minutes and 2 GB in FOLDER. Each
stage's root is a copy of the one that it is FROM (debian:12-slim is `debootstrap --variant=minbase bookworm`), each RUN
is run in it by chroot as it stands in the file. Then:

1. the vehicle of compose.yaml in one root and its tools in another, as the image's user: candump sees the vehicle's
   frames, and a frame from the tools changes what the vehicle sends;
2. all containers of compose.host.yaml as processes under one kernel with vcan: the monitor sees every bus.

A container's own isolation (network, seccomp, cgroups) is not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
DOCKER = PROJECT / "docker"
DEBIAN = "debian:12-slim"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WAYS_TO_PACKAGES = ("/etc/resolv.conf", "/etc/hosts")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""The machine's; in a root under another name, as installing ca-certificates there writes this one anew."""
CERTIFICATES_INSIDE = "/root/certificates.crt"

START_S = 90
"""For 18 programs that start at once on the one processor of a booted kernel."""


@dataclass
class Stage:
    """One FROM of the file with what follows it: (instruction, words after it)."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def stages(dockerfile: Path) -> list[Stage]:
    """The stages of a Dockerfile without heredocs and parser directives."""
    found: list[Stage] = []
    text = "".join(line for line in dockerfile.read_text().splitlines(keepends=True) if not line.startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name, base))
        else:
            found[-1].steps.append((instruction, rest.strip()))
    return found


@dataclass
class Image:
    """A root, and what the instructions have set for what is run in it."""

    root: Path
    folder: str = "/"
    user: str = "root"
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH, "GATEWAY_ETHERNET_PORT": "11874"})
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    stop: signal.Signals = signal.SIGTERM

    def started(self, command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
        """A command in the root: processes and mounts of its own, /dev/shm as small and noexec as Docker's."""
        inside = f"""
            mount -t proc proc /proc && mount -t tmpfs -o size=64m,noexec,nosuid,nodev shm /dev/shm
            cd {shlex.quote(self.folder)}
            exec setpriv --reuid {self.user} --regid {self.user} --init-groups --no-new-privs --bounding-set=-all \
                --inh-caps=-all {shlex.join(command)}
        """
        if self.user == "root":
            inside = f"mount -t proc proc /proc; cd {shlex.quote(self.folder)}; exec {shlex.join(command)}"
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(self.root), "/bin/sh", "-ec"]
        ways = {name: value for name, value in os.environ.items() if "proxy" in name.lower()}
        ways["PIP_CERT"] = CERTIFICATES_INSIDE
        environment = self.environment | (ways if self.user == "root" else {"HOME": f"/home/{self.user}"})
        return subprocess.Popen([*unshare, inside], env=environment, text=True, start_new_session=True, **how)

    def ran(self, command: Sequence[str]) -> str:
        """The command's output; ends the campaign when it fails."""
        process = self.started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = process.communicate()[0]
        if process.returncode:
            sys.exit(f"{shlex.join(command)} failed with {process.returncode}:\n{output}")
        return output


def debian(root: Path) -> None:
    """What debian:12-slim has: the minimal variant, with updates and security."""
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(root)], check=True, stdout=subprocess.DEVNULL)
    (root / "etc/apt/sources.list").write_text(
        "deb http://deb.debian.org/debian bookworm main\n"
        "deb http://deb.debian.org/debian bookworm-updates main\n"
        "deb http://deb.debian.org/debian-security bookworm-security main\n"
    )


def lead_to_packages(root: Path) -> None:
    """Gives a root the machine's own ways to registries: names, certificates, settings of apt."""
    own = [Path(way) for way in WAYS_TO_PACKAGES] + sorted(Path("/etc/apt/apt.conf.d").glob("99*"))
    for way in filter(Path.is_file, own):
        target = root / way.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(way, target)
    shutil.copy(CERTIFICATES, root / CERTIFICATES_INSIDE.lstrip("/"))


def copy(stage_roots: Mapping[str, Image], image: Image, words: Sequence[str]) -> None:
    """COPY [--from=STAGE] SOURCE... TARGET"""
    origin = PROJECT
    if words[0].startswith("--from="):
        origin, words = stage_roots[words[0].removeprefix("--from=")].root, words[1:]
    *sources, target = words
    place = image.root / os.path.join(image.folder, target).lstrip("/")
    ignored = shutil.ignore_patterns("__pycache__", "*.so") if origin == PROJECT else None
    for source in sources:
        path = origin / source.lstrip("/")
        if path.is_dir():
            shutil.copytree(path, place, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            into = place / path.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)


def built(roots: Path) -> dict[str, Image]:
    """Every stage, each step told as it is done."""
    images: dict[str, Image] = {}
    for stage in stages(DOCKER / "Dockerfile"):
        root = roots / stage.name
        print(f"stage {stage.name} FROM {stage.base}", flush=True)
        if stage.base in images:
            base = images[stage.base]
            image = replace(base, root=root, environment=dict(base.environment))
            source = base.root
        else:
            image, source = Image(root), roots / "debian"
        subprocess.run(["cp", "--archive", "--reflink=auto", str(source), str(root)], check=True)
        for instruction, rest in stage.steps:
            before = time.monotonic()
            step(images, image, instruction, rest)
            print(f"  {instruction} {' '.join(rest.split())[:100]}  ({time.monotonic() - before:.1f} s)", flush=True)
        images[stage.name] = image
    return images


def step(images: Mapping[str, Image], image: Image, instruction: str, rest: str) -> None:
    match instruction:
        case "RUN":
            image.ran(["/bin/sh", "-c", rest])
        case "COPY":
            copy(images, image, rest.split())
        case "WORKDIR":
            image.folder = rest
            (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "ENV":
            name, _, value = rest.partition("=")
            image.environment[name] = value
        case "USER":
            image.user = rest
        case "STOPSIGNAL":
            image.stop = signal.Signals[rest]
        case "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        case "CMD":
            image.command = json.loads(rest)
        case _:
            sys.exit(f"{instruction}: this script does not know it")


def services(file: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / file).read_text())["services"]
    return found


def as_run(image: Image, service: Mapping[str, Any]) -> list[str]:
    """The command line of a service's container."""
    entrypoint = service.get("entrypoint", image.entrypoint)
    return [*entrypoint, *service.get("command", [] if "entrypoint" in service else image.command)]


def vehicle_and_tools(image: Image, roots: Path) -> None:
    """compose.yaml: frames one way and the other between two kernels in two roots."""
    other = roots / "tools"
    subprocess.run(["cp", "--archive", "--reflink=auto", str(image.root), str(other)], check=True)
    tools = replace(image, root=other)
    both = services("compose.yaml")
    with tempfile.TemporaryFile("w+") as output:
        vehicle = image.started(as_run(image, both["vehicle"]), stdout=output, stderr=subprocess.STDOUT)
        try:
            time.sleep(8)
            show("tools", tools.ran(limited(as_run(tools, both["tools"]), 3)), ("powertrain", "chassis", "body"))
            # The hazard switch (SWM's 200 hex) pressed: the gateway passes it on to the chassis as Lamp (1D8 hex).
            pressed = "for i in 1 2 3 4 5; do cansend body 200#01; sleep 0.02; done; wait"
            heard = ["sh", "-c", f"timeout 4 candump -ta chassis,1D8:7FF & sleep 1; {pressed}"]
            show("tools, after cansend body 200#01", tools.ran([*tools.entrypoint, *heard]), ("1D8", "01"))
        finally:
            os.killpg(vehicle.pid, image.stop)  # unshare itself ignores it
            vehicle.wait()
            output.seek(0)
            summary = [line for line in output.read().splitlines() if " late" in line or " linked to " in line]
            print("vehicle:", *summary, sep="\n    ", flush=True)


def all_apart(image: Image) -> None:
    """compose.host.yaml: all containers' commands under one kernel, which stands for the host's."""
    apart = services("compose.host.yaml")
    lines = ["trap 'kill 0' EXIT"]
    for name, service in apart.items():
        command = [word.replace("$$", "$") for word in as_run(replace(image, entrypoint=["gateway"]), service)]
        if name == "buses":
            lines += [f"{shlex.join(command)} & until {service['healthcheck']['test'][1]}; do sleep 1; done"]
        elif name == "monitor":
            lines += [f"sleep {START_S}", shlex.join(limited(command, 5))]
        else:
            lines += [f"{shlex.join(command)} >/dev/null &"]
    script = "\n".join([*lines, "trap - EXIT"])
    given = ["gateway", "vcan", "--kernel", "uml", "--names", "unused", "--memory", "3G", "--", "sh", "-c", script]
    output = image.ran(given)
    show("monitor", output, ("powertrain", "chassis", "body"))
    cluster = [line.split()[4:] for line in output.splitlines() if " 3A0 " in line]
    if all({*data} == {"00"} for data in cluster):
        sys.exit("monitor: ClusterInfo is all zeros: the gateway passes nothing on from the powertrain")


def limited(command: Sequence[str], seconds: int) -> list[str]:
    """The command, stopped after a time, which is then no failure; what starts a kernel starts it outside of that."""
    first = ["on-vcan"] if command[0] == "on-vcan" else []
    return [*first, "sh", "-c", f'timeout {seconds} "$@" || [ $? = 124 ]', "sh", *command[len(first) :]]


def show(title: str, output: str, wanted: Sequence[str]) -> None:
    """Prints what came, and ends the campaign when something of it is missing."""
    lines = output.splitlines()
    print(f"{title}: {len(lines)} lines", *lines[:12], sep="\n    ", flush=True)
    for word in wanted:
        if not any(word in line.split() for line in lines):
            sys.exit(f"{title}: no {word} among them:\n{output[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--roots", type=Path, help="an empty or absent folder for the roots; one with them is used")
    parser.add_argument("--keep", action="store_true", help="leave the roots there")
    options = parser.parse_args()
    if os.geteuid() or shutil.which("debootstrap") is None:
        print("not run: needs root and debootstrap (apt-get install debootstrap)")
        return
    roots: Path = options.roots or Path(tempfile.mkdtemp(prefix="docker-steps."))
    roots.mkdir(exist_ok=True)
    try:
        if not (roots / "debian").exists():
            debian(roots / "debian")
        lead_to_packages(roots / "debian")
        image = built(roots)["vcan"]
        vehicle_and_tools(image, roots)
        all_apart(image)
    finally:
        if not options.keep:
            shutil.rmtree(roots)


if __name__ == "__main__":
    main()
