"""The SDV domain: from a CAN frame on the virtual bus to a kuksa-client in another process, to fifty of them, and back.

The server is a process of its own (`sdv_server`); this one notes when a value came, or when it asked.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure
from benchmarks.sdv_server import CYCLE_MS, PROBES, SIGNALS, notes_in, put, server, until
from gateway.errors import GatewayError

ACTUATIONS = 400
SUBSCRIBERS = 50


def measure() -> list[Figure]:
    """All figures of the domain's server."""
    return [*measure_latency(), *measure_fanout(), *measure_actuation()]


def measure_latency() -> list[Figure]:
    """A thousand updates a second of one signal to one kuksa-client."""
    from kuksa_client.grpc import VSSClient

    came: dict[int, int] = {}
    with server("probe") as (port, folder), VSSClient("127.0.0.1", port) as client:
        updates = client.subscribe_current_values(["Vehicle.Count"])
        next(updates)
        put(folder / "go", "")
        for update in updates:
            now = time.monotonic_ns()
            point = update["Vehicle.Count"]
            if point is not None and point.value is not None:
                came[point.value] = now
                if point.value >= PROBES:
                    break
        times = notes_in(folder).times
    latencies = sorted((now - times[count]) / 1e6 for count, now in came.items())
    against = f"{len(came)} of {PROBES} updates at 1,000/s came one by one, the others in a newer one"
    return [
        Figure("domains.frame_to_kuksa_p50", _quantile(latencies, 0.5), "ms", against),
        Figure("domains.frame_to_kuksa_p99", _quantile(latencies, 0.99), "ms", against),
    ]


def measure_fanout() -> list[Figure]:
    """Fifty subscribers of a hundred signals each."""
    values = 0

    async def main(port: int, folder: Path) -> float:
        nonlocal values
        import grpc.aio
        from kuksa.val.v2 import val_pb2, val_pb2_grpc

        paths = [f"Vehicle.Signal{number}" for number in range(SIGNALS)]
        ready = 0

        async def follow(stub: Any) -> None:
            nonlocal values, ready
            async for response in stub.Subscribe(val_pb2.SubscribeRequest(signal_paths=paths, buffer_size=100)):
                if ready < SUBSCRIBERS:
                    ready += 1
                values += len(response.entries)

        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = val_pb2_grpc.VALStub(channel)
            tasks = [asyncio.create_task(follow(stub)) for _ in range(SUBSCRIBERS)]
            await until(lambda: ready == SUBSCRIBERS)
            values = 0
            began = time.monotonic()
            put(folder / "go", "")
            await until((folder / "notes").exists)
            taken = time.monotonic() - began
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return taken

    with server("fanout") as (_, folder):
        put(folder / "go", "")
        alone = notes_in(folder)
    with server("fanout") as (port, folder):
        taken = asyncio.run(main(port, folder))
        noted = notes_in(folder)
    offered = SUBSCRIBERS * SIGNALS * 1000 / CYCLE_MS
    return [
        Figure("domains.fanout", values / taken, "values/s", f"{offered:.0f}/s offered to {SUBSCRIBERS} subscribers"),
        Figure(
            "domains.fanout_bus_late",
            _quantile(noted.late_ms, 0.99),
            "ms",
            f"p99 of the bus's events; without subscribers {_quantile(alone.late_ms, 0.99):.2f} ms",
        ),
        Figure(
            "domains.fanout_bus_wait",
            noted.turns_ms[-1],
            "ms",
            f"the longest that the loop was busy (processor time) between two looks at the bus; p99 "
            f"{_quantile(noted.turns_ms, 0.99):.2f} ms; the longest without subscribers {alone.turns_ms[-1]:.2f} ms",
        ),
    ]


def measure_actuation() -> list[Figure]:
    """Actuate of kuksa.val.v2, from the call to the end of its frame on the bus."""
    import grpc
    from kuksa.val.v2 import types_pb2, val_pb2, val_pb2_grpc

    asked: dict[int, int] = {}
    with server("actuate") as (port, folder), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = val_pb2_grpc.VALStub(channel)
        stub.GetServerInfo(val_pb2.GetServerInfoRequest())
        put(folder / "go", "")
        signal = types_pb2.SignalID(path="Vehicle.Wish")
        for wish in range(1, ACTUATIONS + 1):
            time.sleep(0.005)
            asked[wish] = time.monotonic_ns()
            stub.Actuate(val_pb2.ActuateRequest(signal_id=signal, value=types_pb2.Value(uint32=wish)))
        time.sleep(0.1)
        put(folder / "stop", "")
        times = notes_in(folder).times
    latencies = sorted((times[wish] - begun) / 1e6 for wish, begun in asked.items())
    against = f"{len(latencies)} calls, one at a time; p99 {_quantile(latencies, 0.99):.2f} ms"
    return [Figure("domains.actuate_p50", _quantile(latencies, 0.5), "ms", against)]


def _quantile(values: list[float], part: float) -> float:
    if not values:
        raise GatewayError("no measurement came: is the machine overloaded?")
    return statistics.median(values) if part == 0.5 else values[min(len(values) - 1, int(len(values) * part))]
