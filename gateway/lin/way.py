"""Who answers a header and who hears the answer, found once and kept until something changes."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from gateway.can import Controller
from gateway.can.controller import Receiver, Supplier

if TYPE_CHECKING:
    from gateway.lin.node import LinNode


class Kind(IntEnum):
    """What a header asks for."""

    UNCONDITIONAL = 0
    EVENT = 1
    DIAGNOSTIC = 2


class Way:
    """All about one identifier on the wire. `supplier` and `sender` are there where the plain way can be taken."""

    __slots__ = (
        "answers",
        "definition",
        "frame_id",
        "kind",
        "length",
        "news",
        "receivers",
        "sender",
        "supplier",
        "tagged",
    )

    def __init__(self, frame_id: int, kind: Kind, length: int) -> None:
        self.frame_id = frame_id
        self.kind = kind
        self.length = length
        self.answers: list[tuple[LinNode, int]] = []
        """Nodes that may answer, each with its definition of the frame."""
        self.receivers: list[tuple[Controller, Receiver]] = []
        self.tagged = False
        """The first byte is the frame's protected identifier."""
        self.supplier: Supplier | None = None
        self.sender: LinNode | None = None
        self.definition = frame_id
        self.news: set[int] | None = None
        """The frames of which the sender has news, where that matters."""

    def settle(self, tagged: bool) -> None:
        """Find out whether the plain way can be taken."""
        self.tagged = tagged
        if self.kind is not Kind.UNCONDITIONAL or tagged or len(self.answers) != 1:
            return
        node, definition = self.answers[0]
        if node.error_bit is not None and node.error_bit.frame_id == definition:
            return
        self.supplier = node.suppliers[definition]
        self.sender = node
        self.definition = definition
        self.news = node.updated
