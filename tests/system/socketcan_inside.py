"""What tests/system/test_socketcan.py has done inside one boot of a kernel with SocketCAN: `python FILE FOLDER SCENARIO...`.

Each scenario drives `gateway run` and real can-utils, and leaves what it saw in FOLDER/SCENARIO.json; the tests judge it.
The command line runs in forks of this process: inside User-Mode Linux a new Python takes seconds to import everything.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import can
from clients_inside import clients
from inside_tools import RUNNING, Started, candump, cli, is_idle, lines, listeners, seen, until

from gateway.cli import main
from gateway.cli.link_options import links_option
from gateway.sim import Clock
from gateway.vehicle import RunOptions, Selection, Vehicle, drive, read_vehicle

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "vehicle.yaml")
LINKS = ("--link", "powertrain=vcan0", "--link", "chassis=vcan1", "--link", "body=vcan2")
PARTS = ("VCU", "Inverter", "BMS", "ESP", "EPS", "ACU", "Cluster", "Climate")
"""ECUs that run as a process each; the rest is one more (its LIN bus cannot leave a process), and the gateway another."""
STEERING = "Vehicle.Chassis.SteeringWheel.Angle"


# The scenarios


def demo(folder: Path) -> dict[str, Any]:
    """The demo vehicle on three vcans, without the switch module: cansend is that; a python-can client listens."""
    trace, log = folder / "trace.log", folder / "candump.log"
    with candump(log, "vcan0", "vcan1", "vcan2"), can.Bus("vcan1", interface="socketcan", fd=True) as client:
        run = cli(
            folder,
            "demo",
            "run",
            DEMO,
            *LINKS,
            "--without",
            "SWM",
            "--cycle-start",
            "now",
            "--trace",
            str(trace),
            "--json",
            "--no-serve",
        )
        until(lambda: seen(log, "vcan2", "220#") > 5, "no LightCommand")
        subprocess.run(["cansend", "vcan2", "200#01"], check=True)
        until(lambda: any(_both_indicators(frame) for _, _, frame in lines(log)), "the indicators do not light")
        heard = {message.arbitration_id for message in iter(lambda: client.recv(0), None)}
        report = run.interrupt()
    return {
        "report": report,
        "candump": [(interface, frame) for _, interface, frame in lines(log)],
        "trace": [(interface, frame) for _, interface, frame in lines(trace)],
        "python_can": sorted(heard),
    }


def _both_indicators(frame: str) -> bool:
    """Bits 0 and 1 of LightCommand (0x220)."""
    return frame.startswith("220#") and int(frame[4:6], 16) & 3 == 3


def flood(folder: Path) -> dict[str, Any]:
    """cangen as fast as it can, also while the gateway sleeps, so that the kernel loses frames."""
    (folder / "a.dbc").write_text(
        'VERSION ""\nNS_ :\nBS_:\nBU_: A\nBO_ 291 Probe: 8 A\n SG_ Value : 0|64@1+ (1,0) [0|0] "" A\n'
    )
    (folder / "flood.yaml").write_text(
        "vehicle: flood\nbuses:\n"
        "  a: {kind: can, bitrate: 1M, database: a.dbc, restbus: false}\n"
        "  b: {kind: can, bitrate: 1M, restbus: false}\n"
        'gateway:\n  routes:\n    - {from: a.Probe, to: b, when: "Value > 99"}\n'
        "links:\n  a: {channel: vcan0}\n  b: {channel: vcan1}\n"
    )
    log = folder / "flood.log"
    generate = ["cangen", "vcan0", "-g", "0", "-I", "123", "-L", "8", "-D", "i", "-n"]
    with candump(log, "vcan1"):
        run = cli(folder, "flood", "run", str(folder / "flood.yaml"), "--json", "--no-serve")
        until(lambda: listeners("vcan0") == 1 and listeners("vcan1") == 2, "nobody listens")
        before = _received("vcan0")
        subprocess.run([*generate, "5000"], check=True)
        os.kill(run.pid, signal.SIGSTOP)
        subprocess.run([*generate, "20000"], check=True)
        os.kill(run.pid, signal.SIGCONT)
        quiet = [-1, seen(log, "vcan1")]
        while quiet[-1] != quiet[-2]:
            time.sleep(1.0)
            quiet.append(seen(log, "vcan1"))
        memory = Path(f"/proc/{run.pid}/status").read_text()
        report = run.interrupt()
    peak = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("VmHWM"))
    return {"report": report, "in": _received("vcan0") - before, "out": seen(log, "vcan1"), "peak_kib": peak}


def late(folder: Path) -> dict[str, Any]:
    """A gateway that does not run for longer than its route's timeout, while the source message goes on coming."""
    message = 'VERSION ""\nNS_ :\nBS_:\nBU_: A GW\nBO_ 291 {name}: 1 {sender}\n SG_ Value : 0|8@1+ (1,0) [0|255] "" A\n'
    (folder / "a.dbc").write_text(message.format(name="Probe", sender="A"))
    (folder / "b.dbc").write_text(message.format(name="Shown", sender="GW"))
    (folder / "late.yaml").write_text(
        "vehicle: late\nbuses:\n"
        "  a: {kind: can, bitrate: 500k, database: a.dbc, restbus: false}\n"
        "  b: {kind: can, bitrate: 500k, database: b.dbc, restbus: false}\n"
        "gateway:\n  routes:\n"
        "    - {from: a.Probe.Value, to: b.Shown.Value, send: each, timeout: 1s, on_timeout: 255}\n"
        "links:\n  a: {channel: vcan0}\n  b: {channel: vcan1}\n"
    )
    log = folder / "late.log"
    generate = ["cangen", "vcan0", "-g", "20", "-I", "123", "-L", "1", "-D", "07"]
    with candump(log, "vcan1"):
        run = cli(folder, "late", "run", str(folder / "late.yaml"), "--json", "--no-serve")
        until(lambda: listeners("vcan0") == 1 and listeners("vcan1") == 2, "nobody listens")
        source = subprocess.Popen(generate)
        until(lambda: seen(log, "vcan1") > 5, "nothing is routed")
        os.kill(run.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(run.pid, signal.SIGCONT)
        before = seen(log, "vcan1")
        until(lambda: seen(log, "vcan1") > before + 90, "nothing is routed any more")
        source.terminate()
        source.wait()
        until(lambda: seen(log, "vcan1", "123#FF") > 0, "no timeout when the source has ended")
        run.interrupt()
    return {"shown": [frame for _, _, frame in lines(log)]}


def _received(interface: str) -> int:
    return int(Path(f"/sys/class/net/{interface}/statistics/rx_packets").read_text())


def trouble(folder: Path) -> dict[str, Any]:
    """The interface goes down and comes back, then is removed and made again, while the vehicle drives."""
    log = folder / "trouble.log"
    with candump(log, "any"):
        run = cli(folder, "trouble", "run", DEMO, "--link", "powertrain=vcan3", "--json", "--no-serve")
        until(lambda: seen(log, "vcan3") > 100, "no frames")
        for gone, back in (
            (["ip link set vcan3 down"], ["ip link set vcan3 up"]),
            (["ip link del vcan3"], ["ip link add dev vcan3 type vcan", "ip link set vcan3 mtu 72 up"]),
        ):
            for command in gone:
                subprocess.run(command.split(), check=True)
            time.sleep(1.0)
            before = seen(log, "vcan3")
            for command in back:
                subprocess.run(command.split(), check=True)
            until(lambda before=before: seen(log, "vcan3") > before + 100, "no frames after it came back")
        return {"report": run.interrupt()}


def refused(folder: Path) -> dict[str, Any]:
    """Links that cannot be: exit code and what is said."""
    subprocess.run(["ip", "link", "set", "vcan3", "down"], check=True)
    subprocess.run(["ip", "link", "set", "vcan3", "mtu", "16"], check=True)
    answers = {}
    for name, link in {"absent": "powertrain=vcan77", "down": "powertrain=vcan3"}.items():
        answers[name] = _refusal(folder, link)
    subprocess.run(["ip", "link", "set", "vcan3", "up"], check=True)
    answers["no_fd"] = _refusal(folder, "chassis=vcan3")
    return answers


def _refusal(folder: Path, link: str) -> dict[str, Any]:
    def work() -> None:
        os.dup2(1, 2)
        sys.argv = ["gateway", "run", DEMO, "--link", link, "--for", "1s", "--json", "--no-serve"]
        main()

    started = Started(work, folder / "refused.out")
    return {"code": started.wait(), "text": started.output.read_text()}


CYCLE = """time_s,VCU.accelerator,ESP.brake,EPS.angle,BCM.ignition,VCU.gear,SWM.turn,SWM.light
0,0.0,25.0,0.0,On,P,Off,LowBeam
0.5,0.0,25.0,,,D,Left,
0.8,80.0,0.0,0.0,,,,
2.4,80.0,0.0,30.0,,,Off,
2.5,0.0,60.0,,,,,
4,0.0,60.0,,,P,,
300,0.0,60.0,30.0,,,,
"""
CYCLE_S = 5
"""Then the car stands, and nothing changes any more."""
AWAKE_S = 4
"""About so long the ECUs wait for the cycle to begin."""
AT_EASE_S = 1.0
"""So long the first part takes from its start to its end, at most, on a machine that does little else."""
FASTEST, SLOWEST = 0.25, 0.05
"""Ten processes share one processor, and that with whatever else the machine does. At full speed they need all of it."""


def parts(folder: Path) -> dict[str, Any]:
    """Eight ECUs a process each, the rest and the gateway two more: as in one process; and one ECU is killed."""
    vehicle = _vehicle(folder / "vehicle.yaml", CYCLE)
    samples = folder / "samples.json"
    began = time.monotonic()
    first = cli(folder, "first", "run", str(vehicle), *LINKS, "--only", "ACU", "--for", "100ms", "--no-serve", "--json")
    first.report()
    one_s = time.monotonic() - began
    speed = min(FASTEST, max(SLOWEST, FASTEST * AT_EASE_S / one_s))
    print(f"one part starts and ends in {one_s:.1f} s: speed {speed:.2f}", file=sys.stderr)
    start, common, running, middle = _all_parts(folder, vehicle, samples, one_s, speed)
    time.sleep(max(0.0, start + CYCLE_S / speed - time.time()))
    until(lambda: is_idle(middle, *running.values()), "the ten processes do not keep up")
    at_end = _settled(samples)
    running["EPS"].kill()
    # A gateway that is late may have some of its frames still to read: it counts when it stays so.
    until(lambda: all(_still_stale(samples) for _ in range(4)), "the killed ECU's signals did not become stale")
    stale = json.loads(samples.read_text())
    running["EPS"] = cli(folder, "EPS", *common, "--only", "EPS")
    until(lambda: STEERING not in _stale(samples), "the restarted ECU's signals did not come back")
    back = _settled(samples)
    reports = {name: started.interrupt() for name, started in running.items()}
    middle.interrupt()
    # In one process and virtual time: the cycle begins later as well, because the ECUs wait for it awake.
    head, *rows = CYCLE.splitlines()
    waiting = [head, rows[0], *(f"{float(row.partition(',')[0]) + AWAKE_S},{row.partition(',')[2]}" for row in rows)]
    whole = _vehicle(folder / "whole.yaml", "\n".join(waiting))
    single = cli(folder, "single", "run", str(whole), "--for", f"{AWAKE_S + CYCLE_S}s", "--json")
    return {"parts": at_end, "stale": stale, "back": back, "single": single.report()["signals"], "reports": reports}


def _all_parts(
    folder: Path, vehicle: Path, samples: Path, one_s: float, speed: float
) -> tuple[float, tuple[str, ...], dict[str, Started], Started]:
    """The ten processes, all on their buses before the drive cycle begins: how long that takes is tried out."""
    for starts in (10, 20, 40):
        start = time.time() + 3 + starts * one_s
        common = ("run", str(vehicle), *LINKS, "--cycle-start", f"{start:.3f}", "--no-serve", "--json")
        common += ("--speed", str(speed))
        running = {name: cli(folder, name, *common, "--only", name) for name in PARTS}
        running["rest"] = cli(folder, "rest", *common, "--without", ",".join((*PARTS, "gateway")))
        middle = Started(partial(_observed_gateway, vehicle, start, speed, samples), folder / "gateway.out")
        time.sleep(max(0.0, start - 1 - time.time()))
        if all(_is_linked(started) for started in (*running.values(), middle)):
            return start, common, running, middle
        for started in (*running.values(), middle):
            started.kill()
    raise TimeoutError("the ten processes are not on their buses")


def _is_linked(started: Started) -> bool:
    """It has more sockets open than the two of its event loop."""
    sockets = 0
    with contextlib.suppress(OSError):  # it has ended, or just closes a file
        for file in Path(f"/proc/{started.pid}/fd").iterdir():
            sockets += os.readlink(file).startswith("socket:")
    return sockets > 2


def _vehicle(file: Path, cycle: str) -> Path:
    """The demo vehicle with another drive cycle."""
    text = Path(DEMO).read_text().replace("dbc/", f"{ROOT}/dbc/").replace(": ecus/", f": {ROOT}/ecus/")
    file.write_text(text.replace(f"{ROOT}/ecus/city.csv", f"{file.stem}.csv"))
    file.with_suffix(".csv").write_text(cycle)
    return file


def _observed_gateway(vehicle: Path, start: float, speed: float, samples: Path) -> None:
    """`gateway run --only gateway`, with its signals written down now and then."""

    def watch(now: Vehicle, _wall_ns: int) -> None:
        found = {s.path: [s.datapoint.value, s.datapoint.quality.value] for s in now.gateway.store}
        samples.with_suffix(".new").write_text(json.dumps(found))
        samples.with_suffix(".new").rename(samples)

    options = RunOptions(
        clock=Clock.WALL,
        watcher=watch,
        links=links_option([link for link in LINKS if link != "--link"]),
        selection=Selection(frozenset({"gateway"})),
        cycle_start_ns=round(start * 1e9),
        speed=speed,
    )
    drive(read_vehicle(vehicle), options)


def _still_stale(samples: Path) -> bool:
    time.sleep(0.25)
    return STEERING in _stale(samples)


def _settled(samples: Path) -> dict[str, Any]:
    """What each signal mostly is over some seconds.

    On a busy machine an ECU may be late for a moment, and the others rightly say so; the car stands, so they get over it.
    """
    seen: dict[str, Counter[str]] = {}
    for _ in range(8):
        time.sleep(0.3)
        for path, state in json.loads(samples.read_text()).items():
            seen.setdefault(path, Counter())[json.dumps(state)] += 1
    return {path: json.loads(states.most_common(1)[0][0]) for path, states in seen.items()}


def _stale(samples: Path) -> set[str]:
    """The signals that are not good now."""
    return {path for path, (_, quality) in json.loads(samples.read_text()).items() if quality == "stale"}


def replayed(folder: Path) -> dict[str, Any]:
    """A recorded drive, played by canplayer onto the vcans, and by `gateway replay`."""
    log = folder / "drive.log"
    vehicle = str(_vehicle(folder / "vehicle.yaml", CYCLE))
    cli(folder, "recorded", "run", vehicle, "--for", f"{CYCLE_S}s", "--trace", str(log), "--json").report()
    live = cli(folder, "live", "run", vehicle, *LINKS, "--only", "gateway", "--no-serve", "--json")
    until(lambda: all(listeners(name) for name in ("vcan0", "vcan1", "vcan2")), "nobody listens")
    subprocess.run(["canplayer", "-I", str(log), "vcan0=powertrain", "vcan1=chassis", "vcan2=body"], check=True)
    until(lambda: is_idle(live), "the gateway does not come to an end with it")
    report = live.interrupt()
    replay = cli(folder, "replay", "replay", str(log), "--vehicle", vehicle, "--json")
    return {"live": report, "replay": replay.report()}


def real_drive(folder: Path) -> dict[str, Any]:
    """A drive of a real car, played by canplayer onto a linked bus: each speed that the live gateway took."""
    log, database = (Path(os.environ[name]) for name in ("REAL_DRIVE", "REAL_DATABASE"))
    if not (log.is_file() and database.is_file()):
        return {}
    signals = ROOT / "tests" / "data" / "hyundai_i30_signals.json"
    file = folder / "hyundai.yaml"
    file.write_text(
        "vehicle: hyundai\n"
        f"buses:\n  can0: {{kind: can, bitrate: 500k, database: {database}, restbus: false}}\n"
        f"gateway:\n  signals: {signals}\n"
        "links:\n  can0: {channel: vcan0}\n"
    )
    live = Started(lambda: _speeds(file), folder / "live.out")
    until(lambda: listeners("vcan0") == 1, "nobody listens")
    # As fast as the bus takes them: which values come, and in which order, does not depend on the time between.
    subprocess.run(["canplayer", "-I", str(log), "-t", "-g", "1", "vcan0=can0"], check=True)
    frames = len(log.read_text().splitlines())
    until(lambda: _received("vcan0") >= frames, "canplayer has not played all")
    os.kill(live.pid, signal.SIGINT)
    code = live.wait()
    return {"code": code, **json.loads(live.output.read_text())}


def _speeds(file: Path) -> None:
    """`gateway run`, with each value of Vehicle.Speed written down."""
    speeds: list[Any] = []

    @asynccontextmanager
    async def listening(vehicle: Vehicle) -> AsyncIterator[None]:
        vehicle.gateway.store["Vehicle.Speed"].listen(lambda signal: speeds.append(signal.datapoint.value))
        yield

    report = drive(read_vehicle(file), RunOptions(clock=Clock.WALL, services=(listening,)))
    print(json.dumps({"speeds": speeds, "report": report.as_json()}))


SCENARIOS = {
    work.__name__: work for work in (demo, clients, flood, late, trouble, refused, parts, replayed, real_drive)
}


def inside(folder: Path, names: list[str]) -> None:
    # What a run imports, and the demo vehicle's databases and codecs: every fork inherits them.
    sys.argv = ["gateway", "run", DEMO, "--for", "100ms", "--json"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
    gc.collect()
    gc.freeze()  # a fork that collects garbage would copy every page of what it has inherited
    for name in names:
        own = folder / name
        own.mkdir()
        began = time.monotonic()
        try:
            result = SCENARIOS[name](own)
        except Exception:  # noqa: BLE001 - told to the test
            result = {"error": traceback.format_exc()}
        for left in list(RUNNING):  # by a scenario that failed: the next ones need the processor
            left.kill()
        (folder / f"{name}.json").write_text(json.dumps(result))
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    inside(Path(sys.argv[1]), sys.argv[2:] or list(SCENARIOS))
