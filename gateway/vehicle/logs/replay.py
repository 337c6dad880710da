"""Replaying a log: its frames pass over the vehicle's buses at their own times, as if the car were there.

What is in the log was on the wire already. It is not arbitrated again and never late; the gateway's own frames go by
the simulated bus as always. Of what the gateway (or an ECU that is simulated besides) sends itself, the log's copies
are left out: otherwise the same message would be there twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.can import ERROR, EXTENDED, FD, ID_MASK, KEY_MASK
from gateway.com import header_of
from gateway.database import Severity
from gateway.errors import nearest
from gateway.routing import FrameRoute
from gateway.sim import NS_PER_S, Clock, Kernel, SimulationLoop, WallPace, run, wall_clock_ns
from gateway.vehicle.assembly.names import resolve
from gateway.vehicle.checks.findings import Finding, Unknown, database_findings, log_findings, unknown_frames
from gateway.vehicle.logs.decode import census
from gateway.vehicle.logs.log import Log, LogError
from gateway.vehicle.recording.recorder import Recorder
from gateway.vehicle.report import Report, report
from gateway.vehicle.run import WATCH_NS, Service, Watcher
from gateway.vehicle.unpublished import refused_values
from gateway.vehicle.vehicle import Vehicle

_BEFORE_NS: Final = NS_PER_S
"""So much before a place in the log is played at once, when somebody goes there."""
SENDER: Final = "log"
"""The name of the controller that sends what is in the log."""
_NAMES_TOLD: Final = 5


class AtEnd(Enum):
    """What comes after the last frame."""

    ENDS = "ends"
    STAYS = "stays"
    """Whoever watches can go back; Ctrl-C ends it."""


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
    end: AtEnd = AtEnd.ENDS
    on_player: Callable[[Player], object] | None = None
    """Gets the player before it starts: for going elsewhere in the log."""


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
    player = Player(vehicle, chosen, end=options.end)
    if options.on_player is not None:
        options.on_player(player)
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
        run=replace(
            last,
            wall_s=(wall_clock_ns() - started) / NS_PER_S,
            latest_s=latest_ns / NS_PER_S,
            not_recorded={} if recorder is None else recorder.left_out,
            unpublished=[],
        ),
        unknown=tuple(unknown_frames(found, vehicle.databases)),
        findings=(
            *findings,
            *(Finding(log.name, None, Severity.WARNING, text) for text in refused_values(vehicle)),
        ),
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

    def __init__(self, vehicle: Vehicle, log: Log, *, end: AtEnd = AtEnd.ENDS) -> None:
        self.last: Report | None = None
        self._vehicle = vehicle
        self._log = log
        self._end = end
        self._kernel: Kernel = vehicle.kernel
        # On every bus, whether the log has it or not: somebody must acknowledge what the gateway sends there.
        controllers = {name: bus.attach(SENDER) for name, bus in vehicle.buses.items()}
        self._controllers = {index: controllers[bus] for index, bus in enumerate(log.buses) if bus in controllers}
        self._ahead_ns = 0
        """So much is the kernel's time ahead of the log's."""
        self._frames = log.frames()
        self._entry = next(self._frames, None)
        self._round = 0
        self._ended: asyncio.Future[None] | None = None

    @property
    def length_ns(self) -> int:
        """From the log's beginning to its last frame."""
        return self._log.duration_ns

    @property
    def position_ns(self) -> int:
        """Where in the log it is."""
        return min(self.length_ns, max(0, self._kernel.now - self._ahead_ns))

    @property
    def at_end(self) -> bool:
        """All frames have been played."""
        return self._entry is None

    def start(self) -> None:
        """Before any time passes, so that the first frames are not late."""
        self._kernel.at(0 if self._entry is None else self._entry[0], self._play)

    def seek(self, position_ns: int) -> int:
        """Go on from elsewhere in the log; how long before there it begins, for this to be passed at once.

        The latest frame of each identifier before that comes first, so that slow ones are there as well.
        """
        log = self._log
        target_ns = min(max(0, position_ns), self.length_ns)
        begin_ns = max(0, target_ns - _BEFORE_NS)
        row = int(np.searchsorted(log.times, begin_ns))
        self._ahead_ns = self._kernel.now - begin_ns
        for _, bus, frame in log.select(_latest_rows(log, row)).frames():
            if not frame.header & ERROR:
                self._controllers[bus].bus.inject(self._controllers[bus], frame)
        self._frames = log.frames(row)
        self._entry = next(self._frames, None)
        self._round += 1
        self._play_in(self._round)
        return target_ns - begin_ns

    async def ended(self) -> Report:
        """Wait for the last frame; for ever, when the player stays at the end."""
        if self.last is None or self._end is AtEnd.STAYS:
            self._ended = asyncio.get_running_loop().create_future()
            await self._ended
        assert self.last is not None
        return self.last

    def _play(self) -> None:
        self._play_in(0)

    def _play_in(self, round_: int) -> None:
        if round_ != self._round:
            return  # of before it went elsewhere
        now = self._kernel.now - self._ahead_ns
        entry = self._entry
        while entry is not None and entry[0] <= now:
            controller = self._controllers[entry[1]]
            if entry[2].header & ERROR:
                controller.bus.errors += 1
            else:
                controller.bus.inject(controller, entry[2])
            entry = self._entry = next(self._frames, None)
        if entry is not None:
            self._kernel.at(entry[0] + self._ahead_ns, self._play if round_ == 0 else partial(self._play_in, round_))
            return
        # Now, in the kernel's time: on the wall it will have gone on before anybody else hears of the end.
        self.last = report(self._vehicle, 0)
        if self._ended is not None and not self._ended.done() and self._end is AtEnd.ENDS:
            self._ended.set_result(None)


def _latest_rows(log: Log, row: int) -> NDArray[np.int64]:
    """The last row before `row` of each identifier of each bus, in the order of time."""
    where = log.bus[:row].astype(np.uint64) << np.uint64(40) | log.keys[:row]
    _, backwards = np.unique(where[::-1], return_index=True)
    rows: NDArray[np.int64] = np.sort(row - 1 - backwards)
    return rows


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
