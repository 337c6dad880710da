"""LDF files: what comes out of a good one, and a sentence with its line for each fault of a bad one."""

from pathlib import Path

import pytest

from gateway.database import Database, DatabaseError, SendType, Severity, load
from gateway.database.lin import Place, ProductId, SlotKind
from gateway.vehicle.checks.check import check

DEMO = Path(__file__).parents[3] / "dbc" / "doors.ldf"
SMALL = """\
LIN_description_file;
LIN_protocol_version = "2.2";
LIN_language_version = "2.2";
LIN_speed = 19.2 kbps;
Channel_name = "seat";
Nodes {
  Master: CEM, 5 ms, 0.1 ms;
  Slaves: Seat, Knob;
}
Signals {
  Wish: 4, 3, CEM, Seat;
  Height: 8, 10, Seat, CEM, Knob;
  Trouble: 1, 0, Seat, CEM;
  Serial: 32, {1, 2, 3, 4}, Seat, CEM;
  Turn: 3, 0, Knob, CEM;
  Bad: 1, 0, Knob, CEM;
}
Frames {
  Order: 0x10, CEM, 1 {
    Wish, 0;
  }
  State: 0x11, Seat, 7 {
    Height, 8;
    Trouble, 16;
    Serial, 24;
  }
  Knob: 0x12, Knob, 7 {
    Turn, 8;
    Bad, 20;
  }
}
Sporadic_frames {
  Orders: Order;
}
Event_triggered_frames {
  News: Resolve, 0x13, State, Knob;
}
Node_attributes {
  Seat {
    LIN_protocol = "2.2";
    configured_NAD = 0x12;
    initial_NAD = 0x02;
    product_id = 0x4E4E, 0x4553, 1;
    response_error = Trouble;
    P2_min = 100 ms;
    configurable_frames { Order; State; }
  }
  Knob {
    LIN_protocol = "2.2";
    configured_NAD = 0x13;
    product_id = 0x4E4E, 0x4554;
    response_error = Bad;
  }
}
Schedule_tables {
  Normal {
    Orders delay 5 ms;
    State delay 10 ms;
    News delay 10 ms;
    State delay 15 ms;
  }
  Resolve {
    State delay 10 ms;
    Knob delay 10 ms;
  }
  Setup {
    AssignNAD {Seat} delay 10 ms;
    AssignFrameIdRange {Seat, 0} delay 10 ms;
    MasterReq delay 10 ms;
    SlaveResp delay 10 ms;
  }
}
Signal_encoding_types {
  Level {
    logical_value, 0, "Down";
    physical_value, 1, 200, 0.5, -10, "mm";
    logical_value, 255, "Invalid";
  }
}
Signal_representation {
  Level: Height;
}
"""


def loaded(tmp_path: Path, text: str) -> Database:
    path = tmp_path / "seat.ldf"
    path.write_text(text)
    return load(path)


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


class TestGood:
    def test_frames_are_messages_with_signals(self, tmp_path):
        database = loaded(tmp_path, SMALL)

        assert database.diagnostics == ()
        assert database.name == "seat"
        assert database.nodes == ("CEM", "Seat", "Knob")
        state = database.message("State")
        assert (state.arbitration_id, state.length, state.senders, state.line) == (0x11, 7, ("Seat",), 22)
        assert state.initial == bytes((0, 10, 0, 1, 2, 3, 4))

    def test_encodings_give_scale_limits_and_names(self, tmp_path):
        height = loaded(tmp_path, SMALL).message("State").signal("Height")

        assert (height.scale, height.offset, height.minimum, height.maximum, height.unit) == (0.5, -10, -9.5, 90, "mm")
        assert height.choices == {0: "Down", 255: "Invalid"}
        assert (height.to_raw(90), height.to_raw("Invalid"), height.receivers) == (200, 255, ("CEM", "Knob"))

    def test_the_description_has_nodes_and_kinds_of_frames(self, tmp_path):
        lin = loaded(tmp_path, SMALL).lin

        assert lin is not None
        assert (lin.bit_rate, lin.commander, lin.time_base_ns, lin.jitter_ns) == (19_200, "CEM", 5_000_000, 100_000)
        seat = lin.responders["Seat"]
        assert (seat.nad, seat.initial_nad, seat.product) == (0x12, 0x02, ProductId(0x4E4E, 0x4553, 1))
        assert seat.response_error == Place("State", 16)
        assert seat.configurable == (("Order", None), ("State", None))
        assert lin.events["News"].frames == ("State", "Knob")
        assert lin.sporadics["Orders"].frames == ("Order",)

    def test_cycles_come_from_the_schedule(self, tmp_path):
        database = loaded(tmp_path, SMALL)

        assert database.message("State").cycle_ns == 20_000_000  # twice in 40 ms
        assert database.message("Order").cycle_ns is None
        assert database.message("Order").send_type is SendType.ON_CHANGE

    def test_an_event_triggered_frame_has_the_signals_of_the_one_that_it_carries(self, tmp_path):
        news = loaded(tmp_path, SMALL).message("News")

        assert news.labels(bytes((0x11, 20, 1, 0, 0, 0, 0)))["CarriedFrame"] == "State"
        assert news.labels(bytes((0x92, 5, 0, 0, 0, 0, 0))) == {"CarriedFrame": "Knob", "Turn": 5, "Bad": 0}

    def test_configuration_commands_become_bytes(self, tmp_path):
        lin = loaded(tmp_path, SMALL).lin

        assert lin is not None
        assign_nad, assign_range, *rest = lin.tables["Setup"].slots
        assert assign_nad.data == bytes.fromhex("02 06 B0 4E 4E 53 45 12")
        assert assign_range.data == bytes.fromhex("12 06 B7 00 50 11 FF FF")
        assert [slot.kind for slot in rest] == [SlotKind.MASTER_REQUEST, SlotKind.SLAVE_RESPONSE]

    def test_the_demo_vehicles_file_has_no_fault(self):
        assert load(DEMO).diagnostics == ()

    def test_lin_1_3_has_classic_checksums_and_lengths_by_identifier(self, tmp_path):
        text = """\
LIN_description_file;
LIN_protocol_version = "1.3";
LIN_language_version = "1.3";
LIN_speed = 9.6 kbps;
Nodes { Master: M, 5 ms, 0 ms; Slaves: S; }
Diagnostic_addresses { S: 7; }
Signals { A: 1, 0, S, M; B: 1, 0, S, M; }
Frames { F: 0x21, S { A, 0; } G: 0x31, S { B, 63; } }
Schedule_tables { T { F delay 15 ms; G delay 20 ms; } }
"""
        database = loaded(tmp_path, text)

        assert database.diagnostics == ()
        assert [message.length for message in database.messages] == [4, 8, 8, 8]  # and the diagnostic ones
        assert database.lin is not None
        assert database.lin.responders["S"].nad == 7
        assert {frame.checksum.value for frame in database.lin.frames.values()} == {"classic"}


FAULTS = {
    "overlapping ids": ("Knob: 0x12, Knob", "Knob: 0x11, Knob", "frames State and Knob both have identifier 0x11"),
    "id of LIN": (
        "Knob: 0x12, Knob",
        "Knob: 0x40, Knob",
        "frame Knob has identifier 0x40; those of LIN are 0x00 to 0x3b",
    ),
    "length": ("0x12, Knob, 7", "0x12, Knob, 9", "frame Knob has 9 bytes; a LIN frame has 1 to 8"),
    "past the end": ("Serial, 24;", "Serial, 32;", "ends with bit 64, past the 7 bytes of frame State"),
    "on another": ("Trouble, 16;", "Trouble, 15;", "signal Trouble lies on another signal of frame State"),
    "unknown signal": ("Turn, 8;", "Tern, 8;", "there is no signal 'Tern' (did you mean 'Turn'?)"),
    "no such publisher": (
        "0x12, Knob, 7",
        "0x12, Nob, 7",
        "the publisher 'Nob', which is no node (did you mean 'Knob'?)",
    ),
    "publisher of a signal": (
        "Turn: 3, 0, Knob",
        "Turn: 3, 0, Nob",
        "signal Turn has the publisher 'Nob', which is no node",
    ),
    "subscriber": ("Wish: 4, 3, CEM, Seat", "Wish: 4, 3, CEM, Seet", "the subscriber 'Seet', which is no node"),
    "two publishers": (
        "Turn: 3, 0, Knob, CEM",
        "Turn: 3, 0, Seat, CEM",
        "published by Seat, and its frame Knob by Knob",
    ),
    "too short": ("State delay 10 ms;\n    News", "State delay 7 ms;\n    News", "needs 8.412 ms"),
    "unknown frame": (
        "State delay 10 ms;\n    News",
        "Stat delay 10 ms;\n    News",
        "'Stat', which is not there (did",
    ),
    "unknown node": ("AssignNAD {Seat}", "AssignNAD {Seet}", "a node 'Seet' that is not there (did you mean 'Seat'?)"),
    "unknown table": (
        "News: Resolve",
        "News: Resolver",
        "there is no schedule table 'Resolver' (did you mean 'Resolve'?)",
    ),
    "sporadic of a responder": ("Orders: Order;", "Orders: Order, Knob;", "only the commander's can be in it"),
    "start value": ("Wish: 4, 3,", "Wish: 4, 16,", "signal Wish of 4 bits cannot have the start value 16"),
    "byte array": ("{1, 2, 3, 4}", "{1, 2, 3}", "signal Serial of 32 bits has a start value of 3 bytes"),
    "event lengths": ("0x12, Knob, 7", "0x12, Knob, 6", "carries frames of different lengths: State 7, Knob 6"),
    "first byte": ("Turn, 8;", "Turn, 0;", "its first byte is its identifier, and it has a signal there"),
    "error bit": (
        "response_error = Bad;",
        "response_error = Good;",
        "the response_error Good of node Knob is in no frame",
    ),
    "attributes": (
        "\n  Knob {\n    LIN",
        "\n  Nob {\n    LIN",
        "node Nob has attributes, and is none of the responders",
    ),
    "speed": ("19.2 kbps", "192 kbps", "a LIN bus has 1 to 20 kbit/s, not 192"),
    "encoding": ("Level: Height;", "Lewel: Height;", "there is no encoding 'Lewel' (did you mean 'Level'?)"),
    "configurable": (
        "{ Order; State; }",
        "{ Order; Stote; }",
        "a frame 'Stote' that is not there (did you mean 'State'?)",
    ),
    "twice": ("Bad: 1, 0, Knob", "Turn: 1, 0, Knob", "signal Turn is there twice; the first is in line 15"),
}

TOLD_AT = {
    "first byte": "Knob: 0x12",
    "two publishers": "Turn, 8;",
    "event lengths": "News: Resolve",
    "error bit": "Knob {\n    LIN",
    "configurable": "Seat {\n    LIN",
}
"""Where another place than the changed one is at fault."""


class TestFaults:
    @pytest.mark.parametrize("name", FAULTS)
    def test_it_is_told_with_its_line(self, tmp_path, name):
        before, after, sentence = FAULTS[name]
        assert SMALL.count(before) == 1
        text = SMALL.replace(before, after)

        database = loaded(tmp_path, text)

        errors = [each for each in database.diagnostics if each.severity is Severity.ERROR]
        told = [each for each in errors if sentence in each.text]
        assert told, [str(each) for each in database.diagnostics]
        assert told[0].line is not None
        assert told[0].line == line_of(text, TOLD_AT.get(name, after.strip("\n")))

    @pytest.mark.parametrize(
        "name",
        ["overlapping ids", "id of LIN", "length", "no such publisher", "publisher of a signal", "subscriber"],
    )
    def test_what_follows_from_a_fault_is_not_told_besides(self, tmp_path, name):
        before, after, sentence = FAULTS[name]

        database = loaded(tmp_path, SMALL.replace(before, after))

        errors = [each.text for each in database.diagnostics if each.severity is Severity.ERROR]
        assert len(errors) == 1, errors
        assert sentence in errors[0]

    def test_a_node_that_is_not_there_is_told_once(self, tmp_path):
        database = loaded(tmp_path, SMALL.replace("Slaves: Seat, Knob;", "Slaves: Seat, Nob;"))

        errors = [each.text for each in database.diagnostics if each.severity is Severity.ERROR]
        assert errors == [
            "signal Height has the subscriber 'Knob', which is no node (did you mean 'Nob'?)",
            "node Knob has attributes, and is none of the responders (did you mean 'Nob'?)",
        ]

    def test_an_ldf_without_schedule_tables_is_doubtful(self, tmp_path):
        start = (
            'LIN_description_file; LIN_protocol_version = "2.2"; LIN_language_version = "2.2"; LIN_speed = 19.2 kbps;'
        )
        body = "Nodes { Master: M, 5 ms, 0 ms; Slaves: S; } Signals { A: 8, 0, M, S; } Frames { F: 1, M, 1 { A, 0; } }"

        database = loaded(tmp_path, f"{start} {body}")

        assert "the LDF has no schedule table" in " ".join(each.text for each in database.diagnostics)

    def test_diagnostic_frames_are_known_whether_the_ldf_has_them_or_not(self, tmp_path):
        database = loaded(tmp_path, SMALL)

        assert "Diagnostic_frames" not in SMALL
        assert database.by_id(0x3C, False).name == "MasterReq"
        answer = database.message("SlaveResp")
        assert answer.arbitration_id == 0x3D
        assert answer.decode(bytes(range(8)))["SlaveRespB7"] == 7

    def test_a_slot_that_is_too_short_says_what_it_needs(self, tmp_path):
        # State has 7 bytes: 34 + 80 bits, times 1.4, at 19.2 kbit/s, and the jitter of 0.1 ms.
        needed_ms = 114 * 1.4 / 19.2 + 0.1
        text = SMALL.replace("State delay 10 ms;\n    News", "State delay 8 ms;\n    News")

        (diagnostic,) = [each for each in loaded(tmp_path, text).diagnostics if each.severity is Severity.ERROR]

        assert f"it needs {needed_ms:.3f} ms" in diagnostic.text
        assert diagnostic.line == line_of(text, "State delay 8 ms")

    @pytest.mark.parametrize(
        ("before", "after", "line", "sentence"),
        [
            ("0.1 ms;\n", "0.1 ms\n", 8, "'Slaves' is not awaited here; awaited is ',' or ';'"),
            ("Turn, 8;", "Turn; 8;", 28, "';' is not awaited here"),
            ("delay 5 ms;", "delay x ms;", 57, "'x' is not awaited here"),
            ("Level: Height;\n}\n", "", 80, "the file ends too early"),
            ("  Slaves", "  ?laves", 8, "'?laves: Seat, Knob;' is not understood"),
        ],
    )
    def test_a_fault_of_syntax_refuses_the_file(self, tmp_path, before, after, line, sentence):
        with pytest.raises(DatabaseError) as caught:
            loaded(tmp_path, SMALL.replace(before, after))

        assert caught.value.line == line
        assert sentence in caught.value.sentence
        assert "syntax" in caught.value.sentence

    def test_no_commander_is_told(self, tmp_path):
        database = loaded(tmp_path, SMALL.replace("  Master: CEM, 5 ms, 0.1 ms;\n", ""))

        assert any("the LDF names no commander" in each.text and each.line == 6 for each in database.diagnostics)

    @pytest.mark.parametrize("text", ["", "   \n", "LIN_description_file;", "{}", "Signals { }", "\0\0\0"])
    def test_what_is_no_ldf_is_refused_or_told(self, tmp_path, text):
        path = tmp_path / "seat.ldf"
        path.write_text(text)

        (checked,) = check([path])

        assert checked.count(Severity.ERROR)
