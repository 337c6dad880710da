"""Damaged conversations by the million: each protocol of the links understands them or breaks off with a reason.

    python tests/campaigns/links.py --inputs 1000000 --seed 1

No exception but `RecordError`, and only where a codec is called; no queue beyond its bound; every answer well formed.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
# This folder has files named like packages (can.py) and, being the script's, comes first where Python looks for them.
sys.path.sort(key=lambda entry: Path(entry or ".").resolve() == Path(__file__).resolve().parent)
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "links")]

from link_frames import damaged, in_pieces  # noqa: E402

from gateway.can import BRS, ERROR, EXTENDED, FD, REMOTE, Frame  # noqa: E402
from gateway.links.acf import CanMessage, Form, LinMessage, encode_can, encode_lin, ntscf  # noqa: E402
from gateway.links.acf import decode as decode_acf  # noqa: E402
from gateway.links.cannelloni import datagrams, decode, encode_frame  # noqa: E402
from gateway.links.cannelloni_tcp import CannelloniSession  # noqa: E402
from gateway.links.errors import RecordError  # noqa: E402
from gateway.links.pdu_transport import Pdu, PduCarrier, PduMap, PduStream  # noqa: E402
from gateway.links.pdu_transport import decode as decode_pdus  # noqa: E402
from gateway.links.pdu_transport import encode as encode_pdu  # noqa: E402
from gateway.links.record_stream import RecordStream  # noqa: E402
from gateway.links.records import (  # noqa: E402
    Bye,
    Carried,
    Channel,
    Condition,
    Failure,
    Format,
    Hello,
    Lost,
    Open,
    Opened,
    State,
    Welcome,
)
from gateway.links.session import Session  # noqa: E402
from gateway.links.socketcand import SocketcandSession  # noqa: E402
from gateway.links.wire import encode  # noqa: E402
from gateway.links.wire import encode_frame as encode_record  # noqa: E402

FRAMES = (
    Frame(0x123, b"\x01\x02\x03"),
    Frame(EXTENDED | 0x1ABCDEF0, b"12345678"),
    Frame(REMOTE | 0x55, b""),
    Frame(FD | BRS | 0x321, bytes(range(64))),
    Frame(FD | 0x7, b""),
)
WELCOME = Welcome(
    1, 5, "car", (Channel("body", Format.CAN, 125_000, 0), Channel("chassis", Format.CAN_FD, 500_000, 2_000_000))
)
CALM = Condition(State.ERROR_ACTIVE, 0, 0)
TO_SERVER = b"".join(
    map(encode, (Hello(1, "tool"), Open("chassis", True), *(Carried(0, frame) for frame in FRAMES), Bye()))
)
TO_CLIENT = b"".join(
    map(encode, (WELCOME, Opened("tool-1"), CALM, *(Carried(7, frame) for frame in FRAMES), Lost(3), Failure("over")))
) + encode(Carried(9, Frame(ERROR | 0x40, bytes(8))))
SOCKETCAND = (
    b"< open chassis >< add 1 0 123 8 11 22 33 44 55 66 77 88 >< update 123 3 11 22 33 >< subscribe 0 1000 123 >"
    b"< filter 0 0 124 1 FF >< unsubscribe 124 >< sendrtr 1AAAAAAA 2 >< rawmode >< send 1AAAAAAA 2 1 F1 >"
    b"< fdsend 123 1 2 AA BB >< echo >< bcmmode >< delete 123 >"
)
CANNELLONI = b"".join(datagrams(FRAMES, 200))
ACF = ntscf(
    [
        *(encode_can(CanMessage(3, frame, 5), form) for frame in FRAMES for form in Form),
        encode_lin(LinMessage(1, 0x9C, b"12345")),
    ],
    7,
    bytes(8),
)
PDUS = b"".join(encode_pdu(Pdu(number << 8, frame.data)) for number, frame in enumerate(FRAMES))
CANNELLONI_TCP = b"CANNELLONIv1" + b"".join(map(encode_frame, FRAMES))


def records(chance: random.Random) -> bool:
    """The client's side: True when all was understood."""
    stream = RecordStream()
    try:
        for piece in in_pieces(damaged(TO_CLIENT, chance), chance):
            stream.feed(piece)
            while (record := stream.next()) is not None:
                again = RecordStream()
                again.feed(encode(record))
                assert again.next() == record, record
    except RecordError:
        return False
    return not stream.partial


def session(chance: random.Random) -> bool:
    conversation = Session(WELCOME, room=4)
    for piece in in_pieces(damaged(TO_SERVER, chance), chance):
        conversation.receive(piece)
        while (request := conversation.next()) is not None:
            if isinstance(request, Open):
                conversation.opened("tool-1", CALM)
            for number in range(chance.randint(0, 6)):
                conversation.frame(encode_record(number, FRAMES[0]))
    conversation.closed()
    answers = RecordStream()
    answers.feed(conversation.outgoing())
    carried = 0
    while (answer := answers.next()) is not None:
        carried += isinstance(answer, Carried)
    assert carried <= 4
    assert not answers.partial
    return conversation.failure is None


def socketcand(chance: random.Random) -> bool:
    conversation = SocketcandSession({"body": False, "chassis": True}, 5, room=4)
    now = 0
    answers = ""
    for piece in in_pieces(damaged(SOCKETCAND, chance), chance):
        now += chance.randint(0, 20_000_000)
        conversation.wake(now)
        conversation.receive(piece)
        while (request := conversation.next()) is not None:
            assert not isinstance(request, Frame) or len(request.data) <= 64
        conversation.heard(chance.choice(FRAMES), now)
        assert conversation.deadline is None or conversation.deadline > 0
        answers += conversation.outgoing().decode("ascii")
    conversation.closed()
    assert answers.count("<") == answers.count(">"), answers
    return conversation.failure is None and "unknown" not in answers


def cannelloni(chance: random.Random) -> bool:
    try:
        found = decode(damaged(CANNELLONI, chance))
    except RecordError:
        return False
    assert [frame for data in datagrams(found.frames, 0) for frame in decode(data).frames] == list(found.frames)
    return True


def cannelloni_tcp(chance: random.Random) -> bool:
    conversation = CannelloniSession(fd=chance.random() < 0.5)
    for piece in in_pieces(damaged(CANNELLONI_TCP, chance), chance):
        conversation.receive(piece)
        while (frame := conversation.next()) is not None:
            assert len(frame.data) <= 64
    conversation.closed()
    return conversation.failure is None


def acf(chance: random.Random) -> bool:
    try:
        found = decode_acf(damaged(ACF, chance))
    except RecordError:
        return False
    again = [encode_can(one) if isinstance(one, CanMessage) else encode_lin(one) for one in found.messages]
    if sum(map(len, again)) < 2048:
        assert decode_acf(ntscf(again, found.sequence, found.stream)).messages == found.messages
    return True


def pdu_transport(chance: random.Random) -> bool:
    data = damaged(PDUS, chance)
    fine = True
    try:
        assert b"".join(map(encode_pdu, decode_pdus(data))) == data
        assert all(len(frame.data) <= 64 for frame in PduCarrier(PduMap()).unpack(data))
    except RecordError:
        fine = False
    stream = PduStream()
    try:
        for piece in in_pieces(data, chance):
            stream.feed(piece)
            while stream.next() is not None:
                pass
    except RecordError:
        return False
    return fine and not stream.partial


PROTOCOLS: tuple[Callable[[random.Random], bool], ...] = (
    records,
    session,
    socketcand,
    cannelloni,
    cannelloni_tcp,
    acf,
    pdu_transport,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    understood: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    wrong = 0
    for number in range(options.inputs):
        protocol = PROTOCOLS[number % len(PROTOCOLS)]
        seed = f"{options.seed}/{number}"
        try:
            fine = protocol(random.Random(seed))
        except Exception as error:  # noqa: BLE001 - any of them is a finding
            wrong += 1
            sys.stdout.write(f"{protocol.__name__}, random.Random({seed!r}): {error!r}\n")
            continue
        (understood if fine else broken)[protocol.__name__] += 1
    for protocol in PROTOCOLS:
        name = protocol.__name__
        sys.stdout.write(f"{name}: {understood[name]} understood, {broken[name]} broken off with a reason\n")
    sys.stdout.write(f"seed {options.seed}: {options.inputs} inputs, {wrong} wrong\n")
    return 1 if wrong or not options.inputs else 0


if __name__ == "__main__":
    raise SystemExit(main())
