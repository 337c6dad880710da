"""python-can on a simulated bus: every promise of `can.BusABC`, in our own words."""

from __future__ import annotations

import asyncio
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import can
import pytest
from child import Child

from gateway.can import BRS, ESI, EXTENDED, FD, REMOTE, BitErrors, Frame
from gateway.sim import Stream

LIMIT_S = 60.0
Open = Callable[..., can.BusABC]


@pytest.fixture
def open_bus(simulation, cleanup: ExitStack) -> Iterator[Open]:
    """Opens buses of a simulation that is served, and shuts them down."""
    simulation.serve()

    def open_(channel: str = "powertrain", **options: object) -> can.BusABC:
        return cleanup.enter_context(can.Bus(interface="gateway", channel=channel, **options))

    with cleanup:
        yield open_


def message(identifier: int, data: bytes = b"", **fields: object) -> can.Message:
    fields.setdefault("is_extended_id", False)
    return can.Message(arbitration_id=identifier, data=data, check=True, **fields)


def same(received: can.Message | None, sent: can.Message) -> bool:
    assert received is not None
    return received.equals(sent, timestamp_delta=None, check_channel=False, check_direction=False)


# Sending and receiving


def test_what_an_ecu_sends_is_received(simulation, open_bus: Open) -> None:
    bus = open_bus()
    simulation.ecu_sends("powertrain", Frame(0x123, b"\1\2"), Frame(EXTENDED | 0x1ABCDEF0, b""))
    assert same(bus.recv(LIMIT_S), message(0x123, b"\1\2"))
    last = bus.recv(LIMIT_S)
    assert same(last, message(0x1ABCDEF0, is_extended_id=True))
    assert last.is_rx
    assert last.channel == "powertrain"


@pytest.mark.parametrize(
    ("channel", "sent", "frame"),
    [
        ("powertrain", message(0x7FF, b"12345678"), Frame(0x7FF, b"12345678")),
        ("powertrain", message(0x1FFFFFFF, is_extended_id=True), Frame(EXTENDED | 0x1FFFFFFF, b"")),
        ("powertrain", message(0x100, is_remote_frame=True), Frame(REMOTE | 0x100, b"")),
        ("chassis", message(0x100, b"\1"), Frame(0x100, b"\1")),
        ("chassis", message(0x100, bytes(64), is_fd=True), Frame(FD | 0x100, bytes(64))),
        (
            "chassis",
            message(0x100, bytes(8), is_fd=True, bitrate_switch=True, error_state_indicator=True),
            Frame(FD | BRS | ESI | 0x100, bytes(8)),
        ),
    ],
)
def test_what_is_sent_reaches_the_ecu_and_other_clients(
    simulation, open_bus: Open, channel: str, sent: can.Message, frame: Frame
) -> None:
    sender, other = open_bus(channel), open_bus(channel)
    sender.send(sent)
    assert simulation.next_heard() == (channel, frame)
    assert same(other.recv(LIMIT_S), sent)


def test_a_can_fd_message_is_filled_up_to_a_length_that_can_fd_has(simulation, open_bus: Open) -> None:
    open_bus("chassis").send(message(0x100, b"\1" * 9, is_fd=True))
    assert simulation.next_heard() == ("chassis", Frame(FD | 0x100, b"\1" * 9 + bytes(3)))


def test_own_messages_come_only_when_asked_for_and_then_marked(simulation, open_bus: Open) -> None:
    deaf, hearing = open_bus(), open_bus(receive_own_messages=True)
    deaf.send(message(0x100))
    hearing.send(message(0x101))
    assert [simulation.next_heard()[1] for _ in range(2)] == [Frame(0x100, b""), Frame(0x101, b"")]
    simulation.ecu_sends("powertrain", Frame(0x102, b""))
    assert [(got.arbitration_id, got.is_rx) for got in (deaf.recv(LIMIT_S), deaf.recv(LIMIT_S))] == [
        (0x101, True),
        (0x102, True),
    ]
    assert [(got.arbitration_id, got.is_rx) for got in (hearing.recv(LIMIT_S) for _ in range(3))] == [
        (0x100, True),
        (0x101, False),
        (0x102, True),
    ]


def test_messages_go_through_arbitration_as_an_ecus_do(simulation, open_bus: Open) -> None:
    bus = open_bus()
    simulation.call(lambda: [simulation.ecus["powertrain"].send(Frame(0x400, bytes(8))) for _ in range(60)])
    simulation.call(lambda: simulation.flood("powertrain", 500))
    bus.send(message(0x001))
    while simulation.next_heard() != ("powertrain", Frame(0x001, b"")):
        pass
    requested, start = next(
        entry[4:] for entry in simulation.call(lambda: list(simulation.trace)) if not entry[2].header >> 1
    )
    assert start - requested < 300_000  # at most the frame that was there already: 135 bits of 2 us


def test_timestamps_are_seconds_since_1970_in_the_simulations_time(simulation, open_bus: Open) -> None:
    bus = open_bus()
    simulation.ecu_sends("powertrain", *(Frame(0x100 + number, bytes(8)) for number in range(50)))
    stamps = [bus.recv(LIMIT_S).timestamp for _ in range(50)]
    assert stamps == sorted(stamps)
    ends = [entry[0] for entry in simulation.call(lambda: list(simulation.trace))]
    epoch = bus._client.welcome.epoch_ns
    assert epoch > 1_700_000_000 * 10**9
    assert stamps == [(epoch + end) / 1e9 for end in ends]


def test_order_is_kept_and_nothing_is_lost_in_a_burst(simulation, open_bus: Open) -> None:
    sender, receiver = open_bus(), open_bus()
    for number in range(1000):
        sender.send(message(0x100, number.to_bytes(4)), timeout=LIMIT_S)
    assert [int.from_bytes(receiver.recv(LIMIT_S).data) for _ in range(1000)] == list(range(1000))
    assert receiver.lost_messages == 0


def test_what_was_sent_before_shutdown_is_still_sent(simulation, open_bus: Open) -> None:
    with open_bus() as bus:
        for number in range(200):
            bus.send(message(0x200, bytes([number])))
    heard = [simulation.next_heard()[1] for _ in range(200)]
    assert heard == [Frame(0x200, bytes([number])) for number in range(200)]


# Waiting


def test_recv_gives_none_when_time_is_up(open_bus: Open) -> None:
    bus = open_bus()
    assert bus.recv(0) is None
    assert bus.recv(0.01) is None


def test_recv_without_timeout_waits_for_a_message(simulation, open_bus: Open) -> None:
    bus = open_bus()
    got: list[can.Message | None] = []
    thread = threading.Thread(target=lambda: got.append(bus.recv()))
    thread.start()
    simulation.ecu_sends("powertrain", Frame(0x5, b""))
    thread.join(LIMIT_S)
    assert same(got[0], message(0x5))


def test_a_bus_is_an_iterator(simulation, open_bus: Open) -> None:
    bus = open_bus()
    simulation.ecu_sends("powertrain", Frame(0x5, b""), Frame(0x6, b""))
    received = iter(bus)
    assert [next(received).arbitration_id, next(received).arbitration_id] == [5, 6]


def test_a_sender_that_is_faster_than_the_bus_waits_and_can_limit_that(simulation, open_bus: Open) -> None:
    bus = open_bus()
    simulation.call(simulation.ecus["powertrain"].switch_off)  # nobody acknowledges: the first is sent for ever

    def flood(timeout: float) -> None:
        for number in range(10_000):
            bus.send(message(0x100, number.to_bytes(4)), timeout)

    with pytest.raises(can.CanOperationError, match="no room for a message within 0 s") as caught:
        flood(0)
    assert isinstance(caught.value, can.CanTimeoutError)
    with pytest.raises(can.CanTimeoutError, match=r"within 0.01 s"):
        flood(0.01)


# Filters


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, [0x100, 0x100, 0x101, 0x110, 0x7FF]),
        ([], [0x100, 0x100, 0x101, 0x110, 0x7FF]),
        ([{"can_id": 0x100, "can_mask": 0x7FF}], [0x100, 0x100]),
        ([{"can_id": 0x100, "can_mask": 0x7FF, "extended": False}], [0x100]),
        ([{"can_id": 0x100, "can_mask": 0x1FFFFFFF, "extended": True}], [0x100]),
        ([{"can_id": 0x100, "can_mask": 0x7F0}], [0x100, 0x100, 0x101]),
        ([{"can_id": 0x110, "can_mask": 0x7FF}, {"can_id": 0x101, "can_mask": 0x7FF}], [0x101, 0x110]),
    ],
)
def test_filters_match_identifier_mask_and_format(
    simulation, open_bus: Open, filters: can.typechecking.CanFilters | None, expected: list[int]
) -> None:
    bus, watcher = open_bus(can_filters=filters), open_bus()
    headers = (0x100, 0x101, 0x110, EXTENDED | 0x100, 0x7FF)
    simulation.ecu_sends("powertrain", *(Frame(header, b"") for header in headers))
    while watcher.recv(LIMIT_S).arbitration_id != 0x7FF:
        pass  # what the watcher has, the other, who came before it, has as well
    assert [got.arbitration_id for got in iter(lambda: bus.recv(0), None)] == expected


def test_filters_can_be_changed(simulation, open_bus: Open) -> None:
    bus = open_bus(can_filters=[{"can_id": 0x100, "can_mask": 0x7FF}])
    bus.set_filters([{"can_id": 0x200, "can_mask": 0x7FF}])
    simulation.ecu_sends("powertrain", Frame(0x100, b""), Frame(0x200, b""))
    assert bus.recv(LIMIT_S).arbitration_id == 0x200
    bus.filters = None
    simulation.ecu_sends("powertrain", Frame(0x100, b""))
    assert bus.recv(LIMIT_S).arbitration_id == 0x100


# Cyclic messages


def test_a_cyclic_message_is_sent_changed_stopped_and_started_again(simulation, open_bus: Open) -> None:
    task = open_bus().send_periodic(message(0x100, b"\1"), 0.005)
    assert [simulation.next_heard()[1] for _ in range(3)] == [Frame(0x100, b"\1")] * 3
    task.modify_data(message(0x100, b"\2"))
    while simulation.next_heard()[1] != Frame(0x100, b"\2"):
        pass
    task.stop()
    task.thread.join(LIMIT_S)
    while not simulation.heard.empty():
        simulation.heard.get()
    task.start()
    assert simulation.next_heard()[1] == Frame(0x100, b"\2")
    task.stop()


def test_cyclic_messages_end_after_their_duration(simulation, open_bus: Open) -> None:
    task = open_bus().send_periodic(message(0x100), 0.01, duration=0.1)
    task.thread.join(LIMIT_S)
    assert not task.thread.is_alive()
    assert simulation.next_heard()[1] == Frame(0x100, b"")


def test_several_cyclic_tasks_run_side_by_side_and_end_with_the_bus(simulation, open_bus: Open) -> None:
    bus = open_bus()
    tasks = [
        bus.send_periodic([message(0x100 + number, b"\1"), message(0x100 + number, b"\2")], 0.005)
        for number in range(5)
    ]
    wanted = {Frame(0x100 + number, bytes([value])) for number in range(5) for value in (1, 2)}
    while wanted:
        wanted.discard(simulation.next_heard()[1])
    bus.shutdown()
    for task in tasks:
        task.thread.join(LIMIT_S)
        assert not task.thread.is_alive()


# The state of things


def test_the_bus_tells_what_it_is(open_bus: Open) -> None:
    first, second = open_bus(), open_bus("chassis", name="Diagnosis")
    assert first.channel_info == "gateway test-car: powertrain as python-can-1"
    assert str(second) == "gateway test-car: chassis as Diagnosis-1"
    assert first.state is can.BusState.ACTIVE
    assert (first.protocol, second.protocol) == (can.CanProtocol.CAN_20, can.CanProtocol.CAN_FD)
    with pytest.raises(NotImplementedError):
        first.state = can.BusState.PASSIVE


def test_errors_on_the_bus_are_error_frames_and_change_the_state(simulation, open_bus: Open) -> None:
    bus = open_bus()
    disturbance = BitErrors(1.0, Stream(1))
    simulation.call(lambda: simulation.buses["powertrain"].disturb(disturbance))
    bus.send(message(0x100, b"\1"))
    classes = []
    while bus.state is can.BusState.ACTIVE:
        error = bus.recv(LIMIT_S)
        assert error.is_error_frame
        classes.append(error.arbitration_id & ~0x200)
    assert set(classes) <= {0x88, 0x04}  # bus errors, then the controller's problem: error-passive
    while bus.state is not can.BusState.ERROR:
        classes.append(bus.recv(LIMIT_S).arbitration_id & ~0x200)
    assert 0x04 in classes
    simulation.call(lambda: simulation.buses["powertrain"].undisturb(disturbance))
    while 0x100 not in classes:  # CAN_ERR_RESTARTED
        classes.append(bus.recv(LIMIT_S).arbitration_id & ~0x200)
    assert 0x40 in classes  # it had been bus-off
    bus.send(message(0x101, b"\2"))
    assert simulation.next_heard() == ("powertrain", Frame(0x101, b"\2"))


def test_a_client_that_leaves_is_no_longer_on_the_bus(simulation, open_bus: Open) -> None:
    bus = open_bus()
    assert "python-can-1" in simulation.call(lambda: [each.name for each in simulation.buses["powertrain"].controllers])
    bus.shutdown()
    with open_bus() as again:  # the name is free, or soon will be; either way it is a participant of its own
        again.send(message(0x7))
        assert simulation.next_heard()[1] == Frame(0x7, b"")


# Ends and errors


def test_shutdown_may_be_called_more_than_once_and_ends_everything(open_bus: Open) -> None:
    bus = open_bus()
    bus.shutdown()
    bus.shutdown()
    assert bus.fileno() == -1
    with pytest.raises(can.CanOperationError, match="has been shut down"):
        bus.recv(0)
    with pytest.raises(can.CanOperationError, match="has been shut down"):
        bus.send(message(1))


def test_the_end_of_the_simulation_is_told_after_the_last_message(
    tmp_path, cleanup: ExitStack, simulation_class
) -> None:
    with simulation_class(tmp_path) as simulation:
        simulation.serve()
        bus = cleanup.enter_context(can.Bus(interface="gateway", channel="powertrain", socket=simulation.place))
        simulation.ecu_sends("powertrain", Frame(0x1, b""))
        simulation.ecu_sends("chassis", Frame(0x2, b""))
        assert bus.recv(LIMIT_S).arbitration_id == 1
    with pytest.raises(can.CanOperationError, match="the simulation has ended"):
        bus.recv(LIMIT_S)


@pytest.mark.parametrize(
    ("channel", "options", "sentence"),
    [
        ("powertrian", {}, "there is no bus 'powertrian' in test-car; there are: powertrain, chassis"),
        ("powertrain", {"fd": True}, "bus powertrain is classic CAN"),
        ("powertrain", {"bitrate": 250_000}, "bus powertrain has a bit rate of 500000 bit/s, not 250000"),
        ("chassis", {"fd": True, "data_bitrate": 8_000_000}, "has a data bit rate of 2000000 bit/s, not 8000000"),
        ("powertrain", {"name": "x" * 300}, "a name of 300 bytes is too long"),
    ],
)
def test_a_bus_that_cannot_be_opened_says_why(
    open_bus: Open, channel: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(can.CanInitializationError, match=sentence):
        open_bus(channel, **options)


@pytest.mark.parametrize(
    ("sent", "error", "sentence"),
    [
        (can.Message(arbitration_id=1, is_fd=True), can.CanOperationError, "cannot carry a CAN FD message"),
        (can.Message(arbitration_id=1, is_error_frame=True), can.CanOperationError, "error frames itself"),
        (can.Message(arbitration_id=0x800, is_extended_id=False), ValueError, "no 11-bit identifier"),
        (can.Message(arbitration_id=1 << 29), ValueError, "no 29-bit identifier"),
        (can.Message(arbitration_id=1, data=bytes(9)), ValueError, "at most 8 bytes, not 9"),
    ],
)
def test_a_message_that_cannot_be_sent_says_why(
    open_bus: Open, sent: can.Message, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        open_bus().send(sent)


# Others of python-can's parts


def test_configurations_are_detected(simulation, open_bus: Open) -> None:
    assert list(can.detect_available_configs("gateway")) == [
        {"interface": "gateway", "channel": "powertrain"},
        {"interface": "gateway", "channel": "chassis"},
    ]


def test_the_descriptor_is_readable_exactly_while_there_is_a_message(simulation, open_bus: Open) -> None:
    bus = open_bus()
    assert select.select([bus], [], [], 0)[0] == []
    simulation.ecu_sends("powertrain", Frame(1, b""), Frame(2, b""))
    for identifier in (1, 2):
        assert select.select([bus], [], [], LIMIT_S)[0] == [bus]
        assert bus.recv(0).arbitration_id == identifier
    assert select.select([bus], [], [], 0)[0] == []


async def test_a_notifier_in_an_asyncio_loop_hands_on_every_message(simulation, open_bus: Open) -> None:
    bus, reader = open_bus(), can.AsyncBufferedReader()
    with can.Notifier(bus, [reader], loop=asyncio.get_running_loop()):
        simulation.ecu_sends("powertrain", *(Frame(0x100 + number, b"") for number in range(60)))
        got = [await asyncio.wait_for(reader.get_message(), LIMIT_S) for _ in range(60)]
    assert [each.arbitration_id for each in got] == [0x100 + number for number in range(60)]


def test_a_notifier_receives_in_its_thread_while_this_one_sends(simulation, open_bus: Open) -> None:
    bus, reader = open_bus(receive_own_messages=True), can.BufferedReader()
    with can.Notifier(bus, [reader], timeout=0.1):
        for number in range(300):
            bus.send(message(0x100, number.to_bytes(4)))
        got = [int.from_bytes(reader.get_message(LIMIT_S).data) for _ in range(300)]
    assert got == list(range(300))


def test_a_thread_safe_bus_is_used_by_many_threads(simulation, open_bus: Open, cleanup: ExitStack) -> None:
    bus = cleanup.enter_context(can.ThreadSafeBus(interface="gateway", channel="powertrain", receive_own_messages=True))
    received: list[int] = []

    def send(first: int) -> None:
        for number in range(50):
            bus.send(message(first + number))

    def receive() -> None:
        while (got := bus.recv(LIMIT_S)).arbitration_id != 0x7FF:
            received.append(got.arbitration_id)

    receiver = threading.Thread(target=receive)
    senders = [threading.Thread(target=send, args=(0x100 * (number + 1),)) for number in range(4)]
    for thread in (receiver, *senders):
        thread.start()
    for thread in senders:
        thread.join(LIMIT_S)
    bus.send(message(0x7FF))
    receiver.join(LIMIT_S)
    assert sorted(received) == sorted(0x100 * (first + 1) + number for first in range(4) for number in range(50))


def test_can_logger_prints_what_is_on_the_bus(simulation, open_bus: Open) -> None:
    command = [sys.executable, "-u", "-m", "can.logger", "-i", "gateway", "-c", "powertrain"]
    with Child(command, stdout=subprocess.PIPE, text=True) as logger:
        assert logger.stdout is not None
        lines = iter(logger.stdout.readline, "")
        assert "gateway test-car: powertrain as python-can-1" in next(lines)
        assert "Can Logger" in next(lines)
        simulation.ecu_sends("powertrain", *(Frame(0x100 + number, bytes([number])) for number in range(20)))
        words = [next(lines).split() for _ in range(20)]
        logger.send_signal(signal.SIGINT)
        logger.communicate(timeout=LIMIT_S)
    assert [(line[line.index("ID:") + 1], line[line.index("DL:") + 2]) for line in words] == [
        (f"{0x100 + number:03x}", f"{number:02x}") for number in range(20)
    ]


def test_the_plugin_needs_nothing_that_python_can_does_not_need() -> None:
    check = (
        "import sys, can; before = set(sys.modules); import gateway.links.plugin;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names);"
        "sys.exit(0 if new == {'gateway'} else repr(new))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
