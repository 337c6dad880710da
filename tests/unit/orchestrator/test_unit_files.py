"""Unit files: syntax, directives, what is refused, names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.orchestrator.control import parse_agent_config, parse_controller_config
from gateway.orchestrator.errors import ConfigError, NoSuchUnitError, UnitFileError
from gateway.orchestrator.units import (
    Dependency,
    ExecKind,
    LoadState,
    Restart,
    ServiceType,
    UnitFiles,
    load_unit,
    parse,
)
from gateway.orchestrator.units.names import escape, from_path_label, path_label, specified, unescape
from gateway.orchestrator.units.values import command, span_ns

S = 1_000_000_000
FULL = """
# a comment
[Unit]
Description=Lights of %i on %H
Requires=a.service b.service
After=a.service \\
# in between
  b.service
Before=%p.target

[Service]
Type=notify
ExecStartPre=-/bin/mkdir -p "/run/the lights"
ExecStart=/usr/bin/lights --side %i
Restart=on-failure
RestartSec=250ms
TimeoutStopSec=1min 5s
Environment=A=1 "B=two words"
WorkingDirectory=/tmp
StartLimitBurst=3

[Install]
WantedBy=multi-user.target
"""


def unit(text: str, name: str = "lights@left.service") -> object:
    return load_unit(parse(text, "lights.service"), name, "zone")


def test_a_whole_unit_file() -> None:
    spec = load_unit(parse(FULL, "lights@.service"), "lights@left.service", "zone")
    assert spec.notes == ()
    assert spec.load_state is LoadState.LOADED
    assert spec.description == "Lights of left on zone"
    assert spec.needs(Dependency.REQUIRES) == spec.needs(Dependency.AFTER) == ("a.service", "b.service")
    assert spec.needs(Dependency.BEFORE) == ("lights.target",)
    service = spec.service
    assert service is not None
    assert (service.type, service.restart) == (ServiceType.NOTIFY, Restart.ON_FAILURE)
    assert (service.restart_ns, service.timeout_stop_ns) == (250_000_000, 65 * S)
    assert service.of(ExecKind.START_PRE)[0].ignore_failure
    assert service.of(ExecKind.START_PRE)[0].argv == ("/bin/mkdir", "-p", "/run/the lights")
    assert service.of(ExecKind.START)[0].argv == ("/usr/bin/lights", "--side", "left")
    assert service.environment == {"A": "1", "B": "two words"}
    assert spec.install.wanted_by == ("multi-user.target",)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("nonsense", "u.service:3: missing '=' in 'nonsense', ignoring the line"),
        ("=5", "u.service:3: missing key name before '=', ignoring the line"),
        ("Typ=simple", "unknown key name 'Typ' in section 'Service', ignoring (did you mean 'Type'?)"),
        ("Type=quick", "failed to parse Type=quick, ignoring: there are simple, exec, oneshot, notify"),
        ("RestartSec=soon", "failed to parse RestartSec=soon, ignoring: 'soon' is not a time span"),
        ("ExecStartPost=bin/x", "'bin/x' is a relative path"),
        ("Environment=NAME", "Environment: 'NAME' is no NAME=VALUE, ignoring"),
        ("[Servic", "invalid section header '[Servic', ignoring"),
        ("[Other]\nA=b", "u.service:4: unknown section 'Other', ignoring"),
        ("RemainAfterExit=perhaps", "'perhaps' is neither yes nor no"),
        ("ExecStartPost='open", "failed to parse ExecStartPost='open, ignoring: No closing quotation"),
    ],
)
def test_a_wrong_line_is_told_with_file_and_line_and_left_out(line: str, text: str) -> None:
    spec = load_unit(parse(f"[Service]\nExecStart=/bin/x\n{line}\n", "u.service"), "u.service", "zone")
    assert spec.load_state is LoadState.LOADED
    assert text in str(spec.notes[0])
    assert str(spec.notes[0]).startswith("u.service:")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[Service]\n", "service has no ExecStart= or ExecStop=. Refusing"),
        ("[Service]\nExecStop=/bin/x\n", "service has no ExecStart=, which only Type=oneshot may leave out. Refusing"),
        ("[Service]\nExecStart=/bin/x\nExecStart=/bin/y\n", "more than one ExecStart="),
        (
            "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/x\n",
            "Restart=always is not allowed for Type=oneshot",
        ),
    ],
)
def test_what_systemd_refuses_is_refused(text: str, reason: str) -> None:
    spec = load_unit(parse(text, "u.service"), "u.service", "zone")
    assert spec.load_state is LoadState.BAD_SETTING
    assert any(note.refused and reason in note.text for note in spec.notes)


def test_an_empty_assignment_resets_a_list() -> None:
    text = (
        "[Unit]\nAfter=a.service\nAfter=\nAfter=b.service\n[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\n"
    )
    spec = load_unit(parse(text, "u.service"), "u.service", "zone")
    assert spec.needs(Dependency.AFTER) == ("b.service",)
    assert spec.service is not None
    assert [one.path for one in spec.service.of(ExecKind.START)] == ["/bin/b"]


def test_templates_and_instances() -> None:
    files = UnitFiles("zone", {"lights@.service": FULL})
    assert files.load("lights@right.service").description == "Lights of right on zone"
    assert files.load("other@x.service").load_state is LoadState.NOT_FOUND
    with pytest.raises(NoSuchUnitError, match=r"Unit file light\.service does not exist"):
        files.check("light.service")


def test_a_folder_of_unit_files(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_text("[Service]\nExecStart=/bin/a\n")
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "b.service").write_bytes(b"\xff\xfe\0[Service]\n")
    files = UnitFiles("zone", folder=tmp_path)
    assert {"a.service", "b.service"} <= set(files.names())
    assert files.load("a.service").file == str(tmp_path / "a.service")
    assert files.load("b.service").load_state is LoadState.BAD_SETTING
    with pytest.raises(UnitFileError, match="is not a folder with unit files"):
        UnitFiles("zone", folder=tmp_path / "none")


@given(st.text(max_size=300))
def test_no_text_stops_the_reader(text: str) -> None:
    load_unit(parse(text, "u.service"), "u.service", "zone")
    load_unit(parse("[Service]\nExecStart=/bin/x\n" + text, "u.service"), "u.service", "zone")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_path_labels_come_back(text: str) -> None:
    assert from_path_label(path_label(text)) == text
    assert all(char.isascii() and (char.isalnum() or char == "_") for char in path_label(text))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_escaped_names_come_back(text: str) -> None:
    assert unescape(escape(text)) == text


@pytest.mark.parametrize(
    ("text", "ns"),
    [("5", 5 * S), ("100ms", 10**8), ("1min 30s", 90 * S), ("1.5h", 5400 * S), ("infinity", None), ("0", 0)],
)
def test_time_spans(text: str, ns: int | None) -> None:
    assert span_ns(text) == ns


def test_specifiers_and_prefixes() -> None:
    assert specified("%n %p %i %I %% %z", "a-b@c-d.service", "h") == "a-b@c-d.service a-b c-d c/d % %z"
    assert command("-@/bin/x 'y z'").argv == ("/bin/x", "y z")


def test_controller_conf() -> None:
    text = """[bluechi-controller]
UseTCP=yes
ControllerPort=3030
AllowedNodeNames=foo,bar,\\
  baz
NodeHeartbeatThreshold=500
HeartbeatIntervall=1
[node foo]
AllowDependenciesOn=bar baz
[node shut]
Allowed=no
"""
    config = parse_controller_config(text, "controller.conf")
    assert (config.port, config.threshold_ns) == (3030, 500_000_000)
    assert config.names() == ["foo", "bar", "baz"]
    assert config.node("foo").allow_dependencies_on == {"bar", "baz"}
    assert str(config.notes[0]).endswith(
        "unknown key name 'HeartbeatIntervall', ignoring (did you mean 'HeartbeatInterval'?)"
    )
    with pytest.raises(ConfigError, match=r"controller.conf:2: LogLevel: 'LOUD' is no log level"):
        parse_controller_config("[bluechi-controller]\nLogLevel=LOUD\n", "controller.conf")


def test_agent_conf() -> None:
    config = parse_agent_config(
        "[bluechi-agent]\nNodeName=foo\nControllerHost=10.0.0.1\nHeartbeatInterval=100\n", "agent.conf"
    )
    assert (config.name, config.host, config.port, config.heartbeat_ns) == ("foo", "10.0.0.1", 842, 100_000_000)
