"""The verbs of `gateway units`."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import typer

from gateway.cli.bus_client import table
from gateway.cli.unit_watching import metrics, monitor, status
from gateway.cli.unit_words import JOBS, VERBS, Options, say
from gateway.errors import nearest
from gateway.orchestrator.dbus import Client
from gateway.orchestrator.units.values import signal_number

_COLUMNS: Final = ("NODE", "ID", "ACTIVE", "SUB")


Verb = Callable[[Client, list[str], Options], Awaitable[int]]


def action_of(verb: str, words: list[str], options: Options) -> Callable[[Client], Coroutine[Any, Any, int]]:
    """What a verb does. `typer.BadParameter` for a verb that is none, and for too few words."""
    if verb not in _VERBS:
        raise typer.BadParameter(f"there is no verb {verb!r}{nearest(verb, list(VERBS))}")
    run, least = _VERBS[verb]
    if len(words) < least:
        raise typer.BadParameter(f"{verb} needs {'a node' if least == 1 else 'a node and a unit'}")

    async def action(client: Client) -> int:
        return await run(client, words if verb not in JOBS else [verb, *words], options)

    return action


async def _list(client: Client, words: list[str], options: Options) -> int:
    if words:
        found = {words[0]: (await client.node(words[0], "ListUnits"))[0]}
    else:
        found = (await client.controller("ListUnits"))[0]
    units = [
        (node, *unit)
        for node in sorted(found)
        for unit in found[node]
        if options.pattern is None or fnmatch.fnmatchcase(unit[0], options.pattern)
    ]
    if options.as_json:
        names = (
            "node",
            "id",
            "description",
            "load",
            "active",
            "sub",
            "following",
            "path",
            "job",
            "job_type",
            "job_path",
        )
        sys.stdout.write(json.dumps([dict(zip(names, unit, strict=True)) for unit in units], indent=2) + "\n")
    else:
        sys.stdout.write(table(_COLUMNS, [(unit[0], unit[1], unit[4], unit[5]) for unit in units]))
    return 0


async def _list_files(client: Client, words: list[str], options: Options) -> int:
    if words:
        found = {words[0]: (await client.node(words[0], "ListUnitFiles"))[0]}
    else:
        found = (await client.controller("ListUnitFiles"))[0]
    rows = [
        (node, path, state)
        for node in sorted(found)
        for path, state in found[node]
        if options.pattern is None or fnmatch.fnmatchcase(path.rpartition("/")[2], options.pattern)
    ]
    if options.as_json:
        sys.stdout.write(json.dumps([dict(zip(("node", "path", "state"), row, strict=True)) for row in rows]) + "\n")
    else:
        sys.stdout.write(table(("NODE", "PATH", "IS-ENABLED"), rows))
    return 0


async def _job(client: Client, words: list[str], options: Options) -> int:
    verb, node, *units = words
    worst = 0
    for unit in units:
        result = await client.do(node, JOBS[verb], unit, "replace")
        if options.as_json:
            say(json.dumps({"node": node, "unit": unit, "verb": verb, "result": result}))
        else:
            say(f"Unit {unit} {verb} operation result: {result}")
        worst = max(worst, result != "done")
    return worst


def _plain(method: str) -> Verb:
    async def run(client: Client, words: list[str], options: Options) -> int:
        del options
        for unit in words[1:]:
            await client.node(words[0], method, unit)
        return 0

    return run


async def _kill(client: Client, words: list[str], options: Options) -> int:
    try:
        number = signal_number(options.signal)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for unit in words[1:]:
        await client.node(words[0], "KillUnit", unit, options.whom, number)
    return 0


async def _enable(client: Client, words: list[str], options: Options) -> int:
    node, *files = words
    carries, changes = await client.node(node, "EnableUnitFiles", files, options.runtime, options.force)
    if not carries:
        say("The unit files have no installation config (WantedBy=, RequiredBy=, Also=, Alias= settings in [Install]).")
    _tell_changes(changes)
    return await _maybe_reload(client, node, options)


async def _disable(client: Client, words: list[str], options: Options) -> int:
    node, *files = words
    _tell_changes((await client.node(node, "DisableUnitFiles", files, options.runtime))[0])
    return await _maybe_reload(client, node, options)


async def _maybe_reload(client: Client, node: str, options: Options) -> int:
    if not options.no_reload:
        await client.node(node, "Reload")
    return 0


def _tell_changes(changes: list[list[str]]) -> None:
    for kind, link, target in changes:
        say(f"Created symlink {link} -> {target}" if kind == "symlink" else f"Removed {link}.")


async def _is_enabled(client: Client, words: list[str], options: Options) -> int:
    del options
    state = (await client.node(words[0], "GetUnitFileState", words[1]))[0]
    say(state)
    return 0 if state in {"enabled", "static", "indirect"} else 1


async def _reset_failed(client: Client, words: list[str], options: Options) -> int:
    del options
    if len(words) > 1:
        for unit in words[1:]:
            await client.node(words[0], "ResetFailedUnit", unit)
        return 0
    nodes = words or [name for name, _, status, _ in (await client.controller("ListNodes"))[0] if status == "online"]
    for node in nodes:
        await client.node(node, "ResetFailed")
    return 0


async def _reload(client: Client, words: list[str], options: Options) -> int:
    del options
    await client.node(words[0], "Reload")
    return 0


async def _get_default(client: Client, words: list[str], options: Options) -> int:
    del options
    say((await client.node(words[0], "GetDefaultTarget"))[0])
    return 0


async def _set_default(client: Client, words: list[str], options: Options) -> int:
    _tell_changes((await client.node(words[0], "SetDefaultTarget", words[1], options.force))[0])
    return 0


async def _set_log_level(client: Client, words: list[str], options: Options) -> int:
    del options
    if len(words) > 1:
        await client.node(words[0], "SetLogLevel", words[1])
    else:
        await client.controller("SetLogLevel", words[0])
    return 0


_VERBS: Final[dict[str, tuple[Verb, int]]] = {
    "list": (_list, 0),
    "list-files": (_list_files, 0),
    **dict.fromkeys(JOBS, (_job, 2)),
    "freeze": (_plain("FreezeUnit"), 2),
    "thaw": (_plain("ThawUnit"), 2),
    "kill": (_kill, 2),
    "enable": (_enable, 2),
    "disable": (_disable, 2),
    "is-enabled": (_is_enabled, 2),
    "status": (status, 0),
    "monitor": (monitor, 0),
    "metrics": (metrics, 1),
    "reset-failed": (_reset_failed, 0),
    "daemon-reload": (_reload, 1),
    "get-default": (_get_default, 1),
    "set-default": (_set_default, 2),
    "set-loglevel": (_set_log_level, 1),
}
