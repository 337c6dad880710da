"""What the kernel's broadcast manager does for a socketcand client: cyclic jobs, subscriptions, content filters.

As linux/net/can/bcm.c: a job sends at once and then at its interval; a subscription passes every frame of an
identifier, a filter only those whose masked content is new; an interval throttles, and the last frame that came
meanwhile is passed at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.can.frame import Frame
from gateway.links.errors import RecordError
from gateway.sim import FOREVER

MOST: Final = 2048
"""Jobs, and subscriptions, of one client: as many as there are identifiers of 11 bits."""
SHORTEST_NS: Final = 100_000
"""A job is not sent more often: no frame of a classic bus is much shorter."""


@dataclass(slots=True)
class _Job:
    frame: Frame
    interval_ns: int
    due_ns: int


@dataclass(slots=True)
class _Subscription:
    interval_ns: int
    mask: int | None
    """None: whatever the content."""
    content: int = -1
    free_ns: int = 0
    """From when on a frame is passed at once again."""
    waiting: Frame | None = None


class BroadcastManager:
    """The jobs and subscriptions of one client."""

    def __init__(self) -> None:
        self._jobs: dict[int, _Job] = {}
        self._subscriptions: dict[int, _Subscription] = {}

    @property
    def deadline(self) -> int:
        """When something is due; FOREVER while nothing is."""
        jobs = (job.due_ns for job in self._jobs.values())
        held = (found.free_ns for found in self._subscriptions.values() if found.waiting is not None)
        return min(min(jobs, default=FOREVER), min(held, default=FOREVER))

    # Sending

    def add(self, frame: Frame, interval_ns: int, now: int) -> None:
        """A job; its first frame is sent now, by the caller. Without an interval that is all there is to do."""
        if not interval_ns:
            self._jobs.pop(frame.header, None)
            return
        if len(self._jobs) >= MOST and frame.header not in self._jobs:
            raise RecordError(f"more than {MOST} send jobs")
        interval_ns = max(interval_ns, SHORTEST_NS)
        self._jobs[frame.header] = _Job(frame, interval_ns, now + interval_ns)

    def update(self, frame: Frame) -> None:
        """Give a job new content; its times stay. Raises `RecordError`."""
        self._job(frame.header).frame = frame

    def delete(self, header: int) -> None:
        """End a job. Raises `RecordError`."""
        self._job(header)
        del self._jobs[header]

    def _job(self, header: int) -> _Job:
        job = self._jobs.get(header)
        if job is None:
            raise RecordError(f"there is no send job for {Frame(header, b'')}".rstrip("#"))
        return job

    def jobs_due(self, now: int) -> Iterator[Frame]:
        """The frames to send now."""
        for job in self._jobs.values():
            if job.due_ns <= now:
                # What could not be sent in its time is left out, so that a late loop does not send a burst.
                job.due_ns += ((now - job.due_ns) // job.interval_ns + 1) * job.interval_ns
                yield job.frame

    # Receiving

    def subscribe(self, header: int, interval_ns: int, mask: bytes | None) -> None:
        """Pass frames of an identifier: all, or those whose content under `mask` is new. Raises `RecordError`."""
        if len(self._subscriptions) >= MOST and header not in self._subscriptions:
            raise RecordError(f"more than {MOST} subscriptions")
        bits = None if mask is None else _content(mask)
        self._subscriptions[header] = _Subscription(interval_ns, bits)

    def unsubscribe(self, header: int) -> None:
        """Raises `RecordError`."""
        if self._subscriptions.pop(header, None) is None:
            raise RecordError(f"there is no subscription for {Frame(header, b'')}".rstrip("#"))

    def heard(self, frame: Frame, now: int) -> Iterator[Frame]:
        """The frame, if it is to be passed now."""
        found = self._subscriptions.get(frame.header)
        if found is None:
            return
        if found.mask is not None:
            content = _content(frame.data) & found.mask
            if content == found.content:
                return
            found.content = content
        if now < found.free_ns:
            found.waiting = frame
        else:
            found.free_ns = now + found.interval_ns
            yield frame

    def throttled(self, now: int) -> Iterator[Frame]:
        """Frames that have waited for the end of their interval."""
        for found in self._subscriptions.values():
            if found.waiting is not None and found.free_ns <= now:
                frame, found.waiting = found.waiting, None
                found.free_ns = now + found.interval_ns
                yield frame


def _content(data: bytes) -> int:
    return int.from_bytes(data.ljust(8, b"\0"), "big")
