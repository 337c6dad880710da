"""From CAN to VSS: each frame to the leaves that its signals feed. Never raises, and counts each outcome.

Most frames bring nothing new: they come sooner than a leaf wants its next value, or with the bits that it has already.
A message knows until when it is quiet, and which bits are watched meanwhile; a frame that comes in that time with the
same bits is counted for all its rules at once, and keeps their signals alive by the time at which it came. For what is
left, each message has a function of its own (`feed_code`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gateway.can import Frame
from gateway.database import Message
from gateway.routing.conversion import Source, bits_of
from gateway.routing.expiry import Watch
from gateway.routing.feed import SignalFeed
from gateway.routing.feed_code import compile_feeds
from gateway.routing.rules import UpwardRule
from gateway.routing.store import SignalStore
from gateway.sim import Kernel


class MessageFeed:
    """All rules of one message of one bus: give its `on_frame` to the controller.

    `passed`: frames that came while the message was quiet and changed nothing, for any of its rules; `passed_ns`: when
    the last of them came. `frames`, `frames_ns`: the same of the others, as far as they are as long as the message.
    """

    def __init__(self, kernel: Kernel, bus: str, message: Message) -> None:
        self.bus: Final = bus
        self.message: Final = message
        self.length: Final = message.length
        self.passed: int = 0
        self.passed_ns: int = -1
        self.frames: int = 0
        self.frames_ns: int = -1
        self.watched: int = 0
        """The bits that must be the same while the message is quiet."""
        self.bits: int = 0
        self.quiet_ns: int = 0
        self.kernel: Final = kernel
        self.feeds: Final[list[tuple[SignalFeed, Source]]] = []
        self._receive: Callable[[bytes, int], None] | None = None
        self._watches: dict[int, Watch] = {}

    def add(self, feed: SignalFeed, source: Source) -> None:
        self.feeds.append((feed, source))
        self._receive = None
        if feed.watches:
            self.watched |= bits_of(source.place.signal)
        if source.always:
            feed.messages[source] = self

    def heard_ns(self) -> int:
        """When the last frame came that is as long as the message."""
        return self.frames_ns if self.frames_ns > self.passed_ns else self.passed_ns

    def watch(self, timeout_ns: int) -> Watch:
        """What looks after the signals that this message alone keeps alive."""
        if timeout_ns not in self._watches:
            self._watches[timeout_ns] = Watch(self.kernel, timeout_ns, self.heard_ns)
        return self._watches[timeout_ns]

    def look_again(self) -> None:
        """Let each rule look at the next frame, whatever it brings."""
        self.quiet_ns = 0

    def on_frame(self, frame: Frame) -> None:
        """Never raises, whatever the frame holds."""
        now = self.kernel.now
        data = frame.data
        if (
            now < self.quiet_ns
            and len(data) == self.length
            and (not self.watched or int.from_bytes(data, "little") & self.watched == self.bits)
        ):
            self.passed += 1
            self.passed_ns = now
            return
        if self._receive is None:
            self._receive = compile_feeds(self)
        self._receive(data, now)

    def receive_odd(self, data: bytes, now: int) -> None:
        """A payload of another length than the message's."""
        self.quiet_ns = 0
        for feed, source in self.feeds:
            feed.receive_one(data, source, now)


class CanToVss:
    """The upward rules at work. `messages`: by bus and by identifier as in a frame's header, without CAN FD flags.

    Each signal is declared in the store with its rule's timeout, or with `timeout_ns` where that is given.
    """

    def __init__(
        self, kernel: Kernel, rules: Iterable[UpwardRule], store: SignalStore, timeout_ns: int | None = None
    ) -> None:
        self.feeds: Final[list[SignalFeed]] = []
        self.messages: Final[dict[tuple[str, int], MessageFeed]] = {}
        for rule in rules:
            signal = store.declare(rule.leaf.path, rule.timeout_ns if timeout_ns is None else timeout_ns)
            feed = SignalFeed(rule, signal)
            self.feeds.append(feed)
            for place in rule.places:
                key = (place.bus, place.key)
                if key not in self.messages:
                    self.messages[key] = MessageFeed(kernel, place.bus, place.message)
                self.messages[key].add(feed, Source(rule, place))

    def feed(self, path: str) -> SignalFeed | None:
        """The feed of a VSS path; None where nothing on CAN feeds it."""
        return next((feed for feed in self.feeds if feed.rule.leaf.path == path), None)

    @property
    def balanced(self) -> bool:
        return all(feed.balanced for feed in self.feeds)
