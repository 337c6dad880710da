"""Routes of whole frames: as they are, or with another identifier."""

from __future__ import annotations

from typing import Final

from gateway.can import ERROR, FD, KEY_MASK, REMOTE, Controller, Frame
from gateway.routing.journey import Journey, Journeys, RoutedFrame
from gateway.routing.lane import Lane
from gateway.routing.route import NEEDS_FD, QUEUE_FULL, Route, Rule
from gateway.sim import Kernel

_FLAGS: Final = ~KEY_MASK | REMOTE | ERROR
"""What a new identifier leaves as it was."""


class FrameRoute(Route):
    """Forwards frames to another bus; `key`, where given, is the identifier (with its width) that they get there."""

    def __init__(self, kernel: Kernel, rule: Rule, journeys: Journeys, lane: Lane, key: int | None = None) -> None:
        super().__init__(kernel, rule, journeys)
        self.lane: Final = lane
        self._key = key

    def forward(self, frame: Frame) -> None:
        header = frame.header
        if header & FD and not self.lane.controller.bus.fd:
            self.drop(frame, NEEDS_FD)
            return
        if self.lane.full:
            self.drop(frame, QUEUE_FULL)
            return
        if self._key is not None:
            header = header & _FLAGS | self._key
        journey = self.accept(frame)
        self.lane.add(self, RoutedFrame(header, frame.data, (journey,)), journey)

    def depart(self, carried: Frame | int | float, journey: Journey) -> None:
        """A frame has waited."""
        assert isinstance(carried, RoutedFrame)
        controller: Controller = self.lane.controller
        if not controller.send(carried):
            self.lose(journey, refusal(controller))


def refusal(controller: Controller) -> str:
    """Why a controller has just refused a frame."""
    return QUEUE_FULL if controller.takes_part else f"controller {controller.state.value}"
