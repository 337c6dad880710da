"""`gateway vcan` as a user has it: real kernels are booted, real can-utils run in them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child import Child

from gateway.vcan import Kernel, available

ROOT = Path(__file__).parents[2]
GATEWAY = [sys.executable, "-c", "from gateway.cli import main; main()"]
TOOL = Callable[..., str]
LIMIT_S = 60.0


@pytest.fixture(autouse=True)
def _the_kernel_is_installed(require_tool: TOOL) -> None:
    require_tool("linux.uml", package="user-mode-linux")
    require_tool("modprobe", package="kmod")
    require_tool("ip", package="iproute2")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A TMPDIR that is seen inside, to find leftovers in; short, so that the kernel's socket has a valid name."""
    with tempfile.TemporaryDirectory(prefix="vcan test.", dir="/tmp") as folder:
        yield Path(folder)


def environment(temporary: Path | None = None) -> dict[str, str]:
    changed = {"PYTHONPATH": str(ROOT), "COLOUR": "two words\nand a line"}
    return os.environ | changed | ({} if temporary is None else {"TMPDIR": str(temporary)})


def vcan(*arguments: str, given: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*GATEWAY, "vcan", *arguments],
        input=given,
        capture_output=True,
        timeout=LIMIT_S,
        env=environment(),
        cwd=cwd,
        check=False,
    )


def started(temporary: Path, *arguments: str) -> Child[bytes]:
    return Child(
        [*GATEWAY, "vcan", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(temporary),
    )


def test_the_command_finds_the_names_of_its_buses_in_its_environment() -> None:
    ran = vcan("--names", "powertrain,body", "--", "sh", "-c", "echo $GATEWAY_VCAN")
    assert ran.stdout == b"powertrain,body\n"


def test_the_command_has_its_streams_folder_environment_arguments_and_exit_code(tmp_path: Path) -> None:
    given = os.urandom(100_000) + b"\x04\x16\n\x04"
    script = 'cat; pwd; printf "%s" "$COLOUR"; printf "<%s>" "$@"; test -t 1 || echo trouble >&2; exit 7'

    done = vcan("--", "sh", "-c", script, "name", "a b", "$HOME", "it's", given=given, cwd=tmp_path)

    assert done.stderr == b"trouble\n"
    assert done.returncode == 7
    assert done.stdout[: len(given)] == given
    assert done.stdout[len(given) :].decode() == f"{tmp_path}\ntwo words\nand a line<a b><$HOME><it's>"


def test_a_megabyte_on_each_stream_arrives_unchanged_and_the_host_sees_what_the_command_wrote(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    (tmp_path / "data").write_bytes(data)

    done = vcan("--", "sh", "-c", "cat data & cat data >&2; wait; cp data copy; kill -KILL $$", cwd=tmp_path)

    assert hashlib.md5(done.stdout).digest() == hashlib.md5(data).digest()
    assert hashlib.md5(done.stderr).digest() == hashlib.md5(data).digest()
    assert (tmp_path / "copy").read_bytes() == data
    assert done.returncode == 128 + signal.SIGKILL


SOCKETS = """
import json, socket, time
bcm = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_BCM)
j1939 = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_J1939)
group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.244.224.245") + bytes(4))
bcm.connect(("body",)); j1939.bind(("body", 0, 0, 0x20))
before = time.monotonic_ns(); names = dict((name, number) for number, name in socket.if_nameindex())
print(json.dumps([sorted(names), time.time(), time.monotonic_ns() >= before]))
"""


def test_named_buses_carry_fd_frames_between_real_can_utils_and_through_the_kernels_gateway(
    require_tool: TOOL, tmp_path: Path
) -> None:
    for tool in ("candump", "cansend", "cangw"):
        require_tool(tool, package="can-utils")
    payload = bytes(range(64)).hex().upper()
    (tmp_path / "sockets.py").write_text(SOCKETS)
    script = f"""
        cangw -A -s powertrain -d body -X -e || exit 1
        candump -L -n 1 body & dump=$!
        while kill -0 $dump 2>/dev/null; do cansend powertrain 123##1{payload}; done; wait $dump
        candump -L -n 1 powertrain,1FFFFFFF:1FFFFFFF & dump=$!
        while kill -0 $dump 2>/dev/null; do cansend powertrain 1FFFFFFF#DEAD; done; wait $dump
        cat /sys/class/net/body/mtu
        {sys.executable} sockets.py
    """

    before = (tmp_path / "sockets.py").stat().st_mtime
    done = vcan(
        "--kernel", "uml", "--names", "powertrain,body", "--memory", "256M", "--", "sh", "-c", script, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    fd, classic, mtu, sockets = done.stdout.decode().splitlines()
    bus, frame = fd.split()[1:]
    identifier, flags_and_data = frame.split("##")
    assert (bus, identifier, flags_and_data[1:]) == ("body", "123", payload)
    assert int(flags_and_data[0], 16) & ~0x04 == 0x01  # BRS; newer kernels (6.1 does) add CANFD_FDF
    assert classic.split()[1:] == ["powertrain", "1FFFFFFF#DEAD"]
    assert mtu == "72"
    names, now, monotonic = json.loads(sockets)
    assert names == ["body", "lo", "powertrain"]
    assert before <= now <= before + LIMIT_S
    assert monotonic


def test_the_machines_own_kernel_is_taken_where_it_has_socketcan() -> None:
    """Inside the booted kernel the machine's own kernel has it."""
    again = f'"{sys.executable}" -c "from gateway.cli import main; main()" vcan'
    script = f"""
        {again} --kernel host --names vcan0,extra -- sh -c 'cat /sys/class/net/*/mtu; echo err >&2; exit 5'; echo $?
        {again} --timeout 500ms -- sleep 60; echo $?
        ls /sys/class/net
        exec {again} -- sh -c 'kill -TERM $$'
    """

    done = vcan("--kernel", "uml", "--buses", "1", "--", "sh", "-c", script)

    assert done.stdout.split() == [b"72", b"65536", b"72", b"5", b"124", b"lo", b"vcan0"]
    assert done.stderr == b"err\ngateway: sleep: stopped after 0.5 s\n"
    assert done.returncode == 128 + signal.SIGTERM


def test_without_socketcan_in_the_machine_the_host_kernel_is_refused_with_the_reason() -> None:
    found = available(("vcan0",))
    if found.kind is Kernel.HOST:
        assert found.remedy == ""
        return
    done = vcan("--kernel", "host", "--", "true")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"own kernel will not do" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--", "no-such-command"], 127, "no-such-command: command not found in PATH"),
        (["--", "./file"], 126, "is not executable"),
        (["--", "/tmp"], 126, "is a folder"),
        (["--names", "vcan0,vcan0", "--", "true"], 2, "two buses are called 'vcan0'"),
        (["--names", "a-name-that-is-too-long", "--", "true"], 2, "cannot be an interface's name"),
        (["--memory", "much", "--", "true"], 2, "write it as 512M or 2G"),
        (["--kernel", "uml", "--memory", "90000G", "--", "true"], 2, "Set TMPDIR"),
    ],
)
def test_what_cannot_be_run_is_told_before_a_kernel_is_booted(
    arguments: list[str], code: int, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no program")
    done = vcan(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert sentence in done.stderr.decode()


def test_a_time_limit_ends_command_and_kernel(temporary: Path) -> None:
    process = started(temporary, "--kernel", "uml", "--timeout", "2s", "--", "sleep", "600")
    _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 124
    assert told == b"gateway: sleep: stopped after 2 s\n"
    assert list(temporary.iterdir()) == []


def test_a_signal_to_the_runner_is_the_commands_to_handle(temporary: Path) -> None:
    script = (
        # Not signal.pause(): a signal that comes just before it would be waited for again.
        "import time\ntry:\n    print('up', flush=True)\n    while True: time.sleep(0.05)\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n    exit(9)"
    )
    with started(temporary, "--kernel", "uml", "--", sys.executable, "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"  # live, while the command runs
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"interrupted\n"
    assert process.returncode == 9


def test_a_reader_that_has_gone_ends_the_writer(temporary: Path) -> None:
    with started(temporary, "--kernel", "uml", "--", "yes") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"y\n"
        process.stdout.close()
        assert process.wait(LIMIT_S) == 128 + signal.SIGPIPE


def test_kill_9_of_the_runner_leaves_no_process_and_no_file(temporary: Path) -> None:
    with started(temporary, "--kernel", "uml", "--", "sh", "-c", "echo up; exec sleep 600") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        left = []
        for pid in family(process.pid):
            with contextlib.suppress(ProcessLookupError):  # one that has just ended by itself
                left.append(os.pidfd_open(pid))
        assert len(left) >= 4  # the guard, the kernel, its threads' processes and those of the commands inside
        process.kill()
    for descriptor in left:
        readable, _, _ = select.select([descriptor], [], [], LIMIT_S)
        os.close(descriptor)
        assert readable, "a process of the kernel outlived its runner"
    assert list(temporary.iterdir()) == []


def family(parent: int) -> list[int]:
    """The processes that descend from this one."""
    children = [
        int(pid) for pid in " ".join(p.read_text() for p in Path(f"/proc/{parent}/task").glob("*/children")).split()
    ]
    return children + [pid for child in children for pid in family(child)]


def test_two_kernels_at_a_time_know_nothing_of_each_other(temporary: Path, require_tool: TOOL) -> None:
    require_tool("candump", package="can-utils")
    script = "candump -L -n 3 vcan0 & while kill -0 $! 2>/dev/null; do cansend vcan0 $0#; done; wait"
    pair = [started(temporary, "--kernel", "uml", "--", "sh", "-c", script, name) for name in ("100", "200")]
    heard = [process.communicate(timeout=LIMIT_S)[0].split()[2::3] for process in pair]
    assert heard == [[b"100#"] * 3, [b"200#"] * 3]
    assert list(temporary.iterdir()) == []


def test_a_kernel_that_does_not_come_up_is_told_with_its_last_lines(temporary: Path) -> None:
    limited = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh"]  # a memory file of 4 KiB at most
    done = subprocess.run(
        [*limited, *GATEWAY, "vcan", "--kernel", "uml", "--", "true"],
        capture_output=True,
        timeout=LIMIT_S,
        env=environment(temporary),
        check=False,
    )
    assert done.returncode == 99
    assert b"the kernel did not come up; its last lines:\n" in done.stderr
    assert list(temporary.iterdir()) == []


def test_at_a_terminal_the_command_has_one_and_ctrl_c_is_its_own(temporary: Path) -> None:
    # `wait` is what a trap interrupts for certain; `read` may go on or end, as it happens to stand.
    script = (
        'test -t 0 && test -t 1 && test -t 2 && echo tty; read x; echo "got $x"; '
        'trap "echo trapped; exit 4" INT; sleep 1000 & echo ready; wait'
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(GATEWAY[0], [*GATEWAY, "vcan", "--kernel", "uml", "--", "bash", "-c", script], environment(temporary))
    seen = b""
    for expected, typed in (
        (b"tty\r\n", b"one\r"),
        (b"got one\r\n", b""),
        (b"ready\r\n", b"\x03"),
        (b"trapped\r\n", b""),
    ):
        while expected not in seen:
            readable, _, _ = select.select([terminal], [], [], LIMIT_S)
            assert readable, f"nothing more came after {seen!r}"
            seen += os.read(terminal, 1024)
        os.write(terminal, typed)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="all tests here are run by an ordinary user already")
def test_an_ordinary_user_needs_no_privilege(require_tool: TOOL) -> None:
    setpriv = require_tool("setpriv", package="util-linux")
    python = require_tool("/usr/bin/python3", package="python3")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        package = Path(folder) / "gateway"
        shutil.copytree(ROOT / "gateway" / "vcan", package / "vcan")
        shutil.copy(ROOT / "gateway" / "errors.py", package)
        (package / "__init__.py").touch()
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o644)
        inside = (
            "cat /sys/class/net/door/mtu; echo mine >mine; cat /etc/shadow;"
            ' stat -c "%u %a" "$XDG_RUNTIME_DIR"; mkdir "$XDG_RUNTIME_DIR/own" && stat -c %u "$XDG_RUNTIME_DIR/own"; exit 3'
        )
        code = f"import sys; from gateway.vcan import run; sys.exit(run(['sh', '-c', {inside!r}], names=('door',)))"
        done = subprocess.run(
            [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", python, "-B", "-c", code],
            capture_output=True,
            timeout=LIMIT_S,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": "/run/user/65534"},
            check=False,
        )
        # Inside, the runtime folder belongs to who runs there, which is root, and to nobody else.
        assert (done.stdout, done.returncode) == (b"72\n0 700\n0\n", 3), done.stderr
        assert b"Permission denied" in done.stderr
        assert (Path(folder) / "mine").stat().st_uid == 65534
