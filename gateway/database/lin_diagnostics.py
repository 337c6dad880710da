"""The diagnostic frames that every LIN bus has, as messages (LIN 2.2A, 2.3.3.4): eight bytes each."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from gateway.database.lin import PDU
from gateway.database.lin_wire import REQUEST_ID, RESPONSE_ID
from gateway.database.message import Message
from gateway.database.signal import Signal

NAMES: Final = MappingProxyType({REQUEST_ID: "MasterReq", RESPONSE_ID: "SlaveResp"})


def missing_diagnostics(messages: Iterable[Message]) -> list[Message]:
    """Those of the two that a database does not describe itself, by the names that LIN gives them."""
    known = list(messages)
    taken = {message.arbitration_id for message in known}
    names = {message.name for message in known}
    return [
        Message(
            name=name,
            arbitration_id=frame_id,
            length=PDU,
            signals=tuple(Signal(name=f"{name}B{byte}", start=8 * byte, length=8) for byte in range(PDU)),
        )
        for frame_id, name in NAMES.items()
        if frame_id not in taken and name not in names
    ]
