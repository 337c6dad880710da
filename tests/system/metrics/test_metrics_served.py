"""`gateway run --metrics --otlp`, scraped and received by others' libraries."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

ROOT = Path(__file__).parents[3]
LIMIT_S = 60.0


def environment(tmp_path: Path) -> dict[str, str]:
    without = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**without, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path)}


@contextlib.contextmanager
def running(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A vehicle that drives; and what it tells, by its first word."""
    command = [
        sys.executable,
        "-m",
        "gateway",
        "run",
        str(ROOT / "vehicle.yaml"),
        "--clock",
        "wall",
        "--no-serve",
        "--json",
    ]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)
    )
    told = {}
    try:
        assert process.stderr is not None
        for _ in (option for option in options if option.startswith("--")):
            line = process.stderr.readline()
            told[line.split(" ")[0]] = line.strip()
        yield process, told
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_S)


def asked(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type", ""), answer.read()


def test_a_scrape_is_what_prometheus_reads_in_both_of_its_formats(tmp_path: Path) -> None:
    with running(tmp_path, "--metrics", "0") as (process, told):
        port = int(told["metrics"].rpartition(":")[2].removesuffix("/metrics"))

        status, kind, body = asked(port)
        families = {family.name: family for family in prometheus(body.decode())}
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        assert {"gateway_bus_load_ratio", "gateway_route_latency_seconds", "gateway_route_dropped"} <= set(families)

        status, kind, body = asked(port, Accept="application/openmetrics-text; version=1.0.0")
        assert kind.startswith("application/openmetrics-text")
        assert "gateway_bus_frames" in {family.name for family in openmetrics(body.decode())}

        assert asked(port, "/")[0] == 404
        assert asked(port, method="POST")[0] == 405
        assert asked(port, method="HEAD")[2] == b""
        with socket.create_connection(("127.0.0.1", port)) as garbage:
            garbage.sendall(b"\x00" * 100_000)
        with socket.create_connection(("127.0.0.1", port)):  # says nothing
            assert asked(port)[0] == 200
        assert process.poll() is None


def test_an_address_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "run", str(ROOT / "vehicle.yaml"), "--for", "1s", "--metrics", str(port)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment(tmp_path),
            check=False,
        )
    assert done.returncode == 2
    assert f"gateway: metrics cannot be served at 127.0.0.1:{port}: address already in use" in done.stderr


class Collector(http.server.ThreadingHTTPServer):
    """Receives traces as a collector of OpenTelemetry does."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[str, ExportTraceServiceRequest]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        import gzip

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.put((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_journeys_are_traces_that_opentelemetry_reads(collector: Collector, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{collector.server_address[1]}"
    with running(tmp_path, "--otlp", url):
        path, request = collector.received.get(timeout=LIMIT_S)

    assert path == "/v1/traces"
    (resource,) = request.resource_spans
    names = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert names["service.name"] == "demo-ev"
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    roots = {span.span_id: span for span in spans if not span.parent_span_id}
    parts = [span for span in spans if span.parent_span_id]
    assert len(roots) == 50
    assert parts
    for part in parts:
        root = roots[part.parent_span_id]
        assert part.trace_id == root.trace_id
        assert (
            root.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano <= root.end_time_unix_nano
        )
    assert any(span.name == "r1 powertrain.MotorStatus -> chassis" for span in parts)
    assert all(root.start_time_unix_nano > 1_500_000_000 * 10**9 for root in roots.values())


def test_a_collector_that_is_not_there_costs_nothing_but_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gateway",
            "run",
            str(ROOT / "vehicle.yaml"),
            "--for",
            "3s",
            "--no-serve",
            "--otlp",
            f"http://127.0.0.1:{port}",
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "were lost: http://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
