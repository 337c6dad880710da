"""Random numbers by name."""

from gateway.sim import Streams


def test_the_numbers_are_these_on_every_machine_and_python() -> None:
    # A recorded run is repeated from its seed: these must never change. NumPy's RandomState, seeded with the words of
    # the same SHA-256, gave the same.
    stream = Streams(42).stream("bus.powertrain")
    assert [stream.getrandbits(32) for _ in range(3)] == [3212664851, 3855192850, 3459655401]
    assert stream.random() == 0.5101334209156305
    assert [stream.randrange(1, 132) for _ in range(4)] == [119, 20, 45, 46]


def test_the_same_seed_and_name_give_the_same_numbers() -> None:
    one, other = Streams(7).stream("VCU"), Streams(7).stream("VCU")
    assert [one.random() for _ in range(100)] == [other.random() for _ in range(100)]


def test_names_and_seeds_are_independent() -> None:
    firsts = {Streams(seed).stream(name).random() for seed in range(20) for name in ("VCU", "BCM", "1/VCU", "")}
    assert len(firsts) == 80


def test_drawing_from_one_changes_nothing_for_another() -> None:
    streams, alone = Streams(7), Streams(7)
    for _ in range(50):
        streams.stream("BCM").random()
    assert streams.stream("VCU").random() == alone.stream("VCU").random()


def test_a_stream_is_kept_where_it_stands() -> None:
    streams = Streams(7)
    first = streams.stream("VCU").random()
    assert streams.stream("VCU") is streams.stream("VCU")
    assert streams.stream("VCU").random() != first
