"""An ECU: power, behaviours, periods, receptions, inputs, failures."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.can import BitRates, Bus, ControllerState
from gateway.com import RxMessage
from gateway.database import Database, Message, SendType, Signal
from gateway.ecu import Ecu, EcuError, Power, Track, every, on, task
from gateway.errors import GatewayError
from gateway.sim import Clock, DurationError, Kernel, SimulationLoop, Streams, run

MS = 1_000_000


def message(name: str, identifier: int, sender: str, **more: Any) -> Message:
    signals = (Signal(name="Value", start=0, length=8, initial_raw=3), Signal(name="Other", start=8, length=8))
    return Message(name=name, arbitration_id=identifier, length=2, senders=(sender,), signals=signals, **more)


CYCLIC = message("Cyclic", 0x100, "Mine", cycle_ns=10 * MS, start_delay_ns=2 * MS)
EVENT = message("Event", 0x101, "Mine", send_type=SendType.ON_CHANGE)
THEIRS = message("Theirs", 0x200, "Other", cycle_ns=20 * MS)
DATABASE = Database("b", "b.dbc", (CYCLIC, EVENT, THEIRS), ("Mine", "Other"))


class Bench:
    """One ECU `Mine` on bus `b`, and `Other`, a rest bus node."""

    def __init__(self, factory: Callable[[Ecu], object] | None = None, boot_ns: int = 0) -> None:
        self.kernel = Kernel()
        self.bus = Bus(self.kernel, "b", BitRates(500_000, 500_000))
        self.mine = self.ecu("Mine", boot_ns)
        self.other = self.ecu("Other", 5 * MS)
        if factory is not None:
            self.mine.behave(factory)
        self.seen: list[tuple[float, str, bytes]] = []
        self.bus.record = []

    def ecu(self, name: str, boot_ns: int) -> Ecu:
        ecu = Ecu(self.kernel, name, Streams(0).stream(name), boot_ns=boot_ns)
        port = ecu.attach("b", self.bus.attach(name), DATABASE)
        ecu.sends(port, [one for one in DATABASE.messages if one.senders == (name,)])
        return ecu

    def on(self) -> Bench:
        self.mine.switch_on()
        self.other.switch_on()
        return self

    def run(self, until_ms: float) -> list[tuple[int, str]]:
        """Time of request in ms and name of everything that `Mine` has sent."""
        self.kernel.run(round(until_ms * MS))
        assert self.bus.record is not None
        return [
            (requested // MS, next(one.name for one in DATABASE.messages if one.arbitration_id == frame.arbitration_id))
            for _, _, frame, sender, requested, _ in self.bus.record
            if sender.name == "Mine"
        ]


def test_a_rest_bus_node_sends_its_cyclic_messages_with_start_values() -> None:
    bench = Bench(boot_ns=1 * MS).on()
    assert bench.run(35) == [(3, "Cyclic"), (13, "Cyclic"), (23, "Cyclic"), (33, "Cyclic")]
    assert bench.bus.record is not None
    assert bench.bus.record[0][2].data == b"\x03\x00"


def test_power_off_and_on_again() -> None:
    bench = Bench().on()
    bench.kernel.at(15 * MS, bench.mine.switch_off)
    bench.kernel.at(40 * MS, bench.mine.switch_on)
    assert bench.run(55) == [(2, "Cyclic"), (12, "Cyclic"), (42, "Cyclic"), (52, "Cyclic")]
    assert bench.mine.power is Power.ON


def test_power_off_during_boot() -> None:
    bench = Bench(boot_ns=10 * MS).on()
    bench.kernel.at(5 * MS, bench.mine.switch_off)
    bench.kernel.at(8 * MS, bench.mine.switch_on)
    assert bench.run(25) == [(20, "Cyclic")]


def test_switching_on_twice_is_switching_on_once() -> None:
    bench = Bench().on()
    bench.mine.switch_on()
    assert bench.run(25) == [(2, "Cyclic"), (12, "Cyclic"), (22, "Cyclic")]


def test_an_ecu_that_hangs_sends_nothing_but_acknowledges() -> None:
    calls: list[int] = []

    class Counting:
        def __init__(self, ecu: Ecu) -> None:
            self.ecu = ecu

        @every("1ms")
        def count(self) -> None:
            calls.append(self.ecu.now_ns)

        @on("Theirs")
        def receive(self) -> None:
            calls.append(-1)

    bench = Bench(Counting).on()
    bench.kernel.at(4 * MS + 1, bench.mine.hang)
    assert bench.run(60) == [(2, "Cyclic")]
    assert calls == [0, MS, 2 * MS, 3 * MS, 4 * MS]
    assert bench.other.ports["b"].controller.state is ControllerState.ERROR_ACTIVE
    assert bench.bus.frames > 1


def test_each_power_on_makes_a_new_behaviour_and_start_values() -> None:
    class Once:
        def __init__(self, ecu: Ecu) -> None:
            self.value = ecu.tx("Cyclic.Value")

        @every("100ms", first="5ms")
        def set(self) -> None:
            self.value.value = 77

    bench = Bench(Once).on()
    bench.kernel.run(15 * MS)
    first = bench.mine.behaviour
    assert bench.mine.tx("Cyclic.Value").raw == 77
    bench.mine.switch_off()
    bench.mine.switch_on()
    bench.kernel.run(16 * MS)
    assert bench.mine.behaviour is not first
    assert bench.mine.tx("Cyclic.Value").raw == 3


def test_a_callback_of_an_ecu_that_was_off_meanwhile_is_not_called_twice() -> None:
    calls: list[int] = []

    class Counting:
        def __init__(self, ecu: Ecu) -> None:
            ecu.every("10ms", lambda: calls.append(ecu.now_ns // MS))
            ecu.on("Theirs", lambda: calls.append(1000))

    bench = Bench(Counting).on()
    bench.kernel.at(4 * MS, bench.mine.switch_off)
    bench.kernel.at(4 * MS, bench.mine.switch_on)
    bench.kernel.run(20 * MS)
    assert calls == [0, 4, 1000, 14]


def test_decorated_methods_are_called_in_the_order_of_their_definition_base_classes_first() -> None:
    calls: list[str] = []

    class Base:
        def __init__(self, ecu: Ecu) -> None: ...

        @every("10ms")
        def second(self) -> None:
            calls.append("second")

        @every("10ms")
        def overridden(self) -> None:
            calls.append("never")

    class Derived(Base):
        @every("10ms")
        def a_third(self) -> None:
            calls.append("third")

        def overridden(self) -> None:
            calls.append("unmarked")

        @every("10ms")
        @every("20ms")
        def twice(self) -> None:
            calls.append("twice")

    bench = Bench(Derived).on()
    bench.kernel.run(1)
    assert calls == ["second", "third", "twice", "twice"]


def test_a_reception_is_handed_over_where_it_is_wanted() -> None:
    got: list[RxMessage | None] = []

    class Receiving:
        def __init__(self, ecu: Ecu) -> None: ...

        @on("Theirs")
        def plain(self) -> None:
            got.append(None)

        @on("b.Theirs")
        def with_message(self, received: RxMessage) -> None:
            got.append(received)

    bench = Bench(Receiving).on()
    bench.kernel.run(10 * MS)
    assert got[0] is None
    assert got[1] is not None and got[1]["Value"] == 3


def test_a_change_of_an_event_message_is_sent_at_once() -> None:
    class Sending:
        def __init__(self, ecu: Ecu) -> None:
            self.value = ecu.tx("Event.Value")

        @every("100ms", first="7ms")
        def set(self) -> None:
            self.value.value = 50

    assert (7, "Event") in Bench(Sending).on().run(10)


def test_a_message_can_be_sent_besides_its_cycle() -> None:
    bench = Bench().on()
    bench.kernel.at(5 * MS, lambda: bench.mine.send("Cyclic"))
    assert bench.run(15) == [(2, "Cyclic"), (5, "Cyclic"), (12, "Cyclic")]


@pytest.mark.parametrize("name", ["Cyclic", "b.Cyclic"])
def test_a_silenced_message_is_not_sent(name: str) -> None:
    bench = Bench()
    bench.mine.silence(name)
    assert bench.on().run(50) == []


def test_silencing_on_one_bus_leaves_the_other_alone() -> None:
    bench = Bench()
    second = Bus(bench.kernel, "second", BitRates(500_000, 500_000))
    second.attach("listener")
    port = bench.mine.attach("second", second.attach("Mine"), DATABASE)
    bench.mine.sends(port, [CYCLIC])
    bench.mine.silence("second.Cyclic")
    assert bench.on().run(15) == [(2, "Cyclic"), (12, "Cyclic")]
    assert second.frames == 0


def test_an_ecu_may_have_another_name_than_its_node() -> None:
    bench = Bench()
    body = Ecu(bench.kernel, "Body", Streams(0).stream("Body"))
    port = body.attach("b", bench.bus.attach("Body"), DATABASE)
    body.sends(port, [CYCLIC])
    assert body.tx("Cyclic.Value").raw == 3


# Tasks


def test_tasks_run_in_the_vehicles_time_and_end_with_the_power() -> None:
    seen: list[int] = []

    class Tasked:
        def __init__(self, ecu: Ecu) -> None:
            self.ecu = ecu

        @task
        async def work(self) -> None:
            while True:
                seen.append(self.ecu.now_ns // MS)
                await self.ecu.sleep("10ms")

    bench = Bench(Tasked)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        bench.on()
        await loop.sleep_until(25 * MS)
        bench.mine.switch_off()
        await loop.sleep_until(100 * MS)

    run(main(), bench.kernel, Clock.VIRTUAL)
    assert seen == [0, 10, 20]


def test_a_task_that_raises_silences_its_ecu() -> None:
    class Tasked:
        def __init__(self, ecu: Ecu) -> None:
            self.ecu = ecu

        @task
        async def work(self) -> None:
            await self.ecu.sleep("10ms")
            raise RuntimeError("no more")

    bench = Bench(Tasked)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        bench.on()
        await loop.sleep_until(50 * MS)

    run(main(), bench.kernel, Clock.VIRTUAL)
    assert bench.mine.failure is not None
    assert bench.mine.failure.error == "RuntimeError: no more"
    assert bench.mine.failure.time_ns == 10 * MS


# Failures


def line_of(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip() == text)


class FailsInConstructor:
    def __init__(self, ecu: Ecu) -> None:
        raise ValueError("constructor")


class FailsPeriodically:
    def __init__(self, ecu: Ecu) -> None: ...

    @every("10ms", first="5ms")
    def work(self) -> None:
        raise ValueError("period")


class FailsAtReception:
    def __init__(self, ecu: Ecu) -> None: ...

    @on("Theirs")
    def receive(self) -> None:
        raise ValueError("reception")


class SetsWhatCannotBe:
    def __init__(self, ecu: Ecu) -> None:
        self.value = ecu.tx("Cyclic.Value")

    @every("10ms", first="5ms")
    def work(self) -> None:
        self.value.value = 1000


@pytest.mark.parametrize(
    ("factory", "error", "line"),
    [
        (FailsInConstructor, "ValueError: constructor", 'raise ValueError("constructor")'),
        (FailsPeriodically, "ValueError: period", 'raise ValueError("period")'),
        (FailsAtReception, "ValueError: reception", 'raise ValueError("reception")'),
        (SetsWhatCannotBe, "Cyclic.Value cannot be 1000: allowed is 0 to 255", "self.value.value = 1000"),
    ],
)
def test_a_behaviour_that_raises_makes_its_ecu_silent_and_nobody_else(
    factory: Callable[[Ecu], object], error: str, line: str
) -> None:
    bench = Bench(factory)
    told: list[object] = []
    bench.mine.on_failure = told.append
    bench.on().run(100)
    failure = bench.mine.failure
    assert failure is not None and told == [failure]
    assert (failure.error, Path(failure.file).name, failure.line) == (error, "test_ecu.py", line_of(line))
    assert bench.mine.power is Power.FAILED
    assert bench.mine.ports["b"].controller.state is ControllerState.OFF
    assert not [time for time, _ in bench.run(100) if time > failure.time_ns // MS]
    assert bench.other.power is Power.ON
    bench.mine.switch_on()
    assert bench.mine.failure is None


# Names


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda ecu: ecu.tx("Cyclc.Value"), "Mine: there is no message 'Cyclc' on b (did you mean 'Cyclic'?)"),
        (lambda ecu: ecu.tx("Cyclic.Valu"), "Mine: message Cyclic has no signal 'Valu' (did you mean 'Value'?)"),
        (lambda ecu: ecu.tx("Value"), "Mine: 'Value' is not a signal's name: write Message.Signal"),
        (lambda ecu: ecu.tx("Theirs.Value"), "Mine does not send Theirs; in the database its sender is Other"),
        (lambda ecu: ecu.send("Theirs"), "Mine does not send Theirs"),
        (lambda ecu: ecu.on("Their", print), "Mine: there is no message 'Their' on b (did you mean 'Theirs'?)"),
        (lambda ecu: ecu.every("10", print), "'10' is not a duration"),
        (lambda ecu: ecu.every("0ms", print), "Mine: a period must be above zero"),
    ],
)
def test_what_an_ecu_does_not_have(ask: Callable[[Ecu], object], sentence: str) -> None:
    with pytest.raises(GatewayError) as caught:
        ask(Bench().mine)
    assert sentence in caught.value.sentence


def test_a_message_of_two_buses_must_be_named_with_its_bus() -> None:
    bench = Bench()
    bench.mine.attach("second", Bus(bench.kernel, "second", BitRates(500_000, 500_000)).attach("Mine"), DATABASE)
    with pytest.raises(EcuError, match=r"message 'Cyclic' is on b and second; write which, like b\.Cyclic"):
        bench.mine.tx("Cyclic.Value")
    assert bench.mine.tx("second.Cyclic.Value") is not bench.mine.tx("b.Cyclic.Value")


def test_an_ecu_that_does_not_return_is_ended_by_the_interrupt_and_told_with_its_line() -> None:
    class Hangs:
        def __init__(self, ecu: Ecu) -> None: ...

        @every("10ms")
        def hang(self) -> None:
            signal.raise_signal(signal.SIGINT)  # the first asks the run to end, which it cannot
            while True:
                signal.raise_signal(signal.SIGINT)  # as if pressed again

    bench = Bench(Hangs)

    async def drive() -> None:
        bench.on()
        await asyncio.sleep(1)

    with pytest.raises((asyncio.CancelledError, KeyboardInterrupt)):
        run(drive(), bench.kernel, Clock.VIRTUAL)
    failure = bench.mine.failure
    assert failure is not None and failure.error == "interrupted: it did not return"
    assert failure.line == line_of("signal.raise_signal(signal.SIGINT)  # as if pressed again")


def test_a_decorator_with_an_unknown_message_is_told_with_its_line() -> None:
    class Wrong:
        def __init__(self, ecu: Ecu) -> None: ...

        @on("Statsu")
        def hear(self) -> None: ...

    bench = Bench(Wrong).on()
    bench.run(1)
    failure = bench.mine.failure
    assert failure is not None and "Statsu" in failure.error
    assert (Path(failure.file).name, failure.line) == ("test_ecu.py", line_of('@on("Statsu")'))


def test_a_decorator_tells_a_wrong_period_at_once() -> None:
    with pytest.raises(DurationError, match="'10' is not a duration"):
        every("10")


# Inputs


def test_an_input_follows_its_track_until_it_is_set() -> None:
    bench = Bench()
    bench.mine.tracks["pedal"] = Track([0, 10 * MS], [0.0, 100.0])
    pedal = bench.mine.input("pedal", 5.0)
    bench.kernel.run(5 * MS)
    assert pedal.value == 50.0
    pedal.value = 7.0
    assert (pedal.value, pedal.number) == (7.0, 7.0)
    pedal.release()
    assert pedal.value == 50.0
    assert bench.mine.input("pedal") is pedal


def test_an_input_without_a_track_has_its_initial_value() -> None:
    assert Bench().mine.input("door", "closed").value == "closed"


@pytest.mark.parametrize(
    ("value", "on", "number"),
    [(True, True, 1.0), (0, False, 0.0), (2.5, True, 2.5), ("On", True, 1.0), ("Off", False, 0.0), ("off", False, 0.0)],
)
def test_an_input_as_a_switch_and_as_a_number(value: Any, on: bool, number: float) -> None:
    found = Bench().mine.input("switch", value)
    assert (found.on, found.number) == (on, number)


def test_text_is_no_number() -> None:
    found = Bench().mine.input("pedal")
    found.value = "12.5"
    assert found.number == 12.5
    found.value = "full"
    with pytest.raises(EcuError, match="input 'pedal' is 'full', and its ECU reads a number"):
        _ = found.number


def test_tracks_interpolate_numbers_and_hold_everything_else() -> None:
    times = [10, 20, 40]
    assert [Track(times, [0.0, 10.0, 30.0]).at(t) for t in (0, 10, 15, 20, 30, 40, 99)] == [0, 0, 5, 10, 20, 30, 30]
    assert [Track(times, [1, 2, 3]).at(t) for t in (0, 19, 20, 39, 40)] == [1, 1, 2, 2, 3]
    assert [Track(times, ["P", "R", "D"]).at(t) for t in (0, 19, 20, 40)] == ["P", "P", "R", "D"]


def test_a_track_begins_again() -> None:
    track = Track([0, 100], [0.0, 100.0], repeat_ns=100)
    assert [track.at(t) for t in (50, 100, 150, 1050)] == [50.0, 0.0, 50.0, 50.0]


@pytest.mark.parametrize("place", ["constructor", "period", "reception"])
def test_a_behaviour_that_exits_ends_its_ecu_and_not_the_vehicle(place: str) -> None:
    class Exits:
        def __init__(self, ecu: Ecu) -> None:
            if place == "constructor":
                raise SystemExit(0)

        @every("50ms")
        def period(self) -> None:
            if place == "period":
                raise SystemExit(0)

        @on("Theirs")
        def reception(self) -> None:
            if place == "reception":
                raise SystemExit(0)

    bench = Bench(Exits)
    bench.mine.switch_on()
    bench.other.switch_on()
    bench.kernel.run(200 * MS)
    assert bench.mine.power is Power.FAILED
    assert "SystemExit" in str(bench.mine.failure)
    assert bench.other.power is Power.ON
    assert bench.kernel.now == 200 * MS
    assert bench.bus.errors  # alone now, the other gets no acknowledgement: it still sends


def test_an_asynchronous_handler_is_refused_because_nobody_would_wait_for_it() -> None:
    class Waits:
        def __init__(self, ecu: Ecu) -> None: ...

        @on("Theirs")
        async def reception(self) -> None: ...

    bench = Bench(Waits)
    bench.mine.switch_on()
    bench.kernel.run(20 * MS)
    assert bench.mine.power is Power.FAILED
    assert "reception is asynchronous" in str(bench.mine.failure)
