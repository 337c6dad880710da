"""Replaying a log: its frames pass over the vehicle's buses at their own times, as if the car were there.

What is in the log was on the wire already. It is not arbitrated again and never late; the gateway's own frames go by
the simulated bus as always. Of what the gateway (or an ECU that is simulated besides) sends itself, the log's copies
are left out: otherwise the same message would be there twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from gateway.can import ERROR, EXTENDED, FD, ID_MASK, KEY_MASK
from gateway.com import header_of
from gateway.database import Severity
from gateway.errors import nearest
from gateway.routing import FrameRoute
from gateway.sim import NS_PER_S, Clock, Kernel, SimulationLoop, WallPace, run, wall_clock_ns
from gateway.vehicle.decode import census
from gateway.vehicle.findings import Finding, Unknown, database_findings, log_findings, unknown_frames
from gateway.vehicle.log import Log, LogError
from gateway.vehicle.names import resolve
from gateway.vehicle.recorder import Recorder
from gateway.vehicle.report import Report, report
from gateway.vehicle.run import WATCH_NS, Service, Watcher
from gateway.vehicle.vehicle import Vehicle

SENDER: Final = "log"
"""The name of the controller that sends what is in the log."""
_NAMES_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay. `speed`: of the log's time against the wall's; `for_ns`: no more of the log than that.

    `ecus`: those of the vehicle that live; all others are in the log.
    """

    clock: Clock = Clock.VIRTUAL
    speed: float = 1.0
    for_ns: int | None = None
    ecus: tuple[str, ...] = ()
    trace: Path | None = None
    watcher: Watcher | None = None
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A replay in figures: those of a run, and what the log showed."""

    run: Report
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]

    @property
    def unknown_frames(self) -> int:
        return sum(one.frames for one in self.unknown)

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints: that of a run with two more keys."""
        return {
            **self.run.as_json(),
            "unknown_frames": self.unknown_frames,
            "diagnostics": [finding.as_json() for finding in self.findings],
        }


def replay(vehicle: Vehicle, log: Log, options: ReplayOptions | None = None) -> ReplayReport:
    """Play the log over the buses of the same names, and report. The vehicle is one that has not driven.

    Ctrl-C ends the replay, not the report. LogError when nothing of the log belongs to the vehicle, or for an ECU that
    it does not have; TraceError when the recording cannot be written.
    """
    options = options or ReplayOptions()
    _check(vehicle, log, options)
    findings = [*database_findings(vehicle.databases.values()), *log.findings]
    chosen, left_out = _chosen(vehicle, log, options)
    found = census(chosen)
    findings += [*left_out, *log_findings(log.name, found, vehicle.databases)]
    recorder = Recorder(vehicle, options.trace, vehicle.streams.seed) if options.trace is not None else None
    player = Player(vehicle, chosen)
    if recorder is not None:
        recorder.start()
    vehicle.gateway.start()
    player.start()
    started = wall_clock_ns()
    try:
        last, latest_ns = run(_replay(vehicle, player, options), vehicle.kernel, options.clock, options.speed)
    finally:
        if recorder is not None:
            recorder.close()
    return ReplayReport(
        run=replace(last, wall_s=(wall_clock_ns() - started) / NS_PER_S, latest_s=latest_ns / NS_PER_S),
        unknown=tuple(unknown_frames(found, vehicle.databases)),
        findings=(*findings, *_refusals(vehicle, log)),
    )


def renamed(log: Log, names: Mapping[str, str]) -> Log:
    """The log with other names for its buses. LogError for a bus that it does not have."""
    for name in names:
        if name not in log.buses:
            raise LogError(
                f"the log has no bus {name!r}{nearest(name, list(log.buses))}; it has {', '.join(log.buses)}"
            )
    new = tuple(names.get(bus, bus) for bus in log.buses)
    merged = tuple(dict.fromkeys(new))
    numbers = np.array([merged.index(name) for name in new], np.uint16)
    return replace(log, buses=merged, bus=numbers[log.bus])


class Player:
    """Plays a log onto the buses of a vehicle. `last` is the report right after the last frame.

    An error frame has no content that could be delivered: it is counted as one of the bus.
    """

    def __init__(self, vehicle: Vehicle, log: Log) -> None:
        self.last: Report | None = None
        self._vehicle = vehicle
        self._kernel: Kernel = vehicle.kernel
        # On every bus, whether the log has it or not: somebody must acknowledge what the gateway sends there.
        controllers = {name: bus.attach(SENDER) for name, bus in vehicle.buses.items()}
        self._controllers = {index: controllers[bus] for index, bus in enumerate(log.buses) if bus in controllers}
        self._frames = log.frames()
        self._entry = next(self._frames, None)
        self._ended: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Before any time passes, so that the first frames are not late."""
        self._kernel.at(0 if self._entry is None else self._entry[0], self._play)

    async def ended(self) -> Report:
        """Wait for the last frame."""
        if self.last is None:
            self._ended = asyncio.get_running_loop().create_future()
            await self._ended
        assert self.last is not None
        return self.last

    def _play(self) -> None:
        now = self._kernel.now
        entry = self._entry
        while entry is not None and entry[0] <= now:
            controller = self._controllers[entry[1]]
            if entry[2].header & ERROR:
                controller.bus.errors += 1
            else:
                controller.bus.inject(controller, entry[2])
            entry = self._entry = next(self._frames, None)
        if entry is not None:
            self._kernel.at(entry[0], self._play)
            return
        # Now, in the kernel's time: on the wall it will have gone on before anybody else hears of the end.
        self.last = report(self._vehicle, 0)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


async def _replay(vehicle: Vehicle, player: Player, options: ReplayOptions) -> tuple[Report, int]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    for name in options.ecus:
        vehicle.ecus[name].switch_on()
    watching = None
    if options.watcher is not None:
        watching = asyncio.create_task(_watch(vehicle, options.watcher), name="watcher")
    try:
        async with AsyncExitStack() as services:
            for service in options.services:
                await services.enter_async_context(service(vehicle))
            last = await player.ended()
    except asyncio.CancelledError:
        last = report(vehicle, 0)  # Ctrl-C: the report comes all the same
    finally:
        if watching is not None:
            watching.cancel()
        for name in options.ecus:
            vehicle.ecus[name].switch_off()
    return last, loop.pace.latest_ns if isinstance(loop.pace, WallPace) else 0


async def _watch(vehicle: Vehicle, watcher: Watcher) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulationLoop)
    started = shown = wall_clock_ns()
    while True:
        await loop.sleep_until(loop.kernel.now + WATCH_NS)
        now = wall_clock_ns()
        if now - shown >= WATCH_NS:
            shown = now
            watcher(vehicle, now - started)


# Which frames are played


def _check(vehicle: Vehicle, log: Log, options: ReplayOptions) -> None:
    for name in options.ecus:
        vehicle.ecu(name)
    if not options.speed > 0:
        raise LogError(f"a speed of {options.speed:g} is not above 0")
    if not any(bus in vehicle.buses for bus in log.buses):
        raise LogError(
            f"the log has the buses {', '.join(log.buses)}, and {vehicle.name} has {', '.join(vehicle.buses)}: "
            f"say which is which, like --map {log.buses[0]}={next(iter(vehicle.buses))}"
        )


def _chosen(vehicle: Vehicle, log: Log, options: ReplayOptions) -> tuple[Log, list[Finding]]:
    """The frames that are played, on the vehicle's buses only, and what is left out."""
    findings: list[Finding] = []
    kept = np.ones(len(log), np.bool_)
    if options.for_ns is not None:
        kept &= log.times <= options.for_ns
    own = _own_messages(vehicle, log, options.ecus)
    for index, bus in enumerate(log.buses):
        there = kept & (log.bus == index)
        if bus not in vehicle.buses:
            kept &= ~there
            text = f"{vehicle.name} has no bus {bus}; its {int(there.sum())} frames were left out (--map {bus}=BUS)"
            findings.append(Finding(log.name, None, Severity.WARNING, text))
            continue
        if not vehicle.buses[bus].fd:
            unfit = there & ((log.header & np.uint64(FD)) != 0)
            kept &= ~unfit
            findings += _told(log, int(unfit.sum()), f"CAN FD frames on {bus}, which is a bus of `kind: can`")
        keys = np.array(sorted(own.get(bus, {})), np.uint64)
        ours = there & np.isin(log.keys, keys)
        kept &= ~ours
        names = [own[bus][key] for key in np.unique(log.keys[ours]).tolist()]
        findings += _ours(log, bus, int(ours.sum()), names)
    return log.select(kept), findings


def _told(log: Log, count: int, what: str) -> Iterator[Finding]:
    if count:
        yield Finding(log.name, None, Severity.WARNING, f"{count} {what}, were left out")


def _ours(log: Log, bus: str, count: int, names: list[str]) -> Iterator[Finding]:
    if count:
        listed = ", ".join(names[:_NAMES_TOLD]) + (
            f" and {len(names) - _NAMES_TOLD} more" if names[_NAMES_TOLD:] else ""
        )
        text = f"{count} frames on {bus} that are sent here, not by the log, were left out: {listed}"
        yield Finding(log.name, None, Severity.INFO, text)


def _own_messages(vehicle: Vehicle, log: Log, ecus: Sequence[str]) -> dict[str, dict[int, str]]:
    """What the gateway and the ECUs that live send themselves: by bus and key, with a name."""
    gateway = vehicle.gateway
    own: dict[str, dict[int, str]] = {bus: {} for bus in vehicle.buses}
    composed = [(bus, target.message) for (bus, _), target in gateway.targets.items()]
    commanded = [(bus, message) for (bus, _), message in gateway.commands.items()]
    ports = [port for name in ecus for port in vehicle.ecus[name].ports.values()]
    sent = [(port.bus, message) for port in ports for message in port.tx.values()]
    for bus, message in [*composed, *commanded, *sent]:
        own[bus][header_of(message.definition) & KEY_MASK] = message.definition.name
    for route in gateway.frame_routes():
        for bus, key in _forwarded(vehicle, log, route):
            known = vehicle.databases[bus].by_id(key & ID_MASK, key & EXTENDED != 0)
            own[bus].setdefault(key, known.name if known is not None else f"0x{key & ID_MASK:X}")
    # On LIN a frame of the log is a header as well, which whoever lives answers.
    return {bus: {} if vehicle.buses[bus].polled else messages for bus, messages in own.items()}


def _forwarded(vehicle: Vehicle, log: Log, route: FrameRoute) -> Iterator[tuple[str, int]]:
    """Which messages a route brings to its target; of a whole bus, those that the log has on it."""
    source = resolve(route.rule.source, vehicle.databases)
    target = resolve(route.rule.target, vehicle.databases)
    key = source.key if target.key is None else target.key
    if key is not None:
        yield target.bus, key
    elif source.bus in log.buses:
        on_source = log.bus == log.buses.index(source.bus)
        for each in np.unique(log.keys[on_source & log.is_data]).tolist():
            yield target.bus, each


def _refusals(vehicle: Vehicle, log: Log) -> Iterator[Finding]:
    """Values that the mapping did not publish."""
    for feed in vehicle.can_to_vss.feeds if vehicle.can_to_vss is not None else ():
        for reason, count in feed.refused.items():
            last = feed.last_refused
            text = f"{feed.rule.leaf.path}: {count} of {feed.received} values were not published: {reason.value}"
            if last is not None and last.reason is reason:
                text += f" (the last one: {last.sentence})"
            yield Finding(log.name, None, Severity.WARNING, text)
