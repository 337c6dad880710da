"""The vehicle under test: the fixture `vehicle` of the pytest plugin, and what `gateway.load` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.ecu import Ecu, Failure, InputValue
from gateway.errors import GatewayError, nearest
from gateway.hil.arguments import duration
from gateway.hil.bus import BusUnderTest, expect_order
from gateway.hil.ecu import EarlyInput, EcuUnderTest, has_booted, no_input
from gateway.hil.errors import EcuFailedError, HilError, ImpossibleOnLinkError
from gateway.hil.expectation import Expectation, forgotten
from gateway.hil.failure import failure_text
from gateway.hil.faults import Fault
from gateway.hil.handle import Handle
from gateway.hil.history import History
from gateway.hil.host import Host
from gateway.hil.messages import ResponseTime
from gateway.hil.passing import Action, Passing, Timed
from gateway.hil.received import Received
from gateway.hil.route import RouteUnderTest, find_route
from gateway.hil.signal import SignalUnderTest
from gateway.hil.story import seconds
from gateway.hil.waveform import of_column
from gateway.routing import Journey, SignalError
from gateway.sim import NS_PER_S, Kernel, Stream
from gateway.vehicle import Vehicle, VehicleFile

if TYPE_CHECKING:
    from gateway.hil.node import NodeUnderTest


class VehicleUnderTest:
    """One vehicle that runs. Time passes while something is awaited, and only then in virtual time."""

    def __init__(self, file: VehicleFile, simulated: Vehicle, host: Host, real: frozenset[str] = frozenset()) -> None:
        self.file: Final = file
        self.simulated: Final = simulated
        self.host: Final = host
        self.seed: Final = simulated.streams.seed
        self.kernel: Final[Kernel] = simulated.kernel
        self.history: Final = History(simulated)
        self.expectations: list[Expectation[Any]] = []
        self.handles: list[Handle] = []
        self.early_inputs: list[EarlyInput] = []
        self.repeat: str = ""
        """The command that repeats the run, for explanations."""
        self.watched: list[str] = []
        """The VSS paths that the test has asked for."""
        self.shared: bool = False
        """Other tests get this vehicle as well: nothing may stay in it."""
        self.reported: list[Expectation[Any]] = []
        """Expectations that have failed."""
        self.at_work: list[Handle] = []
        """What was in the vehicle when they failed."""
        self.past: list[Handle] = []
        """What the test has put in and taken out again."""
        self.real: Final = real
        """ECUs that are there outside, and left out here."""
        self.late_errors: list[GatewayError] = []
        """What went wrong in the timeline, where nobody could be told of it."""
        self._failures_seen = 0
        self._buses = {
            name: BusUnderTest(self, bus, simulated.databases[name]) for name, bus in simulated.buses.items()
        }

    # What there is

    def __getitem__(self, bus: str) -> BusUnderTest:
        """A bus by name. HilError, with the nearest, for one that the vehicle does not have."""
        if bus not in self._buses:
            hint = nearest(bus, list(self._buses)) or f" (there are {', '.join(self._buses)})"
            raise HilError(f"there is no bus {bus!r} in {self.simulated.name}{hint}")
        return self._buses[bus]

    def ecu(self, name: str) -> EcuUnderTest:
        """An ECU by name, of the vehicle file or of the rest bus."""
        return EcuUnderTest(self, self.simulated_ecu(name))

    def signal(self, path: str) -> SignalUnderTest:
        """A signal by its VSS path. HilError, with the nearest, for one that the vehicle does not have."""
        try:
            signal = self.simulated.gateway.store[path]
        except SignalError as error:
            raise HilError(error.sentence) from None
        if path not in self.watched:
            self.watched.append(path)
        mapping = self.simulated.mapping
        leaf = mapping.tree.leaves.get(path) if mapping is not None else None
        return SignalUnderTest(self, signal, leaf)

    def route(self, name: str) -> RouteUnderTest:
        """A route by its name in reports (`r3`) or by both ends: `chassis.CrashStatus -> body`."""
        return RouteUnderTest(self, find_route(self.simulated.gateway.routes, name))

    def node(self, name: str) -> NodeUnderTest:
        """A computer of the vehicle by name, with its units. HilError, with the nearest, for one that is not there."""
        from gateway.hil.node import NodeUnderTest

        return NodeUnderTest(self, name)

    def journeys(self, received: Received) -> list[Journey]:
        """What each route of the gateway has made of a frame."""
        return [journey for journey in self.simulated.gateway.journeys.kept if journey.frame is received.frame]

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the vehicle was switched on."""
        return self.kernel.now

    @property
    def now_s(self) -> float:
        return self.kernel.now / NS_PER_S

    @property
    def failures(self) -> Sequence[Failure]:
        """ECUs whose behaviour has raised an error."""
        return self.simulated.failures

    # Time

    def run_for(self, time: str) -> Expectation[None]:
        """Let so much time pass: `await vehicle.run_for("500ms")`."""
        return Passing(self, f"run_for({time!r})", duration(time, "run_for"))

    def run_until(self, time: str) -> Expectation[None]:
        """Let time pass until the vehicle's clock says this. HilError when it has passed already."""
        return Passing(self, f"run_until({time!r})", self._from_now(duration(time, "run_until"), time))

    def at(self, time: str, action: Fault | Action, *, lasting: str | None = None) -> None:
        """When the vehicle's clock says `time`: put in a fault (and take it out again after `lasting`), or call."""
        Timed(self, action, lasting).after(self._from_now(duration(time, "at"), time))

    def after(self, time: str, action: Fault | Action, *, lasting: str | None = None) -> None:
        """As `at`, counted from now."""
        Timed(self, action, lasting).after(duration(time, "after"))

    def _from_now(self, time_ns: int, text: str) -> int:
        if time_ns < self.now_ns:
            raise HilError(f"{text} has passed: the vehicle's clock says {seconds(self.now_ns)}")
        return time_ns - self.now_ns

    # Stimulus

    def set_inputs(self, inputs: Mapping[str, InputValue]) -> None:
        """Set inputs of ECUs, by `ECU.input`; each holds its value until it is released."""
        for name, value in inputs.items():
            self._input(name).value = value

    def stop_drive(self) -> None:
        """Take all inputs from the drive cycle: each keeps the value that it has now."""
        for ecu in self.simulated.ecus.values():
            for channel, track in ecu.tracks.items():
                ecu.wire_to(channel).value = track.at(self.now_ns)

    def play_inputs(self, path: str | Path, *, repeat: bool = False) -> list[Handle]:
        """Let inputs follow a CSV file: the first column `time_s`, each other `ECU.input`. At its end the values stay.

        `repeat`: it begins again at the time of its last row, as the vehicle file's `drive` does.
        """
        from gateway.vehicle.assembly.drive import read_inputs

        return [
            self._input(name).follow(of_column(column, str(path), repeat=repeat))
            for name, column in read_inputs(Path(path)).items()
        ]

    def _input(self, name: str) -> Any:
        ecu, dot, channel = name.partition(".")
        if not dot:
            raise HilError(f"{name!r} is no input: write ECU.input")
        return self.ecu(ecu).input(channel)

    # Expectations over several buses

    def expect_order(
        self, steps: Sequence[str | tuple[str, Mapping[str, Any]]], *, within: str
    ) -> Expectation[list[Received]]:
        """Messages of any bus come, each for the first time, in this order: `["chassis.A", ("body.B", {"S": "On"})]`."""
        patterns = []
        for each in steps:
            name, values = each if isinstance(each, tuple) else (each, {})
            bus, _, message = name.partition(".")
            patterns.append(self[bus].pattern(message, values, {}))
        return expect_order(self, patterns, within)

    def response_time(
        self, stimulus: Expectation[Received], response: Expectation[Received], *, at_most: str
    ) -> Expectation[int]:
        """From the frame that one expectation waits for to that of another: the nanoseconds, and at most so long."""
        return ResponseTime(self, stimulus, response, duration(at_most, "at_most"))

    # Faults

    def fault(self, fault: Fault) -> Handle:
        """Put a fault in, now. `with vehicle.fault(...)` takes it out at the end, and so does `stop`."""
        return self.put(fault, stays=False)

    def put(self, fault: Fault, *, stays: bool) -> Handle:
        if not isinstance(fault, Fault) or isinstance(fault, type):
            raise HilError(f"{fault!r} is no fault: write one of gateway.hil.faults, like faults.Killed('ESP')")
        return Handle(self, str(fault), fault.begin(self), stays=stays, fault=fault)

    def stream(self, name: str) -> Stream:
        """Chance for a fault, from the vehicle's seed."""
        return self.simulated.streams.stream(f"hil/{name}")

    def forget_power(self, ecu: str) -> None:
        """An ECU is rebooted: what has taken its power is over."""
        gone = {f"Killed(ecu={ecu!r})", f"Hung(ecu={ecu!r})"}
        self.handles = [handle for handle in self.handles if handle.text not in gone]

    def behaves(self, ecu: str) -> str | None:
        """The behaviour that the vehicle file gives an ECU."""
        spec = self.file.spec.ecus.get(ecu)
        return None if spec is None else spec.behaviour

    def simulated_ecu(self, name: str) -> Ecu:
        """An ECU of this process. ImpossibleOnLinkError for one that is real here."""
        if name in self.real:
            raise ImpossibleOnLinkError(f"{name} is a real one here (--vehicle-real {name}): it cannot be reached into")
        if name not in self.simulated.ecus:
            hint = nearest(name, list(self.simulated.ecus)) or f" (there are {', '.join(self.simulated.ecus)})"
            raise HilError(f"there is no ECU {name!r} in {self.simulated.name}{hint}")
        return self.simulated.ecus[name]

    # The end, and explanations

    def check_inputs(self) -> None:
        """HilError for an input that was set before its ECU had booted, and that it does not have."""
        for early in self.early_inputs:
            if has_booted(early.ecu) and early.name not in early.ecu.wired:
                self.early_inputs.clear()
                raise HilError(f"{no_input(early.ecu, early.name).sentence}; asked for in {early.place}")
        self.early_inputs = [early for early in self.early_inputs if not has_booted(early.ecu)]

    def late(self, error: GatewayError, place: str) -> None:
        """Remember an error of the kernel's time, where nobody can be told, with the place in the test that led to it."""
        if not isinstance(error, ImpossibleOnLinkError):
            text = f"{error.sentence} (at {seconds(self.now_ns)}, from {place})"
            error = HilError(text, file=error.file, line=error.line)
        self.late_errors.append(error)

    def raise_late(self) -> None:
        """GatewayError for what went wrong in the timeline, and for inputs that are not there."""
        if self.late_errors:
            raise self.late_errors.pop(0)
        self.check_inputs()

    def finish(self) -> list[Handle]:
        """The end of a test: everything that it has put in is taken out; what should not have been there is returned.

        ForgottenAwaitError, EcuFailedError, and what went wrong in the timeline.
        """
        problem = forgotten(self.expectations)
        left = [handle for handle in self.handles if self.shared or not handle.stays]
        late = self.late_errors[:1]
        self.clean()
        if problem is not None:
            raise problem
        if late:
            raise late[0]
        self.check_inputs()
        failures = self.simulated.failures[self._failures_seen :]
        self._failures_seen = len(self.simulated.failures)
        if failures:
            raise EcuFailedError("; ".join(str(failure) for failure in failures))
        return left

    def clean(self) -> None:
        """Take out all faults and overrides, and forget what was expected."""
        for expectation in self.expectations:
            expectation.drop()
        self.expectations.clear()
        self.late_errors.clear()
        for handle in reversed(self.handles.copy()):
            handle.stop()
        self.past.clear()

    def save_trace(self, path: str | Path) -> None:
        """Write what is kept of the buses to a file: pcapng, candump log, whatever its ending says."""
        from gateway.hil.artifacts import save_trace

        save_trace(self, Path(path))

    def allow_failures(self) -> None:
        """The ECUs that have failed until now were meant to."""
        self._failures_seen = len(self.simulated.failures)

    def failed(self, expectation: Expectation[Any], reason: str) -> str:
        """The text of a failed expectation."""
        self.reported.append(expectation)
        self.at_work += [handle for handle in self.handles if handle not in self.at_work]
        return failure_text(self, expectation, reason)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            __tracebackhide__ = True
            hint = f": a bus is asked for as vehicle[{name!r}]" if name in self.__dict__.get("_buses", ()) else ""
            raise AttributeError(f"a vehicle has no attribute {name!r}{hint}")

    def __repr__(self) -> str:
        return f"<vehicle {self.simulated.name} at {seconds(self.now_ns)}, seed {self.seed}>"
