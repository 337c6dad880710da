"""What a controller asks an agent besides jobs: each method with what it takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.orchestrator.control.config import log_level
from gateway.orchestrator.control.messages import Variant
from gateway.orchestrator.control.properties import listed, one_property, properties, set_properties
from gateway.orchestrator.errors import WrongArgumentError
from gateway.orchestrator.units import UnitChange

if TYPE_CHECKING:
    from gateway.orchestrator.control.agent import Agent

Body = tuple[Any, ...]


class Query(NamedTuple):
    """A method: the signatures of its arguments and of its answer, and who answers."""

    takes: str
    gives: str
    answer: Callable[..., Body]


def _list_units(agent: Agent) -> Body:
    return ([listed(unit) for unit in agent.engine.loaded()],)


def _list_unit_files(agent: Agent) -> Body:
    files = agent.engine.files
    return ([(files.path(name), str(files.state(name))) for name in files.all_names()],)


def _properties(agent: Agent, unit: str, interface: str) -> Body:
    return (properties(agent.engine.known(unit), interface),)


def _property(agent: Agent, unit: str, interface: str, name: str) -> Body:
    return (one_property(agent.engine.known(unit), interface, name),)


def _set_properties(agent: Agent, unit: str, runtime: bool, wished: list[tuple[str, Variant]]) -> Body:
    del runtime
    set_properties(agent.engine.known(unit), wished)
    return ()


def _changes(changes: list[UnitChange]) -> list[tuple[str, str, str]]:
    return [(change.kind, change.link, change.target) for change in changes]


def _enable(agent: Agent, names: list[str], runtime: bool, force: bool) -> Body:
    del runtime, force
    carries, changes = agent.engine.files.enable(names)
    return (carries, _changes(changes))


def _disable(agent: Agent, names: list[str], runtime: bool) -> Body:
    del runtime
    return (_changes(agent.engine.files.disable(names)),)


def _set_default(agent: Agent, name: str, force: bool) -> Body:
    del force
    return (_changes(agent.engine.files.set_default(name)),)


def _reset_failed(agent: Agent) -> Body:
    for unit in agent.engine.loaded():
        unit.reset_failed()
    return ()


def _set_log_level(agent: Agent, level: str) -> Body:
    agent.log_level = checked_level(level)
    return ()


def checked_level(level: str) -> str:
    """WrongArgumentError for a log level that is none."""
    try:
        return log_level(level)
    except ValueError as error:
        raise WrongArgumentError(str(error)) from None


def _nothing(action: Callable[..., object]) -> Callable[..., Body]:
    def answer(agent: Agent, *body: Any) -> Body:
        action(agent, *body)
        return ()

    return answer


def _metrics(enabled: bool) -> Callable[..., Body]:
    def answer(agent: Agent) -> Body:
        agent.metrics = enabled
        return ()

    return answer


QUERIES: Final[dict[str, Query]] = {
    "ListUnits": Query("", "a(ssssssouso)", _list_units),
    "ListUnitFiles": Query("", "a(ss)", _list_unit_files),
    "GetUnitProperties": Query("ss", "a{sv}", _properties),
    "GetUnitProperty": Query("sss", "v", _property),
    "SetUnitProperties": Query("sba(sv)", "", _set_properties),
    "EnableUnitFiles": Query("asbb", "ba(sss)", _enable),
    "DisableUnitFiles": Query("asb", "a(sss)", _disable),
    "GetUnitFileState": Query("s", "s", lambda agent, name: (str(agent.engine.files.state(name)),)),
    "Reload": Query("", "", _nothing(lambda agent: agent.engine.reload())),
    "SetLogLevel": Query("s", "", _set_log_level),
    "ResetFailed": Query("", "", _reset_failed),
    "ResetFailedUnit": Query("s", "", _nothing(lambda agent, name: agent.engine.known(name).reset_failed())),
    "GetDefaultTarget": Query("", "s", lambda agent: (agent.engine.files.default_target,)),
    "SetDefaultTarget": Query("sb", "a(sss)", _set_default),
    "FreezeUnit": Query("s", "", _nothing(lambda agent, name: agent.engine.known(name).freeze())),
    "ThawUnit": Query("s", "", _nothing(lambda agent, name: agent.engine.known(name).thaw())),
    "KillUnit": Query("ssi", "", _nothing(lambda agent, name, who, sig: agent.engine.known(name).kill(who, sig))),
    "Subscribe": Query("s", "", _nothing(lambda agent, name: agent.subscribe(name))),
    "Unsubscribe": Query("s", "", _nothing(lambda agent, name: agent.subscribed.pop(name, None))),
    "EnableMetrics": Query("", "", _metrics(True)),
    "DisableMetrics": Query("", "", _metrics(False)),
}
