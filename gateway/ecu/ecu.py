"""An electronic control unit: its ports on the buses, what it sends by itself, and its behaviour.

An ECU without a behaviour is a rest bus node: it sends its messages by their cycle times with their start values. A
behaviour sets signals; the sending stays the same. A behaviour that raises makes its ECU silent, and nobody else.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from typing import Any, Final

from gateway.can import Controller
from gateway.com import RxMessage, RxSignal, TxSignal
from gateway.database import Database, Message
from gateway.ecu.behaviour import Every, On, marks
from gateway.ecu.errors import EcuError
from gateway.ecu.failure import Failure
from gateway.ecu.inputs import Input, InputValue, Track
from gateway.ecu.port import Names, Port
from gateway.ecu.schedule import BEHAVIOUR_ERRORS, Schedule
from gateway.lin import Commander, LinNode
from gateway.sim import Kernel, SimulationLoop, Stream, duration_ns

BehaviourFactory = Callable[["Ecu"], object]


class Power(Enum):
    """Whether an ECU runs."""

    OFF = "off"
    ON = "on"
    FAILED = "failed"
    """Its behaviour raised an error."""


class Ecu:
    """One ECU of a vehicle. Behaviours get it in their constructor.

    `boot_ns`: from power on to the first sending; `random`: its own stream of the vehicle's seed; `behaviour`: the
    running instance, for tests that look at its state; `failure`: why it is silent.
    """

    def __init__(self, kernel: Kernel, name: str, random: Stream, *, boot_ns: int = 0) -> None:
        self.name: Final = name
        self.random: Final = random
        self.boot_ns = boot_ns
        self.ports: dict[str, Port] = {}
        self._names: Final = Names(name, self.ports)
        self.inputs: dict[str, Input] = {}
        self.wired: set[str] = set()
        """The inputs that the behaviour has asked for."""
        self.tracks: dict[str, Track] = {}
        self.behaviour: Any = None
        self.power = Power.OFF
        self.failure: Failure | None = None
        self.on_failure: Callable[[Failure], object] | None = None
        self.kernel: Final = kernel
        self._factory: BehaviourFactory | None = None
        self._generation = 0
        self._schedule = Schedule(kernel, self._fail)
        self._tasks: list[asyncio.Task[None]] = []
        self._silenced: set[str] = set()
        self._installing: Callable[..., Any] | None = None

    # Building

    def attach(self, bus: str, controller: Controller, database: Database) -> Port:
        """Give the ECU a place on a bus."""
        port = self.ports[bus] = Port(self.kernel, bus, controller, database)
        return port

    def behave(self, factory: BehaviourFactory) -> None:
        """Use this behaviour; a new instance is made each time the ECU is switched on."""
        self._factory = factory

    def accompany(self, companion: Callable[[Ecu], object]) -> None:
        """Call this at each boot before the behaviour is made: what it schedules hangs and ends with the behaviour.

        EcuError for an ECU without a behaviour.
        """
        behaviour = self._factory
        if behaviour is None:
            raise EcuError(f"{self.name} has no behaviour that could be accompanied")

        def together(ecu: Ecu) -> object:
            companion(ecu)
            return behaviour(ecu)

        self._factory = together

    def sends(self, port: Port, messages: Iterable[Message]) -> None:
        """Declare the messages that this ECU sends by itself."""
        for message in messages:
            port.transmit(message)

    @property
    def has_behaviour(self) -> bool:
        """It is more than rest bus; its behaviour need not have booted yet."""
        return self._factory is not None

    # For behaviours

    @property
    def now_ns(self) -> int:
        """The time, in nanoseconds since the start of the simulation."""
        return self.kernel.now

    @property
    def now_s(self) -> float:
        return self.kernel.now / 1e9

    def tx(self, name: str) -> TxSignal:
        """A signal that this ECU sends: `Message.Signal`, or `bus.Message.Signal`. EcuError for unknown names."""
        port, message, signal = self._names.signal(name)
        self._names.check_sender(port, message)
        return port.transmit(message).signal(signal)

    def rx(self, name: str) -> RxSignal:
        """A signal that this ECU receives: `Message.Signal`, or `bus.Message.Signal`. EcuError for unknown names."""
        port, message, signal = self._names.signal(name)
        return port.receive(message).signal(signal)

    def input(self, name: str, initial: InputValue = 0.0) -> Input:
        """An input that is wired to this ECU; it follows the drive cycle's column `ECU.name` where there is one."""
        self.wired.add(name)
        found = self.wire_to(name)
        found.initial = initial
        return found

    def wire_to(self, name: str) -> Input:
        """The input of that name, for who sets it: also before the behaviour has said that there is one."""
        if name not in self.inputs:
            found = self.inputs[name] = Input(self.kernel, name, 0.0)
            found.track = self.tracks.get(name)
        return self.inputs[name]

    def send(self, message: str) -> bool:
        """Send a message now, besides its cycle. False when the controller refused it."""
        port, found = self._names.message(message)
        self._names.check_sender(port, found)
        return port.transmit(found).send()

    def commander(self, bus: str) -> Commander:
        """The commander of a LIN bus: schedules, sleep, diagnostics. EcuError when this ECU is not its commander."""
        node = self.node(bus)
        if node is not node.lin.commander.node:
            raise EcuError(f"{self.name} is not the commander of {bus}; that is {node.lin.commander.node.name}")
        return node.lin.commander

    def node(self, bus: str) -> LinNode:
        """This ECU's node on a LIN bus: wake-up, address, error bit. EcuError for a bus that is none."""
        port = self._names.port(bus)
        if not isinstance(port.controller, LinNode):
            raise EcuError(f"{bus} is no LIN bus, so {self.name} has no schedule and no node there")
        return port.controller

    def schedule(self, bus: str, table: str | None) -> None:
        """Run this schedule table of a LIN bus from the next slot on; None for none. LinError for an unknown one."""
        self.commander(bus).schedule(table)

    def on(self, message: str, callback: Callable[..., object]) -> None:
        """Call `callback` at each reception of a message; with the message when it takes an argument."""
        port, found = self._names.message(message)
        if inspect.iscoroutinefunction(callback):
            raise EcuError(
                f"{self.name}: {callback.__name__} is asynchronous, and nobody would wait for it:"
                " call it from an @task, or let a plain method spawn it"
            )
        generation = self._generation
        takes_message = bool(inspect.signature(callback).parameters)

        def received(received_message: RxMessage) -> None:
            if generation != self._generation:
                return
            try:
                callback(received_message) if takes_message else callback()
            except BEHAVIOUR_ERRORS as error:
                self._fail(error)

        port.receive(found).on_reception(received)

    def every(self, period: str, callback: Callable[[], object], first: str = "0ms") -> None:
        """Call `callback` periodically."""
        self._repeat(duration_ns(period), duration_ns(first), callback)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until it ends or the ECU is switched off."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._guard(coroutine), name=f"{self.name}"))

    async def sleep(self, duration: str) -> None:
        """Wait on the vehicle's clock."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        await loop.sleep_until(self.kernel.now + duration_ns(duration))

    # Power

    def switch_on(self) -> None:
        """Boot: controllers on, a new behaviour, its tasks and the cyclic messages."""
        if self.power is Power.ON:
            return
        self.power = Power.ON
        self.failure = None
        self._generation += 1
        for port in self.ports.values():
            port.controller.switch_on()
        self.kernel.after(self.boot_ns, self._if_current(self._boot))

    def switch_off(self) -> None:
        """Power lost: nothing is sent or received any more, state is gone."""
        self._generation += 1
        self.power = Power.OFF
        self._stop()

    def hang(self) -> None:
        """The program hangs: nothing is computed any more, but the controllers still acknowledge."""
        self._generation += 1
        self._stop_tasks()

    def silence(self, message: str) -> None:
        """Never send this message by itself: the gateway routes it, or a test plays it. `bus.Message`, or `Message`
        for all buses."""
        self._silenced.add(message)
        for port in self.ports.values():
            for name, sent in port.tx.items():
                if sent.controller.polled and {name, f"{port.bus}.{name}"} & self._silenced:
                    sent.active = False

    def _boot(self) -> None:
        for port in self.ports.values():
            for message in port.tx.values():
                message.reset()
        try:
            self.behaviour = self._factory(self) if self._factory is not None else None
            if self.behaviour is not None:
                self._install(self.behaviour)
        except BEHAVIOUR_ERRORS as error:
            self._fail(error)
        else:
            self._start_sending()

    def _install(self, behaviour: object) -> None:
        for mark, method in marks(behaviour):
            self._installing = method
            if isinstance(mark, Every):
                self._repeat(mark.period_ns, mark.first_ns, method)
            elif isinstance(mark, On):
                self.on(mark.message, method)
            else:
                self.spawn(method())
        self._installing = None

    def _start_sending(self) -> None:
        for port in self.ports.values():
            for name, message in port.tx.items():
                cycle = message.definition.cycle_ns
                message.active = not {name, f"{port.bus}.{name}"} & self._silenced
                if cycle and message.active and not port.controller.polled:
                    self._schedule.add(cycle, message.definition.start_delay_ns, message.send)
        self._schedule.start()

    def _repeat(self, period_ns: int, first_ns: int, callback: Callable[[], object]) -> None:
        if period_ns <= 0:
            raise EcuError(f"{self.name}: a period must be above zero")
        self._schedule.add(period_ns, first_ns, callback)

    async def _guard(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except BEHAVIOUR_ERRORS as error:
            self._fail(error)

    def _if_current(self, callback: Callable[[], object]) -> Callable[[], None]:
        generation = self._generation

        def call() -> None:
            if generation == self._generation:
                callback()

        return call

    def _fail(self, error: BaseException) -> None:
        method, self._installing = self._installing, None
        failure = Failure.of(self.name, self.kernel.now, error, method)
        self.switch_off()
        self.power = Power.FAILED
        self.failure = failure
        if self.on_failure is not None:
            self.on_failure(failure)

    def _stop(self) -> None:
        self._stop_tasks()
        for port in self.ports.values():
            port.controller.switch_off()
            for received in port.rx.values():
                received.forget()

    def _stop_tasks(self) -> None:
        self._schedule.stop()
        for port in self.ports.values():
            for message in port.tx.values():
                message.stop()
        for running in self._tasks:
            running.cancel()
        self._tasks.clear()
