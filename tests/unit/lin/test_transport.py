"""LIN's transport layer and the services of node configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.database.lin import ProductId, Responder
from gateway.lin import Configuration, LinError, Reassembly, Service, TransportFault, TransportMessage, segments

SECOND = 1_000_000_000


def received(pdus: list[bytes], step_ns: int = 10_000_000) -> list[TransportMessage]:
    reassembly = Reassembly(SECOND)
    found = [reassembly.receive(pdu, number * step_ns) for number, pdu in enumerate(pdus)]
    return [message for message in found if message is not None]


class TestSegments:
    def test_up_to_six_bytes_are_a_single_frame(self):
        assert list(segments(TransportMessage(0x21, b"\xb2\x00"))) == [bytes.fromhex("21 02 B2 00 FF FF FF FF")]

    def test_more_are_a_first_frame_and_consecutive_ones(self):
        pdus = list(segments(TransportMessage(0x21, bytes(range(1, 14)))))

        assert pdus == [
            bytes.fromhex("21 10 0D 01 02 03 04 05"),
            bytes.fromhex("21 21 06 07 08 09 0A 0B"),
            bytes.fromhex("21 22 0C 0D FF FF FF FF"),
        ]

    @pytest.mark.parametrize("length", [0, 4096])
    def test_what_is_too_short_or_too_long_is_refused(self, length):
        with pytest.raises(LinError, match="1 to 4095 bytes"):
            list(segments(TransportMessage(1, bytes(length))))

    @given(st.integers(0, 255), st.binary(min_size=1, max_size=4095))
    def test_what_is_taken_apart_is_put_together_again(self, nad, payload):
        message = TransportMessage(nad, payload)

        assert received(list(segments(message))) == [message]


class TestReassembly:
    def test_a_frame_that_is_missing_ends_the_message(self):
        reassembly = Reassembly(SECOND)
        first, _, third, *_ = segments(TransportMessage(1, bytes(30)))

        assert reassembly.receive(first, 0) is None
        assert reassembly.receive(third, 1) is None
        assert reassembly.faults == {TransportFault.SEQUENCE: 1}
        assert not reassembly.busy

    def test_a_frame_that_is_late_ends_the_message(self):
        reassembly = Reassembly(SECOND)
        first, second, *_ = segments(TransportMessage(1, bytes(30)))
        reassembly.receive(first, 0)

        assert reassembly.receive(second, SECOND + 1) is None
        assert reassembly.faults == {TransportFault.TIMEOUT: 1}

    def test_a_new_message_takes_the_place_of_an_unfinished_one(self):
        first, *_ = segments(TransportMessage(1, bytes(30)))
        whole = TransportMessage(1, b"\x3e")

        assert received([first, *segments(whole)]) == [whole]

    @given(st.lists(st.binary(max_size=10), max_size=30))
    def test_any_bytes_are_taken(self, pdus):
        received(pdus)


class TestConfiguration:
    RESPONDER = Responder(
        name="WLM",
        nad=0x21,
        initial_nad=0x11,
        product=ProductId(0x00F1, 0x0001, 7),
        configurable=(("A", 0x1000), ("B", 0x1001), ("C", None)),
    )

    def setup_method(self):
        self.assigned: dict[int, int | None] = {}
        self.configuration = Configuration(self.RESPONDER, self.assigned.__setitem__)

    def ask(self, nad: int, *payload: int) -> TransportMessage | None:
        return self.configuration.handle(TransportMessage(nad, bytes(payload)))

    def test_read_by_identifier_tells_the_product(self):
        answer = self.ask(0x21, Service.READ_BY_IDENTIFIER, 0, 0xFF, 0x7F, 0xFF, 0xFF)

        assert answer == TransportMessage(0x21, bytes.fromhex("F2 F1 00 01 00 07"))

    def test_an_identifier_that_it_does_not_have_is_refused(self):
        answer = self.ask(0x21, Service.READ_BY_IDENTIFIER, 40, 0xFF, 0x7F, 0xFF, 0xFF)

        assert answer == TransportMessage(0x21, bytes.fromhex("7F B2 12"))

    def test_a_request_to_another_product_or_node_has_no_answer(self):
        assert self.ask(0x21, Service.READ_BY_IDENTIFIER, 0, 0xF2, 0x00, 0xFF, 0xFF) is None
        assert self.ask(0x22, Service.READ_BY_IDENTIFIER, 0, 0xFF, 0x7F, 0xFF, 0xFF) is None

    def test_identifiers_are_assigned_left_and_taken_away(self):
        answer = self.ask(0x21, Service.ASSIGN_FRAME_ID_RANGE, 0, 0x92, 0xFF, 0x00, 0xFF)

        assert answer == TransportMessage(0x21, b"\xf7")
        assert self.assigned == {0: 0x92, 2: None}

    def test_a_range_past_the_frames_of_the_node_is_refused(self):
        assert self.ask(0x21, Service.ASSIGN_FRAME_ID_RANGE, 2, 0x92, 0x14, 0xFF, 0xFF) is None
        assert self.assigned == {}

    def test_one_frame_is_assigned_by_its_message_id(self):
        assert self.ask(0x21, Service.ASSIGN_FRAME_ID, 0xF1, 0x00, 0x01, 0x10, 0xD3) == TransportMessage(0x21, b"\xf1")
        assert self.assigned == {1: 0xD3}

    def test_the_address_is_assigned_by_the_initial_one(self):
        assert self.ask(0x21, Service.ASSIGN_NAD, 0xF1, 0x00, 0x01, 0x00, 0x30) is None
        assert self.ask(0x11, Service.ASSIGN_NAD, 0xF1, 0x00, 0x01, 0x00, 0x30) == TransportMessage(0x11, b"\xf0")
        assert self.configuration.nad == 0x30

    def test_the_address_is_changed_when_the_condition_holds(self):
        # Byte 1 of identifier 0 is 0xF1: inverted by 0xF1 and masked it is zero.
        assert self.ask(0x21, Service.CONDITIONAL_CHANGE_NAD, 0, 1, 0xFF, 0xF2, 0x31) is None
        assert self.ask(0x21, Service.CONDITIONAL_CHANGE_NAD, 0, 1, 0xFF, 0xF1, 0x31) == TransportMessage(0x31, b"\xf3")
        assert self.configuration.nad == 0x31

    @given(st.integers(0, 255), st.binary(min_size=1, max_size=12))
    def test_any_request_is_taken(self, nad, payload):
        Configuration(self.RESPONDER, lambda index, pid: None).handle(TransportMessage(nad, payload))
