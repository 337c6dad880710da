"""The verbs of `gateway units` that go on: status, monitor, metrics."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import typer

from gateway.cli.bus_client import table
from gateway.cli.unit_words import Options, say
from gateway.orchestrator.control import Signal
from gateway.orchestrator.control.interfaces import NODE
from gateway.orchestrator.control.public import node_path
from gateway.orchestrator.dbus import Client


async def status(client: Client, words: list[str], options: Options) -> int:
    await _show_status(client, words)
    if not options.watch:
        return 0
    changed = asyncio.Event()
    await client.listen(lambda _signal: changed.set())
    monitor = (await client.controller("CreateMonitor"))[0]
    await client.monitor(monitor, "Subscribe", words[0] if words else "*", words[1] if len(words) > 1 else "*")
    while True:
        await changed.wait()
        changed.clear()
        await _show_status(client, words)


async def _show_status(client: Client, words: list[str]) -> None:
    if len(words) < 2:
        names = words or [name for name, *_ in (await client.controller("ListNodes"))[0]]
        rows = []
        for name in names:
            values = await client.properties(node_path(name), NODE.name)
            rows.append((name, values["Status"], values["PeerIp"] or "-"))
        sys.stdout.write(table(("NODE", "STATE", "IP"), rows))
    else:
        columns = ("LoadState", "ActiveState", "SubState", "FreezerState", "UnitFileState")
        found_rows: list[tuple[str, ...]] = []
        for unit in words[1:]:
            found = (await client.node(words[0], "GetUnitProperties", unit, "org.freedesktop.systemd1.Unit"))[0]
            found_rows.append((unit, *(str(found[name].value) for name in columns)))
        sys.stdout.write(table(("UNIT", "LOADED", "ACTIVE", "SUBSTATE", "FREEZERSTATE", "ENABLED"), found_rows))
    sys.stdout.flush()


async def monitor(client: Client, words: list[str], options: Options) -> int:
    """Each event on a line, until Ctrl-C."""

    def heard(signal: Signal) -> None:
        if signal.path != path:
            return
        if options.as_json:
            say(json.dumps([signal.member, *(_jsonable(item) for item in signal.body)]))
        elif signal.member != "UnitPropertiesChanged":
            node, unit, *rest = signal.body
            say(f"[{node}] {unit}\n\t{signal.member}: {', '.join(rest)}")

    path = (await client.controller("CreateMonitor"))[0]
    await client.listen(heard)
    node = words[0] if words else "*"
    units = words[1:] or ["*"]
    await client.monitor(path, "SubscribeList", node, units)
    await asyncio.get_running_loop().create_future()
    return 0


def _jsonable(value: Any) -> Any:
    return {name: variant.value for name, variant in value.items()} if isinstance(value, dict) else value


async def metrics(client: Client, words: list[str], options: Options) -> int:
    if words[0] in {"enable", "disable"}:
        await client.controller("EnableMetrics" if words[0] == "enable" else "DisableMetrics")
        say("Done")
        return 0
    if words[0] != "listen":
        raise typer.BadParameter(f"metrics {words[0]!r}: there are enable, disable and listen")

    def heard(signal: Signal) -> None:
        if signal.member == "StartUnitJobMetrics":
            node, job, unit, whole, start = signal.body
            line = f"[{node}] Job {job} to start unit {unit}:\n\tBlueChi job gross measured time: {whole / 1000} ms"
            say(
                json.dumps([signal.member, *signal.body])
                if options.as_json
                else f"{line}\n\tUnit start: {start / 1000} ms"
            )
        elif signal.member == "AgentJobMetrics":
            node, unit, method, micros = signal.body
            line = f"[{node}] Agent systemd {method} job on {unit} net measured time: {micros / 1000} ms"
            say(json.dumps([signal.member, *signal.body]) if options.as_json else line)

    await client.listen(heard)
    await asyncio.get_running_loop().create_future()
    return 0
