"""The service discovery: phases, time to live, subscriptions, reboots, as messages in and messages out."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from gateway.ethernet import Endpoint, Transport
from gateway.someip import (
    Acknowledged,
    Available,
    Cast,
    Datagram,
    EndpointKind,
    EndpointOption,
    Entry,
    EntryType,
    Gone,
    Instance,
    Malformed,
    NotAcknowledged,
    Offer,
    OfferedGroup,
    Rebooted,
    Refused,
    SdEvent,
    SdMessage,
    SdTiming,
    ServiceDiscovery,
    Session,
    SessionCounter,
    Standing,
    StrangerOffer,
    Subscribed,
    Unavailable,
    UnknownOption,
    Unsubscribed,
    Wanted,
    parse,
    parse_sd,
)
from gateway.someip.sd_message import sd_message

MS, S = 1_000_000, 1_000_000_000
OURS, PEER, OTHER = (Endpoint(f"10.0.0.{number}", 30490) for number in (1, 2, 3))
GROUP = Endpoint("224.224.224.245", 30490)
SERVICE = Instance(0x1234, 1)
EVENTS = Endpoint(PEER.host, 40000)
TIMING = SdTiming(
    initial_delay_ns=(10 * MS, 10 * MS), repetition_base_ns=20 * MS, repetitions=3, cyclic_ns=1 * S, ttl_s=3
)
OFFER = Offer(SERVICE, 1, 0, Endpoint(OURS.host, 30501), groups={1: OfferedGroup(), 2: OfferedGroup()})
THEIRS = Entry(EntryType.OFFER, *SERVICE, 1, 3, 0, options=(EndpointOption(Endpoint(PEER.host, 30501)),))
SUBSCRIBE = Entry(EntryType.SUBSCRIBE, *SERVICE, 1, 3, eventgroup=1, options=(EndpointOption(EVENTS),))


class Bench:
    """A discovery, and a peer that counts its sessions."""

    def __init__(self, timing: SdTiming = TIMING) -> None:
        self.discovery = ServiceDiscovery(OURS, GROUP, timing, random.Random(1))
        self.now = 0
        self.events: list[SdEvent] = []
        self.session: dict[tuple[Endpoint, Cast], int] = {}

    def until(self, time_ns: int) -> list[tuple[int, Datagram]]:
        """Let time pass; what was sent, and when."""
        sent = []
        while True:
            sent += [(self.now, datagram) for datagram in self.discovery.outgoing()]
            deadline = self.discovery.deadline
            if deadline is None or deadline > time_ns:
                break
            self.now = max(self.now, deadline)
            self.events += self.discovery.wake(self.now)
        self.now = time_ns
        self.discovery.wake(time_ns)
        return sent

    def hear(
        self,
        *entries: Entry,
        source: Endpoint = PEER,
        cast: Cast = Cast.UNICAST,
        session: int | None = None,
        reboot: bool = True,
    ) -> list[Entry]:
        """A message comes; the entries of the answers to it."""
        number = self.session[source, cast] = session or self.session.get((source, cast), 0) + 1
        data = sd_message(SdMessage(entries, reboot).build(), number).build()
        self.events += self.discovery.receive(data, source, self.now, cast)
        return answers(self.discovery.outgoing())

    def take(self) -> list[SdEvent]:
        events, self.events = self.events, []
        return events


def answers(datagrams: Iterable[Datagram]) -> list[Entry]:
    return [entry for datagram in datagrams for entry in parse_sd(parse(datagram.data).payload).entries]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def offering(bench: Bench) -> Bench:
    bench.discovery.offer(OFFER, 0)
    bench.until(500 * MS)
    return bench


@pytest.fixture
def subscribed(bench: Bench) -> Bench:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS, cast=Cast.MULTICAST)
    bench.discovery.subscribe(SERVICE, 1, bench.now, udp=Endpoint(OURS.host, 50000))
    assert [str(entry) for entry in answers(bench.discovery.outgoing())] == ["SUBSCRIBE 1234.0001 eventgroup 0001"]
    bench.hear(SUBSCRIBE._replace(type=EntryType.ACK, options=()))
    bench.take()
    return bench


# Offering


def test_an_offer_waits_repeats_with_doubling_times_and_goes_on_cyclically(bench: Bench) -> None:
    bench.discovery.offer(OFFER, 0)
    sent = bench.until(4 * S)
    assert [time // MS for time, _ in sent] == [10, 30, 70, 150, 1150, 2150, 3150]
    assert {datagram.target for _, datagram in sent} == {GROUP}
    sessions = [parse(datagram.data).session for _, datagram in sent]
    assert sessions == [1, 2, 3, 4, 5, 6, 7]
    entry = answers([sent[0][1]])[0]
    assert entry == Entry(EntryType.OFFER, *SERVICE, 1, 3, 0, options=(EndpointOption(Endpoint(OURS.host, 30501)),))


def test_offers_of_one_moment_share_a_message(bench: Bench) -> None:
    for number in range(5):
        bench.discovery.offer(Offer(Instance(0x2000 + number, 1), 1, udp=Endpoint(OURS.host, 30501)), 0)
    assert [len(answers([datagram])) for _, datagram in bench.until(10 * MS)] == [5]


def test_an_offer_taken_back_says_so(offering: Bench) -> None:
    offering.discovery.stop(offering.now)
    assert [(entry.type, entry.ttl) for entry in answers(offering.discovery.outgoing())] == [(EntryType.OFFER, 0)]
    assert offering.until(10 * S) == []


def test_an_offer_taken_back_before_it_was_said_is_not_mentioned(bench: Bench) -> None:
    bench.discovery.offer(OFFER, 0)
    bench.discovery.stop(0)
    assert bench.until(10 * S) == []


@pytest.mark.parametrize(
    ("find", "answered"),
    [
        (Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF), True),
        (Entry(EntryType.FIND, 0x1234, 1, 1, 3, 0), True),
        (Entry(EntryType.FIND, 0x1234, 2, 1, 3, 0), False),
        (Entry(EntryType.FIND, 0x1234, 1, 2, 3, 0), False),
        (Entry(EntryType.FIND, 0x1234, 1, 1, 3, 7), False),
        (Entry(EntryType.FIND, 0x1235, 0xFFFF, 0xFF, 3, 0xFFFFFFFF), False),
    ],
)
def test_a_find_is_answered_by_a_fitting_offer(offering: Bench, find: Entry, answered: bool) -> None:
    assert [entry.type for entry in offering.hear(find)] == ([EntryType.OFFER] if answered else [])


def test_a_find_is_not_answered_in_the_initial_wait(bench: Bench) -> None:
    bench.discovery.offer(OFFER, 0)
    assert bench.hear(Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF)) == []


def test_the_answer_to_a_multicast_find_waits_a_little() -> None:
    bench = Bench(SdTiming(initial_delay_ns=(0, 0), repetitions=0, response_delay_ns=(30 * MS, 30 * MS)))
    bench.discovery.offer(OFFER, 0)
    bench.until(100 * MS)
    find = Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF)
    assert bench.hear(find, cast=Cast.MULTICAST) == []
    assert [(time // MS, datagram.target) for time, datagram in bench.until(200 * MS)] == [(130, PEER)]


# Being subscribed to


def test_a_subscription_is_acknowledged_and_told_once(offering: Bench) -> None:
    for _ in range(3):
        assert offering.hear(SUBSCRIBE) == [SUBSCRIBE._replace(type=EntryType.ACK, options=())]
    (event,) = offering.take()
    assert isinstance(event, Subscribed)
    assert (event.instance, event.eventgroup, event.subscriber.udp) == (SERVICE, 1, EVENTS)
    assert [each.udp for each in offering.discovery.offers.subscribers(SERVICE, 1)] == [EVENTS]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"service": 0x4321}, "not offered here"),
        ({"instance": 2}, "not offered here"),
        ({"major": 2}, "its major version is 1, not 2"),
        ({"eventgroup": 9}, "no such eventgroup"),
        ({"options": ()}, "names no address"),
        ({"options": (EndpointOption(EVENTS, Transport.TCP),)}, "offered over UDP only"),
        ({"options": (EndpointOption(EVENTS), EndpointOption(OTHER))}, "two addresses of one protocol"),
        ({"options": (UnknownOption(0x04, b"abc", True),)}, "damaged or missing"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(offering: Bench, changed: dict[str, object], reason: str) -> None:
    entry = SUBSCRIBE._replace(**changed)  # type: ignore[arg-type]
    assert [(answer.type, answer.ttl) for answer in offering.hear(entry)] == [(EntryType.ACK, 0)]
    (event,) = offering.take()
    assert isinstance(event, Refused)
    assert reason in event.reason


def offering_over_tcp() -> Bench:
    bench = Bench()
    bench.discovery.offer(Offer(SERVICE, 1, tcp=Endpoint(OURS.host, 30501), groups={1: OfferedGroup()}), 0)
    bench.until(500 * MS)
    return bench


OVER_TCP = SUBSCRIBE._replace(options=(EndpointOption(EVENTS, Transport.TCP),))


def to_the_peer(sent: list[tuple[int, Datagram]]) -> list[int]:
    """The TTLs of what was sent to it."""
    return [entry.ttl for entry in answers(datagram for _, datagram in sent if datagram.target == PEER)]


def test_a_subscription_over_tcp_needs_its_connection() -> None:
    bench = offering_over_tcp()
    assert bench.hear(OVER_TCP) == []
    assert to_the_peer(bench.until(700 * MS)) == [0]
    (event,) = bench.take()
    assert isinstance(event, Refused)
    assert event.reason == "there is no TCP connection from 10.0.0.2:40000"
    assert list(bench.discovery.connected(EVENTS, bench.now)) == []
    assert [answer.ttl for answer in bench.hear(OVER_TCP)] == [3]
    bench.take()
    (event,) = bench.discovery.offers.disconnected(EVENTS)
    assert isinstance(event, Unsubscribed)


def test_a_subscription_may_come_just_before_its_connection() -> None:
    bench = offering_over_tcp()
    assert bench.hear(OVER_TCP) == []
    (event,) = bench.discovery.connected(EVENTS, bench.now)
    assert isinstance(event, Subscribed)
    assert to_the_peer(bench.until(900 * MS)) == [3]
    assert bench.take() == []


def test_a_subscription_that_waits_for_its_connection_can_be_ended() -> None:
    bench = offering_over_tcp()
    bench.hear(OVER_TCP)
    bench.hear(OVER_TCP._replace(ttl=0))
    assert list(bench.discovery.connected(EVENTS, bench.now)) == []
    assert to_the_peer(bench.until(900 * MS)) == []


def test_an_unknown_option_beside_a_good_one_does_no_harm(offering: Bench) -> None:
    entry = SUBSCRIBE._replace(options=(UnknownOption(0x77, b"abc"), EndpointOption(EVENTS)))
    assert [answer.ttl for answer in offering.hear(entry)] == [3]


def test_events_may_go_to_a_multicast_address_of_the_client(offering: Bench) -> None:
    group = Endpoint("239.1.1.1", 40000)
    entry = SUBSCRIBE._replace(options=(EndpointOption(group, Transport.UDP, EndpointKind.MULTICAST),))
    assert [answer.ttl for answer in offering.hear(entry)] == [3]
    assert [each.udp for each in offering.discovery.offers.subscribers(SERVICE, 1)] == [group]


def test_the_acknowledgement_names_the_multicast_address_of_the_eventgroup(bench: Bench) -> None:
    group = Endpoint("239.1.1.1", 30600)
    bench.discovery.offer(Offer(SERVICE, 1, udp=Endpoint(OURS.host, 30501), groups={1: OfferedGroup(group)}), 0)
    bench.until(500 * MS)
    (answer,) = bench.hear(SUBSCRIBE)
    assert answer.options == (EndpointOption(group, Transport.UDP, EndpointKind.MULTICAST),)


def test_a_subscription_ends_with_its_time_to_live(offering: Bench) -> None:
    offering.hear(SUBSCRIBE)
    offering.take()
    offering.until(offering.now + 2 * S)
    assert offering.take() == []
    offering.until(offering.now + 2 * S)
    (event,) = offering.take()
    assert isinstance(event, Unsubscribed)
    assert event.why is Gone.EXPIRED


def test_a_subscription_without_end_stays(offering: Bench) -> None:
    offering.hear(SUBSCRIBE._replace(ttl=0xFFFFFF))
    offering.take()
    offering.until(offering.now + 10_000 * S)
    assert offering.take() == []


def test_a_subscription_is_taken_back(offering: Bench) -> None:
    offering.hear(SUBSCRIBE)
    offering.take()
    assert offering.hear(SUBSCRIBE._replace(ttl=0)) == []
    (event,) = offering.take()
    assert isinstance(event, Unsubscribed)
    assert event.why is Gone.STOPPED


# Looking for


def test_a_search_asks_and_stops_asking(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    sent = bench.until(10 * S)
    assert [time // MS for time, _ in sent] == [10, 30, 70, 150]
    assert answers([sent[0][1]]) == [Entry(EntryType.FIND, 0x1234, 0xFFFF, 0xFF, 3, 0xFFFFFFFF)]


def test_what_is_offered_is_told_and_no_longer_asked_for(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS, cast=Cast.MULTICAST)
    (event,) = bench.take()
    assert isinstance(event, Available)
    assert event.found.udp == Endpoint(PEER.host, 30501)
    assert bench.until(2 * S) == []


def test_what_nobody_looks_for_is_nothing(bench: Bench) -> None:
    assert bench.hear(THEIRS) == []
    assert bench.take() == []


def test_an_offer_that_ends_is_told_and_looked_for_again(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS)
    bench.take()
    sent = bench.until(4 * S)
    (event,) = bench.take()
    assert isinstance(event, Unavailable)
    assert event.why is Gone.EXPIRED
    assert next(time // MS for time, _ in sent) == 3010
    bench.hear(THEIRS)
    bench.take()
    bench.hear(THEIRS._replace(ttl=0))
    (event,) = bench.take()
    assert isinstance(event, Unavailable)
    assert event.why is Gone.STOPPED


def test_an_offer_with_other_addresses_is_another(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS)
    bench.take()
    bench.hear(THEIRS._replace(options=(EndpointOption(Endpoint(PEER.host, 9)),)))
    gone, come = bench.take()
    assert isinstance(gone, Unavailable)
    assert gone.why is Gone.MOVED
    assert isinstance(come, Available)


# Subscribing


def test_each_offer_renews_a_subscription(subscribed: Bench) -> None:
    assert subscribed.discovery.finds.standings == {(SERVICE, 1): Standing.ACKNOWLEDGED}
    assert [str(entry) for entry in subscribed.hear(THEIRS, cast=Cast.MULTICAST)] == [
        "SUBSCRIBE 1234.0001 eventgroup 0001"
    ]


def test_a_subscription_that_was_not_answered_is_taken_back_before_the_next_try(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS)
    bench.discovery.subscribe(SERVICE, 1, 0, udp=Endpoint(OURS.host, 50000))
    list(bench.discovery.outgoing())
    assert [str(entry) for entry in bench.hear(THEIRS)] == [
        "STOP SUBSCRIBE 1234.0001 eventgroup 0001",
        "SUBSCRIBE 1234.0001 eventgroup 0001",
    ]


def test_a_refusal_is_told_and_tried_again_with_the_next_offer(subscribed: Bench) -> None:
    subscribed.hear(SUBSCRIBE._replace(type=EntryType.ACK, ttl=0, options=()))
    assert subscribed.take() == [NotAcknowledged(SERVICE, 1, PEER.host)]
    assert [entry.ttl for entry in subscribed.hear(THEIRS)] == [3]
    group = Endpoint("239.1.1.1", 30600)
    option = EndpointOption(group, Transport.UDP, EndpointKind.MULTICAST)
    subscribed.hear(SUBSCRIBE._replace(type=EntryType.ACK, options=(option,)))
    assert subscribed.take() == [Acknowledged(SERVICE, 1, group)]


def test_subscriptions_are_taken_back_at_the_end(subscribed: Bench) -> None:
    subscribed.discovery.stop(subscribed.now)
    assert [entry.ttl for entry in answers(subscribed.discovery.outgoing())] == [0]


# Reboots and strangers


def test_a_peer_whose_sessions_begin_again_has_started_anew(offering: Bench) -> None:
    offering.discovery.search(Wanted(0x1111), offering.now)
    offering.hear(SUBSCRIBE, session=5)
    offering.take()
    assert [answer.ttl for answer in offering.hear(SUBSCRIBE, session=1)] == [3]
    rebooted, ended, again = offering.take()
    assert rebooted == Rebooted(PEER.host)
    assert isinstance(ended, Unsubscribed)
    assert ended.why is Gone.REBOOTED
    assert isinstance(again, Subscribed)


def test_the_reboot_flag_coming_back_is_a_reboot(bench: Bench) -> None:
    bench.hear(session=0xFFFF)
    bench.hear(session=1, reboot=False)
    bench.hear(session=2, reboot=False)
    assert bench.take() == []
    bench.hear(session=3, reboot=True)
    assert bench.take() == [Rebooted(PEER.host)]


def test_unicast_and_multicast_count_for_themselves(bench: Bench) -> None:
    """someipy's first unicast message has session 1 and no reboot flag, whatever it has sent to the group."""
    bench.hear(session=7, cast=Cast.MULTICAST)
    bench.hear(session=1, reboot=False)
    assert bench.take() == []


def test_our_own_sessions_go_on_with_1_and_without_the_reboot_flag() -> None:
    sessions = SessionCounter()
    counted = [sessions.next(PEER) for _ in range(0xFFFF + 2)]
    assert counted[0] == Session(1, True)
    assert counted[0xFFFE] == Session(0xFFFF, True)
    assert counted[0xFFFF:] == [Session(1, False), Session(2, False)]
    assert sessions.next(OTHER) == Session(1, True)


def test_a_strangers_offer_of_our_service_is_told_and_ignored(offering: Bench) -> None:
    offering.hear(THEIRS, cast=Cast.MULTICAST)
    assert offering.take() == [StrangerOffer(SERVICE, PEER.host, OURS.host)]


def test_who_offers_first_keeps_a_service(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234), 0)
    bench.hear(THEIRS)
    bench.take()
    bench.hear(THEIRS, source=OTHER)
    bench.hear(THEIRS._replace(ttl=0), source=OTHER)
    assert bench.take() == [StrangerOffer(SERVICE, OTHER.host, PEER.host)] * 2
    assert bench.discovery.finds.found[SERVICE].host == PEER.host


def test_a_service_with_an_owner_is_taken_from_nobody_else(bench: Bench) -> None:
    bench.discovery.search(Wanted(0x1234, owner=OTHER.host), 0)
    bench.hear(THEIRS)
    assert bench.take() == [StrangerOffer(SERVICE, PEER.host, OTHER.host)]
    bench.hear(THEIRS, source=OTHER)
    assert isinstance(bench.take()[0], Available)


# What is wrong


@pytest.mark.parametrize("data", [b"", b"\xff\xff\x81\x00", bytes(40), sd_message(b"\xc0\0\0\0", 1).build()])
def test_malformed_datagrams_are_told(bench: Bench, data: bytes) -> None:
    events = list(bench.discovery.receive(data, PEER, 0))
    assert all(isinstance(event, Malformed) for event in events)
    assert bench.discovery.counts["malformed"] == len(events) == (1 if data else 0)


def test_our_own_messages_that_come_back_are_not_heard(offering: Bench) -> None:
    data = sd_message(SdMessage((THEIRS,)).build(), 1).build()
    assert list(offering.discovery.receive(data, OURS, offering.now, Cast.MULTICAST)) == []


def test_entries_of_unknown_types_are_counted(bench: Bench) -> None:
    bench.hear(Entry(0x77, 1, 1))
    assert bench.discovery.counts["entries of unknown types"] == 1
