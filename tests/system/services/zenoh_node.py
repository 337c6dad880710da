"""A gateway on Zenoh, or a router, as a process of its own: `python zenoh_node.py FILE BUS` or `... router ENDPOINT`.

It writes what happens as lines of JSON, and does what lines of its standard input say: `drive SPEED`, `set PATH VALUE`.
It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bus_bench import Car, in_wall_time

from gateway.routing import SignalError
from gateway.vehicle.served.service_bus import serve_zenoh_bus, zenoh_options


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def gateway(car: Car, bus: str) -> None:
    store = car.vehicle.gateway.store
    for signal in list(store):
        signal.listen(lambda one: say(path=one.path, value=one.datapoint.value, quality=one.datapoint.quality.value))
    options = zenoh_options(car.file, bus)
    async with serve_zenoh_bus(car.vehicle, options, lambda line: say(told=line)):
        lamps = asyncio.create_task(show_lamps(car))
        reader = await lines()
        while line := (await reader.readline()).decode():
            word, *rest = line.split()
            if word == "drive":
                car.drives(float(rest[0]))
                continue
            try:
                store[rest[0]].actuate(json.loads(rest[1]))
                say(asked=rest[0])
            except SignalError as error:
                say(refused=error.sentence)
        lamps.cancel()


async def show_lamps(car: Car) -> None:
    while True:
        say(lamp=await car.lamps.get())


def router(endpoint: str) -> None:
    import zenoh

    config = zenoh.Config()
    config.insert_json5("mode", '"router"')
    config.insert_json5("listen/endpoints", json.dumps([endpoint]))
    config.insert_json5("scouting/multicast/enabled", "false")
    with zenoh.open(config):
        say(told="router")
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "router":
        router(sys.argv[2])
    else:
        in_wall_time(Path(sys.argv[1]), lambda car: gateway(car, sys.argv[2]))
