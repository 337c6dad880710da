"""The python-can interface `gateway`: `can.Bus(interface="gateway", channel="powertrain")`."""

from __future__ import annotations

import os
import select
from typing import Any, Final

import can
from can.bus import CanProtocol

from gateway.can.frame import BRS, ERROR, ESI, EXTENDED, FD, ID_MASK, REMOTE, Frame, padded_length
from gateway.links.client import Client, ClosedError
from gateway.links.errors import LinkError
from gateway.links.places import find, running
from gateway.links.records import Carried, Channel, Condition, Format, Lost, State
from gateway.links.wire import STANDARD_MASK, encode_frame

_STATES: Final = {
    State.ERROR_ACTIVE: can.BusState.ACTIVE,
    State.ERROR_PASSIVE: can.BusState.PASSIVE,
    State.BUS_OFF: can.BusState.ERROR,
    State.OFF: can.BusState.ERROR,
}


class SendTimeoutError(can.CanTimeoutError, can.CanOperationError):
    """The bus had no room for the frame in time."""


class GatewayBus(can.BusABC):
    """A bus of a running simulation.

    Message timestamps are seconds since 1970: the moment when the simulation began, plus its time. `lost_messages`
    counts the frames that the simulation threw away because nobody received them here.
    """

    def __init__(
        self,
        channel: str,
        can_filters: can.typechecking.CanFilters | None = None,
        receive_own_messages: bool = False,
        socket: str | os.PathLike[str] | None = None,
        name: str = "python-can",
        fd: bool = False,
        bitrate: int | None = None,
        data_bitrate: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Take part in the bus called `channel`.

        `socket`: that of the simulation, when several run; `name`: what the controller is called in recordings;
        `bitrate`, and with `fd` also `data_bitrate`: checked against the bus's own. `fd` on a classic bus is an error;
        without it a CAN FD bus is taken all the same, with its CAN FD frames.

        Raises `can.CanInitializationError` when there is no such simulation or bus, or the bus is another than said.
        """
        try:
            self._client = Client(find(socket), name)
        except (LinkError, ValueError) as error:
            raise can.CanInitializationError(str(error)) from None
        try:
            self._channel = self._chosen(str(channel), fd, bitrate, data_bitrate)
            self.controller_name, condition = self._client.open(self._channel.name, receive_own_messages)
        except LinkError as error:
            self._client.close()
            raise can.CanInitializationError(str(error)) from None
        welcome = self._client.welcome
        self.channel_info = f"gateway {welcome.vehicle}: {self._channel.name} as {self.controller_name}"
        self.lost_messages = 0
        self._epoch_ns = welcome.epoch_ns
        self._state = _STATES[condition.state]
        self._fd = self._channel.format is Format.CAN_FD
        self._can_protocol = CanProtocol.CAN_FD if self._fd else CanProtocol.CAN_20
        super().__init__(channel=channel, can_filters=can_filters, **kwargs)

    def _chosen(self, name: str, fd: bool, bitrate: int | None, data_bitrate: int | None) -> Channel:
        welcome = self._client.welcome
        for channel in welcome.channels:
            if channel.name == name:
                _check_rate(name, "bit rate", channel.bitrate, bitrate)
                if fd and channel.format is not Format.CAN_FD:
                    raise LinkError(f"bus {name} is classic CAN: leave fd=True out, or make its kind canfd")
                if fd:
                    _check_rate(name, "data bit rate", channel.data_bitrate, data_bitrate)
                return channel
        names = ", ".join(channel.name for channel in welcome.channels)
        raise LinkError(f"there is no bus {name!r} in {welcome.vehicle}; there are: {names}")

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        self._check_open()
        try:
            record = self._client.receive()
            if record is None and timeout != 0 and self._client.wait(select.POLLIN, timeout):
                record = self._client.receive()
        except LinkError as error:
            raise can.CanOperationError(error.sentence) from None
        while record is not None:
            if isinstance(record, Carried):
                # Filtered here, so that a message that does not match costs none of the caller's time.
                message = self._message(record)
                if self._matches_filters(message):
                    return message, True
            else:
                self._note(record)
            try:
                record = self._client.receive()
            except LinkError as error:
                raise can.CanOperationError(error.sentence) from None
        return None, False

    def _note(self, record: object) -> None:
        if isinstance(record, Lost):
            self.lost_messages += record.frames
        elif isinstance(record, Condition):
            self._state = _STATES[record.state]

    def _message(self, record: Carried) -> can.Message:
        header, data = record.frame.header, record.frame.data
        return can.Message(
            timestamp=(self._epoch_ns + record.time_ns) / 1e9,
            arbitration_id=header & ID_MASK,
            is_extended_id=header & EXTENDED != 0,
            is_remote_frame=header & REMOTE != 0,
            is_error_frame=header & ERROR != 0,
            channel=self._channel.name,
            dlc=len(data),
            data=data,
            is_fd=header & FD != 0,
            is_rx=not record.echo,
            bitrate_switch=header & BRS != 0,
            error_state_indicator=header & ESI != 0,
        )

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        """Hand a message to the controller, which sends it when the bus is free.

        `timeout`: seconds to wait for room in the queue; None waits for ever, 0 not at all.

        Raises `can.CanOperationError` when the bus cannot carry the message or the simulation has ended,
        `SendTimeoutError` (one too) when there was no room in time, ValueError when the message is none.
        """
        self._check_open()
        record = encode_frame(0, self._frame(msg))
        try:
            sent = self._client.send(record, timeout)
        except ClosedError as error:
            raise can.CanOperationError(error.sentence) from None
        if not sent:
            raise SendTimeoutError(f"bus {self._channel.name} had no room for a message within {timeout} s")

    def _frame(self, msg: can.Message) -> Frame:
        header, data = _header(msg), bytes(msg.data)
        if header & FD and not self._fd:
            raise can.CanOperationError(f"bus {self._channel.name} is classic CAN: it cannot carry a CAN FD message")
        if header & REMOTE:
            return Frame(header, b"")
        if header & FD:
            return Frame(header, data.ljust(padded_length(len(data)), b"\0"))
        if len(data) > 8:
            raise ValueError(f"a classic CAN message has at most 8 bytes, not {len(data)}")
        return Frame(header, data)

    def shutdown(self) -> None:
        """Leave the bus, when the simulation has taken all that was sent. May be called more than once."""
        if not self._is_shutdown:
            super().shutdown()
            self._client.close()

    def fileno(self) -> int:
        """Readable while there is a message, for select and asyncio; -1 after `shutdown`."""
        return self._client.fileno()

    @property
    def state(self) -> can.BusState:
        """The error state of this controller on the simulated bus, as far as it has been received."""
        return self._state

    @state.setter
    def state(self, new_state: can.BusState) -> None:
        raise NotImplementedError("the error state of a controller follows from what happens on the bus")

    def _check_open(self) -> None:
        if self._is_shutdown:
            raise can.CanOperationError("this bus has been shut down")

    @staticmethod
    def _detect_available_configs() -> list[can.typechecking.AutoDetectedConfig]:
        """The buses of all simulations that run."""
        configs: list[can.typechecking.AutoDetectedConfig] = []
        places = running()
        for place in places:
            try:
                client = Client(place, "")
            except LinkError:
                continue  # it has ended just now
            for channel in client.welcome.channels:
                config: Any = {"interface": "gateway", "channel": channel.name}
                if len(places) > 1:
                    config["socket"] = str(place)
                configs.append(config)
            client.close()
        return configs


def _check_rate(name: str, what: str, actual: int, wanted: int | None) -> None:
    if wanted is not None and int(wanted) != actual:
        raise LinkError(f"bus {name} has a {what} of {actual} bit/s, not {wanted}")


def _header(msg: can.Message) -> int:
    """The `Frame.header` of a message. Raises ValueError, `can.CanOperationError`."""
    if msg.is_error_frame:
        raise can.CanOperationError("a simulated bus makes its error frames itself; they cannot be sent")
    identifier = msg.arbitration_id
    if not 0 <= identifier <= (ID_MASK if msg.is_extended_id else STANDARD_MASK):
        raise ValueError(f"{identifier:#x} is no {'29' if msg.is_extended_id else '11'}-bit identifier")
    header = identifier | (EXTENDED if msg.is_extended_id else 0)
    if msg.is_remote_frame:
        if msg.is_fd:
            raise ValueError("CAN FD has no remote frames")
        return header | REMOTE
    if msg.is_fd:
        header |= FD | (BRS if msg.bitrate_switch else 0) | (ESI if msg.error_state_indicator else 0)
    return header
