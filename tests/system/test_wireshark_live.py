"""Wireshark on a vehicle that drives: live captures, the external capture interface, and the profile."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child import Child

from gateway.can import ERROR, EXTENDED, KEY_MASK
from gateway.ethernet import Endpoint, Segment
from gateway.sim import Kernel, Streams
from gateway.trace import Recorded, open_reader
from gateway.vehicle import RunOptions, drive, load, read_vehicle
from gateway.vehicle.recording.live_capture import LiveCapture
from gateway.vehicle.wireshark.signals import fields as signals_of

ROOT = Path(__file__).parents[2]
VEHICLE = ROOT / "vehicle.yaml"
GATEWAY = [sys.executable, "-m", "gateway"]
LIMIT_S = 90.0
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def tshark(request: pytest.FixtureRequest) -> str:
    require_tool: Callable[..., str] = request.getfixturevalue("require_tool")
    return require_tool("tshark", package="tshark")


def environment(**changed: str) -> dict[str, str]:
    without = {name: value for name, value in os.environ.items() if name != "VEHICLE_GATEWAY_SOCKET"}
    return {**without, "PYTHONPATH": str(ROOT), **changed}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo vehicle, driving in a process of its own; gives its socket."""
    folder = tmp_path_factory.mktemp("run")
    place = folder / "vehicle.sock"
    process = subprocess.Popen(
        [*GATEWAY, "run", str(VEHICLE), "--clock", "wall", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(VEHICLE_GATEWAY_SOCKET=str(place)),
    )
    try:
        assert process.stderr is not None
        assert "CAN tools find demo-ev" in process.stderr.readline()
        yield place
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_S)


def shown(command: list[str], *fields: str, stdin: Any = None, **changed: str) -> list[dict[str, str]]:
    """One dictionary a packet, as tshark shows them."""
    words = [
        *command,
        "-l",
        "-T",
        "fields",
        "-E",
        "header=y",
        "-E",
        "separator=,",
        "-E",
        "quote=d",
        "-E",
        "occurrence=f",
    ]
    for field in fields:
        words += ["-e", field]
    done = subprocess.run(
        words, stdin=stdin, capture_output=True, text=True, timeout=LIMIT_S, env=environment(**changed), check=False
    )
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


LOOKED_AT = ("frame.interface_name", "frame.protocols", "frame.comment", "frame.time_epoch", "_ws.malformed")


class TestPipe:
    def test_tshark_reads_all_buses_of_a_vehicle_from_the_pipe_and_ends_the_drive_by_going(
        self, tshark: str, tmp_path: Path
    ) -> None:
        pipe = tmp_path / "vehicle"
        with Child(
            [*GATEWAY, "trace", str(VEHICLE), "--wireshark", "--pipe", str(pipe)],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(VEHICLE_GATEWAY_SOCKET=str(tmp_path / "sock"), DISPLAY="", WAYLAND_DISPLAY=""),
        ) as process:
            assert process.stderr is not None
            told = ""
            while "waiting for a reader" not in told:
                told = process.stderr.readline()
            assert f"wireshark -k -i {pipe}, or tshark -i {pipe}" in told
            packets = shown([tshark, "-i", str(pipe), "-c", "800"], *LOOKED_AT)
            rest = process.stderr.read()
            assert process.wait(LIMIT_S) == 0, rest

        assert "demo-ev: " in rest
        assert {packet["frame.interface_name"] for packet in packets} >= {"powertrain", "chassis", "body", "doors"}
        assert not [packet for packet in packets if packet["_ws.malformed"]]
        assert any("r1 from powertrain.MotorStatus" in packet["frame.comment"] for packet in packets)
        assert float(packets[0]["frame.time_epoch"]) > 1_500_000_000  # a date, not the simulation's zero
        assert not pipe.exists()

    def test_a_capture_of_the_vehicle_that_runs_goes_through_standard_output(self, tshark: str, running: Path) -> None:
        with Child(
            [*GATEWAY, "trace", "--attach", "--socket", str(running), "--pipe", "-"],
            stdout=subprocess.PIPE,
            env=environment(),
        ) as capture:
            assert capture.stdout is not None
            packets = shown([tshark, "-i", "-", "-c", "300"], *LOOKED_AT, stdin=capture.stdout)
            capture.stdout.close()
            assert capture.wait(LIMIT_S) == 0

        assert len(packets) == 300
        assert {packet["frame.interface_name"] for packet in packets} >= {"powertrain", "chassis", "body"}

    def test_two_captures_and_a_client_of_a_bus_do_not_disturb_each_other(self, running: Path, tmp_path: Path) -> None:
        commands = [
            [*GATEWAY, "trace", "--attach", "--socket", str(running), "--pipe", "-"],
            [*GATEWAY, "trace", "--attach", "--socket", str(running), "--pipe", "-"],
        ]
        with contextlib.ExitStack() as stack:
            captures = [
                stack.enter_context(Child(command, stdout=subprocess.PIPE, env=environment())) for command in commands
            ]
            heads = [capture.stdout.read(200_000) for capture in captures if capture.stdout is not None]
            for capture in captures:
                capture.terminate()
        for number, head in enumerate(heads):
            path = tmp_path / f"{number}.pcapng"
            path.write_bytes(head)
            with open_reader(path) as reader:
                records = list(reader.records())
                assert reader.buses == ("powertrain", "chassis", "body", "doors")
            assert len(records) > 500

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--attach", "--socket", "/nonexistent/sock"], "no simulation listens at /nonexistent/sock"),
            (["--socket", "x"], "--socket goes with --attach"),
            (["--attach", "vehicle.yaml"], "--attach is for a vehicle that runs already"),
            (["--pipe", "-", "--wireshark"], "leave out --wireshark"),
            (["--pipe", "/nonexistent/pipe"], "/nonexistent/pipe: no named pipe can be made"),
        ],
    )
    def test_what_cannot_be_is_a_sentence(self, words: list[str], sentence: str) -> None:
        done = subprocess.run(
            [*GATEWAY, "trace", *words], capture_output=True, text=True, timeout=LIMIT_S, env=environment(), check=False
        )
        assert done.returncode == 2
        assert sentence in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr


class TestEthernet:
    def test_a_segment_is_an_interface_of_its_own_beside_the_buses(self, tshark: str, tmp_path: Path) -> None:
        kernel = Kernel()
        vehicle = load(VEHICLE, kernel)
        segment = Segment(kernel, Streams(0).stream("ethernet"), name="backbone")
        sender, receiver = segment.attach("gateway", "10.0.0.1"), segment.attach("camera", "10.0.0.2")
        vehicle.ethernet = segment
        receiver.open_udp(30509, lambda *_: None)
        capture = LiveCapture(vehicle, 0)
        port = sender.open_udp(30500, lambda *_: None)
        port.send(someip(0x1234, 1, 0), Endpoint("10.0.0.2", 30509))
        kernel.run(kernel.now + SECOND // 100)
        path = tmp_path / "live.pcapng"
        path.write_bytes(capture.outgoing())
        capture.close()

        (packet,) = shown([tshark, "-r", str(path)], "frame.interface_name", "ip.dst", "udp.dstport", "_ws.malformed")

        assert packet == {
            "frame.interface_name": "backbone",
            "ip.dst": "10.0.0.2",
            "udp.dstport": "30509",
            "_ws.malformed": "",
        }
        assert not segment.listeners


class TestExtcap:
    @pytest.fixture
    def looking_at(self, tshark: str, tmp_path: Path, require_tool: Callable[..., str]) -> list[str]:
        """What to put before Wireshark so that it looks into a folder of the test.

        It obeys WIRESHARK_EXTCAP_DIR for ordinary users only; for root the folder lies over its own.
        """
        if os.geteuid() != 0:
            return []
        unshare = require_tool("unshare", package="util-linux")
        said = subprocess.run([tshark, "-G", "folders"], capture_output=True, text=True, timeout=LIMIT_S, check=True)
        own = (
            next(line for line in said.stdout.splitlines() if line.startswith("Extcap path:")).split(":", 1)[1].strip()
        )
        over = f'mount --bind "{tmp_path}/extcap" "{own}" && exec "$@"'
        (tmp_path / "extcap").mkdir()
        words = [unshare, "--mount", "sh", "-c", over, "sh"]
        if subprocess.run([*words, "true"], capture_output=True, timeout=LIMIT_S, check=False).returncode != 0:
            pytest.skip("needs mounts of its own (CAP_SYS_ADMIN), or an ordinary user")
        return words

    def test_the_running_vehicle_is_an_interface_of_wireshark(
        self, tshark: str, looking_at: list[str], running: Path, tmp_path: Path
    ) -> None:
        place = {"WIRESHARK_EXTCAP_DIR": str(tmp_path / "extcap"), "HOME": str(tmp_path)}
        installed = subprocess.run(
            [*GATEWAY, "trace", "--install-extcap"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(**place),
            check=True,
        )
        here = {**place, "VEHICLE_GATEWAY_SOCKET": str(running), "PYTHONDONTWRITEBYTECODE": "1"}
        listed = subprocess.run(
            [*looking_at, tshark, "-D"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(**here),
            check=False,
        )

        assert f"{tmp_path}/extcap/vehicle-gateway is installed" in installed.stdout
        assert "vehicle-gateway (the vehicle that runs)" in listed.stdout, listed.stderr
        packets = shown([*looking_at, tshark, "-i", "vehicle-gateway", "-c", "200"], *LOOKED_AT, **here)
        assert len(packets) == 200
        assert {packet["frame.interface_name"] for packet in packets} >= {"powertrain", "chassis"}

    def test_without_a_vehicle_the_interface_says_how_to_start_one(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "gateway.cli.extcap",
                "--capture",
                "--extcap-interface",
                "vehicle-gateway",
                "--fifo",
                str(fifo),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(VEHICLE_GATEWAY_SOCKET=str(tmp_path / "nobody")),
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "no simulation listens at" in done.stderr
        assert "start one with `gateway run VEHICLE`" in done.stderr

    def test_the_questions_of_wireshark_are_answered_in_its_grammar(self) -> None:
        for question, answer in (
            ("--extcap-interfaces", "interface {value=vehicle-gateway}{display="),
            ("--extcap-dlts", "dlt {number=147}{name=USER0}"),
            ("--extcap-config", "arg {number=0}{call=--socket}"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "gateway.cli.extcap", question, "--extcap-version=4.0"],
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                env=environment(),
                check=True,
            )
            assert answer in done.stdout


SERVICES = """
  services:
    offer:
      SpeedService:
        service: 0x1234
        udp: 30509
        methods: {Reset: {id: 0x21}}
        events: {Overspeed: {id: 0x8001, group: 3, type: bool, signal: powertrain.VehicleSpeed.Standstill}}
"""


def someip(service: int, method: int, kind: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HHIHHBBBB", service, method, 8 + len(payload), 1, 1, 1, 1, kind, 0) + payload


class TestProfile:
    @pytest.fixture(scope="class")
    @classmethod
    def config(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("config")

    @pytest.fixture(scope="class")
    @classmethod
    def profile(cls, config: Path) -> str:
        done = subprocess.run(
            [*GATEWAY, "wireshark-profile", str(VEHICLE)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(XDG_CONFIG_HOME=str(config)),
            check=True,
        )
        assert done.stdout.startswith(f"{config}/wireshark/profiles/demo-ev: ")
        return "demo-ev"

    @pytest.fixture(scope="class")
    @classmethod
    def trace(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("drive") / "drive.pcapng"
        drive(read_vehicle(VEHICLE), RunOptions(for_ns=3 * SECOND, trace=path))
        return path

    def test_each_signal_is_shown_with_the_value_that_it_has(
        self, tshark: str, config: Path, profile: str, trace: Path
    ) -> None:
        vehicle = load(VEHICLE, Kernel())
        fields = {
            f"{bus}.{message.name}.{signal.name}": (bus, message, signal)
            for bus, database in vehicle.databases.items()
            for message in database.messages
            for _, signal in signals_of(message)
            if signal is not None and not (signal.signed and signal.length not in {8, 16, 32, 64})
        }
        names = [f"signal_pdu.{name}" for name in fields]
        chosen = [tshark, "-C", profile, "-r", str(trace), "-Y", "!syslog"]
        packets = shown(chosen, "_ws.malformed", *names, XDG_CONFIG_HOME=str(config))
        with open_reader(trace) as reader:
            records = [record for record in reader.records() if isinstance(record, Recorded)]

        assert len(packets) == len(records)
        assert not any(packet["_ws.malformed"] for packet in packets)
        compared = set()
        for packet, record in zip(packets, records, strict=True):
            for name, (bus, message, signal) in fields.items():
                text = packet[f"signal_pdu.{name}"]
                identifier = message.arbitration_id | (EXTENDED if message.extended else 0)
                if record.bus != bus or record.frame.header & (KEY_MASK | ERROR) != identifier:
                    assert text == ""
                    continue
                expected = signal.decode(record.frame.data)
                assert expected is not None
                assert math.isclose(float(text), expected, rel_tol=1e-5, abs_tol=1e-9), (name, text, expected)
                compared.add(name)
        assert len(compared) > 200
        assert any(fields[name][2].big_endian for name in compared)

    def test_a_go_to_sleep_command_of_lin_is_not_called_malformed(
        self, tshark: str, config: Path, profile: str, tmp_path: Path
    ) -> None:
        from gateway.can import Frame
        from gateway.trace import BusInfo, open_writer

        path = tmp_path / "sleep.pcapng"
        with open_writer(path, [BusInfo("doors", 19_200, lin=True)]) as writer:
            writer.write(1, 0, Frame(0x3C, bytes.fromhex("00FFFFFFFFFFFFFF")))

        (plain,) = shown([tshark, "-r", str(path)], "frame.number", "_ws.malformed", XDG_CONFIG_HOME=str(tmp_path))
        (ours,) = shown(
            [tshark, "-C", profile, "-r", str(path)], "frame.number", "_ws.malformed", XDG_CONFIG_HOME=str(config)
        )

        assert plain["_ws.malformed"] != ""
        assert ours["_ws.malformed"] == ""

    def test_services_are_shown_by_name_at_their_ports(self, tshark: str, tmp_path: Path) -> None:
        text = VEHICLE.read_text().replace("dbc/", f"{ROOT}/dbc/").replace("ecus/", f"{ROOT}/ecus/")
        (tmp_path / "vehicle.yaml").write_text(text + SERVICES.replace("\n  ", "\n"))
        config = tmp_path / "config"
        folder = config / "wireshark" / "profiles" / "mine"
        subprocess.run(
            [*GATEWAY, "wireshark-profile", str(tmp_path), "--out", str(folder)],
            capture_output=True,
            timeout=LIMIT_S,
            env=environment(),
            check=True,
        )
        path = tmp_path / "services.pcapng"
        scapy = pytest.importorskip("scapy.all")
        frames = [
            scapy.Ether() / scapy.IP(src="10.0.0.1", dst="10.0.0.2") / scapy.UDP(sport=source, dport=target) / payload
            for source, target, payload in (
                (40000, 30509, someip(0x1234, 0x21, 0x00)),
                (30509, 40000, someip(0x1234, 0x8001, 0x02, b"\x01")),
            )
        ]
        scapy.wrpcap(str(path), frames)

        packets = shown(
            [tshark, "-C", "mine", "-r", str(path)],
            *("someip.servicename", "someip.methodname", "_ws.malformed", "frame.protocols"),
            XDG_CONFIG_HOME=str(config),
        )

        assert [(packet["someip.servicename"], packet["someip.methodname"]) for packet in packets] == [
            ("SpeedService", "Reset"),
            ("SpeedService", "Overspeed"),
        ]
        assert not any(packet["_ws.malformed"] for packet in packets)

    def test_the_preferences_name_diagnostic_identifiers_that_no_message_has(self, config: Path, profile: str) -> None:
        preferences = (config / "wireshark" / "profiles" / profile / "preferences").read_text()
        assert "iso15765.can.ids: 0x7df-0x7ef" in preferences

    def test_a_folder_that_cannot_be_written_is_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        done = subprocess.run(
            [*GATEWAY, "wireshark-profile", str(VEHICLE), "--out", str(tmp_path / "file" / "profile")],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(),
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr == f"gateway: {tmp_path}/file/profile: cannot be written: not a directory\n"


def test_what_is_not_read_in_time_is_counted_and_told(tmp_path: Path) -> None:
    kernel = Kernel()
    vehicle = load(VEHICLE, kernel)
    capture = LiveCapture(vehicle, 0, room=10)
    bus = vehicle.buses["body"]
    sender = bus.attach("tester")
    from gateway.can import Frame

    for number in range(30):
        sender.send(Frame(0x100 + number, bytes(8)))
    kernel.run(SECOND)
    path = tmp_path / "live.pcapng"
    path.write_bytes(capture.outgoing())
    capture.close()

    with open_reader(path) as reader:
        records = list(reader.records())
    frames = [record for record in records if isinstance(record, Recorded)]
    assert len(frames) + capture.lost >= 30
    assert capture.lost >= 20
    assert f"{capture.lost} packets were lost here" in str(records[-1])
    assert bus.taps == []
