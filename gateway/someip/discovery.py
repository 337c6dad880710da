"""The service discovery of one host: what it offers, what it looks for, and the messages about both.

Rules, with their places in AUTOSAR PRS_SOMEIPServiceDiscoveryProtocol:
offers and finds wait, repeat with doubling times, then go on in the main phase (5.1.4); an offer holds for its TTL, TTL 0
takes it back; each offer renews the subscriptions to it (5.1.5); a subscription that cannot be is answered by an
acknowledgement with TTL 0; a peer whose session ids begin again has started anew, and what it had said holds no more
(5.1.2.1); answers to multicast wait a little so that not all answer at once (5.1.4.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.ethernet import Endpoint
from gateway.sim import FOREVER, Stream
from gateway.someip.errors import MessageError, SdError
from gateway.someip.message import Message, MessageType, messages
from gateway.someip.sd_events import Instance, Malformed, Rebooted, SdEvent, StrangerOffer
from gateway.someip.sd_finds import Finds, Wanted
from gateway.someip.sd_message import SD_METHOD, SD_SERVICE, Entry, EntryType, SdMessage, parse_sd, sd_message
from gateway.someip.sd_offers import Offer, Offers
from gateway.someip.sd_outbox import Datagram, Outbox
from gateway.someip.sd_timing import SdTiming
from gateway.someip.sessions import Cast, RebootWatch, Session, SessionCounter

SD_PORT: Final = 30490
SD_GROUP: Final = "224.224.224.245"
"""The multicast address that most stacks have unless they are told another."""
SD_GROUP_V6: Final = "ff02::1:ff00"
"""For IPv6, where none is usual: a group of one link."""


class ServiceDiscovery:
    """SOME/IP-SD for one endpoint (AUTOSAR PRS_SOMEIPServiceDiscoveryProtocol). Knows no socket and no clock.

    Feed it with `receive` and `wake`; after each, send what `outgoing()` yields and call `wake` at `deadline`. Times are
    nanoseconds of the kernel. `counts`: datagrams and entries, by what became of them.
    """

    def __init__(self, local: Endpoint, group: Endpoint, timing: SdTiming, random: Stream) -> None:
        self.local: Final = local
        self.group: Final = group
        self.counts: Final[Counter[str]] = Counter()
        self._outbox = Outbox()
        self.offers: Final = Offers(timing, random, self._outbox, group)
        self.finds: Final = Finds(timing, random, self._outbox, group)
        self._sessions = SessionCounter()
        self._watch = RebootWatch()
        self._now = 0

    @property
    def deadline(self) -> int | None:
        """When to call `wake`, in nanoseconds of the kernel's time; None while nothing is pending."""
        due = min(self._outbox.due, self.offers.due, self.finds.due)
        return None if due >= FOREVER else due

    # What the user wants

    def offer(self, offer: Offer, now: int) -> None:
        """Offer a service from now on."""
        self._now = now
        self.offers.start(offer, now)

    def stop_offer(self, instance: Instance, now: int) -> None:
        """Take an offer back."""
        self._now = now
        self.offers.stop(instance, now)

    def search(self, wanted: Wanted, now: int) -> None:
        """Look for a service from now on, again whenever it is lost."""
        self._now = now
        self.finds.search(wanted, now)

    def subscribe(
        self, instance: Instance, eventgroup: int, now: int, *, udp: Endpoint | None = None, tcp: Endpoint | None = None
    ) -> None:
        """Subscribe to an eventgroup of an instance that is available; events shall come to `udp` or over `tcp`."""
        self._now = now
        self.finds.subscribe(instance, eventgroup, udp, tcp, now)

    def unsubscribe(self, instance: Instance, eventgroup: int, now: int) -> None:
        """End a subscription of ours."""
        self._now = now
        self.finds.unsubscribe(instance, eventgroup, now)

    def stop(self, now: int) -> None:
        """Take back all offers and subscriptions."""
        self._now = now
        for instance in list(self.offers.offers):
            self.offers.stop(instance, now)
        self.finds.unsubscribe_all(now)

    # What comes in, what goes out

    def receive(self, data: bytes, source: Endpoint, now: int, cast: Cast = Cast.UNICAST) -> Iterable[SdEvent]:
        """Take a datagram of the SD port. `cast`: how it was addressed."""
        if source == self.local:
            return ()
        self._now = now
        self.counts["received"] += 1
        events: list[SdEvent] = []
        try:
            for message in messages(data):
                events += self._message(message, source, cast)
        except (MessageError, SdError) as error:
            self.counts["malformed"] += 1
            events.append(Malformed(source, error.sentence))
        return events

    def connected(self, peer: Endpoint, now: int) -> Iterable[SdEvent]:
        """A TCP connection to us is there; subscriptions over it may be waiting for it."""
        self._now = now
        return list(self.offers.connect(peer, now))

    def wake(self, now: int) -> Iterable[SdEvent]:
        """Do what is due."""
        self._now = now
        return [*self.offers.wake(now), *self.finds.wake(now)]

    def outgoing(self) -> Iterable[Datagram]:
        """What is to be sent now, in order."""
        return [Datagram(self._build(target, entries), target) for target, entries in self._outbox.take(self._now)]

    def _build(self, target: Endpoint, entries: tuple[Entry, ...]) -> bytes:
        session = self._sessions.next(target)
        self.counts["sent"] += 1
        return sd_message(SdMessage(entries, session.reboot).build(), session.number).build()

    def _message(self, message: Message, source: Endpoint, cast: Cast) -> Iterator[SdEvent]:
        if (message.service, message.method, message.type) != (SD_SERVICE, SD_METHOD, MessageType.NOTIFICATION):
            raise SdError(f"{message} is no message of the service discovery")
        if message.interface_version != 1 or message.protocol_version != 1:
            raise SdError(f"an SD message of version {message.protocol_version}.{message.interface_version}; it is 1.1")
        content = parse_sd(message.payload)
        session = Session(message.session, content.reboot)
        if self._watch.rebooted(source.host, cast, session):
            self.counts["reboots of peers"] += 1
            self._watch.forget(source.host)
            self._watch.rebooted(source.host, cast, session)
            yield Rebooted(source.host)
            yield from self.offers.rebooted(source.host)
            yield from self.finds.rebooted(source.host, self._now)
        for entry in content.entries:
            yield from self._entry(entry, source, cast)
        for entry in content.faulty:
            self.counts["entries with faulty options"] += 1
            if entry.type == EntryType.SUBSCRIBE:
                yield from self.offers.subscribe(entry, source, self._now, faulty="its options are damaged or missing")

    def _entry(self, entry: Entry, source: Endpoint, cast: Cast) -> Iterator[SdEvent]:
        kind = entry.type
        if kind == EntryType.OFFER:
            instance = Instance(entry.service, entry.instance)
            if instance in self.offers.offers:
                self.counts["offers of strangers"] += 1
                yield StrangerOffer(instance, source.host, self.local.host)
            yield from self.finds.offered(entry, source, cast, self._now)
        elif kind == EntryType.SUBSCRIBE:
            yield from self.offers.subscribe(entry, source, self._now)
        elif kind == EntryType.ACK:
            yield from self.finds.acknowledged(entry, source)
        elif kind == EntryType.FIND:
            self.offers.found(entry, source, cast, self._now)
        else:
            self.counts["entries of unknown types"] += 1
