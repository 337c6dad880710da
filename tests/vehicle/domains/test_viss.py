"""VISS: what a client says and is told, in virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domains.sdv import Broker
from gateway.domains.sdv.access import Access
from gateway.domains.sdv.viss import VissSession
from gateway.domains.sdv.viss_history import KEPT, History, period_ns
from gateway.domains.sdv.viss_metadata import Transport
from gateway.routing import SignalStore
from gateway.sim import Kernel

MS = 1_000_000
EPOCH = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z


@pytest.fixture
def session(broker: Broker) -> VissSession:
    return VissSession(broker, Access(), EPOCH, History(broker.entries.values()))


def said(session: VissSession) -> list[dict[str, Any]]:
    return [json.loads(text) for text in session.outgoing()]


def ask(session: VissSession, **request: Any) -> dict[str, Any]:
    session.receive(json.dumps({"requestId": "8756", **request}))
    answers = [one for one in said(session) if one["action"] != "subscription"]
    assert len(answers) == 1
    assert answers[0]["requestId"] == "8756" and answers[0]["ts"].endswith("Z")
    return answers[0]


def test_get_of_one_signal(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    kernel.run(1500 * MS)
    store["Vehicle.Speed"].publish(42.5)
    assert ask(session, action="get", path="Vehicle.Speed")["data"] == {
        "path": "Vehicle.Speed",
        "dp": {"value": "42.5", "ts": "2023-11-14T22:13:21.500000Z"},
    }


def test_a_number_has_the_digits_that_are_meant(store: SignalStore, session: VissSession) -> None:
    for value, written in ((38.050000000000004, "38.05"), (1 / 3, repr(1 / 3)), (-0.1 * 3, "-0.3")):
        store["Vehicle.Speed"].publish(value)
        assert ask(session, action="get", path="Vehicle.Speed")["data"]["dp"]["value"] == written


def test_get_of_what_never_came_is_an_error(session: VissSession) -> None:
    error = ask(session, action="get", path="Vehicle.Speed")["error"]
    assert (error["number"], "never came" in error["message"]) == ("404", True)


def test_get_of_a_branch_and_of_paths(store: SignalStore, session: VissSession) -> None:
    store["Vehicle.Cabin.IsLocked"].publish(True)
    data = ask(session, action="get", path="Vehicle/Cabin")["data"]
    assert {one["path"]: one["dp"].get("value") for one in data} == {
        "Vehicle.Cabin.IsLocked": "true",
        "Vehicle.Cabin.Temperature": None,
        "Vehicle.Cabin.Mode": None,
        "Vehicle.Cabin.Fan": None,
    }
    chosen = ask(
        session, action="get", path="Vehicle", filter={"type": "paths", "parameter": ["Cabin.IsLocked", "Make"]}
    )
    assert [one["path"] for one in chosen["data"]] == ["Vehicle.Cabin.IsLocked", "Vehicle.Make"]


def test_metadata(session: VissSession) -> None:
    answer = ask(session, action="get", path="Vehicle.Cabin", filter={"type": "static-metadata", "parameter": []})
    children = answer["metadata"]["Cabin"]["children"]
    assert children["Temperature"] == {
        "type": "actuator",
        "datatype": "int8",
        "description": "A int8",
        "unit": "celsius",
        "min": 15,
        "max": 29,
    }
    assert children["Mode"]["allowed"] == ["OFF", "AUTO"]


def test_metadata_may_be_asked_for_by_name(session: VissSession) -> None:
    asked = [{"type": "paths", "parameter": "Fan"}, {"type": "static-metadata", "parameter": ["unit", "max"]}]
    answer = ask(session, action="get", path="Vehicle.Cabin", filter=asked)
    assert answer["metadata"] == {"Cabin": {"children": {"Fan": {"unit": "percent", "max": 100}}}}


def test_what_the_server_can_do(session: VissSession) -> None:
    asked = {"type": "dynamic-metadata", "parameter": "server_capabilities"}
    told = ask(session, action="get", path="Vehicle", filter=asked)["metadata"]
    assert {"timebased", "change", "history", "dynamic_metadata"} <= set(told["filter"])
    assert told["transport_protocol"] == "ws"


@pytest.mark.parametrize("transport", list(Transport))
def test_the_server_tells_what_it_is_served_over(broker: Broker, transport: Transport) -> None:
    session = VissSession(broker, Access(), EPOCH, transport=transport)
    asked = {"type": "dynamic-metadata", "parameter": ["server_capabilities"]}
    told = ask(session, action="get", path="Vehicle", filter=asked)["metadata"]
    assert told["transport_protocol"] == transport.value


def test_whether_signals_are_available(store: SignalStore, session: VissSession) -> None:
    store["Vehicle.Cabin.Fan"].publish(30)
    asked: list[Any] = [{"type": "paths", "parameter": ["Cabin.Fan", "Speed"]}]
    for parameter in ("availability", ["availability"]):
        filters = [*asked, {"type": "dynamic-metadata", "parameter": parameter}]
        data = ask(session, action="get", path="Vehicle", filter=filters)["data"]
        assert [one["dp"]["value"] for one in data] == ["available", "unavailable"]


def test_history_is_what_was_before_the_current_value(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    for second in range(6):
        kernel.run(second * 1000 * MS)
        store["Vehicle.Speed"].publish(float(second))
    asked = {"type": "history", "parameter": "PT3S"}
    data = ask(session, action="get", path="Vehicle.Speed", filter=asked)["data"]
    assert (data["path"], [dp["value"] for dp in data["dp"]]) == ("Vehicle.Speed", ["2.0", "3.0", "4.0"])
    assert data["dp"][0]["ts"] == "2023-11-14T22:13:22.000000Z"


def test_history_is_bounded(store: SignalStore, broker: Broker) -> None:
    history = History(broker.entries.values())
    for value in range(2 * KEPT):
        store["Vehicle.Speed"].publish(float(value))
    assert len(history.of(broker.entry("Vehicle.Speed"), 0)) == KEPT - 1
    history.close()
    store["Vehicle.Speed"].publish(-1.0)
    assert history.of(broker.entry("Vehicle.Speed"), 0)[-1].value == 2 * KEPT - 1


@pytest.mark.parametrize(("text", "seconds"), [("P2DT12H", 216_000), ("PT1M5S", 65), ("P998D", 86_227_200)])
def test_a_period_is_a_duration(text: str, seconds: int) -> None:
    assert period_ns(text) == seconds * 1000 * MS


def test_set_asks_the_car(store: SignalStore, session: VissSession) -> None:
    wished: list[object] = []
    store["Vehicle.Cabin.Temperature"].listen_target(lambda signal: wished.append(signal.target.value))
    assert "error" not in ask(session, action="set", path="Vehicle.Cabin.Temperature", value="22")
    assert wished == [22]


@pytest.mark.parametrize(
    ("request_", "number"),
    [
        ({"action": "set", "path": "Vehicle.Cabin.Temperature", "value": "99"}, "400"),
        ({"action": "set", "path": "Vehicle.Cabin.Temperature", "value": "warm"}, "400"),
        ({"action": "set", "path": "Vehicle.Cabin.Temperature"}, "400"),
        ({"action": "set", "path": "Vehicle.Cabin.IsLocked", "value": "maybe"}, "400"),
        ({"action": "set", "path": "Vehicle.Cabin.IsLocked", "value": "true"}, "503"),
        ({"action": "set", "path": "Vehicle.Speed", "value": "1"}, "400"),
        ({"action": "set", "path": "Vehicle.Sped", "value": "1"}, "404"),
        ({"action": "get", "path": "Vehicle.Nothing"}, "404"),
        ({"action": "get"}, "400"),
        ({"action": "jump", "path": "Vehicle.Speed"}, "400"),
        ({"action": "unsubscribe", "subscriptionId": "77"}, "404"),
        ({"action": "subscribe", "path": "Vehicle.Speed", "filter": {"type": "history"}}, "400"),
        ({"action": "get", "path": "Vehicle.Speed", "filter": {"type": "history", "parameter": "PT1M"}}, "404"),
        ({"action": "get", "path": "Vehicle.Make", "filter": {"type": "history", "parameter": "1 minute"}}, "400"),
        ({"action": "get", "path": "Vehicle.Make", "filter": {"type": "range", "parameter": {}}}, "400"),
        ({"action": "get", "path": "Vehicle.Make", "filter": "paths"}, "400"),
        ({"action": "get", "path": "Vehicle", "filter": [{"type": "paths", "parameter": "Make"}] * 2}, "400"),
        (
            {"action": "get", "path": "Vehicle", "filter": {"type": "dynamic-metadata", "parameter": "samplerate"}},
            "400",
        ),
        ({"action": "get", "path": "Vehicle", "filter": {"type": "static-metadata", "parameter": {"a": 1}}}, "400"),
        (
            {
                "action": "subscribe",
                "path": "Vehicle.Speed",
                "filter": {"type": "curvelog", "parameter": {"maxerr": "1"}},
            },
            "400",
        ),
        ({"action": "subscribe", "path": "Vehicle.Speed", "filter": {"type": "timebased", "parameter": {}}}, "400"),
        (
            {
                "action": "subscribe",
                "path": "Vehicle.Speed",
                "filter": {"type": "timebased", "parameter": {"period": "0"}},
            },
            "400",
        ),
        (
            {
                "action": "subscribe",
                "path": "Vehicle.Speed",
                "filter": {"type": "range", "parameter": {"logic-op": "near", "boundary": "1"}},
            },
            "400",
        ),
    ],
)
def test_a_wrong_request_has_its_number(session: VissSession, request_: dict[str, Any], number: str) -> None:
    error = ask(session, **request_)["error"]
    assert error["number"] == number and error["message"]


def values_told(session: VissSession) -> list[str | None]:
    return [one["data"]["dp"].get("value") for one in said(session) if one["action"] == "subscription"]


def run_speed(kernel: Kernel, store: SignalStore, session: VissSession, speeds: list[float]) -> list[str | None]:
    told = []
    for speed in speeds:
        kernel.run(kernel.now + 10 * MS)
        store["Vehicle.Speed"].publish(speed)
        told += values_told(session)
    return told


def test_subscribe_and_unsubscribe(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    number = ask(session, action="subscribe", path="Vehicle.Speed")["subscriptionId"]
    assert run_speed(kernel, store, session, [1.0, 2.0]) == ["1.0", "2.0"]
    assert ask(session, action="unsubscribe", subscriptionId=number)["subscriptionId"] == number
    assert run_speed(kernel, store, session, [3.0]) == []


def test_range(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    bounds = [{"logic-op": "gt", "boundary": "10"}, {"logic-op": "lte", "boundary": "30"}]
    ask(session, action="subscribe", path="Vehicle.Speed", filter={"type": "range", "parameter": bounds})
    assert run_speed(kernel, store, session, [5.0, 10.0, 20.0, 30.0, 31.0]) == ["20.0", "30.0"]


def test_a_range_as_the_specification_writes_it(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    bounds = [{"boundary-op": "lt", "boundary": "5", "combination-op": "OR"}, {"boundary-op": "gt", "boundary": "10"}]
    ask(session, action="subscribe", path="Vehicle.Speed", filter={"type": "range", "parameter": bounds})
    assert run_speed(kernel, store, session, [4.0, 5.0, 10.0, 11.0]) == ["4.0", "11.0"]


def test_the_first_of_several_signals_triggers(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    filters: list[Any] = [{"type": "paths", "parameter": ["Speed", "Cabin.Fan"]}]
    filters.append({"type": "range", "parameter": {"boundary-op": "gt", "boundary": "10"}})
    ask(session, action="subscribe", path="Vehicle", filter=filters)
    store["Vehicle.Cabin.Fan"].publish(40)
    assert said(session) == []
    kernel.run(MS)
    store["Vehicle.Speed"].publish(12.0)
    (event,) = said(session)
    assert [(one["path"], one["dp"]["value"]) for one in event["data"]] == [
        ("Vehicle.Speed", "12.0"),
        ("Vehicle.Cabin.Fan", "40"),
    ]


def test_change(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    parameter = {"logic-op": "gte", "diff": "5"}
    ask(session, action="subscribe", path="Vehicle.Speed", filter={"variant": "change", "parameter": parameter})
    assert run_speed(kernel, store, session, [0.0, 3.0, 5.0, 9.0, 11.0]) == ["0.0", "5.0", "11.0"]


def test_timebased(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    parameter = {"period": "100"}
    ask(session, action="subscribe", path="Vehicle.Speed", filter={"type": "timebased", "parameter": parameter})
    store["Vehicle.Speed"].publish(7.0)
    told = []
    for step in range(1, 11):
        kernel.run(step * 50 * MS)
        told += values_told(session)
    assert told == ["7.0"] * 5


def test_curvelog(kernel: Kernel, store: SignalStore, session: VissSession) -> None:
    parameter = {"maxerr": "0.5", "bufsize": "6"}
    ask(session, action="subscribe", path="Vehicle.Speed", filter={"type": "curvelog", "parameter": parameter})
    told = []
    for step, value in enumerate([0.0, 1.0, 2.2, 3.0, 3.0, 3.1, 50.0]):
        kernel.run((step + 1) * MS)
        store["Vehicle.Speed"].publish(value)
        told += [json.loads(text) for text in session.outgoing()]
    (event,) = told
    assert [point["value"] for point in event["data"]["dp"]] == ["0.0", "3.0", "3.1"]


def test_who_does_not_read_is_let_go(session: VissSession) -> None:
    for _ in range(1001):
        session.receive('{"action": "get", "path": "Vehicle.Make"}')
    assert session.over


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(json.dumps),
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(["get", "set", "subscribe", "unsubscribe"]),
                "path": st.one_of(
                    st.sampled_from(["Vehicle", "Vehicle.Speed", "Vehicle.**"]), st.text(), st.integers()
                ),
                "value": st.one_of(st.text(), st.integers(), st.lists(st.integers())),
                "filter": st.one_of(
                    st.none(),
                    st.fixed_dictionaries(
                        {
                            "type": st.sampled_from(["paths", "range", "change", "timebased", "static-metadata"]),
                            "parameter": st.one_of(
                                st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.none()
                            ),
                        }
                    ),
                    st.text(),
                ),
            }
        ).map(json.dumps),
    )
)
def test_whatever_comes_is_answered(session: VissSession, text: str | bytes) -> None:
    session.receive(text)
    answers = [one for one in said(session) if one["action"] != "subscription"]
    assert len(answers) == 1
    session.close()
