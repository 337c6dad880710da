"""Faulty files load as far as they can, and every fault is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.database import Database, Severity, load

FAULTS = [
    (10, "warning", "signal name '0_COUNTER' is no identifier; it is kept as it is"),
    (10, "warning", "start value 99, which its 4 bits do not hold; 0 is taken"),
    (12, "warning", "signals Engine.Overlap and Speed overlap"),
    (13, "warning", "Engine.Beyond ends with bit 72, past the 8 bytes of its message"),
    (14, "warning", "Engine.Nobody has no receiver"),
    (15, "error", "Engine.Speed is there already (line 11); this one is left out"),
    (16, "warning", "message name '2017_5' is no identifier"),
    (18, "error", "not understood and left out: 'SG_ Broken"),
    (19, "warning", "id 0x62c0033 does not fit in 11 bits; it is taken as extended"),
    (20, "warning", "Wide.Value has the scale 0"),
    (22, "warning", "message Twin has the id of Engine (line 9)"),
    (23, "warning", "Twin.Lone is multiplexed, but there is no multiplexer"),
    (25, "warning", "message Engine is there already (line 9)"),
    (28, "error", "message Endless has a length of 99999999999 bytes; it is left out"),
    (31, "warning", "comment without a keyword; it is taken as one of a message"),
    (32, "warning", "comment with quotation marks in it"),
    (33, "warning", "CM_ has no ';' at its end"),
    (34, "error", "comment for id 999, which no message has"),
    (37, "warning", "attribute GenMsgSendType is of type INT instead of ENUM or STRING"),
    (41, "error", 'attribute GenMsgCycleTime cannot be "often"'),
    (42, "warning", "attribute Undefined is not defined"),
    (44, "error", "attribute Colour cannot be 7"),
    (46, "error", "value table of Engine.Speed: 1.5 is not whole"),
    (47, "error", "value table for signal Torque, which message Engine does not have"),
    (49, "warning", "2017_5.Value is of type 1 with 8 bits, which is no float"),
    (50, "error", "multiplexer values for signal Selector, which message 2017_5 does not have"),
    (51, "error", "not understood and left out: 'Some words"),
]


def test_every_fault_is_told_once_with_its_line(faulty: Database) -> None:
    told = [(d.line, d.severity.value, d.text) for d in faulty.diagnostics]
    assert len(told) == len(FAULTS)
    for (line, severity, text), (line_told, severity_told, text_told) in zip(FAULTS, told, strict=True):
        assert (line, severity) == (line_told, severity_told)
        assert text in text_told


def test_what_is_not_at_fault_is_there(faulty: Database) -> None:
    names = [message.name for message in faulty.messages]
    assert names == ["Engine", "2017_5", "Wide", "Twin", "Engine"]
    engine = faulty.message("Engine")
    assert [signal.name for signal in engine.signals] == ["0_COUNTER", "Speed", "Overlap", "Beyond", "Nobody"]
    assert engine.comment == "a comment without a keyword"
    assert engine.signal("0_COUNTER").comment == 'counts "and" wraps'
    assert engine.signal("Speed").comment == "no semicolon"
    assert engine.signal("Speed").choices == {65535: "Not available"}
    assert engine.signal("Speed").receivers == ("2ND",)
    assert faulty.message("2017_5").cycle_ns == 50_000_000
    assert faulty.nodes == ("ENGINE", "2ND")


def test_an_id_that_needs_29_bits_is_an_extended_one(faulty: Database) -> None:
    wide = faulty.by_id(0x62C0033, True)
    assert wide is faulty.message("Wide")
    assert wide.signal("Value").choices == {1: "One"}


def test_of_equal_ids_and_names_the_first_is_found(faulty: Database) -> None:
    first, last = faulty.messages[0], faulty.messages[-1]
    assert faulty.by_id(100, False) is first
    assert faulty.message("Engine") is first
    assert faulty.by_id(102, False) is last


def test_overlapping_signals_are_decoded_each_from_its_bits(faulty: Database) -> None:
    engine = faulty.message("Engine")
    payload = bytes([0x05, 0x10, 0x20, 0x30, 0, 0x77, 0, 0])
    assert engine.decode(payload) == {"0_COUNTER": 5, "Speed": 0x2010 * 0.25, "Overlap": 0x3020, "Nobody": 0x77}
    assert engine.signal("Beyond").decode(payload) is None


@pytest.mark.parametrize(
    ("name", "line", "severity", "text"),
    [
        ("hyundai_kia_generic.dbc", 1656, Severity.WARNING, "comment without a keyword"),
        ("mazda_2017.dbc", 273, Severity.WARNING, "message name '2017_5'"),
        ("psa_aee2010_r3.dbc", 165, Severity.WARNING, "signal name '0_COUNTER'"),
        ("tesla_can.dbc", 783, Severity.ERROR, "value table for signal UI_mapSpeedLimit"),
        ("toyota_radar_dsu_tssp.dbc", 138, Severity.WARNING, "CM_ has no ';'"),
        ("vw_meb.dbc", 2074, Severity.WARNING, "id 0x12dd54a7 does not fit in 11 bits"),
        ("mazda_3_2019.dbc", 310, Severity.WARNING, "past the 8 bytes"),
        ("hongqi_hs5.dbc", 114, Severity.WARNING, "ABS_3.DRIVER_BRAKE_PRESSURE and NEW_SIGNAL_5 overlap"),
        ("gwm_haval_h6_phev_2024.dbc", 82, Severity.INFO, "share bits, one holds the other"),
        ("vw_pq.dbc", 394, Severity.WARNING, "multiplexer mark m without a value; M is taken"),
    ],
)
def test_faults_of_real_cars(
    real_databases: dict[str, Database], name: str, line: int, severity: Severity, text: str
) -> None:
    told = [diagnostic for diagnostic in real_databases[name].diagnostics if diagnostic.line == line]
    assert any(diagnostic.severity is severity and text in diagnostic.text for diagnostic in told)


def _loaded(tmp_path: Path, text: str) -> Database:
    file = tmp_path / "case.dbc"
    file.write_text(text)
    return load(file)


def test_a_comment_that_is_never_closed_costs_only_itself(tmp_path: Path) -> None:
    text = 'BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\nCM_ BO_ 1 "never closed;\nCM_ SG_ 1 S "closed";\n'
    database = _loaded(tmp_path, text)
    assert database.message("A").signal("S").comment == "closed"
    assert [d.line for d in database.diagnostics] == [3]


def test_a_value_table_may_be_named_instead_of_written_out(tmp_path: Path) -> None:
    text = 'VAL_TABLE_ OnOff 1 "On" 0 "Off" ;\nBO_ 1 A: 8 X\n SG_ S : 0|1@1+ (1,0) [0|0] "" X\nVAL_ 1 S OnOff ;\n'
    assert _loaded(tmp_path, text).message("A").labels(bytes(8)) == {"S": "Off"}


def test_signals_that_depend_on_each_other_are_left_out(tmp_path: Path) -> None:
    text = (
        'BO_ 1 A: 8 X\n SG_ P m0M : 0|8@1+ (1,0) [0|0] "" X\n SG_ Q m0M : 8|8@1+ (1,0) [0|0] "" X\n'
        ' SG_ R : 16|8@1+ (1,0) [0|0] "" X\nSG_MUL_VAL_ 1 P Q 0-0;\nSG_MUL_VAL_ 1 Q P 0-0;\n'
    )
    database = _loaded(tmp_path, text)
    assert database.message("A").decode(bytes(8)) == {"R": 0}
    assert [d.severity for d in database.diagnostics] == [Severity.ERROR, Severity.ERROR]


def test_a_multiplexer_range_of_four_thousand_millions_is_cut_to_what_can_be(tmp_path: Path) -> None:
    text = (
        'BO_ 1 A: 8 X\n SG_ M M : 0|8@1+ (1,0) [0|0] "" X\n SG_ S m0 : 8|8@1+ (1,0) [0|0] "" X\n'
        "SG_MUL_VAL_ 1 S M 250-4294967295;\n"
    )
    assert _loaded(tmp_path, text).message("A").signal("S").multiplexer_ids == (0, *range(250, 256))


def test_signals_kept_for_no_message_are_no_fault(tmp_path: Path) -> None:
    text = (
        'BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\n'
        'BO_ 1 A: 8 X\nVAL_ 3221225472 S 0 "None" ;\n'
    )
    database = _loaded(tmp_path, text)
    assert ([message.name for message in database.messages], database.diagnostics) == (["A"], ())
